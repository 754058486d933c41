"""The operations that send: both APIs and SMTP submission lead to one :func:`accept`.

It decides, from what the account holds, whether SES takes a message and what becomes of it, and
hands it to the mailer. ministack's own operations only record what was sent.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mailroom.ses import (
    CONFIGURATION_SET_HEADER,
    DELIVERY_SECONDS,
    LIST_MANAGEMENT_HEADER,
    RECIPIENTS_PER_MESSAGE,
    SENT_BYTES,
    TAGS_HEADER,
    TENANT_HEADER,
)
from mailroom_local._emulator import (
    configuration_sets,
    contacts,
    endpoints,
    feedback,
    internals,
    permissions,
    places,
    suppression,
    tenants,
)
from mailroom_local._emulator.query import Request
from mailroom_local._emulator.served import server
from mailroom_local._ses_error import SesError
from mailroom_local.control.credentials import LOCAL
from mailroom_local.mail.content import normal_lines
from mailroom_local.mail.headers import address_of, header_of, mailboxes, read_headers
from mailroom_local.sending import credentials, decisions, outcomes, refusals
from mailroom_local.sending.bounce import Returned, notification
from mailroom_local.sending.credentials import Caller
from mailroom_local.sending.message import (
    MailingList,
    SentMessage,
    Unrendered,
    new_message_id,
)

# The header fields whose addresses must be verified, as the envelope sender must.
_SENDERS = ("from", "sender", "return-path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A message and what its call said of it, whatever the interface was."""

    operation: str
    source: str
    recipients: Sequence[str]
    raw: bytes
    request: Request
    to: Sequence[str] = ()
    cc: Sequence[str] = ()
    bcc: Sequence[str] = ()
    configuration_set: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    # Whether the message's header may also name the configuration set, tags, list and tenant.
    heeds_headers: bool = False
    list_management: MailingList | None = None
    tenant: str | None = None
    template: str | None = None
    endpoint_id: str | None = None
    # What the call says of tracking, by the names of API v2.
    tracking: Mapping[str, str] = field(default_factory=dict)
    unrendered: Unrendered | None = None
    max_bytes: int = SENT_BYTES


def accept(submission: Submission) -> str:
    """Take a message and return its id, or raise what SES refuses it with."""
    raw = normal_lines(submission.raw)
    header = read_headers(raw) if submission.heeds_headers else []
    endpoints.check(submission.endpoint_id)
    tenant = tenants.record(submission.tenant or header_of(header, TENANT_HEADER))
    _check(submission)
    refusals.check_message(raw)
    _check_senders(raw)
    identity, default_set = _identity(address_of(submission.source))
    name = (
        submission.configuration_set
        or header_of(header, CONFIGURATION_SET_HEADER)
        or default_set
        or None
    )
    stored = configuration_sets.record(name) if name else {}
    if not (stored.get("SendingOptions") or {}).get("SendingEnabled", True):
        raise SesError(
            "ConfigurationSetSendingPausedException",
            f"Email sending is disabled for the configuration set <{name}>.",
        )
    tenant_name = None if tenant is None else str(tenant["TenantName"])
    check_tenant(
        tenant_name, source=submission.source, configuration_set=name, template=submission.template
    )
    managed = submission.list_management or decisions.list_management_of_header(
        header_of(header, LIST_MANAGEMENT_HEADER)
    )
    if managed is not None:
        contacts.check(managed)
    now = datetime.now(UTC)
    account, region = internals.responses.get_account_id(), internals.responses.get_region()
    track_opens, track_clicks = configuration_sets.tracks(stored, submission.tracking)
    longest = (stored.get("DeliveryOptions") or {}).get("MaxDeliverySeconds")
    outgoing = SentMessage(
        message_id=new_message_id(now),
        operation=submission.operation,
        sent_at=now,
        source=submission.source,
        source_arn=f"arn:aws:ses:{region}:{account}:identity/{identity}",
        recipients=tuple(address_of(each) for each in submission.recipients),
        raw=raw,
        account=account,
        region=region,
        caller=submission.request.caller,
        source_ip=submission.request.client_address,
        trace=submission.request.trace,
        configuration_set=name,
        tenant=tenant_name,
        tags=submission.tags or decisions.tags_of_header(header_of(header, TAGS_HEADER)),
        withheld=_withheld(submission.recipients, stored, managed, tenant),
        list_management=managed,
        unrendered=submission.unrendered,
        max_delivery_seconds=int(longest or DELIVERY_SECONDS[-1]),
        track_opens=track_opens,
        track_clicks=track_clicks,
    )
    delivered = server.send(outgoing)
    if outgoing.unrendered is None and not outgoing.rejected:
        _record(outgoing, submission, delivered)
    return outgoing.message_id


def check_tenant(
    tenant: str | None, *, source: str, configuration_set: str | None, template: str | None
) -> None:
    """Refuse a message of a tenant that uses what is not associated with it."""
    identity, default_set = _identity(address_of(source))
    tenants.check(
        tenant,
        identity=identity,
        configuration_set=configuration_set or default_set,
        template=template,
    )


def bounce(
    *, sender: str, to: str, original: str, explanation: str, returned: Sequence[Returned]
) -> str:
    """Send a notification about a received message to its sender, and return its id."""
    now = datetime.now(UTC)
    account, region = internals.responses.get_account_id(), internals.responses.get_region()
    outgoing = SentMessage(
        message_id=new_message_id(now),
        operation="SendBounce",
        sent_at=now,
        source=sender,
        source_arn=f"arn:aws:ses:{region}:{account}:identity/{_identity(address_of(sender))[0]}",
        recipients=(to,),
        raw=notification(sender=sender, to=to, explanation=explanation, returned=returned, at=now),
        account=account,
        region=region,
        caller=account,
        source_ip=str(internals.responses.get_request_client_ip()),
        bounce_of=original,
    )
    bounced = [one.recipient for one in returned]
    extra = {"OriginalMessageId": original, "BouncedRecipients": bounced}
    _keep(outgoing, server.send(outgoing), to=[to], **extra)
    return outgoing.message_id


def submit(
    raw: bytes, *, mail_from: str, rcpt_tos: list[str], caller: Caller, client_address: str
) -> str:
    """Take a message that came in by SMTP submission."""
    with internals.responses.request_scope(*(caller.place or places.of_sender(mail_from))):
        refusal = permissions.refuse_submission(
            caller,
            raw,
            mail_from=mail_from,
            rcpt_tos=rcpt_tos,
            region=internals.responses.get_region(),
        )
        if refusal is not None:
            raise SesError("Access denied", refusal)
        return accept(
            Submission(
                operation="SendSmtpEmail",
                source=mail_from,
                recipients=rcpt_tos,
                to=rcpt_tos,
                raw=raw,
                request=Request(caller=caller.name, client_address=client_address),
                heeds_headers=True,
            )
        )


def authenticate(user: str, password: str) -> Caller | None:
    """The caller whose SMTP credentials these are; they are of one region only."""
    local = LOCAL
    if user == local.user:
        return Caller(name=user) if credentials.matches(password, local.password) else None
    for account, key in places.access_keys(user):
        for region in places.regions(account):
            expected = credentials.smtp_password(key["SecretAccessKey"], region=region)
            if key.get("Status") == "Active" and credentials.matches(password, expected):
                place = (account, region)
                return Caller(name=str(key["UserName"]), access_key=user, place=place)
    return None


def _check(submission: Submission) -> None:
    for address in (*submission.recipients, *([submission.source] if submission.source else [])):
        refusals.check_addresses(address)
    if not submission.recipients:
        raise SesError("InvalidParameterValue", "No recipients were given.")
    if len(submission.recipients) > RECIPIENTS_PER_MESSAGE:
        raise SesError(
            "InvalidParameterValue", f"Recipient count exceeds {RECIPIENTS_PER_MESSAGE}."
        )
    if len(submission.raw) > submission.max_bytes:
        raise SesError(
            "InvalidParameterValue",
            f"Message length is more than {submission.max_bytes} bytes long.",
        )
    if rejection := internals.ses.message_rejection(submission.source, submission.recipients):
        raise SesError("MessageRejected", rejection)


def _check_senders(raw: bytes) -> None:
    """Refuse a message whose header names a sender that is not verified.

    https://docs.aws.amazon.com/ses/latest/dg/verify-addresses-and-domains.html
    """
    named = (value for name, value in read_headers(raw) if name.lower() in _SENDERS)
    for _, address in mailboxes(named):
        if rejection := internals.ses.message_rejection(address):
            raise SesError("MessageRejected", rejection)


def _identity(address: str) -> tuple[str, str | None]:
    """The identity that an address sends by, and the configuration set it has by default."""
    stored = internals.ses_v2.identities
    domain = address.rpartition("@")[2].lower()
    labels = domain.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels))]
    for name in (address, *parents):
        if name in stored:
            return name, stored[name].get("ConfigurationSetName") or None
    for name in (address, *parents):
        if name in internals.ses.identities:
            return name, None
    return domain, None


def _withheld(
    recipients: Iterable[str],
    stored: Mapping[str, Any],
    managed: MailingList | None,
    tenant: Mapping[str, Any] | None,
) -> dict[str, outcomes.Outcome]:
    found = {}
    for recipient in (address_of(each) for each in recipients):
        if held := suppression.held(recipient, stored, tenant):
            found[recipient.lower()] = held
        elif configuration_sets.validates(stored) and decisions.never_works(recipient):
            found[recipient.lower()] = outcomes.NOT_VALID
        elif managed is not None and not contacts.wants(managed, recipient):
            found[recipient.lower()] = outcomes.UNSUBSCRIBED
    return found


def _record(outgoing: SentMessage, submission: Submission, delivered: bytes) -> None:
    _keep(outgoing, delivered, to=submission.to, cc=submission.cc, bcc=submission.bcc)
    feedback.publish(outgoing)


def _keep(
    outgoing: SentMessage,
    delivered: bytes,
    *,
    to: Sequence[str],
    cc: Sequence[str] = (),
    bcc: Sequence[str] = (),
    **extra: Any,
) -> None:
    """Keep what was sent where ministack keeps it, which counts it in the statistics too."""
    entry = {
        "MessageId": outgoing.message_id,
        "Source": outgoing.source,
        "To": list(to),
        "CC": list(cc),
        "BCC": list(bcc),
        "Subject": outgoing.common_headers.get("subject", ""),
        "Timestamp": outgoing.sent_at.timestamp(),
        "Type": outgoing.operation,
        "DeliveredTo": decisions.reached(outgoing),
        "Raw": base64.b64encode(delivered).decode(),
        **extra,
    }
    if outgoing.configuration_set:
        entry["ConfigurationSetName"] = outgoing.configuration_set
    internals.ses.sent_emails.setdefault("entries", []).append(entry)
