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
    """

    __slots__ = ("configuration_set", "message_id", "recipients", "refused", "tags")

    def __init__(
        self,
        message_id: str,
        *,
        configuration_set: str | None,
        tags: Mapping[str, str],
        recipients: Sequence[str],
        refused: Mapping[str, str] | None = None,
    ) -> None:
        self.message_id = message_id
        self.configuration_set = configuration_set
        self.tags = dict(tags)
        self.recipients = tuple(recipients)
        self.refused = dict(refused or {})

    def __repr__(self) -> str:
        refused = f", {len(self.refused)} refused" if self.refused else ""
        return (
            f"<Sent {self.message_id}: configuration set {self.configuration_set}, "
            f"tags {self.tags}, {len(self.recipients)} recipients{refused}>"
        )
