"""A message that SES accepted."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Sent"]


class Sent:
    """A message that SES accepted, with what its events can be found by.

    Printing it shows no addresses.

    Attributes:
        message_id: SES's id, the ``mail.messageId`` of every event; empty if an SMTP server
            other than SES gave none.
        configuration_set: The configuration set it was sent with, or ``None``.
        tags: The tags it was sent with.
        recipients: The addresses that were accepted.
        refused: Address to reason, for those that an SMTP server did not accept.
        references: The message ids in its ``References``, the conversation's first one first.
        region: The region of SES that it was sent in, if that is known.
    """

    __slots__ = (
        "configuration_set",
        "message_id",
        "recipients",
        "references",
        "refused",
        "region",
        "tags",
    )

    def __init__(
        self,
        message_id: str,
        *,
        configuration_set: str | None,
        tags: Mapping[str, str],
        recipients: Sequence[str],
        refused: Mapping[str, str] | None = None,
        references: Sequence[str] = (),
        region: str | None = None,
    ) -> None:
        self.message_id = message_id
        self.configuration_set = configuration_set
        self.tags = dict(tags)
        self.recipients = tuple(recipients)
        self.refused = dict(refused or {})
        self.references = tuple(references)
        self.region = region

    @property
    def header_message_id(self) -> str | None:
        """The ``Message-ID`` that SES gave to the message, which answers name in ``In-Reply-To``.

        AWS does not document its form; this is the one seen in messages. ``None`` if the region is
        not known.
        """
        from mailroom.mime import ids

        if not self.message_id or self.region is None:
            return None
        return ids.of_ses(self.message_id, self.region)

    @property
    def thread_id(self) -> str | None:
        """What `ReceivedMail.thread_id` is for the answers; ``None`` if no message id is known."""
        from mailroom.mime import ids

        own = ids.of_ses(self.message_id, self.region or "us-east-1") if self.message_id else None
        return ids.root(list(self.references), None, own, "") if own else None

    def __repr__(self) -> str:
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return (
            f"<Sent {self.message_id}: configuration set {self.configuration_set}, "
            f"tags {self.tags}, {len(self.recipients)} recipients{refused}>"
        )
