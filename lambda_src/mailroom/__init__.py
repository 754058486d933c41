"""The Lambda side of cdk-mailroom: standard library and boto3 only, imported lazily."""

__version__ = "0.1.0"
"""The version of the whole distribution."""
