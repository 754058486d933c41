"""The view of a mail on its way through WorkMail."""

from __future__ import annotations

import time

from mailroom._views import identity, optional, required
from mailroom.errors import InvalidAnswer, NotConfigured
from mailroom.workmail.answer import Answer
from mailroom.workmail.content import checked_content
from mailroom.workmail.errors import OutOfTime
from mailroom.workmail.words import ANSWER_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from email.message import EmailMessage
    from io import BufferedIOBase
    from typing import Any, Protocol

    class Flow(Protocol):
        """Where messages in flow are: `MessageFlow` in Lambda, memory in a unit test."""

        def open(self, message_id: str) -> BufferedIOBase: ...
        def replace(self, message_id: str, content: bytes) -> None: ...


__all__ = ["FlowMail"]


class FlowMail:
    """One mail on its way through WorkMail; a view of the event ``raw``.

    Nothing is copied or checked before it is asked for; a key that is asked for and missing
    raises `MissingField` with its path. Header fields and body are not in the event; see `read`.
    Two views with equal events are equal. Printing one shows the message id only.

    Args:
        raw: The event.
        flow: Where the message is read and replaced. Default: it cannot be.
        deadline: Time of `time.monotonic` until which the answer must be given. Default: none.
    """

    __slots__ = ("_begun", "_deadline", "_flow", "raw")

    def __init__(
        self, raw: Mapping[str, Any], *, flow: Flow | None = None, deadline: float | None = None
    ) -> None:
        self.raw = raw
        self._flow = flow
        self._deadline = deadline
        self._begun: list[Answer] = []

    @property
    def summary_version(self) -> str | None:
        """The event's version; several are in use, with the same content."""
        return optional(self.raw, "summaryVersion", "", str)

    @property
    def message_id(self) -> str:
        """WorkMail's id of this mail, by which its content is read and replaced."""
        return identity(self.raw, "messageId", "")

    @property
    def invocation_id(self) -> str:
        """The id of this invocation; the same when WorkMail asks again."""
        return identity(self.raw, "invocationId", "")

    @property
    def direction(self) -> str:
        """``INBOUND`` or ``OUTBOUND``; equal to a member of `Direction`."""
        return required(self.raw, "flowDirection", "", str)

    @property
    def source(self) -> str:
        """The envelope sender (MAIL FROM); empty for the null reverse-path of a bounce."""
        envelope = required(self.raw, "envelope", "", dict)
        found = optional(envelope, "mailFrom", "envelope", dict) or {}
        return optional(found, "address", "envelope.mailFrom", str) or ""

    @property
    def recipients(self) -> list[str]:
        """The envelope recipients; not all of them if `truncated`."""
        envelope = required(self.raw, "envelope", "", dict)
        found = required(envelope, "recipients", "envelope", list)
        path = "envelope.recipients[{}]"
        return [
            required(one if isinstance(one, dict) else {}, "address", path.format(number), str)
            for number, one in enumerate(found)
        ]

    @property
    def sender(self) -> str | None:
        """The address in ``Sender`` or ``From``; ``None`` if WorkMail leaves it out."""
        found = optional(self.raw, "sender", "", dict) or {}
        return optional(found, "address", "sender", str)

    @property
    def subject(self) -> str | None:
        """The first 256 characters of the ``Subject``; ``None`` if there is none."""
        return optional(self.raw, "subject", "", str)

    @property
    def truncated(self) -> bool:
        """Whether WorkMail cut the event at 128 KB, so that it does not name all recipients."""
        return self.raw.get("truncated") is True

    @property
    def remaining_seconds(self) -> float:
        """Seconds until an answer would come too late."""
        return ANSWER_SECONDS if self._deadline is None else self._deadline - time.monotonic()

    def answer(self) -> Answer:
        """Begin the answer, which the function has to return."""
        begun = Answer(self.recipients, direction=self.direction, truncated=self.truncated)
        self._begun.append(begun)
        return begun

    def checked_answer(self, returned: object) -> Answer:
        """Return the answer that a function *returned* about this mail.

        ``None`` becomes `Answer.default` for all, unless the function began an answer.

        Args:
            returned: What the function returned.

        Raises:
            InvalidAnswer: It is anything else, or belongs to another mail.
        """
        if returned is None:
            if self._begun:
                raise InvalidAnswer("the handler began an answer and did not return it: return it")
            return self.answer().default()
        if not isinstance(returned, Answer):
            raise InvalidAnswer(
                f"the handler returned {type(returned).__name__} {returned!r:.80}: return None or "
                "what mail.answer() returns"
            )
        if not any(returned is one for one in self._begun):
            raise InvalidAnswer(
                "the handler returned an answer about another mail: begin a new one"
            )
        return returned

    def open(self) -> BufferedIOBase:
        """Open the whole message as a binary stream; close it, or use it in a ``with``.

        Raises:
            MessageNotFound: The mail is older than 24 hours.
            NotConfigured: The function may not read messages.
            OutOfTime: An answer would come too late.
        """
        self.check_time()
        return self._need_flow().open(self.message_id)

    def read(self) -> EmailMessage:
        """Fetch and read the whole message, which takes about twice its size in memory.

        Reading never raises, and neither does looking at a field, a name, or a text; what could not
        be read is in ``defects`` of the message or of the part. Raises what `open` raises.
        """
        from mailroom import mime

        with self.open() as stream:
            return mime.read_logged(stream, "mailroom.workmail.read", self.message_id)

    def replace(self, message: EmailMessage | bytes) -> None:
        """Replace this message by *message* for all recipients.

        AWS does not say which header fields must not change, so only add to them.

        Args:
            message: The new content. Bytes are used unchanged, while the ``email`` package also
                rewrites parts that were not changed.

        Raises:
            NotReplaceable: Before WorkMail is asked, if the rule is asynchronous (WorkMail would
                accept the content and change nothing), for malformed MIME, and for lines of more
                than 998 characters; afterwards, if WorkMail refuses the content, or returns other
                content when it is read back.
            MessageFrozen: WorkMail does not let this message be changed.
            MessageNotFound: The mail is older than 24 hours.
            NotConfigured: The function may not replace messages.
            OutOfTime: An answer would come too late.
        """
        self.check_time()
        flow = self._need_flow()
        content = checked_content(message)
        flow.replace(self.message_id, content)

    def check_time(self) -> None:
        """Raise `OutOfTime` if an answer would come too late; call it during long work."""
        if self.remaining_seconds <= 0:
            raise OutOfTime(
                f"the {ANSWER_SECONDS:g} s in which WorkMail expects an answer are over"
            )

    def _need_flow(self) -> Flow:
        if self._flow is None:
            raise NotConfigured(
                "the function may not read messages: set read_mail=True where the handler is "
                "declared (MAILROOM_FLOW_CONTENT is not set)"
            )
        return self._flow

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FlowMail) and type(other) is type(self):
            return self.raw == other.raw
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # payloads are mutable

    def __repr__(self) -> str:
        return f"<FlowMail {self.raw.get('messageId')}>"
