"""The SMTP credentials that every local AWS accepts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password for SMTP submission."""

    user: str
    """The SMTP user name."""
    password: str
    """The SMTP password."""


# Not a secret: the port is on loopback, and nothing is delivered beyond it.
LOCAL = Credentials(user="mailroom", password="rehearsal")  # noqa: S106
