"""Makes what checks need, and notes how to delete it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from conformance.check import NotRun

if TYPE_CHECKING:
    from conformance.cleanup import Cleanup
    from conformance.site import Site

# A function tells what it was given; a queue keeps it.
_TELL = """import json, os, time, boto3

def tell(data):
    boto3.client("sqs").send_message(QueueUrl=os.environ["TOLD"], MessageBody=json.dumps(data))

"""


@dataclass(frozen=True, kw_only=True)
class Function:
    """A function, and the queue to which its code tells things."""

    name: str
    arn: str
    queue: str


class Making:
    """The part of a `Place` that creates resources."""

    site: Site
    account: str
    region: str
    domain: str
    cleanup: Cleanup
    client: Callable[[str], Any]
    name: Callable[[str], str]
    until: Callable[..., Any]
    pause: Callable[..., None]
    is_local: bool

    # Storage and messages.

    def bucket(self, *, writable: bool = True) -> str:
        """A bucket; with `writable`, SES may write to it."""
        s3, name = self.client("s3"), self.name("bucket")
        self.cleanup.add(f"bucket {name}", self._delete_bucket, name=name)
        placed = {"LocationConstraint": self.region}
        options = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": placed}
        s3.create_bucket(Bucket=name, **options)
        if writable:
            self.allow_bucket(name)
        return name

    def allow_bucket(self, name: str) -> None:
        """Let SES write to a bucket."""
        allowed = self._statement("s3:PutObject", f"arn:aws:s3:::{name}/*", "ses.amazonaws.com")
        self.client("s3").put_bucket_policy(Bucket=name, Policy=_policy(allowed))

    def keys(self, bucket: str) -> list[str]:
        """The keys of a bucket, in their order."""
        found = self.client("s3").list_objects_v2(Bucket=bucket)
        return [each["Key"] for each in found.get("Contents", [])]

    def read(self, bucket: str, key: str) -> bytes:
        """The content of an object."""
        content: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def queue(self, **attributes: str) -> str:
        """The URL of a new queue."""
        sqs, name = self.client("sqs"), self.name("queue")
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.cleanup.add(f"queue {name}", sqs.delete_queue, QueueUrl=url)
        return str(url)

    def queue_arn(self, url: str) -> str:
        """The ARN of a queue."""
        return f"arn:aws:sqs:{self.region}:{self.account}:{url.rpartition('/')[2]}"

    def taken(self, queue: str) -> list[str]:
        """The bodies of the messages that are in a queue now; they leave it."""
        sqs = self.client("sqs")
        wait = 0 if self.is_local else 5
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        for message in found.get("Messages", []):
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found.get("Messages", [])]

    def topic(self, *, writable: bool = True, raw: bool = False) -> tuple[str, str]:
        """A topic, and the URL of a queue that receives its messages, whole envelopes unless `raw`.

        With `writable`, SES may publish to it.
        """
        sns, name = self.client("sns"), self.name("topic")
        arn = str(sns.create_topic(Name=name)["TopicArn"])
        self.cleanup.add(f"topic {name}", sns.delete_topic, TopicArn=arn)
        if writable:
            allowed = self._statement("sns:Publish", arn, "ses.amazonaws.com")
            sns.set_topic_attributes(
                TopicArn=arn, AttributeName="Policy", AttributeValue=_policy(allowed)
            )
        return arn, self.subscribed(arn, raw=raw)

    def denied_topic(self) -> str:
        """A topic to which SES may not publish."""
        arn, _ = self.topic(writable=False)
        denied = {**self._statement("sns:Publish", arn, "ses.amazonaws.com"), "Effect": "Deny"}
        self.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=_policy(denied)
        )
        return arn

    def subscribed(self, topic: str, *, raw: bool = False, **attributes: str) -> str:
        """The URL of a new queue that receives a topic's messages."""
        queue = self.queue()
        arn = self.queue_arn(queue)
        allowed = self._statement("sqs:SendMessage", arn, "sns.amazonaws.com", source=topic)
        self.client("sqs").set_queue_attributes(
            QueueUrl=queue, Attributes={"Policy": _policy(allowed)}
        )
        self.client("sns").subscribe(
            TopicArn=topic,
            Protocol="sqs",
            Endpoint=arn,
            Attributes={"RawMessageDelivery": str(raw).lower(), **attributes},
        )
        return queue

    # Functions.

    def role(self, service: str, *statements: dict[str, Any]) -> str:
        """The ARN of a role that a service may assume."""
        iam, name = self.client("iam"), self.name("role")
        self.cleanup.add(f"role {name}", iam.delete_role, RoleName=name)
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
        if statements:
            self.cleanup.add(
                f"policy of role {name}", iam.delete_role_policy, RoleName=name, PolicyName="inline"
            )
            iam.put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=_policy(*statements)
            )
        return str(arn)

    def function(
        self,
        body: str,
        *,
        before: str = "",
        timeout: int = 30,
        invoked_by: str = "ses.amazonaws.com",
        statements: Sequence[dict[str, Any]] = (),
    ) -> Function:
        """A Python function whose handler is `body`, which may use `event`, `context` and `tell()`.

        `before` is code of the module; `invoked_by` the service that may invoke it, empty for none.
        """
        functions, name, queue = self.client("lambda"), self.name("function"), self.queue()
        logs = self.client("logs")
        log_group = f"/aws/lambda/{name}"
        allowed = {
            "Effect": "Allow",
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn(queue),
        }
        role = self.role("lambda.amazonaws.com", allowed, *statements)
        indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
        code = f"{_TELL}{before}\ndef handler(event, context):\n{indented}\n"
        # On AWS there is none, as the role may not write it; the local AWS asks no role. A call
        # that still runs would write it again, so it is deleted last of all.
        self.site.cleanup.add(
            f"log group {log_group}", logs.delete_log_group, logGroupName=log_group
        )
        variables = {"TOLD": queue}
        # A new role is not known everywhere at once.
        made = self.until(
            lambda: _unless(
                self.make_function,
                "cannot be assumed",
                name=name,
                role=role,
                code=code,
                timeout=timeout,
                variables=variables,
            ),
            seconds=90,
        )
        if made is None:
            raise NotRun(f"Lambda cannot assume the role of {name} after 90 s")
        self.until(
            lambda: functions.get_function_configuration(FunctionName=name).get("State"),
            lambda state: state in ("Active", None),
            seconds=90,
        )
        if invoked_by:
            self.permit(name, invoked_by)
        return Function(name=name, arn=str(made["FunctionArn"]), queue=queue)

    def make_function(
        self,
        *,
        role: str,
        name: str = "",
        code: str = "def handler(event, context):\n    return None\n",
        timeout: int = 3,
        variables: dict[str, str] | None = None,
    ) -> Any:
        """What Lambda answers to the creation of a function with this role."""
        functions, name = self.client("lambda"), name or self.name("function")
        self.cleanup.add(f"function {name}", functions.delete_function, FunctionName=name)
        return functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": _zip(code)},
            Timeout=timeout,
            Environment={"Variables": variables or {}},
        )

    def permit(self, function: str, service: str) -> None:
        """Let a service of this account invoke a function."""
        self.client("lambda").add_permission(
            FunctionName=function,
            StatementId="conformance",
            Action="lambda:InvokeFunction",
            Principal=service,
            SourceAccount=self.account,
        )

    def told(self, function: Function, *, count: int = 1, seconds: float = 60) -> list[Any]:
        """What a function's code told by `tell()`, until there is so much."""
        found: list[Any] = []

        def read() -> list[Any]:
            found.extend(json.loads(body) for body in self.taken(function.queue))
            return found

        self.until(read, lambda so_far: len(so_far) >= count, seconds=seconds)
        return found

    def told_so_far(self, function: Function) -> list[Any]:
        """What a function's code has told by now, when it will tell no more."""
        self.pause(10)
        found: list[Any] = []
        while bodies := self.taken(function.queue):
            found.extend(json.loads(body) for body in bodies)
        return found

    # SES.

    def rule_set(self) -> str:
        """A new rule set, which is not active."""
        ses, name = self.client("ses"), self.name("rules")
        self.cleanup.add(f"receipt rule set {name}", ses.delete_receipt_rule_set, RuleSetName=name)
        ses.create_receipt_rule_set(RuleSetName=name)
        return name

    def rule(self, *actions: dict[str, Any], to: str, **fields: Any) -> str:
        """A rule of the active rule set for one recipient; it is the last one.

        Raises:
            NotRun: Another rule set is active.
        """
        ses, rules = self.client("ses"), self.site.active_rule_set()
        name = fields.pop("name", None) or self.name("rule")
        self.cleanup.add(
            f"receipt rule {name}", ses.delete_receipt_rule, RuleSetName=rules, RuleName=name
        )
        rule = {
            "Name": name,
            "Enabled": True,
            "Recipients": [to],
            "Actions": list(actions),
            **fields,
        }
        after = [each["Name"] for each in self.rules(rules)][-1:]
        placed = {"After": after[0]} if after else {}
        # A policy is not in force everywhere at once, nor is a new rule.
        create = ses.create_receipt_rule
        made = self.until(
            lambda: _unless(create, "Could not", RuleSetName=rules, Rule=rule, **placed),
            seconds=30,
        )
        if made is None:
            create(RuleSetName=rules, Rule=rule, **placed)
        self.pause(10, locally=0)
        return name

    def rules(self, rule_set: str) -> list[dict[str, Any]]:
        """The rules of a set, in their order."""
        found = self.client("ses").describe_receipt_rule_set(RuleSetName=rule_set)
        return list(found.get("Rules", []))

    def configuration_set(self, *types: str, **options: Any) -> tuple[str, str]:
        """A configuration set, and the URL of a queue that gets its events of these types, raw.

        The text by which SES validates the topic has been taken from the queue.
        """
        v2, name = self.client("sesv2"), self.name("set")
        self.cleanup.add(
            f"configuration set {name}", v2.delete_configuration_set, ConfigurationSetName=name
        )
        v2.create_configuration_set(ConfigurationSetName=name, **options)
        topic, queue = self.topic(raw=True)
        v2.create_configuration_set_event_destination(
            ConfigurationSetName=name,
            EventDestinationName="conformance",
            EventDestination={
                "Enabled": True,
                "MatchingEventTypes": list(types),
                "SnsDestination": {"TopicArn": topic},
            },
        )
        self.until(lambda: self.taken(queue), seconds=30)
        return name, queue

    # CloudFormation.

    def deploy(
        self, resources: dict[str, Any], *, stack: str | None = None, seconds: float = 600
    ) -> tuple[str, str]:
        """Create a stack, or update the given one; return its name and the status it ended with."""
        cloudformation = self.client("cloudformation")
        body = json.dumps({"Resources": resources})
        if stack is None:
            stack = self.name("stack")
            self.cleanup.add(f"stack {stack}", self.delete_stack, stack=stack)
            cloudformation.create_stack(StackName=stack, TemplateBody=body)
        else:
            cloudformation.update_stack(StackName=stack, TemplateBody=body)
        return stack, self._settled(stack, seconds)

    def reasons(self, stack: str) -> list[str]:
        """Why resources of a stack failed, oldest first."""
        found = self.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
        failed = [each for each in found if each["ResourceStatus"].endswith("_FAILED")]
        return [each.get("ResourceStatusReason", "") for each in reversed(failed)]

    def physical_ids(self, stack: str) -> dict[str, str]:
        """The physical ids of a stack's resources by their logical ids."""
        found = self.client("cloudformation").describe_stack_resources(StackName=stack)
        return {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for each in found["StackResources"]
        }

    def _settled(self, stack: str, seconds: float) -> str:
        cloudformation = self.client("cloudformation")

        def status() -> str:
            found = cloudformation.describe_stacks(StackName=stack)["Stacks"]
            return str(found[0]["StackStatus"])

        return str(
            self.until(status, lambda now: not now.endswith("_IN_PROGRESS"), seconds=seconds)
        )

    def delete_stack(self, stack: str) -> None:
        """Delete a stack now, and wait for it; what `deploy` created is deleted anyway."""
        cloudformation = self.client("cloudformation")
        # By its id, as a deleted stack is not found by its name.
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack_id)
        if (status := self._settled(stack_id, 600)) != "DELETE_COMPLETE":
            raise RuntimeError(f"its status is {status}")

    def _delete_bucket(self, name: str) -> None:
        s3 = self.client("s3")
        while found := s3.list_objects_v2(Bucket=name).get("Contents", []):
            for each in found:
                s3.delete_object(Bucket=name, Key=each["Key"])
        s3.delete_bucket(Bucket=name)

    def _statement(
        self, action: str, resource: str, service: str, *, source: str = ""
    ) -> dict[str, Any]:
        condition = (
            {"ArnEquals": {"aws:SourceArn": source}}
            if source
            else {"StringEquals": {"aws:SourceAccount": self.account}}
        )
        return {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": action,
            "Resource": resource,
            "Condition": condition,
        }


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def _zip(code: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        # Readable for everyone, as Lambda runs it as another user.
        entry = zipfile.ZipInfo("index.py")
        entry.external_attr = 0o644 << 16
        entries.writestr(entry, code)
    return archive.getvalue()


def _unless(call: Callable[..., Any], words: str, **arguments: Any) -> Any:
    """The answer, or `None` if the call is refused with these words."""
    try:
        return call(**arguments)
    except ClientError as error:
        if words in str(error):
            return None
        raise
