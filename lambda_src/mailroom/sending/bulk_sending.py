"""What a sender needs to send one template to many recipients."""

from __future__ import annotations

from mailroom.sending.addresses import Mailbox, mailboxes
from mailroom.sending.checks import checked_fields, checked_tags, template_data
from mailroom.sending.lists import with_unsubscribe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mailroom._api import Api
    from mailroom.sending import bulk
    from mailroom.sending.bulk_results import BulkEntry, BulkResult, Outcome
    from mailroom.sending.checks import Tags
    from mailroom.sending.content import Attachment, InlineTemplate
    from mailroom.sending.lists import ListUnsubscribe
    from mailroom.sending.publishing import Publishing
    from mailroom.sending.routing import Route, Tracking

__all__ = ["BulkSending"]


class BulkSending:
    """What a sender needs to send one template to many recipients."""

    _api: Api
    _attempts: int
    _clock: Callable[[], float]
    _publishing: Publishing
    _route: Route
    _sleep: Callable[[float], object]

    def send_bulk(
        self,
        entries: Iterable[BulkEntry | str],
        *,
        template: str | InlineTemplate,
        data: Mapping[str, Any] | None = None,
        attachments: Iterable[Attachment] = (),
        tags: Tags | None = None,
        reply_to: str | Iterable[str] | None = None,
        from_address: str | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
        tracking: Tracking | None = None,
        before: Callable[[Sequence[BulkEntry]], object] | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> BulkResult:
        """Send a template to each of *entries*, one message each.

        A call to SES has up to 50 entries, and calls keep to the sending rate. Throttling and
        transient failures are retried. A call that SES refuses because of one entry is
        divided until only that entry has failed. A call without an answer leaves its entries
        unknown. Sending stops, and the rest fail as ``NOT_TRIED``, if the account or the template
        is the problem, or after three calls in a row without an answer.

        Args:
            entries: Addresses, or `BulkEntry` for what differs by recipient; read while sending,
                at most 50 ahead. An entry that SES would refuse fails alone, as ``INVALID``.
                Repeats are sent repeatedly.
            template: Name of a stored template, or an `InlineTemplate`.
            data: Values for the template's variables; ``None`` as a value is refused, since SES
                never sends such a message. Default: none.
            attachments: Files that every recipient gets, at most 40 MB, encoded. Default: none.
            tags: Tags that are added to the sender's, and win by name.
            reply_to: Addresses for replies. Default: none.
            from_address: The author. Default: the sender's ``from_address``.
            headers: Further header fields, at most 15, in ASCII.
            list_unsubscribe: Your own way to leave the list. Default: none.
            tracking: Whether SES tracks opens and clicks of all these messages. Default: as the
                configuration set says.
            before: Called with the entries of each call to SES, at most 50, before the call is
                made. Write them to a record that outlives this process: what is in it without an
                outcome when the process was killed may have been sent. If it raises, the call is
                not made. Default: nothing is called.
            on_outcome: Called with each `Outcome` once its call to SES is over, for the same
                record. Default: nothing is called.

        Example:
            A journal that tells what was in flight, however the process ended::

                journal = open("journal.txt", "a", buffering=1)
                sender.send_bulk(
                    entries,
                    template="news",
                    before=lambda some: journal.writelines(f"calling {one.to}\\n" for one in some),
                    on_outcome=lambda one: journal.write(f"{one.status} {one.entry.to}\\n"),
                )

        Returns:
            One `Outcome` for every entry.

        Raises:
            InvalidMessage: SES would refuse an argument of the call; nothing was sent.
            NotSent: The sending rate could not be read from SES; nothing was sent.
            BulkInterrupted: *entries*, *before* or *on_outcome* raised; it has the outcomes until
                then.
        """
        from mailroom.sending import bulk
        from mailroom.sending.content import templated

        words = self._publishing.own(tags)
        shared: dict[str, Any] = {
            "FromEmailAddress": str(self._publishing.author(from_address)),
            "DefaultContent": {"Template": templated(template, data, attachments)},
            **self._route.arguments(tracking),
        }
        if fields := checked_fields(with_unsubscribe(headers, list_unsubscribe)):
            shared["DefaultContent"]["Template"]["Headers"] = fields
        if answers := mailboxes(reply_to, "reply_to"):
            shared["ReplyToAddresses"] = [str(one) for one in answers]
        if self._publishing.configuration_set:
            shared["ConfigurationSetName"] = self._publishing.configuration_set

        def admit(entry: BulkEntry) -> bulk.Job:
            own = checked_tags(entry.tags)
            return bulk.Job(
                entry,
                str(Mailbox.parse(entry.to, "to")),
                None if entry.data is None else template_data(entry.data),
                {**words, **own},
                bool(own),
                checked_fields(with_unsubscribe(entry.headers, entry.list_unsubscribe)) or None,
            )

        return bulk.BulkRun(
            admit=admit,
            call=lambda jobs: self._api.client.send_bulk_email(**bulk.request(shared, words, jobs)),
            rate=self._api.max_send_rate(),
            attempts=self._attempts,
            configuration_set=self._publishing.configuration_set,
            clock=self._clock,
            sleep=self._sleep,
            before=before,
            on_outcome=on_outcome,
        ).through(entries)
