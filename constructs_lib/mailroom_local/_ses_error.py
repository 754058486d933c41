"""The error with which SES refuses a call."""

from __future__ import annotations


class SesError(Exception):
    """A refusal by its SES error code, for both APIs, SMTP and CloudFormation."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
