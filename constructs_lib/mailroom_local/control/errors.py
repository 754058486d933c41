"""The errors that this package raises on purpose."""

from __future__ import annotations


class MailroomError(Exception):
    """Something a person can put right; ``remedy`` says how."""

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.args[0]}\n  {self.remedy}"


class NotRunning(MailroomError):
    """No local AWS answers for this state directory."""


class DeployFailed(MailroomError):
    """The CDK CLI ended with an error; ``output`` is the end of what it said."""

    def __init__(self, message: str, *, remedy: str, output: str) -> None:
        super().__init__(message, remedy=remedy)
        self.output = output


class SmtpRefused(MailroomError):
    """The server refused the message during the SMTP conversation.

    ``code`` and ``reply`` are the answer to the last command; ``recipients`` maps each refused
    recipient to its own answer.
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
