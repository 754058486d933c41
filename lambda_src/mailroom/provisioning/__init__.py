"""Custom resources: what CloudFormation cannot do by itself, done while a stack deploys."""
