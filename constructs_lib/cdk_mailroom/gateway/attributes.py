"""The attributes of a message that conditions are made of, such as ``recipient.is_(…)``."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_ses as ses

from cdk_mailroom.gateway.conditions import header_faults, member_faults, shown
from cdk_mailroom.gateway.measures import (
    DmarcAttribute,
    IpAttribute,
    NumberAttribute,
    TlsVersionAttribute,
    VerdictAttribute,
)
from cdk_mailroom.gateway.operators import (
    AddressAttribute,
    BooleanAttribute,
    RecipientAttribute,
    StringAttribute,
)
from cdk_mailroom.gateway.words import Certificate

__all__ = [
    "cc",
    "certificate",
    "dkim",
    "dmarc_policy",
    "from_",
    "header",
    "helo",
    "mail_from",
    "read_receipt_requested",
    "recipient",
    "sender",
    "size",
    "source_ip",
    "spf",
    "subject",
    "tls",
    "tls_version",
    "tls_wrapped",
    "to",
]

_Rules = ses.CfnMailManagerRuleSet

recipient: Final = RecipientAttribute()
"""The envelope recipient: whole, with what follows a plus sign."""
mail_from: Final = AddressAttribute("mail_from", "MAIL_FROM")
"""The envelope sender."""
sender: Final = AddressAttribute("sender", "SENDER")
"""The header field ``Sender``."""
from_: Final = AddressAttribute("from_", "FROM")
"""The header field ``From``."""
to: Final = AddressAttribute("to", "TO")
"""The header field ``To``."""
cc: Final = AddressAttribute("cc", "CC")
"""The header field ``Cc``."""
helo: Final = StringAttribute("helo", _Rules.RuleStringToEvaluateProperty(attribute="HELO"))
"""What the client called itself."""
subject: Final = StringAttribute(
    "subject", _Rules.RuleStringToEvaluateProperty(attribute="SUBJECT")
)
"""The header field ``Subject``."""
size: Final = NumberAttribute("size", "MESSAGE_SIZE")
"""The size of the message in bytes."""
source_ip: Final = IpAttribute()
"""The address of the client."""
spf: Final = VerdictAttribute("spf", _Rules.RuleVerdictToEvaluateProperty(attribute="SPF"))
"""Whether the client may send for the envelope sender's domain."""
dkim: Final = VerdictAttribute("dkim", _Rules.RuleVerdictToEvaluateProperty(attribute="DKIM"))
"""Whether the message has a DKIM signature that is right."""
dmarc_policy: Final = DmarcAttribute()
"""The DMARC policy of the author's domain."""
tls: Final = BooleanAttribute("tls", "TLS")
"""Whether the message came over TLS."""
tls_wrapped: Final = BooleanAttribute("tls_wrapped", "TLS_WRAPPED")
"""Whether TLS began before SMTP did."""
read_receipt_requested: Final = BooleanAttribute("read_receipt_requested", "READ_RECEIPT_REQUESTED")
"""Whether the author asks for a receipt."""
tls_version: Final = TlsVersionAttribute()
"""The version of TLS, for statements of the traffic policy."""


def header(name: str) -> StringAttribute:
    """Return the header field *name*, which begins with ``X-``.

    Args:
        name: Its name, such as ``X-Spam``.
    """
    return StringAttribute(
        f"header({shown(name)})",
        _Rules.RuleStringToEvaluateProperty(mime_header_attribute=str(name)),
        header_faults(name),
    )


def certificate(part: Certificate | str) -> StringAttribute:
    """Return a part of the client's certificate, which clients have with `MutualTls` only.

    Args:
        part: Which part; see `Certificate`.
    """
    return StringAttribute(
        f"certificate({shown(str(part))})",
        _Rules.RuleStringToEvaluateProperty(client_certificate_attribute=str(part)),
        member_faults(Certificate, [part]),
    )
