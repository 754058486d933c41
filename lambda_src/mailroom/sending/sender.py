"""Sends through SES API v2."""

from __future__ import annotations

import time

from mailroom import ses
from mailroom._api import Api
from mailroom.errors import NotConfigured
from mailroom.sending.addresses import Mailbox, checked_recipients, mailboxes
from mailroom.sending.bulk_sending import BulkSending
from mailroom.sending.checks import InvalidMessage, checked_fields, pairs, template_name
from mailroom.sending.lists import check_one_way, with_unsubscribe
from mailroom.sending.message import Outgoing, reconcile
from mailroom.sending.publishing import Publishing
from mailroom.sending.replying import Replying
from mailroom.sending.routing import Route
from mailroom.sending.sent import Sent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mailroom.sending.checks import Tags
    from mailroom.sending.content import Attachment, InlineTemplate
    from mailroom.sending.lists import ListManagement, ListUnsubscribe
    from mailroom.sending.message import AnyMessage
    from mailroom.sending.publishing import NoConfigurationSet
    from mailroom.sending.routing import Tracking

__all__ = ["Sender"]


class Sender(Replying, BulkSending):
    """Sends through SES API v2, with configuration set and tags on everything.

    Make it outside of the Lambda handler, since it makes the boto3 client.

    Args:
        configuration_set: Name of the configuration set, or `NO_CONFIGURATION_SET`. Default:
            ``MAILROOM_CONFIGURATION_SET``.
        tags: Tags of every message. Default: those in ``MAILROOM_TAGS``.
        from_address: Author of messages that name none.
        tenant: Name of the tenant that every message is sent through; see `for_tenant`. SES
            refuses what is not associated with it. Default: ``MAILROOM_TENANT``, else none.
        endpoint_id: Id of the multi-region endpoint that every call goes to; needs the package
            awscrt. Default: ``MAILROOM_ENDPOINT_ID``, else the region's own endpoint.
        client: A client of ``sesv2`` to use. It must not retry, so make it with
            ``Config(retries={"total_max_attempts": 1})``. Default: such a client is made.
        attempts: Tries of one call, the first included. Default: 5.
        max_send_rate: Recipients a second for `send_bulk`, for example a share of the account's.
            Default: the account's MaxSendRate, which SES is asked for.
        clock: Returns seconds, for tests. Default: `time.monotonic`.
        sleep: Waits for a number of seconds, for tests. Default: `time.sleep`.

    Raises:
        NotConfigured: There is no configuration set, or an argument cannot be used.
        InvalidMessage: SES would refuse a name, a tag or the author.
    """

    def __init__(
        self,
        *,
        configuration_set: str | NoConfigurationSet | None = None,
        tags: Tags | None = None,
        from_address: str | None = None,
        tenant: str | None = None,
        endpoint_id: str | None = None,
        client: Any = None,
        attempts: int = 5,
        max_send_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        publishing = Publishing(configuration_set, tags, from_address)
        if attempts < 1:
            raise NotConfigured(f"attempts is {attempts}: pass at least 1, since the first counts")
        if max_send_rate is not None and max_send_rate <= 0:
            raise NotConfigured(f"max_send_rate is {max_send_rate}: pass more than 0")
        self._publishing = publishing
        self._route = Route(tenant, endpoint_id)
        if client is None:
            self._route.check_signing()
        self._api = Api(client=client, attempts=attempts, rate=max_send_rate, sleep=sleep)
        self._attempts = attempts
        self._clock = clock
        self._sleep = sleep

    @property
    def configuration_set(self) -> str | None:
        """The configuration set of every message; ``None`` for none."""
        return self._publishing.configuration_set

    @property
    def tags(self) -> dict[str, str]:
        """The tags of every message."""
        return dict(self._publishing.tags)

    @property
    def tenant(self) -> str | None:
        """The tenant of every message; ``None`` for none."""
        return self._route.tenant

    @property
    def endpoint_id(self) -> str | None:
        """The multi-region endpoint of every call; ``None`` for the region's own endpoint."""
        return self._route.endpoint_id

    def for_tenant(self, tenant: str) -> Sender:
        """Return a sender for another tenant, otherwise like this one and with the same client.

        It costs next to nothing, so a function that sends for many tenants makes one a message.

        Args:
            tenant: Name of the tenant.

        Raises:
            InvalidMessage: SES would refuse the name.
        """
        from copy import copy

        twin = copy(self)
        vars(twin).update(_route=Route(tenant, self.endpoint_id))
        return twin

    def send(
        self,
        message: AnyMessage,
        *,
        tags: Tags | None = None,
        recipients: Sequence[str] | str | None = None,
        own_headers: str = "refuse",
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent:
        """Send *message* unchanged (raw content), except that ``Bcc`` is removed.

        API v2 ignores ``X-SES-CONFIGURATION-SET`` and ``X-SES-MESSAGE-TAGS`` in a message, so
        they are removed and become parameters.

        Args:
            message: A message of the standard library; it is not changed.
            tags: Tags that are added to the sender's, and win by name.
            recipients: Addresses to send to. Default: those in To, Cc and Bcc.
            own_headers: What to do if the message's own configuration set or tags differ from
                the sender's: ``refuse`` (default) raises, ``prefer`` uses the message's,
                ``discard`` the sender's. Tags of both are never mixed.
            list_unsubscribe: Your own way to leave the list. Default: none.
            list_management: SES's way to leave the list. Default: none.
            tracking: Whether SES tracks opens and clicks. Default: as the configuration set says.

        Raises:
            InvalidMessage: SES would refuse it; nothing was sent.
            NotSent: SES did refuse it, or could not be reached.
            OutcomeUnknown: SES's answer was lost.
        """
        outgoing = Outgoing(
            message, recipients=recipients, from_address=self._publishing.author_box
        )
        name, words = reconcile(
            message, self.configuration_set, self._publishing.own(tags), own_headers
        )
        for field, argument in (
            (ses.LIST_MANAGEMENT_HEADER, "list_management"),
            (ses.TENANT_HEADER, "tenant to the sender"),
        ):
            if message.get_all(field):
                raise InvalidMessage(
                    f"the message has {field}, which works with SMTP only: remove it and pass "
                    f"{argument}"
                )
        check_one_way(list_unsubscribe, list_management)
        outgoing.add_unsubscribe(list_unsubscribe)
        sent = self._send_email(
            {"Raw": {"Data": outgoing.data(ses.SENT_BYTES, "API v2")}},
            # The envelope; the message's own fields are only shown.
            {"ToAddresses": list(outgoing.recipients)},
            outgoing.recipients,
            name,
            words,
            list_management,
            tracking,
        )
        sent.references = outgoing.references
        return sent

    def send_simple(
        self,
        *,
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        subject: str,
        text: str | None = None,
        html: str | None = None,
        attachments: Iterable[Attachment] = (),
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent:
        """Have SES build a message of *text*, *html* or both, and send it.

        Args:
            to: Recipients, ``jane@example.com`` or ``Jane Doe <jane@example.com>``.
            cc: Recipients in Cc.
            bcc: Recipients that the others do not see.
            subject: The subject, one line.
            text: The plain text.
            html: The HTML.
            attachments: Files; together with the texts at most 40 MB, encoded. Default: none.
            reply_to: Addresses for replies. Default: none.
            from_address: The author. Default: the sender's ``from_address``.
            headers: Further header fields, at most 15, in ASCII.
            tags: Tags that are added to the sender's, and win by name.
            list_unsubscribe: Your own way to leave the list. Default: none.
            list_management: SES's way to leave the list. Default: none.
            tracking: Whether SES tracks opens and clicks. Default: as the configuration set says.

        Raises:
            InvalidMessage: SES would refuse it; nothing was sent.
            NotSent: SES did refuse it, or could not be reached.
            OutcomeUnknown: SES's answer was lost.
        """
        from mailroom.sending.content import simple

        return self._send_built(
            {"Simple": simple(subject, text, html, attachments)},
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            from_address=from_address,
            headers=headers,
            tags=tags,
            list_unsubscribe=list_unsubscribe,
            list_management=list_management,
            tracking=tracking,
        )

    def send_template(
        self,
        *,
        template: str | InlineTemplate,
        data: Mapping[str, Any] | None = None,
        attachments: Iterable[Attachment] = (),
        to: str | Iterable[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        tags: Tags | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        list_management: ListManagement | None = None,
        tracking: Tracking | None = None,
    ) -> Sent:
        """Have SES fill in a template and send it.

        SES accepts the message first and renders it later: a value that is missing in *data*
        becomes a Rendering Failure event, not an error here.

        Args:
            template: Name of a stored template, or an `InlineTemplate`.
            data: Values for the template's variables; ``None`` as a value is refused, since SES
                never sends such a message. Default: none.
            attachments: Files, at most 40 MB, encoded. Default: none.
            to: Recipients, ``jane@example.com`` or ``Jane Doe <jane@example.com>``.
            cc: Recipients in Cc.
            bcc: Recipients that the others do not see.
            reply_to: Addresses for replies. Default: none.
            from_address: The author. Default: the sender's ``from_address``.
            headers: Further header fields, at most 15, in ASCII.
            tags: Tags that are added to the sender's, and win by name.
            list_unsubscribe: Your own way to leave the list. Default: none.
            list_management: SES's way to leave the list. Default: none.
            tracking: Whether SES tracks opens and clicks. Default: as the configuration set says.

        Raises:
            InvalidMessage: SES would refuse it; nothing was sent.
            NotSent: SES did refuse it, or could not be reached.
            OutcomeUnknown: SES's answer was lost.
        """
        from mailroom.sending.content import templated

        return self._send_built(
            {"Template": templated(template, data, attachments)},
            to=to,
            cc=cc,
            bcc=bcc,
            reply_to=reply_to,
            from_address=from_address,
            headers=headers,
            tags=tags,
            list_unsubscribe=list_unsubscribe,
            list_management=list_management,
            tracking=tracking,
        )

    def send_verification(self, address: str, *, template: str) -> Sent:
        """Send a custom verification email; it has no tags, so ``Sent.tags`` is empty.

        SES sends it in the client's own region and through no tenant.

        Args:
            address: The address to verify.
            template: Name of the custom verification email template.

        Raises:
            InvalidMessage: SES would refuse it; nothing was sent.
            NotSent: SES did refuse it, or could not be reached.
            OutcomeUnknown: SES's answer was lost.
        """
        box = Mailbox.parse(address, "address")
        arguments = {"EmailAddress": box.address, "TemplateName": template_name(template)}
        if self.configuration_set:
            arguments["ConfigurationSetName"] = self.configuration_set
        return Sent(
            self._api.call("SendCustomVerificationEmail", arguments),
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
        tracking: Tracking | None,
    ) -> Sent:
        check_one_way(list_unsubscribe, list_management)
        if fields := checked_fields(with_unsubscribe(headers, list_unsubscribe)):
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
            tracking,
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
        tracking: Tracking | None,
        **arguments: Any,
    ) -> Sent:
        arguments.update(
            Content=content, Destination=destination, **self._route.arguments(tracking)
        )
        if configuration_set:
            arguments["ConfigurationSetName"] = configuration_set
        if tags:
            arguments["EmailTags"] = pairs(tags)
        if management:
            arguments["ListManagementOptions"] = management.options()
        return Sent(
            self._api.call("SendEmail", {key: value for key, value in arguments.items() if value}),
            configuration_set=configuration_set,
            tags=tags,
            recipients=recipients,
            # A multi-region endpoint sends in either of its regions.
            region=None if self.endpoint_id else self._api.region,
        )
