"""A received message, the rules that match it, and what SES adds to it."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from mailroom.ses import VERDICTS
from mailroom_local.mail.content import EICAR, GTUBE, contains
from mailroom_local.mail.headers import read_headers

Rule = Mapping[str, Any]

VERDICT_HEADER = "X-Mailroom-Verdict"
_ID_ALPHABET = string.ascii_lowercase + string.digits
_REHEARSED = re.compile(r"([a-zA-Z]+)\s*=\s*([A-Za-z_]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the SMTP conversation established about a message."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    client_address: str
    client_name: str
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The results of the checks that SES makes on received mail."""

    spam: str = "PASS"
    virus: str = "PASS"
    spf: str = "PASS"
    dkim: str = "PASS"
    dmarc: str = "PASS"
    dmarc_policy: str = "none"

    def for_rule(self, rule: Rule) -> Verdicts:
        """The verdicts for a rule; spam and virus are disabled unless the rule scans."""
        if rule.get("ScanEnabled"):
            return self
        return Verdicts(
            spam="DISABLED",
            virus="DISABLED",
            spf=self.spf,
            dkim=self.dkim,
            dmarc=self.dmarc,
            dmarc_policy=self.dmarc_policy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that matches a message, and the recipients that it matches."""

    rule: Rule
    recipients: tuple[str, ...]

    @property
    def name(self) -> str:
        """The rule's name."""
        return str(self.rule["Name"])


@dataclass(slots=True, kw_only=True)
class Message:
    """An accepted message; ``added`` holds the fields that AddHeader actions have added."""

    message_id: str
    raw: bytes
    envelope: Envelope
    received_at: datetime
    region: str
    verdicts: Verdicts = field(default_factory=Verdicts)
    added: list[tuple[str, str]] = field(default_factory=list)

    def headers(self, match: Match) -> list[tuple[str, str]]:
        """All header fields for this rule's actions, those of SES first."""
        return [*ses_headers(self, match), *self.added, *read_headers(self.raw)]

    def content(self, match: Match) -> bytes:
        """The message that this rule's actions write."""
        lines = [f"{name}: {value}" for name, value in (*ses_headers(self, match), *self.added)]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n" + self.raw


def new_message_id() -> str:
    """An id like those of SES: 40 lower-case letters and digits."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(40))


def verdicts_of(raw: bytes) -> Verdicts:
    """The verdicts that a message rehearses.

    The GTUBE string fails the spam check and the EICAR string the virus check, also inside a
    base64 part. Everything else passes, unless a header field sets another verdict:
    ``X-Mailroom-Verdict: spf=FAIL; dkim=GRAY; dmarc=FAIL; dmarcPolicy=reject``.
    """
    chosen = {
        "spam": "FAIL" if contains(raw, GTUBE) else "PASS",
        "virus": "FAIL" if contains(raw, EICAR) else "PASS",
    }
    known = {"spam", "virus", "spf", "dkim", "dmarc"}
    for name, value in read_headers(raw):
        if name.lower() != VERDICT_HEADER.lower():
            continue
        for check, verdict in _REHEARSED.findall(value):
            if check.lower() in known and verdict.upper() in VERDICTS:
                chosen[check.lower()] = verdict.upper()
            elif check.lower() == "dmarcpolicy":
                chosen["dmarc_policy"] = verdict.lower()
    return Verdicts(**chosen)


def ses_headers(message: Message, match: Match) -> list[tuple[str, str]]:
    """The header fields that SES adds at the top of a message."""
    envelope, verdicts = message.envelope, message.verdicts.for_rule(match.rule)
    client = f"{envelope.client_name} ({envelope.client_name} [{envelope.client_address}])"
    server = f"inbound-smtp.{message.region}.amazonaws.com"
    sender_domain = envelope.mail_from.rpartition("@")[2] or envelope.client_name
    spf, dkim, dmarc = (_word(name) for name in (verdicts.spf, verdicts.dkim, verdicts.dmarc))
    origin = f"client-ip={envelope.client_address}; envelope-from={envelope.mail_from}; "
    received = (
        f"from {client} by {server} with SMTP id {message.message_id} for "
        f"{match.recipients[0]}; {format_datetime(message.received_at)} (UTC)"
    )
    spf_check = (
        f"{spf} (spfCheck: {_spf_reason(spf, sender_domain, envelope.client_address)}) "
        f"{origin}helo={envelope.client_name};"
    )
    signatures = (
        f"dkim={dkim} header.i=@{sender_domain}; dmarc={dmarc} header.from={sender_domain};"
    )
    scanned = [
        ("X-SES-Spam-Verdict", verdicts.spam),
        ("X-SES-Virus-Verdict", verdicts.virus),
    ]
    return [
        ("Return-Path", f"<{envelope.mail_from}>"),
        ("Received", received),
        *(scanned if match.rule.get("ScanEnabled") else ()),
        ("Received-SPF", spf_check),
        ("Authentication-Results", f"amazonses.com; spf={spf_check} {signatures}"),
        ("X-SES-RECEIPT", base64.b64encode(message.message_id.encode()).decode()),
        ("X-SES-DKIM-SIGNATURE", _signature(message)),
    ]


def _signature(message: Message) -> str:
    # It has the form of SES's, and signs nothing: nobody has the key.
    digest = hashlib.sha256(message.message_id.encode()).digest()
    body, signature = base64.b64encode(digest).decode(), base64.b64encode(digest * 4).decode()
    return (
        f"a=rsa-sha256; q=dns/txt; b={signature}; c=relaxed/simple; s={message.message_id[:32]}; "
        f"d=amazonses.com; t={int(message.received_at.timestamp())}; v=1; bh={body}; "
        "h=From:To:Cc:Bcc:Subject:Date:Message-ID:MIME-Version:Content-Type:X-SES-RECEIPT;"
    )


def _spf_reason(spf: str, domain: str, address: str) -> str:
    if spf == "pass":
        return f"domain of {domain} designates {address} as permitted sender"
    if spf == "fail":
        return f"domain of {domain} does not designate {address} as permitted sender"
    return f"{address} is neither permitted nor denied by domain of {domain}"


def _word(verdict: str) -> str:
    return {"PASS": "pass", "FAIL": "fail", "GRAY": "none"}.get(verdict, "temperror")
