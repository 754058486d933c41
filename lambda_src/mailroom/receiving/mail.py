"""One received mail: SES's event about it, the message that SES stored, and what it means."""

from __future__ import annotations

from mailroom._views import Headers, listed, strings
from mailroom.errors import NotConfigured
from mailroom.receiving.event import SesEvent
from mailroom.ses import object_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any

    from mailroom.conversation.quotes import Split
    from mailroom.conversation.tokens import Keys
    from mailroom.mime.mailboxes import Address
    from mailroom.mime.parts import Part
    from mailroom.receiving.attachments import Attachment
    from mailroom.receiving.bucket import Store

__all__ = ["ReceivedMail"]


class ReceivedMail(SesEvent):
    """One mail as SES received it: a view of the event, which is always available as ``raw``.

    ``raw`` is the mapping with the keys ``mail`` and ``receipt``. Nothing is copied or checked
    until it is read. A key that is missing raises `MissingField` with its path when it is read;
    what RFC 5322 or AWS makes optional is ``None`` or empty instead. Two mails are equal if
    their payloads are. Printing one shows its message id only.

    What needs more than the event says that it loads the mail: it is fetched from the mail bucket
    once, and kept as long as this view.

    Args:
        raw: The ``ses`` object of a record.
        store: Where the whole message is kept; without one, `open` and `read` raise.
        synchronous: Whether SES waits for the answer, if the event does not say so.

    Raises:
        MissingField: *raw* has no ``mail``.
    """

    __slots__ = ("_complete", "_loaded", "_split", "_store")

    def __init__(
        self, raw: Mapping[str, Any], *, store: Store | None = None, synchronous: bool = False
    ) -> None:
        super().__init__(raw, synchronous=synchronous)
        self._store = store
        self._complete: Headers | None = None
        self._loaded: Part | None = None
        self._split: Split | None = None

    # The message itself, which SES stored in the mail bucket.

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream, which need not fit in memory.

        Returns:
            The stream; close it, or use it in a ``with`` statement.

        Raises:
            MessageNotStored: The bucket has no object for this mail: its retention has passed,
                or another rule stored it elsewhere.
            NotConfigured: The rule does not store its mail, or the function may not read it.
        """
        return self._need_store().open(self.message_id)

    def read(self) -> EmailMessage:
        """Load the mail, and return the whole message as mail programs read it.

        Reading never raises, and neither does looking at a field, a name, or a text, whatever the
        sender wrote. What could not be read is in ``defects`` of the message or of the part, and in
        the log of the function. It takes about twice the message's size in memory. For the header
        fields alone, use `headers`; for very large mail, use `open`.

        Returns:
            The message, a new one each time.

        Raises:
            MessageNotStored: As in `open`.
            NotConfigured: As in `open`.
        """
        from mailroom import mime

        return mime.build(self._load())

    # What a person means by it. Whatever the sender wrote, none of it raises.

    @property
    def sender(self) -> Address | None:
        """Who wrote the mail: the first address in ``From``, else ``Sender``, else the envelope's.

        ``None`` if there is none. Anyone can write anything there; see `dmarc`.
        """
        from mailroom.mime.mailboxes import Address

        found = self.senders or self.addresses("Sender")
        return found[0] if found else Address(self.source) if "@" in self.source else None

    @property
    def senders(self) -> list[Address]:
        """The addresses in ``From``, of which there may be several."""
        return self.addresses("From")

    @property
    def to_addresses(self) -> list[Address]:
        """The addresses in ``To``."""
        return self.addresses("To")

    @property
    def cc_addresses(self) -> list[Address]:
        """The addresses in ``Cc``."""
        return self.addresses("Cc")

    @property
    def reply_to_addresses(self) -> list[Address]:
        """The addresses in ``Reply-To``; empty if answers go to the `senders`."""
        return self.addresses("Reply-To")

    def addresses(self, field: str) -> list[Address]:
        """Return the addresses in a header field, those of groups too; at most 1,000.

        Args:
            field: The field's name, such as ``Resent-To``.
        """
        from mailroom.mime import mailboxes

        values = self._complete_headers().get_all(field)
        if not values:
            common = {"from": self.from_, "to": self.to, "cc": self.cc, "reply-to": self.reply_to}
            values = common.get(field.lower(), [])
        return mailboxes.parse(strings(values, field.lower(), "mail.commonHeaders"))

    @property
    def label(self) -> str | None:
        """What follows ``+`` in the recipient: ``sales`` in ``support+sales@example.com``.

        Of several recipients, that of the first one with a label; ``None`` if none has one.
        """
        from mailroom.mime.mailboxes import Address

        return next((label for one in self._envelope() if (label := Address(one).label)), None)

    @property
    def text(self) -> str:
        """The text, from HTML if there is no other; loads the mail.

        Decoded, with ``\\n`` at the end of each line, and paragraphs of ``format=flowed`` joined.
        What HTML quotes begins with ``>``; styles, scripts and what is hidden are left out. Empty
        if the mail has no text.
        """
        from mailroom.mime import bodies

        return bodies.text(self._load())

    @property
    def html(self) -> str | None:
        """The HTML as the sender wrote it, decoded; ``None`` if there is none; loads the mail.

        Show it only where it can do no harm: scripts and links to images are in it.
        """
        from mailroom.mime import bodies

        return bodies.html(self._load())

    @property
    def new_text(self) -> str:
        """What the person wrote, without quotes and signature; loads the mail."""
        return self._in_three().new

    @property
    def quoted_text(self) -> str:
        """What the person's program quoted, with what introduces it; loads the mail."""
        return self._in_three().quoted

    @property
    def signature(self) -> str:
        """The signature, and lines such as ``Sent from my iPhone``; loads the mail."""
        return self._in_three().signature

    @property
    def attachments(self) -> list[Attachment]:
        """The attached files, images in HTML, and attached messages, in order; loads the mail.

        Each part of the mail that is not its text is one.
        """
        from mailroom.receiving import attachments

        return attachments.attachments(self._load())

    @property
    def in_reply_to(self) -> str | None:
        """The message id in ``In-Reply-To``, angle brackets included; ``None`` if there is none."""
        from mailroom.mime import ids

        return next(iter(ids.message_ids(*self._complete_headers().get_all("In-Reply-To"))), None)

    @property
    def references(self) -> list[str]:
        """The message ids in ``References``, the conversation's first one first."""
        from mailroom.mime import ids

        return ids.message_ids(*self._complete_headers().get_all("References"))

    @property
    def thread_id(self) -> str:
        """What names the conversation: the same for its first mail and all that answer it.

        It is the message id of the first mail, by `references` and `in_reply_to`, and
        ``Sent.thread_id`` for one that you began. A program that cuts `references` begins a new
        one. Anyone can write any message id, so it proves nothing: see `token`.
        """
        from mailroom.mime import ids

        own = next(iter(ids.message_ids(self.header_message_id)), None)
        return ids.root(self.references, self.in_reply_to, own, self.message_id)

    @property
    def is_automatic(self) -> bool:
        """Whether a program sent the mail, so that it should not be answered."""
        return self.automatic_reason is not None

    @property
    def automatic_reason(self) -> str | None:
        """Why `is_automatic` is true; ``None`` if it is not.

        ``bounce``, ``out of office``, ``auto-submitted`` (any other program), ``list`` (which
        a person may have written to), or ``loop`` (a mail of your own that came back).
        """
        from mailroom.mime import automatic

        ours = {address.lower() for address in self._envelope()}
        return automatic.reason(self._complete_headers(), self.source, ours=ours)

    def reply(
        self,
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
    ) -> EmailMessage:
        """Return an answer to this mail; `mailroom.sending.Sender.reply` sends one.

        It goes to the addresses in ``Reply-To`` or else ``From``, at most five, and belongs to
        the conversation by ``In-Reply-To`` and ``References``.

        Args:
            text: The plain text. Default: made of *html*.
            html: The HTML. Default: none.
            subject: The subject. Default: the mail's, after one ``Re:``.
            from_address: The author. Default: the recipient that the mail was written to, without
                its label.
            reply_to: An address for answers, such as one from
                `mailroom.conversation.reply_address`. Default: none.
            quote: Whether the mail's text is quoted below, at most 100,000 characters of it, which
                loads the mail. Default: yes.
            automatic: Whether the answer says that a program sent it (``Auto-Submitted``, RFC
                3834), so that others do not answer it. Default: yes; no if a person wrote it.
            to_automatic: Whether to answer automatic mail too. Default: no.
            earlier: Message ids of your earlier answers in the conversation, as
                ``Sent.header_message_id`` gives them. Default: none.

        Raises:
            AutomaticMail: The mail `is_automatic`, or its answers go where nobody reads them.
            InvalidMessage: An argument cannot be used, or the mail has no address to answer to.
        """
        from mailroom.receiving.reply import reply

        return reply(
            self,
            text=text,
            html=html,
            subject=subject,
            from_address=from_address,
            reply_to=reply_to,
            quote=quote,
            automatic_reply=automatic,
            to_automatic=to_automatic,
            earlier=earlier,
        )

    def token(self, *, key: Keys) -> dict[str, str | int] | None:
        """Return the token of the address that the mail was sent to; ``None`` without a valid one.

        See `mailroom.conversation.reply_address`. A token that is forged, changed or expired is the
        same as none, so the mail is handled as one to the plain address.

        Args:
            key: The key that signed it, or several.
        """
        from mailroom.conversation import tokens

        return tokens.read_token(self._addressed(), key=key)

    def bounce_token(self, *, key: Keys) -> dict[str, str | int] | None:
        """Return the token of `mailroom.conversation.bounce_address`, as `token` does.

        Args:
            key: The key that signed it, or several.
        """
        from mailroom.conversation import tokens

        return tokens.read_token(self._addressed(), key=key, purpose=tokens.BOUNCE)

    @property
    def stored_at(self) -> tuple[str, str] | None:
        """Bucket and key of the message; ``None`` if this function has no mail bucket."""
        bucket = getattr(self._store, "bucket", None)
        if bucket is None:
            return None
        return bucket, object_key(getattr(self._store, "prefix", ""), self.message_id)

    @property
    def already_handled(self) -> bool:
        """Whether this function handled this message id before; asks S3 each time.

        SES and Lambda deliver at least once. The runtime writes a mark only after the handler
        has returned, so that a crash leads to another attempt and never to lost mail.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().was_handled(self.message_id)

    def mark(self, name: str) -> bool:
        """Write a mark for this message, such as ``"charged"``, before a step of its own.

        Only one of several simultaneous deliveries writes it. Marks are objects in the mail bucket
        and are kept as long as mail is.

        Args:
            name: The mark's name; marks of different functions are independent.

        Returns:
            Whether the mark is new; ``False`` if an earlier delivery wrote it.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().mark(self.message_id, name)

    def marks(self) -> frozenset[str]:
        """Return the names of this function's marks for this message; asks S3 each time.

        Raises:
            NotConfigured: The handler was declared without ``remember_handled=True``.
        """
        return self._need_store().marks(self.message_id)

    def _load(self) -> Part:
        """Return the whole message; fetched once, and kept as long as this view."""
        if self._loaded is None:
            from mailroom import mime

            with self.open() as stream:
                self._loaded = mime.parse_logged(stream, "mailroom.receiving.read", self.message_id)
        return self._loaded

    def _in_three(self) -> Split:
        if self._split is None:
            from mailroom.conversation import quotes
            from mailroom.mime import bodies

            if bodies.has_plain_text(self._load()):
                self._split = quotes.split(self.text, self.html)
            else:
                self._split = quotes.split_html(self.html or "")
        return self._split

    def _envelope(self) -> list[str]:
        # Where none are known, what a mail means is read from its header alone.
        values = listed(self._receipt, "recipients", "receipt")
        return strings(values, "recipients", "receipt")

    def _addressed(self) -> list[str]:
        # The header's too: a forwarder changes the envelope.
        return [*self._envelope(), *self.destination]

    def _complete_headers(self) -> Headers:
        """Return all header fields, from the stored mail where the event has not all."""
        if not self.headers_truncated or self._store is None:
            return self.headers
        if self._complete is None:
            fields = self._load().fields
            self._complete = Headers([{"name": name, "value": value} for name, value in fields])
        return self._complete

    def _need_store(self) -> Store:
        if self._store is None:
            raise NotConfigured(
                "this function has no mail bucket (MAILROOM_BUCKET is not set): let the rule store "
                "its mail, and the handler read it"
            )
        return self._store
