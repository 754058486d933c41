"""Send mail so that its events are published, through API v2, SMTP or your own code.

SES publishes events only about mail that names a configuration set, and where to name it differs:
API v2 has parameters and ignores header fields, SMTP has header fields only. `Sender` and
`SmtpSender` do each correctly; `publishing_headers` is for smtplib, Django and ``SendRawEmail``.

Settings
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set, unless given as an argument. Without either, `NotConfigured` is raised.
        `NO_CONFIGURATION_SET` sends without one on purpose; then the identity's default
        configuration set applies, if it has one.
    ``MAILROOM_TAGS``
        JSON object of default tags.
    ``MAILROOM_TENANT``, ``MAILROOM_ENDPOINT_ID``
        Tenant and multi-region endpoint of a `Sender`, unless given as arguments; `SmtpSender`
        has the tenant only.
    ``MAILROOM_SMTP_SECRET``, ``MAILROOM_SMTP_HOST``, ``MAILROOM_SMTP_PORT``
        For `SmtpSender`.

Permissions
    ``ses:SendEmail`` on the identity **and** on the configuration set; ``ses:SendRawEmail`` on the
    same for `Sender.send`, which sends raw content; ``ses:SendTemplatedEmail``,
    ``ses:SendBulkEmail`` and ``ses:SendBulkTemplatedEmail``, also on the template, for templates;
    ``ses:SendCustomVerificationEmail``; ``ses:ApplyTrackingConfigurationOverrides`` on ``*`` for
    ``tracking``; ``ses:GetAccount`` for `Sender.send_bulk` without
    ``max_send_rate``; ``secretsmanager:GetSecretValue`` on the secret of `SmtpSender`.

No mail is sent twice, and none is lost silently
    SES has no idempotency token, so botocore's retries are off. A send is tried again only after
    throttling and after a connection that was never made, which prove that SES accepted nothing.
    A refusal (4xx) raises `NotSent` at once. A timeout, a connection lost after the request was
    written, any 5xx and a 200 without a message id prove nothing: they raise `OutcomeUnknown`, and
    the caller decides whether to send again, for example after looking for the message's Send
    event by a tag. A process that dies during `Sender.send_bulk` leaves no result; the argument
    ``before`` is for a journal that does.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html,
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html,
https://docs.aws.amazon.com/ses/latest/dg/quotas.html, RFC 8058.
"""

from __future__ import annotations

from mailroom.errors import AutomaticMail, InvalidMessage, NotSent, OutcomeUnknown
from mailroom.sending.bulk_results import BulkEntry, BulkInterrupted, BulkResult, Outcome
from mailroom.sending.lists import ListManagement, ListUnsubscribe
from mailroom.sending.publishing import (
    NO_CONFIGURATION_SET,
    NoConfigurationSet,
    add_publishing_headers,
    publishing_headers,
    raw_message,
)
from mailroom.sending.routing import Tracking
from mailroom.sending.sender import Sender
from mailroom.sending.sent import Sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.sending.content import Attachment, InlineTemplate
    from mailroom.sending.smtp import SmtpSender, smtp_host, smtp_password

__all__ = [
    "NO_CONFIGURATION_SET",
    "Attachment",
    "AutomaticMail",
    "BulkEntry",
    "BulkInterrupted",
    "BulkResult",
    "InlineTemplate",
    "InvalidMessage",
    "ListManagement",
    "ListUnsubscribe",
    "NoConfigurationSet",
    "NotSent",
    "Outcome",
    "OutcomeUnknown",
    "Sender",
    "Sent",
    "SmtpSender",
    "Tracking",
    "add_publishing_headers",
    "publishing_headers",
    "raw_message",
    "smtp_host",
    "smtp_password",
]

# Most functions that send need none of these, so they are imported when they are first asked for.
_LAZY = {
    "Attachment": "mailroom.sending.content",
    "InlineTemplate": "mailroom.sending.content",
    "SmtpSender": "mailroom.sending.smtp",
    "smtp_host": "mailroom.sending.smtp",
    "smtp_password": "mailroom.sending.smtp",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
