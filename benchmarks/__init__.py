"""What cdk-mailroom costs, beside its alternatives: ``make bench``."""
