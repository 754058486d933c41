"""Every exception that the runtime itself raises."""

from __future__ import annotations

__all__ = [
    "AutomaticMail",
    "DeadlineReached",
    "GatewayFailed",
    "HandlerDied",
    "HandlerExited",
    "HandlerNotFound",
    "InvalidAnswer",
    "InvalidMember",
    "InvalidMessage",
    "InvalidQuery",
    "InvalidSearch",
    "InvalidSignature",
    "MailroomError",
    "MalformedEvent",
    "MessageNotStored",
    "MissingField",
    "NotConfigured",
    "NotHandedOn",
    "NotSent",
    "OutOfTime",
    "OutcomeUnknown",
    "QueryFailed",
    "QueryOutOfTime",
    "SearchBusy",
    "SearchOutOfTime",
    "UnknownInvocation",
]


class MailroomError(Exception):
    """The base class; catching it never catches what the user's own code raised."""


class AutomaticMail(MailroomError):
    """A program sent the mail, so that an answer could go around in circles.

    Attributes:
        reason: Why we think so, in the words of `mailroom.receiving.ReceivedMail.automatic_reason`.
    """

    def __init__(self, text: str, *, reason: str) -> None:
        super().__init__(text)
        self.reason = reason


class DeadlineReached(BaseException):
    """Raised inside a handler that is still running when its answer is due.

    It is not an `Exception`, so that ``except Exception`` does not keep the handler running. Clean
    up in ``finally`` if need be, and be quick: it is raised again every half second.
    """

    def __init__(self, owner: object) -> None:
        super().__init__("the handler's time is up")
        self.owner = owner
        """The block that it ends."""


class GatewayFailed(MailroomError):
    """Mail Manager refused a call about an archive or an address list, or a search failed."""

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.code = code
        """Mail Manager's own reason, such as ``AccessDeniedException``."""


class HandlerDied(MailroomError):
    """The handler ended its process without an exception: by `os._exit`, a crash, or a signal."""


class HandlerExited(MailroomError):
    """The handler raised `SystemExit` or another exception that ends a process."""


class HandlerNotFound(MailroomError):
    """A setting names a module or a function that does not exist, or that cannot be called."""


class InvalidAnswer(MailroomError, TypeError):
    """A handler returned something that the service that called it would not understand."""


class InvalidMember(MailroomError, ValueError):
    """Not an address, domain or pattern that an address list takes; Mail Manager was not asked."""


class InvalidMessage(MailroomError, ValueError):
    """The message was refused before it reached SES; the text names the argument and the remedy."""


class InvalidQuery(MailroomError, ValueError):
    """An argument of a query of the lake cannot be used; Athena was not asked."""


class InvalidSearch(MailroomError, ValueError):
    """An argument of a search of an archive cannot be used; Mail Manager was not asked."""


class InvalidSignature(MailroomError, ValueError):
    """A webhook's request was not signed with the secret, or too long ago."""


class MalformedEvent(MailroomError, ValueError):
    """A payload is not a sending event: not JSON, not an object, or an object without a type."""


class MessageNotStored(MailroomError, LookupError):
    """The mail bucket has no object for this message."""


class MissingField(MailroomError, LookupError):
    """A payload lacks a key that was read, or its value has the wrong type; names the path."""


class NotConfigured(MailroomError):
    """A setting that the construct makes is missing or invalid; names the setting."""


class NotHandedOn(MailroomError):
    """The target did not accept the mail; Lambda tries again, then the dead-letter queue has it.

    Attributes:
        code: The target's own reason, such as ``ThrottlingException`` or ``503``.
    """

    def __init__(self, text: str, *, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class NotSent(MailroomError):
    """SES certainly did not accept the message.

    Attributes:
        code: SES's or SMTP's own reason, such as ``MessageRejected`` or ``554``.
        reason: The explanation that came with it.
    """

    def __init__(self, text: str, *, code: str = "", reason: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.reason = reason


class OutOfTime(MailroomError, TimeoutError):
    """The handler did not end in time."""


class OutcomeUnknown(MailroomError):
    """Nothing proves whether SES accepted the message; never sent again from here."""


class QueryFailed(MailroomError):
    """Athena refused a query, or the query failed.

    Attributes:
        text: What failed.
        reason: Athena's explanation.
        remedy: What to do about it.
        query_id: Athena's id of the query; empty if it was never started.
    """

    def __init__(self, text: str, *, remedy: str, reason: str = "", query_id: str = "") -> None:
        super().__init__(f"{text} ({remedy})")
        self.text = text
        self.reason = reason or text
        self.remedy = remedy
        self.query_id = query_id


class QueryOutOfTime(QueryFailed, TimeoutError):
    """A query took longer than its timeout, and was stopped."""


class SearchBusy(GatewayFailed):
    """Another search of the account is still running; Mail Manager runs one at a time."""


class SearchOutOfTime(GatewayFailed, TimeoutError):
    """A search of an archive took longer than its timeout, and was stopped."""


class UnknownInvocation(MailroomError, ValueError):
    """The function was invoked with an event of another kind than it handles."""
