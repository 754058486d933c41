"""Accounts of one local AWS, each empty at first, and the AWS CLI's commands carried out there."""

import functools
import io
import itertools
import json
import shlex
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name

from mailroom_cli.doctor import run
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place
from mailroom_cli.doctor.reading import Reader
from mailroom_local import LocalAws
from mailroom_local.control import clients

REGION = "us-east-1"
_accounts = itertools.count(100_000_000_000)


class Account:
    """An account of a local AWS, and what is found in it."""

    def __init__(self, aws: LocalAws) -> None:
        self.id = str(next(_accounts))
        # One session for all clients: a session takes longer to make than a client.
        session = clients.session(region=REGION, account=self.id)
        self.client: Callable[[str], Any] = functools.cache(
            lambda service: clients.client(session, service, aws.server.endpoint)
        )
        self.verify = functools.partial(aws.verify_identity, account=self.id, region=REGION)
        self.endpoint = aws.server.endpoint

    def place(self, **changes: Any) -> Place:
        """Return the account as a look sees it, with nothing remembered."""
        place = Place(
            subject="",
            reader=Reader(self.client),
            account=self.id,
            region=REGION,
            now=datetime.now(UTC),
            resolver=None,
            endpoint=self.endpoint,
        )
        return replace(place, **changes)

    def look(self, subject: str, **changes: Any) -> list[Finding]:
        """Return what one subject finds."""
        return list(run.found()[subject].look(self.place(subject=subject, **changes)))

    def find(self, subject: str, check: str) -> Finding:
        """Return the only finding of a check."""
        [found] = [one for one in self.look(subject) if one.check == check]
        return found

    def mends(self, subject: str, check: str, mend: Callable[[], object] | None = None) -> Finding:
        """Return the finding, once what it advises has made it go away."""
        finding = self.find(subject, check)
        assert finding.remedy, "a finding says what to do"
        if mend is None:
            self.run(finding.command)
        else:
            mend()
        assert [one for one in self.look(subject) if one == finding] == []
        return finding

    def run(self, command: str) -> None:
        """Carry out a command of the AWS CLI."""
        service, operation, arguments = parsed(command, self.client)
        assert f"AWS_ACCESS_KEY_ID={self.id} " in command
        getattr(self.client(service), operation)(**arguments)

    def rule_set(self, *rules: dict[str, Any], name: str = "set", active: bool = True) -> None:
        """Make a rule set with rules, in this order."""
        ses = self.client("ses")
        ses.create_receipt_rule_set(RuleSetName=name)
        for rule in reversed(rules):
            ses.create_receipt_rule(RuleSetName=name, Rule={"Enabled": True, **rule})
        if active:
            ses.set_active_receipt_rule_set(RuleSetName=name)

    def bucket(self) -> str:
        """Make a bucket that SES may write to."""
        name = f"mail-{self.id}"
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        policy = allowing("s3:PutObject", f"arn:aws:s3:::{name}/*", self.id)
        s3.put_bucket_policy(Bucket=name, Policy=policy)
        return name

    def function(self, **options: Any) -> str:
        """Make a function that SES may invoke; return its ARN."""
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "def handler(event, context): pass")
        functions = self.client("lambda")
        arn: str = functions.create_function(
            FunctionName="Support",
            Runtime="python3.13",
            Role=f"arn:aws:iam::{self.id}:role/none",
            Handler="app.handler",
            Code={"ZipFile": code.getvalue()},
            **options,
        )["FunctionArn"]
        functions.add_permission(
            FunctionName="Support",
            StatementId="Ses",
            Action="lambda:InvokeFunction",
            Principal="ses.amazonaws.com",
            SourceAccount=self.id,
        )
        return arn

    def topic(self, name: str = "events", *, subscribed: bool = True) -> str:
        """Make a topic, by default with a queue that is subscribed to it; return its ARN."""
        arn: str = self.client("sns").create_topic(Name=name)["TopicArn"]
        if subscribed:
            sqs = self.client("sqs")
            sqs.create_queue(QueueName=f"{name}-queue")
            queue = f"arn:aws:sqs:{REGION}:{self.id}:{name}-queue"
            self.client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue)
        return arn

    def publishing(self, **destination: Any) -> None:
        """Make the configuration set ``out`` with one event destination."""
        sesv2 = self.client("sesv2")
        sesv2.create_configuration_set(ConfigurationSetName="out")
        types = ["BOUNCE", "COMPLAINT"]
        sesv2.create_configuration_set_event_destination(
            ConfigurationSetName="out",
            EventDestinationName="first",
            EventDestination={"Enabled": True, "MatchingEventTypes": types, **destination},
        )


def allowing(action: str, resource: str, account: str) -> str:
    """Return the policy of a resource that lets SES use it for an account."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Action": action,
        "Resource": resource,
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def parsed(command: str, client: Callable[[str], Any]) -> tuple[str, str, dict[str, Any]]:
    """Return what a command of the AWS CLI calls; its options must be those of the operation."""
    words = shlex.split(command)
    _, service, operation, *rest = words[words.index("aws") :]
    service = {"s3api": "s3"}.get(service, service)
    operation = operation.replace("-", "_")
    model = client(service).meta.service_model
    name = client(service).meta.method_to_api_mapping[operation]
    shape = model.operation_model(name).input_shape
    # The CLI's own name, as --endpoint-url begins like that of the API.
    given_as = {"notification-endpoint": "endpoint"}
    members = {xform_name(member, "-"): member for member in shape.members}
    given: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--"):
            name = word.removeprefix("--")
            option = given.setdefault(given_as.get(name, name), [])
        else:
            option.append(word)
    for everywhere in ("region", "endpoint-url", "profile"):
        given.pop(everywhere, None)
    arguments = {
        members[option]: _value(shape.members[members[option]], values)
        for option, values in given.items()
    }
    missing = set(shape.required_members) - set(arguments)
    assert missing == set(), f"{command} lacks {missing}"
    return service, operation, arguments


def _value(shape: Any, values: list[str]) -> Any:
    if shape.type_name == "list":
        return values
    if shape.type_name == "boolean":
        assert values == []
        return True
    [value] = values
    if shape.type_name == "structure":
        return json.loads(value)
    return int(value) if shape.type_name in ("integer", "long") else value


@pytest.fixture
def account(local_aws: LocalAws) -> Account:
    """An empty account of the local AWS."""
    return Account(local_aws)
