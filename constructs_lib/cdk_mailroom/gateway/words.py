"""The words that conditions compare with, as Mail Manager has them."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

__all__ = [
    "Certificate",
    "DmarcPolicy",
    "DmarcPolicyWord",
    "TlsVersion",
    "TlsVersionWord",
    "Verdict",
    "VerdictWord",
]


class Verdict(StrEnum):
    """What a check says."""

    PASS = "PASS"  # noqa: S105 -- not a password
    """It passed."""
    FAIL = "FAIL"
    """It failed."""
    GRAY = "GRAY"
    """It decided neither."""
    PROCESSING_FAILED = "PROCESSING_FAILED"
    """It could not be done."""


class DmarcPolicy(StrEnum):
    """What a domain asks for, for mail that fails DMARC."""

    NONE = "NONE"
    """Nothing."""
    QUARANTINE = "QUARANTINE"
    """Treat it as suspicious."""
    REJECT = "REJECT"
    """Refuse it."""


class TlsVersion(StrEnum):
    """A version of TLS."""

    TLS1_2 = "TLS1_2"
    """TLS 1.2."""
    TLS1_3 = "TLS1_3"
    """TLS 1.3."""


VerdictWord = Verdict | Literal["PASS", "FAIL", "GRAY", "PROCESSING_FAILED"]
DmarcPolicyWord = DmarcPolicy | Literal["NONE", "QUARANTINE", "REJECT"]
TlsVersionWord = TlsVersion | Literal["TLS1_2", "TLS1_3"]


class Certificate(StrEnum):
    """A part of the client's certificate, with `MutualTls`."""

    COMMON_NAME = "CN"
    """The common name of the subject."""
    SERIAL_NUMBER = "SERIAL_NUMBER"
    """The serial number."""
    SAN_ADDRESS = "SAN_RFC822_NAME"
    """An address in the subject's alternative names."""
    SAN_DNS_NAME = "SAN_DNS_NAME"
    """A host name there."""
    SAN_DIRECTORY_NAME = "SAN_DIRECTORY_NAME"
    """A directory name there."""
    SAN_URI = "SAN_UNIFORM_RESOURCE_IDENTIFIER"
    """A URI there."""
    SAN_IP_ADDRESS = "SAN_IP_ADDRESS"
    """An IP address there."""
    SAN_REGISTERED_ID = "SAN_REGISTERED_ID"
    """A registered id there."""
