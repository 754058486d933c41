"""Builders of sending events, and of what delivers them."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mailroom.events import SendingEvent, parse
from mailroom.ses import EVENT_BRIDGE_NAMES, EventType

__all__ = ["event_invocation", "sending_event", "sending_event_payload"]


_TIMESTAMP = "2026-01-02T03:04:05.678Z"

_SENT_ID = "0100019b7c3f2a5e-1c2d3e4f-0000-4111-8222-333344445555-000000"
_FEEDBACK_ID = "0100019b7c3f2f00-5a6b7c8d-9999-4aaa-8bbb-ccccddddeeee-000000"
_LATER = "2026-01-02T03:04:17.571Z"
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


# For each type, the key of the part that only it has, and that part; recipients are added later.
_DETAILS: dict[str, tuple[str, dict[str, Any]]] = {
    EventType.BOUNCE: (
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
    EventType.CLICK: (
        "click",
        {
            "ipAddress": "192.0.2.1",
            "link": "https://www.example.com/offer",
            "linkTags": {"samplekey0": ["samplevalue0"], "samplekey1": ["samplevalue1"]},
            "timestamp": _LATER,
            "userAgent": _AGENT,
            "isBotEvent": "Unlikely",
        },
    ),
    EventType.COMPLAINT: (
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
    EventType.DELIVERY: (
        "delivery",
        {
            "timestamp": _LATER,
            "processingTimeMillis": 11893,
            "recipients": [],
            "smtpResponse": "250 2.6.0 Message received",
            "reportingMTA": "mta.example.com",
            "remoteMtaIp": "192.0.2.25",
        },
    ),
    EventType.DELIVERY_DELAY: (
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
    EventType.OPEN: (
        "open",
        {
            "ipAddress": "192.0.2.1",
            "timestamp": _LATER,
            "userAgent": _AGENT,
            "isBotEvent": "Unlikely",
        },
    ),
    EventType.REJECT: ("reject", {"reason": "Bad content"}),
    EventType.RENDERING_FAILURE: (
        "failure",
        {
            "errorMessage": "Attribute 'attributeName' is not present in the rendering data.",
            "templateName": "MyTemplate",
        },
    ),
    EventType.SEND: ("send", {}),
    EventType.SUBSCRIPTION: (
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

_ENVELOPES = ("sqs", "sqs-sns", "sns", "eventbridge", "sqs-eventbridge", "firehose", "bare")

# AWS's samples of these types have no header fields, so handlers cannot rely on them.
_WITHOUT_HEADERS = (EventType.DELIVERY_DELAY, EventType.RENDERING_FAILURE)


def sending_event_payload(
    type: str,  # noqa: A002 (the event's own word)
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
    """Return what SES publishes as an event of a type.

    Args:
        type: An `EventType`, or another string for a type that AWS may add later.
        recipients: The addresses that the mail was sent to and the event is about.
        source: The sender's address.
        message_id: SES's id of the mail.
        sent_at: When SES accepted the mail, in ISO 8601.
        subject: The mail's subject.
        configuration_set: The configuration set's name; ``None`` for mail without one.
        tags: The sender's message tags, in addition to those that SES adds.
        feedback: Whether to return the feedback notification of an identity, which has no tags.
        detail: Fields of the part that only this type has, in snake_case
            (``bounce_sub_type="NoEmail"``) or as SES spells them, to replace the defaults;
            ``None`` leaves a field out. An unknown type has these fields only.
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
    if type in (EventType.OPEN, EventType.CLICK):
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
    """Return the event that a handler is called with; takes what `sending_event_payload` takes.

    Args:
        type: The event type as SES spells it, such as ``Bounce``.
        **changes: The other arguments of `sending_event_payload`.
    """
    return parse(sending_event_payload(type, **changes))


def event_invocation(
    payloads: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str, envelope: str = "sqs"
) -> dict[str, Any]:
    """Return what Lambda invokes a function with to deliver events.

    The records' ids are ``record-0``, ``record-1`` and so on.

    Args:
        payloads: One event or several. A string is delivered unchanged, like SES's validation
            text.
        envelope: ``sqs`` (a queue that is subscribed to a topic with raw delivery), ``sqs-sns``
            (without), ``sns``, ``eventbridge``, ``sqs-eventbridge``, ``firehose`` or ``bare``;
            ``eventbridge`` and ``bare`` take exactly one event.

    Raises:
        ValueError: The envelope is unknown, or does not take these payloads.
    """
    found = [payloads] if isinstance(payloads, (str, Mapping)) else list(payloads)
    texts = [one if isinstance(one, str) else json.dumps(one) for one in found]
    if envelope in ("eventbridge", "bare"):
        if len(found) != 1 or isinstance(found[0], str):
            raise ValueError(f"envelope is {envelope!r}: pass exactly one event, as a mapping")
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
        raise ValueError(f"envelope is {envelope!r}: use one of {', '.join(_ENVELOPES)}")
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
    # As recorded, feedback on an identity and the validation of a topic have none.
    subject = {"Subject": "Amazon SES Email Event Notification"} if '"eventType"' in text else {}
    return {
        "Type": "Notification",
        "MessageId": f"record-{number}",
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:Example",
        **subject,
        "Message": text,
        "Timestamp": _LATER,
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe",
    }


def _bus_event(detail: dict[str, Any]) -> dict[str, Any]:
    mail = detail.get("mail")
    kind: Any = str(detail.get("eventType") or detail.get("notificationType"))
    return {
        "version": "0",
        "id": "record-0",
        "detail-type": EVENT_BRIDGE_NAMES.get(kind, f"Email {kind}"),
        "source": "aws.ses",
        "account": "111122223333",
        "time": "2026-01-02T03:04:17Z",
        "region": "us-east-1",
        "resources": [mail["sourceArn"]] if isinstance(mail, dict) and "sourceArn" in mail else [],
        "detail": detail,
    }
