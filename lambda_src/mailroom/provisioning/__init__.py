"""Custom resources, which do what CloudFormation cannot do itself."""
