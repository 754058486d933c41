"""The errors that a command reports in a line or two instead of a traceback."""

from __future__ import annotations

import sys


class CommandError(Exception):
    """The command failed.

    Args:
        message: What is wrong: the argument and its value, or what was being done.
        remedy: What to do about it, in the imperative. Printed on a separate line.
    """

    status = 1
    """The exit status."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class UsageError(CommandError):
    """The command cannot start: wrong arguments, or something it needs is not installed."""

    status = 2


def reported() -> tuple[type[Exception], ...]:
    """Return the exceptions that carry a message for the user.

    The local AWS's own errors are among them only if it has been imported: it is optional.
    """
    control = sys.modules.get("mailroom_local.control")
    return (CommandError, control.MailroomError) if control else (CommandError,)
