"""The errors that this package raises on purpose."""

from __future__ import annotations


class MailroomError(Exception):
    """A problem that the user can solve.

    Attributes:
        remedy: How to solve it.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.args[0]}\n  {self.remedy}"


class NotRunning(MailroomError):
    """No local AWS runs with this state directory."""


class DeployFailed(MailroomError):
    """The CDK CLI failed.

    Attributes:
        output: The end of what it printed.
    """

    def __init__(self, message: str, *, remedy: str, output: str) -> None:
        super().__init__(message, remedy=remedy)
        self.output = output


class SmtpRefused(MailroomError):
    """The server refused the message during the SMTP conversation.

    Attributes:
        code: The code of the answer to the last command.
        reply: The text of that answer.
        recipients: Each refused recipient, and the answer to its RCPT command.
    """

    def __init__(
        self, *, code: int, reply: str, recipients: dict[str, tuple[int, str]] | None = None
    ) -> None:
        super().__init__(
            f"{code} {reply}",
            remedy="`mailroom log` says why it was refused",
        )
        self.code = code
        self.reply = reply
        self.recipients = recipients or {}
