"""The deployed examples: sends to them, and finds out where everything is afterwards."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from email.message import EmailMessage
from typing import Any

from faults.accounting import KEPT, Account, Item
from faults.apps import DESK, FAULTS, NEWS, OFFICE, TEAM
from faults.proxy import Proxy
from mailroom_local import LocalAws, SmtpRefused

CUSTOMER = "jane@customer.example"
SUPPORT, SALES = f"support@{DESK}", f"sales@{DESK}"
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
STACKS = ("HelpDesk", "Newsletter", "Office", "Faults")
# Six times the function's timeout otherwise, for each of seven tries.
_VISIBILITY_SECONDS = {"Faults": "3"}
_ONCE = ("answer", "forwarded copy", "letter", "ticket")
# What waits with an invocation of these functions, by a part of their names.
_COVERED = {
    "InboundSupportHandler": {"ticket", "answer"},
    "InboundSupportAfter": {"attachments"},
    "InboundSalesHandler": {"forwarded copy"},
    "InboundDeskHandler": {"handled"},
    "OfficeLettersHandler": {"letter"},
}


class Scene:
    """A local AWS with the examples, whose functions call AWS through a proxy."""

    def __init__(self, aws: LocalAws, proxy: Proxy, templates: Mapping[str, str]) -> None:
        self.aws = aws
        self.proxy = proxy
        self.templates = templates
        self._numbers = itertools.count(1)
        self._marks: dict[str, str] = {}
        self._kept: list[str] = []
        self._lock = threading.Lock()
        self.connect()

    def connect(self) -> None:
        """Learn what is deployed; again after the local AWS was started again."""
        cloudformation = self.aws.client("cloudformation")
        self.outputs: dict[str, dict[str, str]] = {}
        for stack in cloudformation.describe_stacks()["Stacks"]:
            found = stack.get("Outputs", [])
            self.outputs[stack["StackName"]] = {
                item["OutputKey"]: item["OutputValue"] for item in found
            }
        queues = self.aws.client("sqs").list_queues(MaxResults=1000).get("QueueUrls", [])
        self._dead = [url for url in queues if "DeadLetter" in url]
        self._waiting = [url for url in queues if "Queue" in url and "DeadLetter" not in url]
        for url in self._waiting:
            stack = url.rpartition("/")[2].partition("-")[0]
            seconds = _VISIBILITY_SECONDS.get(stack, "1")
            self.aws.client("sqs").set_queue_attributes(
                QueueUrl=url, Attributes={"VisibilityTimeout": seconds}
            )
        self._watched = {
            dimension["Value"]
            for alarm in self.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
            for dimension in alarm.get("Dimensions", [])
            if dimension["Name"] == "QueueName"
        }
        self._alerts = self._subscribed() if "Newsletter" in self.outputs else ""

    def _subscribed(self) -> str:
        """Subscribe a queue to the newsletter's alerts, and return its URL."""
        sqs, server, name = self.aws.client("sqs"), self.aws.server, "alerts-of-faults"
        arn = f"arn:aws:sqs:{server.region}:{server.account}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
        topic = self.outputs["Newsletter"]["AlertTopic"]
        self.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        return str(url)

    # What comes in

    def letter(
        self, to: str, subject: str = "Help", text: str = "It is on fire.\n"
    ) -> EmailMessage:
        """Return a mail with an id that nothing else has."""
        message = EmailMessage()
        message["From"] = f"Jane Doe <{CUSTOMER}>"
        message["To"] = to
        message["Subject"] = subject
        message["Message-ID"] = f"<fault-{next(self._numbers)}@customer.example>"
        message.set_content(text)
        return message

    def mail(
        self,
        to: str,
        *due: str,
        content: EmailMessage | bytes | None = None,
        mark: str = "",
        **options: Any,
    ) -> Item:
        """Send a mail; *due* is what must come of it."""
        content = self.letter(to) if content is None else content
        mark = mark or str(content["Message-ID"] if isinstance(content, EmailMessage) else "")
        given = {"mail_from": CUSTOMER, **options}
        try:
            sent = self.aws.send(content, rcpt_tos=[to], **given)
        except SmtpRefused as refusal:
            return Item(id=mark or to, what="mail", due=due, done=[f"refused with {refusal.code}"])
        self._marks[sent.message_id] = mark.strip("<>")
        return Item(id=sent.message_id, what="mail", due=due, at_most_once=_ONCE)

    def usual(self) -> list[Item]:
        """Send what the help desk gets each day: a ticket, a mail for sales, and spam."""
        return [
            self.mail(SUPPORT, "ticket", "answer", "attachments"),
            self.mail(SALES, "forwarded copy"),
            self.mail(SALES, "stopped as spam", content=self.letter(SALES, "You have won", GTUBE)),
        ]

    def office(self, text: str = "It is on its way.\n") -> Item:
        """Send a letter through the office's gateway."""
        message = self.letter("jane@customer.example", "Your order", text)
        del message["From"]
        clerk = message["From"] = f"clerk@{OFFICE}"
        return self.mail(
            CUSTOMER,
            "archived",
            "letter",
            content=message,
            mail_from=clerk,
            gateway=self.outputs["Office"]["User"],
        )

    def sent(
        self, *due: str, fault: str = "", to: str = "reader@example.net", stack: str = "Faults"
    ) -> Item:
        """Send a mail through SES, and expect its event."""
        domain = {"Faults": FAULTS, "Newsletter": NEWS}[stack]
        tags = [{"Name": "fault", "Value": fault}] if fault else []
        answer = self.aws.client("sesv2").send_email(
            FromEmailAddress=f"news@{domain}",
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": "News"},
                    "Body": {"Text": {"Data": "Nothing new."}},
                }
            },
            ConfigurationSetName=self.outputs[stack]["ConfigurationSet"],
            EmailTags=tags,
        )
        return Item(id=answer["MessageId"], what="event", due=due, stack=stack)

    def put(
        self,
        body: str,
        message_id: str,
        *due: str,
        what: str = "event",
        queue: str = "Faults-OutboundDeliveryQueue",
    ) -> Item:
        """Put a record into a queue of events, as the topic would."""
        (url,) = [url for url in self._waiting if queue in url]
        self.aws.client("sqs").send_message(QueueUrl=url, MessageBody=body)
        return Item(id=message_id, what=what, due=due, stack=queue.partition("-")[0])

    @contextlib.contextmanager
    def one_batch(self) -> Iterator[None]:
        """Let Lambda take the events only when the context ends, so that they share batches."""
        functions, mapping = self.aws.client("lambda"), self.outputs["Faults"]["Mapping"]
        functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        try:
            yield
            time.sleep(0.5)
        finally:
            functions.update_event_source_mapping(UUID=mapping, Enabled=True)

    # Where it is

    def account(
        self, fault: str, items: Sequence[Item], *, seconds: float = 240.0, remark: str = ""
    ) -> Account:
        """Wait until nothing is under way any more, and find out where everything is."""
        deadline = time.monotonic() + seconds
        for item in items:
            if item.what == "mail" and item.id in self._marks:
                self.aws.wait(item.id, seconds=max(1.0, deadline - time.monotonic()))
        events = [item for item in items if item.what != "mail"]
        stacks = {item.stack for item in events}
        while True:
            self._drain()
            self._look(events)
            done = not any(item.lost for item in events) and not self.under_way(stacks)
            if done or time.monotonic() > deadline:
                break
            time.sleep(0.3)
        self._drain()
        problems = self._look(items)
        return Account(fault=fault, items=items, problems=problems, remark=remark)

    def under_way(self, stacks: Collection[str]) -> int:
        """Return how many events wait in queues that a function of these stacks reads."""
        count = 0
        for url in self._waiting:
            if url.rpartition("/")[2].partition("-")[0] not in stacks:
                continue
            found = self.aws.client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=["All"]
            )["Attributes"]
            count += int(found["ApproximateNumberOfMessages"])
            count += int(found["ApproximateNumberOfMessagesNotVisible"])
        return count

    def _drain(self) -> None:
        """Take what is in the dead-letter queues, each with the name of its queue."""
        sqs = self.aws.client("sqs")
        for url in self._dead:
            while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
                "Messages"
            ):
                for message in messages:
                    self._kept.append(f"{url.rpartition('/')[2]} {message['Body']}")
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _look(self, items: Sequence[Item]) -> list[str]:
        """Note in each item what came of it; return what is wrong besides."""
        known = {item.id: item for item in items}
        for item in items:
            if not any(one.startswith("refused") for one in item.done):
                item.done, item.kept, item.covered, item.held = [], [], set(), []
        problems = []
        for text in list(self._kept):
            queue, _, body = text.partition(" ")
            for item in (item for item in items if item.id in body):
                item.kept.append(KEPT)
                item.covered |= _covered(item, body)
                if queue not in self._watched:
                    problems.append(f"no alarm watches {queue}")
        self._look_at_mail(known)
        self._look_at_tables(known)
        self._look_at_calls(known)
        return problems

    def _look_at_mail(self, known: Mapping[str, Item]) -> None:
        mails = [item for item in known.values() if item.id in self._marks]
        if not mails:
            return
        for sent in self.aws.sent():
            for item in mails:
                mark = self._marks[item.id]
                if mark and mark.encode() in sent.get("Raw", b""):
                    item.done.append(_kind(sent))
        saved = {
            *self._stored("HelpDesk", "attachments/"),
            *self._stored("HelpDesk", ""),
            *self._stored("Faults", ""),
        }
        for item in mails:
            record = self.aws.message(item.id, handlers=False)
            if record.stopped_by:
                item.done.append(
                    "stopped as spam" if "Spam" in record.stopped_by else "stopped by the control"
                )
            if any(one.kind == "Archive" and one.outcome == "done" for one in record.actions):
                item.done.append("archived")
            if any(key.endswith(f"{item.id}/manifest.json") for key in saved):
                item.done.append("attachments")
            if any(key.endswith(item.id) for key in saved):
                item.held.append("mail bucket")

    def _look_at_tables(self, known: Mapping[str, Item]) -> None:
        dynamodb = self.aws.client("dynamodb")
        for stack, table, key, name in (
            ("HelpDesk", "TicketTable", "id", "ticket"),
            ("Newsletter", "EventTable", "message_id", "row"),
            ("Faults", "EventTable", "message_id", "row"),
        ):
            if stack not in self.outputs:
                continue
            pages = dynamodb.get_paginator("scan").paginate(TableName=self.outputs[stack][table])
            for row in (row for page in pages for row in page["Items"]):
                item = known.get(row[key]["S"])
                if item is not None:
                    item.done.append(name)
        if not self._alerts:
            return
        answer = self.aws.client("sqs").receive_message(
            QueueUrl=self._alerts, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        for message in answer.get("Messages", []):
            for item in known.values():
                if item.id in message["Body"]:
                    item.done.append("alert")

    def _look_at_calls(self, known: Mapping[str, Item]) -> None:
        for line in self.aws.state.journal.read_bytes().splitlines():
            if not line.startswith(b'{"type":"call"'):
                continue
            record = json.loads(line)
            item = known.get(record["message_id"])
            if item is not None and record["outcome"] == "unhandled":
                item.done.append("logged as unhandled")
            if item is None or record["outcome"] != "handled":
                continue
            if ":Faults-" in record["function"] and "handled" not in item.done:
                item.done.append("handled")

    def _stored(self, stack: str, prefix: str) -> list[str]:
        if stack not in self.outputs:
            return []
        pages = (
            self.aws.client("s3")
            .get_paginator("list_objects_v2")
            .paginate(Bucket=self.outputs[stack]["MailBucket"], Prefix=prefix)
        )
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def attachments(self, item: Item) -> list[str]:
        """Return the keys of a mail's saved attachments."""
        prefix = f"attachments/{item.id}/"
        return [key.removeprefix(prefix) for key in self._stored("HelpDesk", prefix)]

    def copies(self, item: Item) -> list[dict[str, Any]]:
        """Return what was sent because of a mail."""
        mark = self._marks[item.id].encode()
        return [sent for sent in self.aws.sent() if mark in sent["Raw"]]

    def mark(self, item: Item) -> str:
        """Return the part of a mail that what is sent because of it has, too."""
        return self._marks[item.id]

    def raw(self, item: Item) -> bytes:
        """Return the bytes of a mail as its sender sent it."""
        return self.aws.raw(item.id)

    def calls(self, part: str) -> int:
        """Return how many calls there were of functions with this in their names."""
        lines = self.aws.state.journal.read_bytes().splitlines()
        return sum(line.startswith(b'{"type":"call"') and part.encode() in line for line in lines)


def _covered(item: Item, body: str) -> set[str]:
    """Return what of that which is due waits with a message of a dead-letter queue."""
    if item.what != "mail":
        return set(item.due)
    found = [due for part, due in _COVERED.items() if part in body]
    return set().union(*found)


def _kind(sent: Mapping[str, Any]) -> str:
    to = sent["To"] if isinstance(sent["To"], list) else [sent["To"]]
    if TEAM in "".join(to):
        return "forwarded copy"
    return "answer" if str(sent.get("Source", sent.get("From", ""))).find(DESK) >= 0 else "letter"
