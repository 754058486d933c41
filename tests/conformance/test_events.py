"""What checks keep of a sending event, and which events they find in a queue."""

import json
from types import SimpleNamespace
from typing import Any

from conformance.events import Listener, observed


def event(kind: str = "Send", message_id: str = "m-1", **mail: Any) -> dict[str, Any]:
    return {"eventType": kind, "mail": {"messageId": message_id, **mail}}


def test_what_differs_from_run_to_run_is_masked_and_the_rest_is_kept() -> None:
    """Also the types of what is free, such as numbers and answers of other servers."""
    told = {
        "mail": {
            "messageId": "0100019a1b2c3d4e-0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f-000000",
            "sourceArn": "arn:aws:ses:us-east-1:111122223333:identity/example.com",
            "headersTruncated": False,
            "headers": [{"name": "From", "value": "a@example.com"}],
            "tags": {"ses:source-ip": ["192.0.2.1"], "ses:source-tls-version": ["TLSv1.3"]},
        },
        "delivery": {
            "processingTimeMillis": 5,
            "smtpResponse": "250 ok",
            "reportingMTA": "a8-77.smtp-out.eu-west-1.amazonses.com",
        },
        "complaint": {"userAgent": "Amazon SES Mailbox Simulator", "complaintSubType": None},
    }
    assert observed(told) == {
        "mail": {
            "messageId": "<message id>",
            "sourceArn": "arn:aws:ses:us-east-1:111122223333:identity/<identity>",
            "headersTruncated": False,
            "headers": ["From"],
            "tags": {"ses:source-ip": ["<ip>"], "ses:source-tls-version": ["<tls version>"]},
        },
        "delivery": {
            "processingTimeMillis": "<number>",
            "smtpResponse": "<text>",
            "reportingMTA": "<server>",
        },
        "complaint": {"userAgent": "Amazon SES Mailbox Simulator", "complaintSubType": None},
    }


def test_events_are_found_with_and_without_an_envelope() -> None:
    """And not what is of another message, or no event at all."""
    listener = Listener.__new__(Listener)
    listener.place = SimpleNamespace()  # type: ignore[assignment]
    listener.bodies = [
        "Successfully validated",
        json.dumps(event("Send")),
        json.dumps({"TopicArn": "arn", "Message": json.dumps(event("Delivery"))}),
        json.dumps({"TopicArn": "arn", "Message": "Successfully validated"}),
        json.dumps(event("Bounce", "m-2")),
    ]
    assert [each["eventType"] for each in listener.all_of("m-1")] == ["Delivery", "Send"]
    assert listener.kinds("m-2") == {"Bounce"}
