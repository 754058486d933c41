"""Builders of the payloads that AWS sends, for unit tests of one's own handlers.

No AWS, no network, no boto3::

    from mailroom.testing import received_mail

    def test_spam_is_stopped():
        assert on_mail(received_mail(spam="FAIL")) is Disposition.STOP_RULE_SET

    def test_a_full_mailbox_is_no_reason_to_stop():
        on_bounce(sending_event("Bounce", bounce_type="Transient", bounce_sub_type="MailboxFull"))

    def test_the_old_address_is_dropped():
        assert on_flow(flow_mail(recipients=["old@example.com"])).kinds == ["DROP"]
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping, Sequence
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import getaddresses
from io import BytesIO
from typing import Any

from mailroom.errors import MessageNotStored
from mailroom.events import VALIDATION_TEXT, SendingEvent, parse
from mailroom.receiving import ReceivedMail
from mailroom.workmail import FlowMail, MessageNotFound

__all__ = [
    "VALIDATION_TEXT",
    "MemoryFlow",
    "MemoryStore",
    "event_invocation",
    "flow_event",
    "flow_mail",
    "message",
    "received_mail",
    "received_mail_event",
    "sending_event",
    "sending_event_payload",
]

_MESSAGE_ID = "o3vrnil0e2ic28tr0000000000000000000000g1"
_TIMESTAMP = "2026-01-02T03:04:05.678Z"

_SENT_ID = "0100019b7c3f2a5e-1c2d3e4f-0000-4111-8222-333344445555-000000"
_FEEDBACK_ID = "0100019b7c3f2f00-5a6b7c8d-9999-4aaa-8bbb-ccccddddeeee-000000"
_LATER = "2026-01-02T03:04:17.571Z"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class MemoryFlow:
    """Stands in for WorkMail's message flow: message ids to bytes, and how often one was put."""

    def __init__(self, messages: Mapping[str, bytes] | None = None) -> None:
        self.messages = dict(messages or {})
        self.replaced = 0

    def open(self, message_id: str) -> BytesIO:
        """Return the message's bytes as a stream, or raise `MessageNotFound`."""
        try:
            return BytesIO(self.messages[message_id])
        except KeyError:
            raise MessageNotFound(f"this test has no message {message_id!r} in flow") from None

    def replace(self, message_id: str, content: bytes) -> None:
        """Put *content* in the message's place."""
        self.messages[message_id] = content
        self.replaced += 1


class MemoryStore:
    """Stands in for the mail bucket: message ids to bytes, and the ids already handled."""

    def __init__(self, messages: Mapping[str, bytes] | None = None) -> None:
        self.messages = dict(messages or {})
        self.handled: set[str] = set()

    def open(self, message_id: str) -> BytesIO:
        """Return the message's bytes as a stream, or raise `MessageNotStored`."""
        try:
            return BytesIO(self.messages[message_id])
        except KeyError:
            raise MessageNotStored(f"this test stored no message {message_id!r}") from None

    def was_handled(self, message_id: str) -> bool:
        """Return whether *message_id* was marked."""
        return message_id in self.handled

    def mark_handled(self, message_id: str) -> None:
        """Mark *message_id* as handled."""
        self.handled.add(message_id)


def message(
    *,
    from_: str = "Jane Doe <jane@example.com>",
    to: str = "support@example.com",
    subject: str | None = "Test Subject",
    text: str = "Hello\n",
    attachments: Mapping[str, bytes] | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """Return a small message; *attachments* maps file names to contents."""
    built = EmailMessage()
    built["From"] = from_
    built["To"] = to
    if subject is not None:
        built["Subject"] = subject
    built["Date"] = "Fri, 02 Jan 2026 03:04:05 +0000"
    built["Message-ID"] = "<0123456789@example.com>"
    for name, value in (headers or {}).items():
        del built[name]
        built[name] = value
    built.set_content(text)
    for filename, content in (attachments or {}).items():
        built.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=filename
        )
    return built


def received_mail_event(
    content: EmailMessage | bytes | None = None,
    *,
    message_id: str = _MESSAGE_ID,
    source: str | None = None,
    recipients: Sequence[str] = ("support@example.com",),
    destination: Sequence[str] | None = None,
    spam: str | None = "PASS",
    virus: str | None = "PASS",
    spf: str | None = "PASS",
    dkim: str | None = "PASS",
    dmarc: str | None = "PASS",
    dmarc_policy: str | None = None,
    synchronous: bool = False,
    headers_truncated: bool = False,
) -> dict[str, Any]:
    """Return the event with which SES invokes a function, for the mail *content*.

    *content* defaults to `message()`. A verdict of ``None`` is left out altogether, as SES does
    at times. *source* defaults to the address in ``From``, *destination* to *recipients*.
    """
    parsed = _parse(content)
    fields = [{"name": name, "value": str(value)} for name, value in parsed.items()]
    sender = [address for _, address in getaddresses([str(parsed.get("From", ""))]) if address]
    envelope_sender = source if source is not None else (sender[0] if sender else "")
    common: dict[str, Any] = {"returnPath": envelope_sender}
    for key, name in (("from", "From"), ("to", "To"), ("cc", "Cc"), ("replyTo", "Reply-To")):
        if name in parsed:
            common[key] = [str(address) for address in parsed[name].addresses]
    for key, name in (("date", "Date"), ("messageId", "Message-ID"), ("subject", "Subject")):
        if name in parsed:
            common[key] = str(parsed[name])
    receipt: dict[str, Any] = {
        "timestamp": _TIMESTAMP,
        "processingTimeMillis": 574,
        "recipients": list(recipients),
        "action": {
            "type": "Lambda",
            "invocationType": "RequestResponse" if synchronous else "Event",
            "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:Example",
        },
    }
    verdicts = {"spam": spam, "virus": virus, "spf": spf, "dkim": dkim, "dmarc": dmarc}
    for name, status in verdicts.items():
        if status is not None:
            receipt[f"{name}Verdict"] = {"status": status}
    if dmarc_policy is not None:
        receipt["dmarcPolicy"] = dmarc_policy
    mail = {
        "timestamp": _TIMESTAMP,
        "source": envelope_sender,
        "messageId": message_id,
        "destination": list(destination if destination is not None else recipients),
        "headersTruncated": headers_truncated,
        "headers": fields,
        "commonHeaders": common,
    }
    record = {
        "eventSource": "aws:ses",
        "eventVersion": "1.0",
        "ses": {"mail": mail, "receipt": receipt},
    }
    return {"Records": [record]}


def received_mail(
    content: EmailMessage | bytes | None = None, *, already_handled: bool = False, **event: Any
) -> ReceivedMail:
    """Return what a handler is called with; `open()` and `read()` give back *content*.

    Takes the keyword arguments of `received_mail_event`.
    """
    raw = received_mail_event(content, **event)["Records"][0]["ses"]
    message_id = raw["mail"]["messageId"]
    data = content if isinstance(content, bytes) else _parse(content).as_bytes(policy=policy.SMTP)
    store = MemoryStore({message_id: data})
    if already_handled:
        store.mark_handled(message_id)
    return ReceivedMail(raw, store=store)


def flow_event(
    *,
    recipients: Sequence[str] = ("recipient1@example.com", "recipient2@example.com"),
    source: str = "from@example.com",
    sender: str | None = "sender@example.com",
    subject: str | None = "Hello",
    direction: str = "INBOUND",
    truncated: bool = False,
) -> dict[str, Any]:
    """Return the event with which WorkMail invokes a function.

    A *sender* or *subject* of ``None`` is left out altogether, as WorkMail does at times.
    """
    event: dict[str, Any] = {
        "summaryVersion": "2018-10-10",
        "envelope": {
            "mailFrom": {"address": source},
            "recipients": [{"address": address} for address in recipients],
        },
        "messageId": "00000000-0000-0000-0000-000000000000",
        "invocationId": "00000000000000000000000000000000",
        "flowDirection": direction,
        "truncated": truncated,
    }
    if sender is not None:
        event["sender"] = {"address": sender}
    if subject is not None:
        event["subject"] = subject
    return event


def flow_mail(content: EmailMessage | bytes | None = None, **event: Any) -> FlowMail:
    """Return what a function of a flow rule is called with; *content* is in a `MemoryFlow`.

    Without *content* it may not be read, as with ``read_mail=False``. Takes the keyword arguments
    of `flow_event`. What the function put in the message's place is read back by `FlowMail.read`.
    """
    raw = flow_event(**event)
    if content is None:
        return FlowMail(raw)
    data = content if isinstance(content, bytes) else content.as_bytes(policy=policy.SMTP)
    return FlowMail(raw, flow=MemoryFlow({raw["messageId"]: data}))


def _parse(content: EmailMessage | bytes | None) -> EmailMessage:
    if content is None:
        return message()
    if isinstance(content, bytes):
        return BytesParser(policy=policy.default).parsebytes(content)
    return content


# Of each type: the key of its own part, and what is in there; the recipients come later.
_DETAILS: dict[str, tuple[str, dict[str, Any]]] = {
    "Bounce": (
        "bounce",
        {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": {
                "action": "failed",
                "status": "5.1.1",
                "diagnosticCode": "smtp; 550 5.1.1 user unknown",
            },
            "timestamp": _LATER,
            "feedbackId": _FEEDBACK_ID,
            "reportingMTA": "dsn; mta.example.com",
        },
    ),
    "Click": (
        "click",
        {
            "ipAddress": "192.0.2.1",
            "link": "https://www.example.com/offer",
            "linkTags": {"samplekey0": ["samplevalue0"], "samplekey1": ["samplevalue1"]},
            "timestamp": _LATER,
            "userAgent": _AGENT,
        },
    ),
    "Complaint": (
        "complaint",
        {
            "complainedRecipients": {},
            "timestamp": _LATER,
            "feedbackId": _FEEDBACK_ID,
            "userAgent": "ExampleFeedbackLoop/1.0",
            "complaintFeedbackType": "abuse",
            "arrivalDate": _LATER,
        },
    ),
    "Delivery": (
        "delivery",
        {
            "timestamp": _LATER,
            "processingTimeMillis": 11893,
            "recipients": [],
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "mta.example.com",
        },
    ),
    "DeliveryDelay": (
        "deliveryDelay",
        {
            "timestamp": _LATER,
            "delayType": "TransientCommunicationFailure",
            "expirationTime": "2026-01-02T17:04:05.678Z",
            "delayedRecipients": {
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
            },
        },
    ),
    "Open": ("open", {"ipAddress": "192.0.2.1", "timestamp": _LATER, "userAgent": _AGENT}),
    "Reject": ("reject", {"reason": "Bad content"}),
    "Rendering Failure": (
        "failure",
        {
            "errorMessage": "Attribute 'attributeName' is not present in the rendering data.",
            "templateName": "MyTemplate",
        },
    ),
    "Send": ("send", {}),
    "Subscription": (
        "subscription",
        {
            "contactList": "ContactListName",
            "timestamp": _LATER,
            "source": "UnsubscribeHeader",
            "newTopicPreferences": {
                "unsubscribeAll": True,
                "topicSubscriptionStatus": [
                    {"topicName": "ExampleTopicName", "subscriptionStatus": "OptOut"}
                ],
            },
            "oldTopicPreferences": {
                "unsubscribeAll": False,
                "topicSubscriptionStatus": [
                    {"topicName": "ExampleTopicName", "subscriptionStatus": "OptOut"}
                ],
            },
        },
    ),
}

# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
_BUS_NAMES = {
    "Bounce": "Bounced",
    "Click": "Clicked",
    "Complaint": "Complaint Received",
    "Delivery": "Delivered",
    "DeliveryDelay": "Delivery Delayed",
    "Open": "Opened",
    "Reject": "Rejected",
    "Rendering Failure": "Rendering Failed",
    "Send": "Sent",
    "Subscription": "Subscribed",
}

_ENVELOPES = ("sqs", "sqs-sns", "sns", "eventbridge", "sqs-eventbridge", "firehose", "bare")

# AWS's samples of these have no header fields, so a handler should not count on them.
_WITHOUT_HEADERS = ("DeliveryDelay", "Rendering Failure")


def sending_event_payload(
    type: str,  # noqa: A002 (it is the event's own word)
    *,
    recipients: Sequence[str] = ("recipient@example.com",),
    source: str = "sender@example.com",
    message_id: str = _SENT_ID,
    sent_at: str = _TIMESTAMP,
    subject: str = "Message sent from Amazon SES",
    configuration_set: str | None = "ConfigSet",
    tags: Mapping[str, Sequence[str]] | None = None,
    feedback: bool = False,
    **detail: Any,
) -> dict[str, Any]:
    """Return what SES publishes as an event of *type*, such as ``Bounce``, as a mapping.

    *detail* changes fields of the event's own part, in snake_case (``bounce_sub_type="NoEmail"``)
    or as SES spells them; a value of ``None`` leaves the field out. An unknown *type* has an own
    part of exactly these. *tags* are added to those that SES adds. *feedback* gives the
    notification of an identity instead, which has no tags.
    """
    part, default = _DETAILS.get(type, (type[:1].lower() + type[1:].replace(" ", ""), {}))
    own = copy.deepcopy(default)
    for key in ("bouncedRecipients", "complainedRecipients", "delayedRecipients"):
        if key in own:
            own[key] = [{"emailAddress": address, **own[key]} for address in recipients]
    if "recipients" in own:
        own["recipients"] = list(recipients)
    for name, value in detail.items():
        own.pop(_as_ses_spells(name), None)
        if value is not None:
            own[_as_ses_spells(name)] = value
    mail: dict[str, Any] = {
        "timestamp": sent_at,
        "source": source,
        "sourceArn": "arn:aws:ses:us-east-1:111122223333:identity/sender@example.com",
        "sendingAccountId": "111122223333",
        "messageId": message_id,
        "destination": list(recipients),
        "headersTruncated": False,
    }
    if type in ("Open", "Click"):
        del mail["sourceArn"]
    if type not in _WITHOUT_HEADERS:
        fields = {"From": source, "To": ", ".join(recipients), "Subject": subject}
        mail["headers"] = [{"name": name, "value": value} for name, value in fields.items()]
        mail["commonHeaders"] = {
            "from": [source],
            "to": list(recipients),
            "messageId": message_id,
            "subject": subject,
        }
    if not feedback:
        own_tags = {"ses:configuration-set": [configuration_set]} if configuration_set else {}
        mail["tags"] = {**own_tags, **{name: list(values) for name, values in (tags or {}).items()}}
    return {"notificationType" if feedback else "eventType": type, "mail": mail, part: own}


def sending_event(type: str, **changes: Any) -> SendingEvent:  # noqa: A002
    """Return what a handler of *type* is called with; takes what `sending_event_payload` takes."""
    return parse(sending_event_payload(type, **changes))


def event_invocation(
    payloads: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str, envelope: str = "sqs"
) -> dict[str, Any]:
    """Return what Lambda invokes a function with to deliver *payloads*, or the only one.

    *envelope* is ``sqs`` (a queue at a topic with raw delivery), ``sqs-sns`` (without), ``sns``,
    ``eventbridge``, ``sqs-eventbridge``, ``firehose`` or ``bare``; ``eventbridge`` and ``bare``
    take exactly one. A text is delivered as it is, as SES does with its `VALIDATION_TEXT`. The
    records' ids are ``record-0``, ``record-1`` …
    """
    found = [payloads] if isinstance(payloads, (str, Mapping)) else list(payloads)
    texts = [one if isinstance(one, str) else json.dumps(one) for one in found]
    if envelope in ("eventbridge", "bare"):
        if len(found) != 1 or isinstance(found[0], str):
            raise ValueError(f"envelope {envelope!r} takes exactly one mapping")
        return _bus_event(dict(found[0])) if envelope == "eventbridge" else dict(found[0])
    if envelope == "firehose":
        return {
            "invocationId": "invocation-0",
            "deliveryStreamArn": "arn:aws:firehose:us-east-1:111122223333:deliverystream/Example",
            "region": "us-east-1",
            "records": [
                {
                    "recordId": f"record-{number}",
                    "approximateArrivalTimestamp": 1767323057571,
                    "data": base64.b64encode(
                        (text + "\n").encode("utf-8", "surrogatepass")
                    ).decode(),
                }
                for number, text in enumerate(texts)
            ],
        }
    if envelope == "sns":
        return {
            "Records": [
                {
                    "EventSource": "aws:sns",
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": "arn:aws:sns:us-east-1:111122223333:Example:0",
                    "Sns": _notification(number, text),
                }
                for number, text in enumerate(texts)
            ]
        }
    if envelope == "sqs-sns":
        texts = [json.dumps(_notification(number, text)) for number, text in enumerate(texts)]
    elif envelope == "sqs-eventbridge":
        texts = [json.dumps(_bus_event(json.loads(text))) for text in texts]
    elif envelope != "sqs":
        raise ValueError(f"envelope {envelope!r} is unknown; it must be one of {_ENVELOPES}")
    return {
        "Records": [
            {
                "messageId": f"record-{number}",
                "receiptHandle": "AQEB",
                "body": text,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1767323057571",
                    "SenderId": "AIDAIT2UOQQY3AUEKVGXU",
                    "ApproximateFirstReceiveTimestamp": "1767323057580",
                },
                "messageAttributes": {},
                "md5OfBody": "00000000000000000000000000000000",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:Example",
                "awsRegion": "us-east-1",
            }
            for number, text in enumerate(texts)
        ]
    }


def _as_ses_spells(name: str) -> str:
    if name == "reporting_mta":
        return "reportingMTA"  # but remoteMtaIp
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _notification(number: int, text: str) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": f"record-{number}",
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:Example",
        "Subject": "Amazon SES Email Event Notification",
        "Message": text,
        "Timestamp": _LATER,
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    }


def _bus_event(detail: dict[str, Any]) -> dict[str, Any]:
    mail = detail.get("mail")
    kind = detail.get("eventType") or detail.get("notificationType")
    return {
        "version": "0",
        "id": "record-0",
        "detail-type": f"Email {_BUS_NAMES.get(str(kind), kind)}",
        "source": "aws.ses",
        "account": "111122223333",
        "time": "2026-01-02T03:04:17Z",
        "region": "us-east-1",
        "resources": [mail["sourceArn"]] if isinstance(mail, dict) and "sourceArn" in mail else [],
        "detail": detail,
    }
