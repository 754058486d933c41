"""What can go wrong with a mail in flow."""

from __future__ import annotations

from mailroom.errors import MailroomError, MessageNotStored, OutOfTime

__all__ = ["InProgress", "MessageFrozen", "MessageNotFound", "NotReplaceable", "OutOfTime"]


class MessageNotFound(MessageNotStored):
    """WorkMail has no such message; it keeps messages for 24 hours."""


class MessageFrozen(MailroomError):
    """WorkMail does not allow changes to this message, usually because it was redirected."""


class NotReplaceable(MailroomError, ValueError):
    """The message cannot be replaced by this content, or not by this function."""


class InProgress(MailroomError):
    """Another attempt with the same invocation id is still running; WorkMail asks again."""
