"""The accounts and regions of an app, and what is served in each."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom_local import LocalAws
from mailroom_local.control.environments import Environment, of_arn, of_assembly

HOME = Environment(account="000000000000", region="us-east-1")
ONE = Environment(account="111111111111", region="eu-west-1")
TWO = Environment(account="222222222222", region="us-west-2")
MAIL = b"From: jane@customer.example\r\nSubject: Hello\r\n\r\nHi\r\n"


def assembly(folder: Path, **stacks: tuple[str, dict[str, Any]]) -> Path:
    """What `cdk synth` writes, with stacks of these environments and resources."""
    folder.mkdir()
    artifacts = {}
    for name, (environment, resources) in stacks.items():
        (folder / f"{name}.json").write_text(json.dumps({"Resources": resources}))
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": {
                "templateFile": f"{name}.json",
                "assumeRoleArn": "arn:${AWS::Partition}:iam::ACCOUNT:role/"
                "cdk-hnb659fds-deploy-role-ACCOUNT-REGION".replace(
                    "ACCOUNT", environment.split("/")[2]
                ).replace("REGION", environment.split("/")[3]),
                "bootstrapStackVersionSsmParameter": "/cdk-bootstrap/hnb659fds/version",
                "requiresBootstrapStackVersion": 6,
            },
        }
    manifest = {"version": "36.0.0", "artifacts": artifacts}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_the_environments_are_those_of_the_stacks_each_once(tmp_path: Path) -> None:
    inner = assembly(tmp_path / "app", A=(str(TWO), {}), B=(str(ONE), {}), C=(str(TWO), {}))
    outer = tmp_path / "outer"
    outer.mkdir()
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": str(inner)}}
    artifacts = {"Stage": nested, "Tree": {"type": "cdk:tree"}}
    (outer / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    assert of_assembly(outer, default=HOME) == [TWO, ONE]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("aws://unknown-account/unknown-region", HOME),
        ("aws://unknown-account/eu-west-1", Environment(account=HOME.account, region="eu-west-1")),
        ("aws://111111111111/unknown-region", Environment(account=ONE.account, region=HOME.region)),
    ],
)
def test_what_a_stack_leaves_out_is_the_default(
    tmp_path: Path, written: str, meant: Environment
) -> None:
    assert of_assembly(assembly(tmp_path / "app", A=(written, {})), default=HOME) == [meant]


def test_an_app_without_stacks_has_the_default(tmp_path: Path) -> None:
    assert of_assembly(assembly(tmp_path / "app"), default=HOME) == [HOME]


@pytest.mark.parametrize(
    ("arn", "place"),
    [
        ("arn:aws:lambda:eu-west-1:111111111111:function:f", ONE),
        ("arn:aws:s3:::bucket/key", None),
        ("", None),
    ],
)
def test_an_arn_may_name_an_environment(arn: str, place: Environment | None) -> None:
    assert of_arn(arn) == place


def rules(aws: LocalAws, place: Environment, recipient: str) -> None:
    """Activate a rule set in an environment."""
    ses = aws.client("ses", account=place.account, region=place.region)
    ses.create_receipt_rule_set(RuleSetName="rules")
    stop = {"StopAction": {"Scope": "RuleSet"}}
    rule = {"Name": place.region, "Enabled": True, "Recipients": [recipient], "Actions": [stop]}
    ses.create_receipt_rule(RuleSetName="rules", Rule=rule)
    ses.set_active_receipt_rule_set(RuleSetName="rules")


@pytest.fixture
def fresh(aws: LocalAws) -> Iterator[LocalAws]:
    """The local AWS as one that just started, for deployments to other accounts."""
    yield LocalAws.attach(state=aws.state.root)
    # Whoever attaches later finds the first account again.
    aws.state.announce(aws.server)
    (aws.state.root / "environments.json").unlink()


def test_stacks_are_deployed_and_served_in_their_own_accounts_and_regions(
    fresh: LocalAws, tmp_path: Path
) -> None:
    """Several in one app; clients use the first, and an identity is verified in all."""

    def resources(name: str) -> dict[str, Any]:
        queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}
        return {"Queue": queue}

    app = assembly(
        tmp_path / "app",
        One=(str(ONE), resources("one")),
        Two=(str(TWO), resources("two")),
    )
    aws = fresh
    aws.verify_identity("environments.example")
    aws.deploy(app=str(app))
    assert aws.environment == ONE
    other = LocalAws.attach(state=aws.state.root)
    assert (other.environment, other.environments) == (ONE, (ONE, TWO))
    for place, name in ((ONE, "one"), (TWO, "two")):
        where = {"account": place.account, "region": place.region}
        [url] = aws.client("sqs", **where).list_queues()["QueueUrls"]
        assert url.endswith(f"/{place.account}/{name}")
        assert "environments.example" in aws.client("ses", **where).list_identities()["Identities"]
    with pytest.raises(ClientError, match="NonExistentQueue"):
        aws.client("sqs", account=HOME.account).get_queue_url(QueueName="one")

    rules(aws, ONE, "one@environments.example")
    rules(aws, TWO, "two@environments.example")
    both = ["one@environments.example", "two@environments.example"]
    aws.send(MAIL, mail_from="jane@customer.example", rcpt_tos=both)
    received = aws.wait_until(
        lambda: aws.messages(last=2), lambda found: all(m.finished for m in found), seconds=10
    )
    ran = [(message.rcpt_tos, message.rules[0].name) for message in received]
    assert ran == [
        (["one@environments.example"], "eu-west-1"),
        (["two@environments.example"], "us-west-2"),
    ]

    mail = MAIL.replace(b"jane@customer.example", b"me@environments.example")
    aws.submit(mail, mail_from="me@environments.example", rcpt_tos=["jane@customer.example"])
    ses = aws.client("ses", account=TWO.account, region=TWO.region)
    ses.verify_domain_identity(Domain="other.example")
    mail = MAIL.replace(b"jane@customer.example", b"me@other.example")
    aws.submit(mail, mail_from="me@other.example", rcpt_tos=["me@other.example"])
    sent = {
        place: aws.client("ses", account=place.account, region=place.region).get_send_statistics()[
            "SendDataPoints"
        ]
        for place in (ONE, TWO)
    }
    assert all(points for points in sent.values())
