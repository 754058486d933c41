"""Checks of deployed WorkMail email flow rules."""

from mailroom_cli.workmail.findings import Finding, Rule, find_rules
from mailroom_cli.workmail.verify import verify

__all__ = ["Finding", "Rule", "find_rules", "verify"]
