"""A mail in and a mail out, for processes with another emulator or fewer modules."""

ROUND_TRIP = """
import sys
from mailroom_local import LocalAws
with LocalAws(state=sys.argv[1]) as aws:
    aws.verify_identity("example.com")
    ses = aws.client("ses")
    ses.create_receipt_rule_set(RuleSetName="rules")
    rule = {"Name": "r", "Enabled": True, "Actions": [{"StopAction": {"Scope": "RuleSet"}}]}
    ses.create_receipt_rule(RuleSetName="rules", Rule=rule)
    ses.set_active_receipt_rule_set(RuleSetName="rules")
    mail = b"From: a@example.com\\r\\nSubject: x\\r\\n\\r\\nHi"
    sent = aws.send(mail, mail_from="a@example.net", rcpt_tos=["b@example.com"])
    assert aws.wait(sent.message_id).finished
    aws.submit(mail, mail_from="a@example.com", rcpt_tos=["b@example.net"])
    assert len(aws.sent()) == 1
"""
"""Source code; its argument is the state directory."""
