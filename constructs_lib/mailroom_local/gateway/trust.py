"""The client certificates that a mutual TLS ingress point accepts.

https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID

_log = logging.getLogger("mailroom")

T = TypeVar("T")

_NEAR_EXPIRY = timedelta(days=90)
_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustStore:
    """The authorities of an ingress point, and what they have revoked."""

    authorities: Sequence[x509.Certificate] = ()
    revocations: Sequence[x509.CertificateRevocationList] = ()
    monitoring: Mapping[str, Any] = field(default_factory=dict)
    """What the log says of authorities and lists that have expired, or soon will."""

    @classmethod
    def of(cls, pem: str, *, now: datetime | None = None) -> TrustStore:
        """Read a PEM text.

        What has expired does not count, nor does the authority of a list that has, nor what cannot
        be read: clients are refused then, and the point still answers.
        """
        moment = now or datetime.now(UTC)
        soon = moment + _NEAR_EXPIRY
        authorities = _read(x509.load_pem_x509_certificate, _blocks(pem, "CERTIFICATE"))
        lists = _read(x509.load_pem_x509_crl, _blocks(pem, "X509 CRL"))
        expired = {one.issuer for one in lists if not _is_current(one, moment)}
        return cls(
            authorities=[
                one
                for one in authorities
                if one.not_valid_before_utc <= moment <= one.not_valid_after_utc
                and one.subject not in expired
            ],
            revocations=[one for one in lists if _is_current(one, moment)],
            monitoring={
                "ca_invalid_or_near_expiry": [
                    {
                        "subject": one.subject.rfc4514_string(),
                        "not_before": _written(one.not_valid_before_utc),
                        "not_after": _written(one.not_valid_after_utc),
                    }
                    for one in authorities
                    if one.not_valid_after_utc < soon
                ][:_LISTED],
                "crl_invalid_or_near_expiry": [
                    {
                        "issuer": one.issuer.rfc4514_string(),
                        "this_update": _written(one.last_update_utc),
                        "next_update": _written(one.next_update_utc),
                    }
                    for one in lists
                    if not _is_current(one, soon)
                ][:_LISTED],
            },
        )

    def require(self, context: ssl.SSLContext) -> None:
        """Let a server's context accept certificates of these authorities only.

        A client without a certificate is refused later, by a reply that says so.
        """
        context.verify_mode = ssl.CERT_OPTIONAL
        pem = b"".join(one.public_bytes(Encoding.PEM) for one in self.authorities)
        if pem:
            context.load_verify_locations(cadata=pem.decode())

    def has_revoked(self, certificate: bytes) -> bool:
        """Whether a certificate, in DER, is on the list of its authority."""
        found = x509.load_der_x509_certificate(certificate)
        return any(
            one.issuer == found.issuer
            and one.get_revoked_certificate_by_serial_number(found.serial_number) is not None
            for one in self.revocations
        )


def attributes(certificate: bytes) -> dict[str, tuple[str, ...]]:
    """What conditions may ask of a client's certificate, in DER."""
    found = x509.load_der_x509_certificate(certificate)
    names = _alternative_names(found)
    return {
        "CN": _common_names(found),
        "SERIAL_NUMBER": (_serial(found),),
        "SAN_RFC822_NAME": _texts(names, x509.RFC822Name),
        "SAN_DNS_NAME": _texts(names, x509.DNSName),
        "SAN_DIRECTORY_NAME": tuple(
            one.value.rfc4514_string() for one in names if isinstance(one, x509.DirectoryName)
        ),
        "SAN_UNIFORM_RESOURCE_IDENTIFIER": _texts(names, x509.UniformResourceIdentifier),
        "SAN_IP_ADDRESS": _texts(names, x509.IPAddress),
        "SAN_REGISTERED_ID": tuple(
            one.value.dotted_string for one in names if isinstance(one, x509.RegisteredID)
        ),
    }


def details(certificate: bytes) -> dict[str, Any]:
    """A client's certificate, in DER, as the log describes it."""
    found = x509.load_der_x509_certificate(certificate)
    own = attributes(certificate)
    return {
        "common_names": list(own["CN"]),
        "serial_number": own["SERIAL_NUMBER"][0],
        "subject_alternative_names": [
            value for name, values in own.items() if name.startswith("SAN_") for value in values
        ],
        "issuer": found.issuer.rfc4514_string(),
        "not_before": _written(found.not_valid_before_utc),
        "not_after": _written(found.not_valid_after_utc),
    }


def _blocks(pem: str, kind: str) -> list[bytes]:
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    parts = [part.partition(end)[0] for part in pem.split(begin)[1:]]
    return [f"{begin}{part}{end}\n".encode() for part in parts]


def _read(load: Callable[[bytes], T], blocks: Iterable[bytes]) -> list[T]:
    found = []
    for block in blocks:
        try:
            found.append(load(block))
        except ValueError:
            _log.warning("a part of a trust store cannot be read:\n%s", block.decode())
    return found


def _is_current(one: x509.CertificateRevocationList, moment: datetime) -> bool:
    return one.next_update_utc is None or moment <= one.next_update_utc


def _common_names(found: x509.Certificate) -> tuple[str, ...]:
    named = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return tuple(str(one.value) for one in named)


def _alternative_names(found: x509.Certificate) -> Sequence[x509.GeneralName]:
    try:
        extension = found.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except x509.ExtensionNotFound:
        return ()
    names: Iterable[x509.GeneralName] = extension.value  # type: ignore[assignment]
    return list(names)


def _texts(names: Sequence[x509.GeneralName], kind: type[x509.GeneralName]) -> tuple[str, ...]:
    return tuple(str(one.value) for one in names if isinstance(one, kind))


def _serial(found: x509.Certificate) -> str:
    digits = f"{found.serial_number:X}"
    even = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(even[place : place + 2] for place in range(0, len(even), 2))


def _written(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None
