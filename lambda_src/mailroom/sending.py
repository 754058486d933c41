"""Send mail so that its events are published: one way for API v2, raw messages and SMTP.

SES publishes events only about mail that names a configuration set, and where to name it differs:
API v2 takes parameters and ignores header fields, SMTP knows header fields only. `Sender` and
`SmtpSender` do the right thing; `publishing_headers` serves smtplib, Django and ``SendRawEmail``.

Settings
    ``MAILROOM_CONFIGURATION_SET``
        Configuration set, unless given as an argument. Without either, nothing can be sent:
        `NotConfigured`. `NO_CONFIGURATION_SET` sends without one, and says so in the code; then
        the identity's default set applies, if it has any.
    ``MAILROOM_TAGS``
        JSON object, the default tags. A message's own tags are added; by name they win.
    ``MAILROOM_SMTP_SECRET``, ``MAILROOM_SMTP_HOST``, ``MAILROOM_SMTP_PORT``
        For `SmtpSender`, which see.

Permissions
    ``ses:SendEmail`` on the identity **and** on the configuration set; ``ses:SendRawEmail`` in
    the same way for `Sender.send`, which sends raw content; ``ses:SendTemplatedEmail``,
    ``ses:SendBulkEmail`` and ``ses:SendBulkTemplatedEmail`` and the template for templates;
    ``ses:SendCustomVerificationEmail``; ``ses:GetAccount`` for `Sender.send_bulk`, unless it is
    told the rate; ``secretsmanager:GetSecretValue`` on the secret of `SmtpSender`.

Nothing is sent twice, nothing is lost silently
    SES has no idempotency token, so botocore's retries are off. We try again after throttling and
    after connections that were never made, which prove that SES took nothing. Its refusals (4xx)
    raise `NotSent` at once. A timeout, a connection lost after the request was written and any
    5xx prove nothing: they raise `OutcomeUnknown`, and whether to send again is for the caller to
    decide, who may look for the message's Send event by a tag.

Sources: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html,
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html,
https://docs.aws.amazon.com/ses/latest/dg/quotas.html, RFC 8058.
"""

from __future__ import annotations

import time

from mailroom import _bulk
from mailroom._bulk import BulkEntry, BulkInterrupted, BulkResult, Outcome
from mailroom._outgoing import (
    LIST_FIELD,
    MAX_BYTES,
    MAX_BYTES_V1,
    InvalidMessage,
    ListManagement,
    ListUnsubscribe,
    Mailbox,
    Outgoing,
    checked_fields,
    checked_recipients,
    checked_tags,
    mailboxes,
    one_line,
    reconcile,
    template_data,
    template_name,
)
from mailroom._publishing import (
    NO_CONFIGURATION_SET,
    ONE_OF_THEM,
    NoConfigurationSet,
    NotSent,
    OutcomeUnknown,
    Publishing,
    Sent,
    add_list_fields,
    add_publishing_headers,
    publishing_headers,
    raw_message,
)
from mailroom._submission import SmtpSender, smtp_host, smtp_password
from mailroom.errors import NotConfigured

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mailroom._outgoing import AnyMessage, Tags

__all__ = [
    "MAX_BYTES",
    "MAX_BYTES_V1",
    "NO_CONFIGURATION_SET",
    "BulkEntry",
    "BulkInterrupted",
    "BulkResult",
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
    "add_publishing_headers",
    "publishing_headers",
    "raw_message",
    "smtp_host",
    "smtp_password",
]


class Sender:
    """Sends through SES API v2, with configuration set and tags on everything.

    Made at init, outside of the Lambda handler: it makes the boto3 client. *client* replaces that;
    a boto3 client must not retry by itself (``Config(retries={"total_max_attempts": 1})``), or
    mail could go out twice. *attempts* counts the first. *max_send_rate*, recipients a second,
    replaces what SES says of the account, e.g. for one of several functions that share it.
    """

    def __init__(
        self,
        *,
        configuration_set: str | NoConfigurationSet | None = None,
        tags: Tags | None = None,
        from_address: str | None = None,
        client: Any = None,
        attempts: int = 5,
        max_send_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        publishing = Publishing(configuration_set, tags, from_address)
        if attempts < 1:
            raise NotConfigured(f"attempts is {attempts}; the first counts, so it is at least 1")
        if max_send_rate is not None and max_send_rate <= 0:
            raise NotConfigured(f"max_send_rate is {max_send_rate}; it must be above 0")
        self._publishing = publishing
        self._client = _client() if client is None else _without_retries(client)
        self._attempts = attempts
        self._rate = max_send_rate
        self._clock = clock
        self._sleep = sleep

    @property
    def configuration_set(self) -> str | None:
        """Its configuration set."""
        return self._publishing.configuration_set

    @property
    def tags(self) -> dict[str, str]:
        """The tags that every message gets."""
        return dict(self._publishing.tags)

    def send(
        self,
        message: AnyMessage,
        *,
        tags: Tags | None = None,
        recipients: Sequence[str] | str | None = None,
        own_headers: str = "refuse",
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
    ) -> Sent:
        """Send *message* as it is (raw content), to To, Cc and Bcc or else to *recipients* alone.

        ``Bcc`` is never in what is sent. API v2 ignores ``X-SES-CONFIGURATION-SET`` and
        ``X-SES-MESSAGE-TAGS`` in the message, so they are taken out and become parameters. Where
        they differ from what the sender would set, *own_headers* decides: ``refuse`` raises,
        ``prefer`` takes the message's, ``discard`` the sender's. Tags are never mixed of both.

        Raises `InvalidMessage` before anything is sent, `NotSent`, `OutcomeUnknown`.
        """
        outgoing = Outgoing(
            message, recipients=recipients, from_address=self._publishing.author_box
        )
        name, words = reconcile(
            message, self.configuration_set, self._publishing.own(tags), own_headers
        )
        if message.get_all(LIST_FIELD):
            raise InvalidMessage(
                f"the message has {LIST_FIELD}, which is for SMTP; give list_management"
            )
        add_list_fields(outgoing, list_unsubscribe, list_management)
        return self._send_email(
            {"Raw": {"Data": outgoing.data(MAX_BYTES, "API v2")}},
            # The envelope: what the message's own fields say is shown, not used.
            {"ToAddresses": list(outgoing.recipients)},
            outgoing.recipients,
            name,
            words,
            list_management,
        )

    def send_simple(
        self,
        *,
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        subject: str,
        text: str | None = None,
        html: str | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
    ) -> Sent:
        """Have SES build a message of *text*, *html* or both, and send it; raises as `send` does.

        Addresses read ``jane@example.com`` or ``Jane Doe <jane@example.com>``.
        """
        one_line(subject, "subject")
        body = {}
        for key, value in (("Text", text), ("Html", html)):
            if value is not None:
                body[key] = {"Data": _utf8(value, key.lower()), "Charset": "UTF-8"}
        if not body:
            raise InvalidMessage("neither text nor html; give one or both")
        size = sum(len(part["Data"].encode()) for part in body.values())
        if size > MAX_BYTES:
            raise InvalidMessage(f"text and html are {size} bytes; API v2 takes {MAX_BYTES}")
        content: dict[str, Any] = {
            "Subject": {"Data": subject, "Charset": "UTF-8"},
            "Body": body,
        }
        return self._send_built(
            {"Simple": content},
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            from_address=from_address,
            headers=headers,
            tags=tags,
            list_unsubscribe=list_unsubscribe,
            list_management=list_management,
        )

    def send_template(
        self,
        *,
        template: str,
        data: Mapping[str, Any] | None = None,
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
    ) -> Sent:
        """Have SES fill in the stored *template* with *data* and send it; raises as `send` does.

        SES takes the message first and renders it later: a value that is missing in *data* shows
        up as a Rendering Failure event only.
        """
        content = {"TemplateName": template_name(template), "TemplateData": template_data(data)}
        return self._send_built(
            {"Template": content},
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            from_address=from_address,
            headers=headers,
            tags=tags,
            list_unsubscribe=list_unsubscribe,
            list_management=list_management,
        )

    def send_bulk(
        self,
        entries: Iterable[BulkEntry | str],
        *,
        template: str,
        data: Mapping[str, Any] | None = None,
        tags: Tags | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> BulkResult:
        """Send *template* to each of *entries*, one message each; return what became of each.

        *entries* is read as sending goes, at most 50 ahead. Calls carry up to 50 of them and keep
        to the account's MaxSendRate. Throttled and transient ones are tried again, later and up
        to *attempts* times. A call that SES refuses for one bad entry is divided until that entry
        alone has failed. A call without an answer leaves its entries `unknown`. Sending stops,
        and the rest fail as ``NOT_TRIED``, once the account or the template is what is wrong, or
        after three calls in a row without an answer.

        *on_outcome* is called with each `Outcome` as it becomes known, for a record that outlives
        this process. If it raises, or *entries* does, `BulkInterrupted` has what is known.
        Arguments of the whole call raise `InvalidMessage` before anything is sent; an entry that
        is wrong fails alone, as ``INVALID``. Entries are not compared: twice in, twice out.
        """
        words = self._publishing.own(tags)
        shared: dict[str, Any] = {
            "FromEmailAddress": str(self._publishing.author(from_address)),
            "DefaultContent": {
                "Template": {
                    "TemplateName": template_name(template),
                    "TemplateData": template_data(data),
                }
            },
        }
        if fields := checked_fields(headers, list_unsubscribe):
            shared["DefaultContent"]["Template"]["Headers"] = fields
        if answers := mailboxes(reply_to, "reply_to"):
            shared["ReplyToAddresses"] = [str(one) for one in answers]
        if self.configuration_set:
            shared["ConfigurationSetName"] = self.configuration_set

        def admit(entry: BulkEntry) -> _bulk.Job:
            own = checked_tags(entry.tags)
            return _bulk.Job(
                entry,
                str(Mailbox.parse(entry.to, "to")),
                None if entry.data is None else template_data(entry.data),
                {**words, **own},
                bool(own),
                checked_fields(entry.headers, entry.list_unsubscribe) or None,
            )

        return _bulk.run(
            entries,
            admit=admit,
            call=lambda jobs: self._client.send_bulk_email(**_request(shared, words, jobs)),
            rate=self._max_send_rate(),
            attempts=self._attempts,
            configuration_set=self.configuration_set,
            clock=self._clock,
            sleep=self._sleep,
            on_outcome=on_outcome,
        )

    def send_verification(self, address: str, *, template: str) -> Sent:
        """Send the custom verification email *template* to *address*; raises as `send` does.

        SES knows no tags for it, so the default tags do not apply: ``Sent.tags`` is empty.
        """
        box = Mailbox.parse(address, "address")
        arguments = {"EmailAddress": box.address, "TemplateName": template_name(template)}
        if self.configuration_set:
            arguments["ConfigurationSetName"] = self.configuration_set
        return Sent(
            self._call("SendCustomVerificationEmail", arguments),
            configuration_set=self.configuration_set,
            tags={},
            recipients=(box.address,),
        )

    def _send_built(
        self,
        content: dict[str, Any],
        *,
        to: str | Iterable[str] | None,
        cc: str | Iterable[str] | None,
        bcc: str | Iterable[str] | None,
        reply_to: str | Iterable[str] | None,
        from_address: str | None,
        headers: Mapping[str, str] | None,
        tags: Tags | None,
        list_unsubscribe: ListUnsubscribe | None,
        list_management: ListManagement | None,
    ) -> Sent:
        if list_unsubscribe and list_management:
            raise InvalidMessage(ONE_OF_THEM)
        if fields := checked_fields(headers, list_unsubscribe):
            next(iter(content.values()))["Headers"] = fields
        kinds = {
            "ToAddresses": mailboxes(to, "to"),
            "CcAddresses": mailboxes(cc, "cc"),
            "BccAddresses": mailboxes(bcc, "bcc"),
        }
        recipients = checked_recipients([box for boxes in kinds.values() for box in boxes])
        return self._send_email(
            content,
            {kind: [str(box) for box in boxes] for kind, boxes in kinds.items() if boxes},
            recipients,
            self.configuration_set,
            self._publishing.own(tags),
            list_management,
            FromEmailAddress=str(self._publishing.author(from_address)),
            ReplyToAddresses=[str(box) for box in mailboxes(reply_to, "reply_to")],
        )

    def _send_email(
        self,
        content: dict[str, Any],
        destination: dict[str, list[str]],
        recipients: Sequence[str],
        configuration_set: str | None,
        tags: Mapping[str, str],
        management: ListManagement | None,
        **arguments: Any,
    ) -> Sent:
        arguments.update(Content=content, Destination=destination)
        if configuration_set:
            arguments["ConfigurationSetName"] = configuration_set
        if tags:
            arguments["EmailTags"] = _pairs(tags)
        if management:
            arguments["ListManagementOptions"] = management.options()
        return Sent(
            self._call("SendEmail", {key: value for key, value in arguments.items() if value}),
            configuration_set=configuration_set,
            tags=tags,
            recipients=recipients,
        )

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> str:
        method = getattr(self._client, _METHODS[operation])
        attempt = 1
        while True:
            try:
                return str(method(**arguments).get("MessageId") or "")
            except Exception as error:
                failure = _bulk.classify(error, operation)
                if failure.kind == "unknown":
                    raise OutcomeUnknown(
                        f"{operation}: no answer that tells whether the message was sent "
                        f"({failure.code}); look for its Send event before you send it again"
                    ) from error
                if failure.kind == "refused" or attempt >= self._attempts:
                    raise NotSent(_explained(operation, failure), code=failure.code) from error
            self._sleep(_bulk.backoff(attempt))
            attempt += 1

    def _max_send_rate(self) -> float:
        if self._rate is None:
            try:
                answer = self._client.get_account()
                self._rate = float(answer["SendQuota"]["MaxSendRate"])
            except Exception as error:
                raise NotSent(
                    f"the account's sending rate is unknown ({type(error).__name__}): grant "
                    "ses:GetAccount, or give the sender max_send_rate"
                ) from error
        return self._rate


_METHODS = {
    "SendEmail": "send_email",
    "SendCustomVerificationEmail": "send_custom_verification_email",
}


def _client() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 1}, tcp_keepalive=True)
    return boto3.client("sesv2", config=config)


def _without_retries(client: Any) -> Any:
    config = getattr(getattr(client, "meta", None), "config", None)
    retries = getattr(config, "retries", None)
    if isinstance(retries, dict) and retries.get("total_max_attempts") != 1:
        raise NotConfigured(
            "client retries by itself, so that a message could be sent twice; make it with "
            "Config(retries={'total_max_attempts': 1}), or leave client out"
        )
    return client


def _request(
    shared: Mapping[str, Any], defaults: Mapping[str, str], jobs: Sequence[_bulk.Job]
) -> dict[str, Any]:
    # AWS does not say whether an entry's tags join or replace the default ones. So a call uses
    # either: defaults alone, or with any entry that has its own, the whole set on each.
    apart = any(job.own_tags for job in jobs)
    entries = []
    for job in jobs:
        entry: dict[str, Any] = {"Destination": {"ToAddresses": [job.address]}}
        if apart and job.tags:
            entry["ReplacementTags"] = _pairs(job.tags)
        if job.request_data is not None:
            entry["ReplacementEmailContent"] = {
                "ReplacementTemplate": {"ReplacementTemplateData": job.request_data}
            }
        if job.fields:
            entry["ReplacementHeaders"] = job.fields
        entries.append(entry)
    request = {**shared, "BulkEmailEntries": entries}
    if defaults and not apart:
        request["DefaultEmailTags"] = _pairs(defaults)
    return request


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in tags.items()]


def _utf8(text: object, what: str) -> str:
    if not isinstance(text, str):
        raise InvalidMessage(f"{what} is a {type(text).__name__}; give a string")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage(f"{what} has a lone surrogate at position {error.start}") from error
    return text


def _explained(operation: str, failure: _bulk.Failure) -> str:
    text = f"{operation}: {failure.code}: {failure.text}"
    if failure.code in ("AccessDeniedException", "AccessDenied"):
        text += " (it takes the permission on the identity's ARN and on the configuration set's)"
    return text
