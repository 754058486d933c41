"""The notification that SES sends to the sender of a received message which bounces.

https://docs.aws.amazon.com/ses/latest/APIReference/API_SendBounce.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime

SUBJECT = "Delivery Status Notification (Failure)"
_REPORTING_MTA = "dns; amazonses.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A recipient whom the message does not reach, and why, as the call says it."""

    recipient: str
    action: str = "failed"
    status: str = "5.0.0"
    diagnostic: str = ""


def notification(
    *, sender: str, to: str, explanation: str, returned: Sequence[Returned], at: datetime
) -> bytes:
    """The message, a report as of RFC 3464."""
    report = EmailMessage(policy=SMTP)
    report["From"] = sender
    report["To"] = to
    report["Subject"] = SUBJECT
    report["Date"] = format_datetime(at)
    report["Auto-Submitted"] = "auto-replied"
    report["MIME-Version"] = "1.0"
    report.add_header("Content-Type", "multipart/report", report_type="delivery-status")
    text = EmailMessage(policy=SMTP)
    text.set_content(explanation or "The message could not be delivered.")
    report.attach(text)
    status = EmailMessage(policy=SMTP)
    status["Content-Type"] = "message/delivery-status"
    blocks = [[("Reporting-MTA", _REPORTING_MTA), ("Arrival-Date", format_datetime(at))]]
    for one in returned:
        fields = [
            ("Final-Recipient", f"rfc822; {one.recipient}"),
            ("Action", one.action),
            ("Status", one.status),
        ]
        blocks.append([*fields, *([("Diagnostic-Code", one.diagnostic)] * bool(one.diagnostic))])
    status.set_payload([_block(fields) for fields in blocks])
    report.attach(status)
    return report.as_bytes()


def _block(fields: Sequence[tuple[str, str]]) -> Message:
    block = Message(policy=SMTP)
    for name, value in fields:
        block[name] = " ".join(value.split())
    return block
