"""The user names and passwords that SMTP submission takes.

https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

_DATE = "11111111"
_SERVICE = "ses"
_TERMINAL = "aws4_request"
_MESSAGE = "SendRawEmail"
_VERSION = b"\x04"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password for SMTP submission."""

    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose credentials they are; without an access key nobody's whom IAM knows."""

    name: str
    access_key: str | None = None


# So that a rehearsal needs no IAM user. No secret: the port is on loopback, and nothing leaves it.
LOCAL = Credentials(user="mailroom", password="rehearsal")  # noqa: S106


def smtp_password(secret_access_key: str, *, region: str) -> str:
    """The SMTP password that belongs to an access key in one region."""
    key = f"AWS4{secret_access_key}".encode()
    for text in (_DATE, region, _SERVICE, _TERMINAL, _MESSAGE):
        key = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.b64encode(_VERSION + key).decode()


def matches(given: str, expected: str) -> bool:
    """Whether a password is the expected one, compared without telling how much of it is."""
    return hmac.compare_digest(given.encode(), expected.encode())
