"""What the API answers instead of a result."""

from __future__ import annotations


class Refused(Exception):
    """A request that cannot be answered; the text says what is wrong, and what to do.

    ``more`` are further fields of the answer.
    """

    def __init__(self, status: int, error: str, **more: object) -> None:
        super().__init__(error)
        self.status = status
        self.more = more


def bad(argument: str, value: object, remedy: str) -> Refused:
    """The answer to an argument that makes no sense."""
    return Refused(400, f"{argument} is {value!r}: {remedy}")
