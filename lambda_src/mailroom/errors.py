"""Every exception that the runtime itself raises."""

from __future__ import annotations

__all__ = [
    "HandlerNotFound",
    "InvalidAnswer",
    "MailroomError",
    "MalformedEvent",
    "MessageNotStored",
    "MissingField",
    "NotConfigured",
    "UnknownInvocation",
]


class MailroomError(Exception):
    """The base class; catching it never catches what the user's own code raised."""


class HandlerNotFound(MailroomError):
    """A setting names a module or a function that does not exist, or that cannot be called."""


class InvalidAnswer(MailroomError, TypeError):
    """A handler returned something that the service that called it would not understand."""


class MalformedEvent(MailroomError, ValueError):
    """A payload is not a sending event: not JSON, not an object, or an object without a type."""


class MessageNotStored(MailroomError, LookupError):
    """The mail bucket has no object for this message."""


class MissingField(MailroomError, LookupError):
    """A payload lacks a key that was read, or its value has the wrong type; names the path."""


class NotConfigured(MailroomError):
    """A setting that the construct makes is missing or invalid; names the setting."""


class UnknownInvocation(MailroomError, ValueError):
    """The function was invoked with an event of another kind than it handles."""
