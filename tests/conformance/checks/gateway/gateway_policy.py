"""The traffic policy of an ingress point, and what its SMTP server answers."""

from __future__ import annotations

import smtplib
import ssl
from typing import Any

from conformance.check import Json, check
from conformance.checks.gateway.point import CREATES, DOLLARS, MINUTES, NEEDS, POINT, shared
from conformance.place import Place


@check(
    "A minimum TLS version holds for this version",
    actions=POINT,
    needs=NEEDS,
    creates=CREATES,
    dollars=DOLLARS,
    minutes=MINUTES + 1,
)
def minimum_tls(place: Place) -> Json:
    """Allow mail from TLS 1.2 on, and connect with TLS 1.2, TLS 1.3 and without."""
    point, address = shared(place), place.address()
    minimum = {
        "TlsExpression": {
            "Evaluate": {"Attribute": "TLS_PROTOCOL"},
            "Operator": "MINIMUM_TLS_VERSION",
            "Value": "TLS1_2",
        }
    }
    point.statements(place, point.to_us(minimum))
    found = {}
    for how, version in (
        ("TLS 1.2", ssl.TLSVersion.TLSv1_2),
        ("TLS 1.3", ssl.TLSVersion.TLSv1_3),
        ("without TLS", None),
    ):
        context: Any = None
        if version is not None:
            context = ssl.create_default_context()
            context.minimum_version = context.maximum_version = version
            # Only the version matters here, and the local AWS has a certificate of its own.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with point.smtp(place, context=context) as smtp:
            smtp.mail("jane@example.net")
            found[how] = "allowed" if smtp.rcpt(address)[0] == 250 else "denied"
    return found


@check(
    "What an ingress point answers",
    actions=POINT,
    needs=NEEDS,
    creates=CREATES,
    dollars=DOLLARS,
    minutes=MINUTES + 1,
)
def replies(place: Place) -> Json:
    """Read the offers of EHLO, and the replies to a recipient whom the policy denies and others."""
    point = shared(place)
    found: dict[str, Any] = {}
    with point.smtp(place) as smtp:
        # By XCLIENT, tests tell the local AWS where they come from; no server on AWS offers it.
        offers = {name.upper() for name in smtp.esmtp_features} - {"XCLIENT"}
        found["EHLO offers"] = sorted(offers)
        smtp.mail("jane@example.net")
        found["a recipient who is denied"] = _reply(smtp.rcpt("someone@elsewhere.example"))
        found["a recipient who is allowed"] = smtp.rcpt(place.address())[0]
        smtp.rset()
        smtp.mail("jane@example.net")
        many = [smtp.rcpt(f"{number}@{place.domain}") for number in range(101)]
        found["the 101st recipient"] = _reply(many[-1])
        smtp.rset()
        found["a size of 41 MB"] = _sized(smtp, 41 * 1024 * 1024)
    return found


def _sized(smtp: smtplib.SMTP, size: int) -> Json:
    return _reply(smtp.mail("jane@example.net", [f"SIZE={size}"]))


def _reply(answer: tuple[int, bytes]) -> Json:
    return {"code": answer[0], "text": answer[1].decode("utf-8", "replace")}
