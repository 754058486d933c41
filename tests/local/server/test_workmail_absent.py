"""A local AWS whose WorkMail has been deleted."""

import shutil
import subprocess
import sys
from pathlib import Path

import mailroom
import mailroom_local

_RUN = """
import sys
from mailroom_local import LocalAws
with LocalAws(state=sys.argv[1]) as aws:
    assert not hasattr(aws, "mailbox")
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


def test_the_rest_works_without_workmail(tmp_path: Path) -> None:
    """Nothing else imports it, and mail goes in and out."""
    for package in (mailroom, mailroom_local):
        source = Path(package.__file__).parent
        unwanted = shutil.ignore_patterns("*workmail*", "__pycache__")
        shutil.copytree(source, tmp_path / source.name, ignore=unwanted)
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(tmp_path / "state")],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
