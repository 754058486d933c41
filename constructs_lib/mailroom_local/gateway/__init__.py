"""Receives mail as SES Mail Manager does: policies and rules, SMTP, and what actions do."""
