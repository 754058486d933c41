"""How SES decides: which rules take a message, what they are told of it, what comes next.

Pure functions of rules (as ``DescribeActiveReceiptRuleSet`` returns them), envelopes and messages;
:mod:`mailroom_local.receiving.runner` carries the decisions out.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import secrets
import string
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.header import decode_header, make_header
from email.parser import BytesHeaderParser
from email.utils import format_datetime, getaddresses
from enum import StrEnum
from typing import Any

Rule = Mapping[str, Any]

MAX_MESSAGE_BYTES = 40 * 1024 * 1024
MAX_SNS_MESSAGE_BYTES = 150 * 1024
LAMBDA_HEADER_BYTES = 50 * 1024
SNS_HEADER_BYTES = 10 * 1024

# The test strings on which every spam filter and every virus scanner agrees. The second is kept in
# two pieces, so that no scanner takes this file for what it describes.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"

VERDICT_HEADER = "X-Mailroom-Verdict"

_ID_ALPHABET = string.ascii_lowercase + string.digits
_VERDICTS = frozenset({"PASS", "FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED"})
_REHEARSED = re.compile(r"([a-zA-Z]+)\s*=\s*([A-Za-z_]+)")


class Disposition(StrEnum):
    """What a synchronous function may answer."""

    CONTINUE = "CONTINUE"
    STOP_RULE = "STOP_RULE"
    STOP_RULE_SET = "STOP_RULE_SET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the SMTP conversation established about one message."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    client_address: str
    client_name: str
    tls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """The outcome of the checks that SES makes on a message that comes in."""

    spam: str = "PASS"
    virus: str = "PASS"
    spf: str = "PASS"
    dkim: str = "PASS"
    dmarc: str = "PASS"
    dmarc_policy: str = "none"

    def for_rule(self, rule: Rule) -> Verdicts:
        """Spam and virus are only looked for by a rule that has scanning enabled."""
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
    """A rule that takes a message, and the recipients on whose account it does."""

    rule: Rule
    recipients: tuple[str, ...]

    @property
    def name(self) -> str:
        """The rule's name."""
        return str(self.rule["Name"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a recipient is refused during the SMTP conversation."""

    reply: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Message:
    """An accepted message; ``added`` collects what AddHeader actions put on it."""

    message_id: str
    raw: bytes
    envelope: Envelope
    received_at: datetime
    region: str
    verdicts: Verdicts = field(default_factory=Verdicts)
    added: list[tuple[str, str]] = field(default_factory=list)

    def headers(self, match: Match) -> list[tuple[str, str]]:
        """All headers as this rule's actions see them, SES's own first."""
        return [*ses_headers(self, match), *self.added, *read_headers(self.raw)]

    def content(self, match: Match) -> bytes:
        """The message as this rule's actions write it."""
        lines = [f"{name}: {value}" for name, value in (*ses_headers(self, match), *self.added)]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n" + self.raw


def new_message_id() -> str:
    """An id as SES gives it: 40 lower-case letters and digits."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(40))


# --- which rules -------------------------------------------------------------------------------


def matches(condition: str, address: str) -> bool:
    """Whether a recipient condition takes an envelope recipient.

    A full address also takes its labels (``user+label@``), a domain takes its own addresses and
    none of its subdomains', a domain with a leading dot takes those and not its own.
    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html
    """
    condition, address = condition.lower(), address.lower()
    local, _, domain = address.rpartition("@")
    if condition.startswith("."):
        return domain.endswith(condition)
    if "@" not in condition:
        return domain == condition
    return condition in (address, f"{local.partition('+')[0]}@{domain}")


def belongs(address: str, identities: Collection[str]) -> bool:
    """Whether an address is, or lies in a domain of, one of the verified identities."""
    address = address.lower()
    domain = address.rpartition("@")[2]
    return any(
        identity == address or domain == identity or domain.endswith("." + identity)
        for identity in (known.lower() for known in identities)
    )


def match_rules(
    rules: Iterable[Rule], recipients: Sequence[str], *, identities: Collection[str]
) -> list[Match]:
    """The enabled rules that take at least one recipient, in the order of the rule set.

    A rule without recipients takes every address of every verified identity.
    """
    found = []
    for rule in rules:
        if not rule.get("Enabled"):
            continue
        conditions = rule.get("Recipients") or []
        taken = tuple(
            recipient
            for recipient in recipients
            if any(matches(condition, recipient) for condition in conditions)
            or (not conditions and belongs(recipient, identities))
        )
        if taken:
            found.append(Match(rule=rule, recipients=taken))
    return found


def client_admitted(filters: Iterable[Mapping[str, Any]], client_address: str) -> bool:
    """Whether the account's IP filters let this client in; ``Allow`` overrides ``Block``."""
    address = ipaddress.ip_address(client_address)
    policies = {
        ip_filter["Policy"]
        for ip_filter in (receipt_filter["IpFilter"] for receipt_filter in filters)
        if address in ipaddress.ip_network(ip_filter["Cidr"], strict=False)
    }
    return "Block" not in policies or "Allow" in policies


def refuse_recipient(
    rules: Sequence[Rule] | None, recipient: str, *, tls: bool, identities: Collection[str]
) -> Refusal | None:
    """The answer to RCPT TO when it is a refusal.

    ``rules`` is ``None`` when no rule set is active. SES says only that mail which does not come
    over TLS is bounced by a rule that requires it; here every rule that takes the recipient has to
    be content with the connection.
    """
    if rules is None:
        return Refusal(
            reply="550 5.1.1 Requested action not taken: mailbox unavailable",
            reason="no receipt rule set is active",
        )
    found = match_rules(rules, [recipient], identities=identities)
    if not found:
        return Refusal(
            reply="550 5.1.1 Requested action not taken: mailbox unavailable",
            reason="no enabled rule of the active rule set takes this recipient",
        )
    strict = [match.name for match in found if match.rule.get("TlsPolicy") == "Require"]
    if strict and not tls:
        return Refusal(
            reply="530 5.7.0 Must issue a STARTTLS command first",
            reason=f"rule {strict[0]} requires TLS",
        )
    return None


# --- what comes next ---------------------------------------------------------------------------


def disposition_of(payload: bytes, *, failed: bool) -> Disposition:
    """What a synchronous function's answer means; whatever is not understood is CONTINUE."""
    if failed:
        return Disposition.CONTINUE
    try:
        answer = json.loads(payload)
        return Disposition(str(answer["disposition"]).upper())
    except (ValueError, TypeError, KeyError):
        return Disposition.CONTINUE


def verdicts_of(raw: bytes) -> Verdicts:
    """The verdicts that this message rehearses.

    The GTUBE string fails the spam check and the EICAR string the virus check, also inside a
    base64 part. Everything else passes, unless a header asks for another outcome:
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
            if check.lower() in known and verdict.upper() in _VERDICTS:
                chosen[check.lower()] = verdict.upper()
            elif check.lower() == "dmarcpolicy":
                chosen["dmarc_policy"] = verdict.lower()
    return Verdicts(**chosen)


def contains(raw: bytes, needle: bytes) -> bool:
    """Whether these bytes occur in a message, also inside a base64 part."""
    if needle in raw:
        return True
    if b"base64" not in raw.lower():
        return False
    # The last line of a part may be of any length.
    for block in re.findall(rb"[A-Za-z0-9+/]{20,}={0,2}(?:\r?\n[A-Za-z0-9+/]+={0,2})*", raw):
        joined = b"".join(block.split())
        if needle in base64.b64decode(joined + b"=" * (-len(joined) % 4)):
            return True
    return False


# --- what an action is told --------------------------------------------------------------------


def read_headers(raw: bytes) -> list[tuple[str, str]]:
    """The header fields of a message, unfolded, encoded words left as they are."""
    end = raw.find(b"\r\n\r\n")
    block = raw if end < 0 else raw[: end + 4]
    parsed = BytesHeaderParser().parsebytes(block)
    return [(name, re.sub(r"\r?\n(?=[ \t])", "", str(value))) for name, value in parsed.items()]


def ses_headers(message: Message, match: Match) -> list[tuple[str, str]]:
    """The fields that SES puts on top of a message."""
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
    spf_check = f"{spf} (spfCheck: domain of {sender_domain}) {origin}helo={envelope.client_name};"
    signatures = (
        f"dkim={dkim} header.i=@{sender_domain}; dmarc={dmarc} header.from={sender_domain};"
    )
    return [
        ("Return-Path", f"<{envelope.mail_from}>"),
        ("Received", received),
        ("X-SES-Spam-Verdict", verdicts.spam),
        ("X-SES-Virus-Verdict", verdicts.virus),
        ("Received-SPF", spf_check),
        ("Authentication-Results", f"amazonses.com; spf={spf_check} {signatures}"),
        ("X-SES-RECEIPT", base64.b64encode(message.message_id.encode()).decode()),
    ]


def lambda_event(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The event of a Lambda action."""
    return {
        "Records": [
            {
                "eventSource": "aws:ses",
                "eventVersion": "1.0",
                "ses": {
                    "mail": mail_object(message, match, header_bytes=LAMBDA_HEADER_BYTES),
                    "receipt": receipt_object(message, match, action, now=now),
                },
            }
        ]
    }


def notification(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """What an action's topic is told; only the SNS action adds the ``content``."""
    return {
        "notificationType": "Received",
        "mail": mail_object(message, match, header_bytes=SNS_HEADER_BYTES),
        "receipt": receipt_object(message, match, action, now=now),
    }


def mail_object(message: Message, match: Match, *, header_bytes: int) -> dict[str, Any]:
    """The ``mail`` object; headers beyond ``header_bytes`` are cut."""
    headers = message.headers(match)
    kept, size = [], 0
    for name, value in headers:
        size += len(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape"))
        if size > header_bytes:
            break
        kept.append({"name": name, "value": printable(value)})
    return {
        "timestamp": timestamp(message.received_at),
        "source": message.envelope.mail_from,
        "messageId": message.message_id,
        "destination": _destination(headers) or list(message.envelope.rcpt_tos),
        "headersTruncated": len(kept) < len(headers),
        "headers": kept,
        "commonHeaders": _common_headers(headers),
    }


def receipt_object(
    message: Message, match: Match, action: Mapping[str, str], *, now: datetime
) -> dict[str, Any]:
    """The ``receipt`` object: only the recipients that this rule took, and its verdicts."""
    verdicts = message.verdicts.for_rule(match.rule)
    receipt: dict[str, Any] = {
        "timestamp": timestamp(message.received_at),
        "processingTimeMillis": max(int((now - message.received_at).total_seconds() * 1000), 0),
        "recipients": list(match.recipients),
        "spamVerdict": {"status": verdicts.spam},
        "virusVerdict": {"status": verdicts.virus},
        "spfVerdict": {"status": verdicts.spf},
        "dkimVerdict": {"status": verdicts.dkim},
        "dmarcVerdict": {"status": verdicts.dmarc},
        "action": dict(action),
    }
    if verdicts.dmarc == "FAIL":
        receipt["dmarcPolicy"] = verdicts.dmarc_policy
    return receipt


def encode_content(content: bytes, encoding: str) -> str:
    """The ``content`` of an SNS action's notification, in the action's encoding."""
    if encoding.lower() == "base64":
        return base64.b64encode(content).decode()
    return content.decode("utf-8", "replace")


def _common_headers(headers: Sequence[tuple[str, str]]) -> dict[str, Any]:
    common: dict[str, Any] = {}
    for name, value in headers:
        key = _COMMON.get(name.lower())
        if key is None or key in common:
            continue
        decoded = decode(value)
        if key in _ADDRESS_LISTS:
            common[key] = [
                f"{_quoted(display)} <{address}>" if display else address
                for display, address in getaddresses([decoded])
            ]
        else:
            common[key] = decoded.strip("<>") if key == "returnPath" else decoded
    return common


def _destination(headers: Sequence[tuple[str, str]]) -> list[str]:
    listed = [decode(value) for name, value in headers if name.lower() in ("to", "cc")]
    return [address for _, address in getaddresses(listed) if "@" in address]


_COMMON = {
    "return-path": "returnPath",
    "from": "from",
    "sender": "sender",
    "reply-to": "replyTo",
    "to": "to",
    "cc": "cc",
    "bcc": "bcc",
    "date": "date",
    "message-id": "messageId",
    "subject": "subject",
}
_ADDRESS_LISTS = frozenset({"from", "replyTo", "to", "cc", "bcc"})


def _quoted(display: str) -> str:
    return display if re.fullmatch(r"[^\"(),.:;<>@\[\]\\]+", display) else f'"{display}"'


def decode(value: str) -> str:
    """A header's text with its encoded words decoded."""
    try:
        return printable(str(make_header(decode_header(value))))
    except (LookupError, ValueError):
        return printable(value)


def printable(value: str) -> str:
    """A header's text as JSON can carry it."""
    # Bytes that no charset explains arrive as surrogates, which JSON cannot carry.
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _word(verdict: str) -> str:
    return {"PASS": "pass", "FAIL": "fail", "GRAY": "none"}.get(verdict, "temperror")


def timestamp(moment: datetime) -> str:
    """A moment as SES writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
