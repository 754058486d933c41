"""Every exception that the runtime raises on its own account."""

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
    """Base class; catching it catches nothing that a user's own code raised."""


class HandlerNotFound(MailroomError):
    """A setting names a module or a function that is not there, or that a call cannot run."""


class InvalidAnswer(MailroomError, TypeError):
    """A handler answered something that the invoking service would not understand."""


class MalformedEvent(MailroomError, ValueError):
    """What should be a sending event is none: no JSON, no object, or without a type."""


class MessageNotStored(MailroomError, LookupError):
    """The mail bucket holds no object for this message."""


class MissingField(MailroomError, LookupError):
    """A payload lacks a key that was asked for, or holds another type; the text gives its path."""


class NotConfigured(MailroomError):
    """The function lacks a setting that the construct sets; the text names it."""


class UnknownInvocation(MailroomError, ValueError):
    """The function was invoked with something that is not its kind of event."""
