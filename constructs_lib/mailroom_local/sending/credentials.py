"""The user names and passwords that SMTP submission accepts.

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
class Caller:
    """The owner of SMTP credentials."""

    name: str
    """The IAM user, or the user name of the local credentials."""
    access_key: str | None = None
    """The IAM access key; `None` for the local credentials, which are subject to no policy."""
    place: tuple[str, str] | None = None
    """The account and region of the access key; the local credentials send from the sender's."""


def smtp_password(secret_access_key: str, *, region: str) -> str:
    """The SMTP password that belongs to an access key in one region."""
    key = f"AWS4{secret_access_key}".encode()
    for text in (_DATE, region, _SERVICE, _TERMINAL, _MESSAGE):
        key = hmac.digest(key, text.encode(), hashlib.sha256)
    return base64.b64encode(_VERSION + key).decode()


def matches(given: str, expected: str) -> bool:
    """Whether a password is the expected one, compared in constant time."""
    return hmac.compare_digest(given.encode(), expected.encode())
