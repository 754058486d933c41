"""Answers to received mail."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from email.message import EmailMessage

    from mailroom.receiving import ReceivedMail
    from mailroom.sending.checks import Tags
    from mailroom.sending.publishing import Publishing
    from mailroom.sending.sent import Sent

__all__ = ["Replying"]


class Replying:
    """What a sender needs to answer a received mail."""

    _publishing: Publishing

    def send(self, message: EmailMessage, *, tags: Tags | None = None) -> Sent:
        """Send *message*."""
        raise NotImplementedError

    def reply(
        self,
        mail: ReceivedMail,
        *,
        text: str | None = None,
        html: str | None = None,
        subject: str | None = None,
        from_address: str | None = None,
        reply_to: str | None = None,
        quote: bool = True,
        automatic: bool = True,
        to_automatic: bool = False,
        earlier: Iterable[str] = (),
        tags: Tags | None = None,
    ) -> Sent:
        """Send an answer to *mail*, to whom it asks answers to.

        SES gives each message a ``Message-ID`` of its own, whatever the message has. The answer
        to yours finds its conversation all the same: it carries on the ``References`` of this
        message, which begin with the conversation's first. Programs that name only the last
        message name ``Sent.header_message_id``, so keep that with the ticket if you can.

        Lambda calls a handler again after a failure: in a handler, call this by
        `mailroom.receiving.send_once`.

        Args:
            mail: The received mail.
            text: As for `ReceivedMail.reply`, like all that follow up to *earlier*.
            html: As there.
            subject: As there.
            from_address: The author. Default: the sender's ``from_address``, or the recipient
                that the mail was written to.
            reply_to: As there.
            quote: As there.
            automatic: As there.
            to_automatic: As there.
            earlier: As there.
            tags: Tags that are added to the sender's, and win by name.

        Raises:
            AutomaticMail: A program sent the mail; nothing was sent.
            InvalidMessage: SES would refuse the message; nothing was sent.
            NotSent: SES did refuse it, or could not be reached.
            OutcomeUnknown: SES's answer was lost.
        """
        author = self._publishing.author_box
        message = mail.reply(
            text=text,
            html=html,
            subject=subject,
            from_address=from_address or (None if author is None else str(author)),
            reply_to=reply_to,
            quote=quote,
            automatic=automatic,
            to_automatic=to_automatic,
            earlier=earlier,
        )
        return self.send(message, tags=tags)
