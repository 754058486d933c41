"""Custom-resource handlers: what CloudFormation cannot do by itself, done while a stack deploys."""
