"""Snippets of the docs, run unchanged against a local AWS.

They send by SMTP; the app of the docs is deployed.

A snippet runs alone in a new process, where the names ``configuration_set``, ``host``, ``port``,
``user`` and ``password`` mean what they say, Django's settings have the same,
``MAILROOM_CONFIGURATION_SET`` is set, and the local certificate is trusted. It may send from any
address of example.com.
"""

import json
import os
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

from assemblies import run_app
from mailroom.sending import smtp_password
from mailroom_local import LocalAws
from snippets import named

_SET = "outbound"
_RUN = """
import json, os, runpy
names = json.loads(os.environ["SNIPPET_NAMES"])
runpy.run_path("snippet.py", init_globals=names, run_name="__main__")
"""
_DJANGO = """
import json, os
_names = json.loads(os.environ["SNIPPET_NAMES"])
EMAIL_HOST, EMAIL_PORT = _names["host"], _names["port"]
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _names["user"], _names["password"]
EMAIL_USE_TLS = True
"""


@pytest.fixture(scope="module")
def aws(letters: Any) -> LocalAws:
    """A local AWS with an identity and a configuration set."""
    running: LocalAws = letters.aws
    running.verify_identity("example.com")
    running.client("sesv2").create_configuration_set(ConfigurationSetName=_SET)
    running.client("sesv2").create_configuration_set_event_destination(
        ConfigurationSetName=_SET,
        EventDestinationName="bus",
        EventDestination={
            "Enabled": True,
            "MatchingEventTypes": ["SEND"],
            "EventBridgeDestination": {
                "EventBusArn": "arn:aws:events:us-east-1:000000000000:event-bus/default"
            },
        },
    )
    return running


@pytest.fixture(scope="module")
def environment(aws: LocalAws) -> dict[str, str]:
    iam = aws.client("iam")
    iam.create_user(UserName="smtp")
    key = iam.create_access_key(UserName="smtp")["AccessKey"]
    # No AWS credentials: an SMTP client has only its user and password.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    names = {
        "configuration_set": _SET,
        "host": "127.0.0.1",
        "port": aws.submission_port,
        "user": key["AccessKeyId"],
        "password": smtp_password(key["SecretAccessKey"], aws.server.region),
    }
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "settings",
        "MAILROOM_CONFIGURATION_SET": _SET,
        "SNIPPET_NAMES": json.dumps(names),
        "SSL_CERT_FILE": str(aws.state.temporary / "smtp.pem"),
    }


@pytest.mark.parametrize("name", ["smtplib", "django"])
def test_a_snippet_sends_mail_that_has_events(
    aws: LocalAws, environment: dict[str, str], name: str, tmp_path: Path
) -> None:
    """It exits with 0; configuration set and at least one tag are in SES's Send event."""
    before = len(aws.sent())
    for file, code in (("snippet.py", named(name).code), ("settings.py", _DJANGO)):
        (tmp_path / file).write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _RUN],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sent = aws.sent()[before:]
    assert sent
    for each in sent:
        assert message_from_bytes(each["Raw"])["X-SES-MESSAGE-TAGS"] is None
        tags = event_of(aws, each["MessageId"])["mail"]["tags"]
        assert tags["ses:configuration-set"] == [_SET]
        assert [tag for tag in tags if not tag.startswith("ses:")]


def event_of(aws: LocalAws, message_id: str) -> dict[str, Any]:
    def read() -> list[dict[str, Any]]:
        return [found for found in aws.events() if found["mail"]["messageId"] == message_id]

    return aws.wait_until(read, bool, seconds=10)[0]


_APP = """
import aws_cdk as cdk
from aws_cdk import aws_ses as ses
from cdk_mailroom import ActiveRuleSet, InboundMail
"""


def test_two_environments_share_the_rule_set_of_their_account(
    elsewhere: LocalAws, tmp_path: Path
) -> None:
    """One may be deleted, and the other still receives."""
    app = tmp_path / "app.py"
    app.write_text(_APP + named("environments").code)
    aws = elsewhere
    aws.deploy(app=str(run_app(app, tmp_path / "assembly")), region="us-west-2")
    ses, cloudformation = aws.client("ses"), aws.client("cloudformation")

    def recipients() -> list[str]:
        active = ses.describe_active_receipt_rule_set()
        assert active["Metadata"]["Name"] == "mail"
        return [address for rule in active["Rules"] for address in rule["Recipients"]]

    prod = ["support@example.com", "sales@example.com"]
    dev = ["support@dev.example.com", "sales@dev.example.com"]
    found = recipients()
    assert [address for address in found if address in prod] == prod
    assert [address for address in found if address in dev] == dev
    cloudformation.delete_stack(StackName="HelpDeskDev")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="HelpDeskDev", WaiterConfig={"Delay": 1}
    )
    assert recipients() == prod
