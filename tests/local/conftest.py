"""One local AWS for the whole folder; each test brings its own rules, buckets and functions."""

import io
import itertools
import json
import sys
import time
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import mailroom
from mailroom.ses import VALIDATION_TEXT
from mailroom_local import LocalAws, MessageRecord
from mailroom_local.control import emulator

_names = itertools.count(1)

STACK_SECONDS = 20.0
SENDER = "sender@sending.example"


class Account:
    """What the tests need of an account, in few words."""

    def __init__(self, aws: LocalAws) -> None:
        self.aws = aws
        self.id = aws.server.account
        self.region = aws.server.region
        self.ses = aws.client("ses")
        self.v2 = aws.client("sesv2")
        self.s3 = aws.client("s3")
        self.sns = aws.client("sns")
        self.sqs = aws.client("sqs")
        self.iam = aws.client("iam")
        self.kms = aws.client("kms")
        self.functions = aws.client("lambda")
        self.cloudformation = aws.client("cloudformation")
        self._rule_sets: list[str] = []

    def name(self, kind: str) -> str:
        return f"{kind}-{next(_names)}"

    def bucket(self, *, policy: bool | dict[str, Any] = True) -> str:
        """A bucket; with ``policy``, one that SES may write to."""
        name = self.name("mail")
        self.s3.create_bucket(Bucket=name)
        if policy:
            document = policy if isinstance(policy, dict) else self.bucket_policy(name)
            self.s3.put_bucket_policy(Bucket=name, Policy=json.dumps(document))
        return name

    def bucket_policy(
        self, bucket: str, *, condition: dict[str, Any] | None = None, effect: str = "Allow"
    ) -> dict[str, Any]:
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": effect,
                    "Principal": {"Service": "ses.amazonaws.com"},
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/*",
                    "Condition": condition or {"StringEquals": {"aws:SourceAccount": self.id}},
                }
            ],
        }

    def function(self, body: str = "return None", *, permission: bool = True) -> str:
        """A function with this body for a handler; with ``permission``, SES may invoke it."""
        name = self.name("function")
        code = f"import json, time\ndef handler(event, context):\n    {body}\n"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as entries:
            entries.writestr("index.py", code)
        arn: str = self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{self.id}:role/any",
            Handler="index.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=40,
        )["FunctionArn"]
        if permission:
            self.permit(name, SourceAccount=self.id)
        return arn

    def handler(self, code: str, *, entry: str = "receiving", **variables: str) -> str:
        """A function of the runtime, whose module ``app`` is this code; SES may invoke it."""
        name = self.name("handler")
        archive = io.BytesIO()
        root = Path(mailroom.__file__).parent
        with zipfile.ZipFile(archive, "w") as entries:
            entries.writestr("app.py", code)
            for path in root.rglob("*.py"):
                entries.write(path, f"mailroom/{path.relative_to(root)}")
        arn: str = self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{self.id}:role/any",
            Handler=f"mailroom.entry.{entry}.handler",
            Code={"ZipFile": archive.getvalue()},
            Timeout=20,
            Environment={"Variables": variables},
        )["FunctionArn"]
        self.permit(name, SourceAccount=self.id)
        return arn

    def permit(self, function: str, **conditions: str) -> None:
        self.functions.add_permission(
            FunctionName=function,
            StatementId=self.name("statement"),
            Action="lambda:InvokeFunction",
            Principal="ses.amazonaws.com",
            **conditions,
        )

    def topic(self) -> tuple[str, str]:
        """A topic and a queue that receives its messages as they are published."""
        topic = self.sns.create_topic(Name=self.name("topic"))["TopicArn"]
        queue = self.sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        self.sns.subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=f"arn:aws:sqs:{self.region}:{self.id}:{queue.rpartition('/')[2]}",
            Attributes={"RawMessageDelivery": "true"},
        )
        return topic, queue

    def received(self, queue: str) -> list[dict[str, Any]]:
        """What was published about received mail; not what greets the topic of a rule."""
        answer = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        found = [json.loads(message["Body"]) for message in answer.get("Messages", [])]
        greeting = "AmazonSnsSubscriptionSucceeded"
        return [each for each in found if each.get("notificationType") != greeting]

    def configuration_set(self, *types: str, **options: Any) -> tuple[str, str]:
        """A set that publishes these types to a topic, and the queue which receives that."""
        name = self.name("set")
        self.v2.create_configuration_set(ConfigurationSetName=name, **options)
        topic, queue = self.topic()
        if types:
            self.destination(name, *types, SnsDestination={"TopicArn": topic})
            assert self.bodies(queue) == [VALIDATION_TEXT]
        return name, queue

    def destination(self, name: str, *types: str, enabled: bool = True, **target: Any) -> str:
        """Give a configuration set an event destination."""
        destination = self.name("destination")
        self.v2.create_configuration_set_event_destination(
            ConfigurationSetName=name,
            EventDestinationName=destination,
            EventDestination={"Enabled": enabled, "MatchingEventTypes": list(types), **target},
        )
        return destination

    def mail(self, to: str | list[str] = "reader@example.net", **fields: Any) -> str:
        """Send a message by API v2, of text by default, and return its id."""
        html = fields.pop("html", None)
        body = {"Html": {"Data": html}} if html else {"Text": {"Data": fields.pop("text", "Hi")}}
        simple = {"Subject": {"Data": "Subject"}, "Body": body}
        answer = self.v2.send_email(
            FromEmailAddress=SENDER,
            Destination={"ToAddresses": [to] if isinstance(to, str) else to},
            Content=fields.pop("content", {"Simple": simple}),
            **fields,
        )
        return str(answer["MessageId"])

    def story(self, message_id: str, *, count: int = 0) -> list[dict[str, Any]]:
        """The events of a message once it is done with, or once there are so many."""
        record = self.aws.wait_until(
            lambda: self.aws.message(message_id, handlers=False),
            lambda found: found.finished and len(found.events) >= count,
            seconds=10,
        )
        return [event.payload for event in record.events]

    def delivered(self, message_id: str) -> EmailMessage:
        """The message as its recipients get it."""
        raw = next(each["Raw"] for each in self.aws.sent() if each["MessageId"] == message_id)
        return message_from_bytes(raw, policy=default)

    def bodies(self, queue: str, *, wait: int = 2) -> list[str]:
        """The messages of a queue, which leave it."""
        answer = self.sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait
        )
        found = answer.get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]

    def rule_set(self) -> str:
        name = self.name("rules")
        self.ses.create_receipt_rule_set(RuleSetName=name)
        self._rule_sets.append(name)
        return name

    def clear(self) -> None:
        """Delete the rule sets that were made, as an account may have 40."""
        self.ses.set_active_receipt_rule_set()
        while self._rule_sets:
            self.ses.delete_receipt_rule_set(RuleSetName=self._rule_sets.pop())

    def rule(self, rule_set: str, *actions: dict[str, Any], **fields: Any) -> str:
        """Add a rule behind those that are there; ``after=None`` puts it in front."""
        rules = self.ses.describe_receipt_rule_set(RuleSetName=rule_set).get("Rules", [])
        after = fields.pop("after", rules[-1]["Name"] if rules else None)
        rule = {"Name": self.name("rule"), "Enabled": True, "Actions": list(actions), **fields}
        placed = {"After": after} if after else {}
        self.ses.create_receipt_rule(RuleSetName=rule_set, Rule=rule, **placed)
        return str(rule["Name"])

    def order(self, rule_set: str) -> list[str]:
        found = self.ses.describe_receipt_rule_set(RuleSetName=rule_set)
        return [rule["Name"] for rule in found.get("Rules", [])]

    def send(
        self,
        *,
        to: str | list[str] = "support@example.com",
        body: bytes = b"Hello\r\n",
        headers: bytes = b"",
        mail_from: str = "jane@example.net",
        wait: bool = True,
        **options: Any,
    ) -> MessageRecord:
        """Send a message and wait until its actions have run."""
        recipients = [to] if isinstance(to, str) else to
        raw = (
            b"From: Jane Doe <jane@example.net>\r\nTo: "
            + ", ".join(recipients).encode()
            + b"\r\nSubject: Test\r\n"
            + headers
            + b"\r\n"
            + body
        )
        sent = self.aws.send(raw, mail_from=mail_from, rcpt_tos=recipients, **options)
        return self.aws.wait(sent.message_id, seconds=15, handlers=False)

    def read(self, bucket: str, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def deploy(
        self,
        resources: dict[str, Any],
        *,
        stack: str | None = None,
        outputs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Create a stack, or update the given one, and return how it ended."""
        template = json.dumps({"Resources": resources, "Outputs": outputs or {}})
        if stack is None:
            stack = self.name("stack")
            self.cloudformation.create_stack(StackName=stack, TemplateBody=template)
        else:
            self.cloudformation.update_stack(StackName=stack, TemplateBody=template)
        return self.settled(stack)

    def delete(self, stack: str) -> dict[str, Any]:
        found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        self.cloudformation.delete_stack(StackName=stack)
        return self.settled(found["StackId"])

    def physical_id(self, stack: str, logical_id: str) -> str:
        found = self.cloudformation.describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self, stack: str) -> str:
        events = self.cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def settled(self, stack: str) -> dict[str, Any]:
        deadline = time.monotonic() + STACK_SECONDS
        while True:
            found: dict[str, Any] = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][
                0
            ]
            status = found["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                return found
            assert time.monotonic() < deadline, f"{stack} is still {status}"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS that runs for as long as the tests of this folder.

    It runs as in an environment of its own, started where a module hides one of Python's.
    """
    folder = tmp_path_factory.mktemp("mailroom")
    (folder / "email.py").write_text("raise SystemExit('shadowed')\n")
    running = LocalAws(state=folder / "state")
    with pytest.MonkeyPatch.context() as patch:
        # Retries of failed functions are waited for; they need not take seconds.
        patch.setenv("LAMBDA_ASYNC_RETRY_BASE_SECONDS", "0.05")
        patch.setenv(emulator.VARIABLE, sys.executable)
        patch.chdir(folder)
        running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def _account(aws: LocalAws) -> Account:
    for domain in ("example.com", "example.org", "sending.example"):
        aws.verify_identity(domain)
    return Account(aws)


@pytest.fixture(scope="module")
def account(_account: Account) -> Iterator[Account]:
    """The account of that local AWS, with an identity that it sends by."""
    yield _account
    _account.clear()


@pytest.fixture
def active(account: Account) -> Iterator[str]:
    """The name of a new, empty rule set, which is the active one during the test."""
    name = account.rule_set()
    account.ses.set_active_receipt_rule_set(RuleSetName=name)
    yield name
    account.ses.set_active_receipt_rule_set()
    account.ses.delete_receipt_rule_set(RuleSetName=name)


@pytest.fixture
def refusal() -> Any:
    """Read an SES error as its code and its message."""

    def read(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
        found = error.value.response["Error"]
        return found["Code"], found["Message"]

    return read
