"""Which mail SES's inbound endpoint takes, and what it answers."""

from __future__ import annotations

import re
import smtplib

from conformance.actions import add_header, received, store, stored
from conformance.check import RECEIVING, Json, Need, check
from conformance.permissions import BUCKET, QUEUE, RULE
from conformance.place import Place

_MAIL = 0.001  # dollars for some received mails, objects and messages
_ODD_COMMANDS = (
    "RCPT TO:<before@mail.example>",
    "DATA",
    "NOSUCH",
    "MAIL FROM:<>",
    "MAIL FROM:<jane@example.net>",
    "RCPT TO:no-brackets",
    "RCPT TO:<>",
    "RCPT TO:<no-domain>",
    "RCPT TO:<{to}>",
    "VRFY jane",
    "RSET",
    "NOOP",
    "MAIL FROM:<jane@example.net> SIZE=50000000",
)


@check(
    "SES receives for verified domains and their subdomains",
    actions=(*RULE, *QUEUE),
    needs=RECEIVING,
    creates="a rule for an address of a subdomain",
    dollars=_MAIL,
    expects={"address of a subdomain": 250},
)
def subdomains(place: Place) -> Json:
    """Send to an address of a subdomain of a verified domain, which has no identity itself."""
    local, _, domain = place.address().partition("@")
    to = f"{local}@deep.sub.{domain}"
    place.rule(add_header(), to=to)
    return {"address of a subdomain": place.deliver(to).code}


@check(
    "Mail for an unverified domain is refused at `RCPT TO`",
    actions=RULE,
    needs=RECEIVING,
    creates="a rule for a domain that nobody has verified",
)
def unverified_domain(place: Place) -> Json:
    """Send to a domain that a rule names but nobody has verified, and to an unknown address."""
    local, _, _ = place.address().partition("@")
    to = f"{local}@unverified.example"
    place.rule(add_header(), to=to)
    return {
        "unverified domain": place.deliver(to).json,
        "address without a rule": place.deliver(place.address("nobody")).json,
    }


@check(
    "A rule that requires TLS refuses",
    actions=(*RULE, *BUCKET),
    needs=RECEIVING,
    creates="a rule that requires TLS, and a bucket",
    dollars=_MAIL,
)
def tls_required(place: Place) -> Json:
    """Send with and without TLS to a rule that requires it."""
    bucket, to = place.bucket(), place.address()
    place.rule(store(bucket), to=to, TlsPolicy="Require")
    plain, secure = place.deliver(to, tls=False), place.deliver(to)
    keys = place.until(lambda: stored(place, bucket))
    return {"without TLS": plain.json, "with TLS": secure.json, "mails stored": len(keys)}


@check(
    "SES accepts lines of more than 1,000 characters",
    actions=(*RULE, *BUCKET),
    needs=RECEIVING,
    creates="a rule and a bucket",
    dollars=_MAIL,
)
def long_lines(place: Place) -> Json:
    """Send a mail with a line of 5,000 characters, and compare what is stored."""
    bucket, to, line = place.bucket(), place.address(), b"x" * 5_000
    place.rule(store(bucket), to=to)
    reply = place.deliver(to, body=line + b"\r\n")
    if not reply.message_id:
        return {"reply": reply.json}
    return {"reply": reply.json, "line is stored unchanged": line in received(place, bucket)}


@check(
    "Message ids of received mail are",
    actions=RULE,
    needs=RECEIVING,
    creates="a rule",
    dollars=_MAIL,
)
def message_ids(place: Place) -> Json:
    """Receive three mails, and look at the ids in the replies."""
    to = place.address()
    place.rule(add_header(), to=to)
    ids = [place.accepted(to) for _ in range(3)]
    return {
        "lower-case letters and digits": all(re.fullmatch("[a-z0-9]+", each) for each in ids),
        "lengths": sorted({len(each) for each in ids}),
    }


@check(
    "Receiving is offered in the regions",
    actions=("ses:DescribeActiveReceiptRuleSet",),
    expects={"receipt rules": "accepted"},
)
def region(place: Place) -> Json:
    """Ask for the active rule set in this region."""
    return {"receipt rules": place.error(place.client("ses").describe_active_receipt_rule_set)}


@check(
    "A rule for an address also matches the address with a label",
    actions=(*RULE, *BUCKET),
    needs=RECEIVING,
    creates="a rule and a bucket",
    dollars=_MAIL,
    expects={"address with a label": 250, "recipient that is stored": "user+label"},
)
def labels(place: Place) -> Json:
    """Send to `user+label@` where a rule names `user@`."""
    bucket, to = place.bucket(), place.address("user")
    place.rule(store(bucket), to=to)
    local, _, domain = to.partition("@")
    labelled = f"{local}+label@{domain}"
    reply = place.deliver(labelled)
    raw = received(place, bucket).decode()
    own = re.search(r"(?m)^To: user(?:[^@+]*)(\+label)?@", raw)
    return {
        "address with a label": reply.code,
        "recipient that is stored": f"user{own[1] or ''}" if own else "another",
        "another address": place.deliver(f"other{to}").code,
    }


@check(
    "The inbound endpoint offers `8BITMIME` and `STARTTLS`",
    needs=(Need.PORT_25,),
)
def smtp_offers(place: Place) -> Json:
    """Say EHLO to the inbound endpoint."""
    # XCLIENT is the local AWS's own, for rehearsals; "Ok" is the last line of the reply.
    with place.smtp(tls=False) as smtp:
        plain = sorted(smtp.esmtp_features.keys() - {"ok", "xclient"})
    with place.smtp() as smtp:
        return {
            "before TLS": plain,
            "within TLS": sorted(smtp.esmtp_features.keys() - {"ok", "xclient"}),
        }


@check(
    "What the inbound endpoint answers to commands",
    actions=RULE,
    needs=RECEIVING,
    creates="a rule",
    dollars=_MAIL,
    minutes=0.5,
)
def smtp_replies(place: Place) -> Json:
    """Say malformed and misplaced commands to the inbound endpoint, and note each reply's code."""
    to, found = place.address(), {}
    place.rule(add_header(), to=to)
    with place.smtp() as smtp:
        for command in _ODD_COMMANDS:
            try:
                code, _ = smtp.docmd(command.format(to=to))
            except smtplib.SMTPServerDisconnected:
                found[command] = "the connection is closed"
                break
            found[command if command not in found else f"{command}, again"] = code
    empty = place.deliver(to, raw=b"")
    headless = place.deliver(to, raw=b"\r\nno header at all\r\n")
    eight_bit = place.deliver(to, raw=b"From: \xff\xfe\r\nSubject: \xe4\r\n\r\n\xf6\r\n")
    return {
        "replies": found,
        "an empty message": empty.code,
        "a message without a header": headless.code,
        "8-bit bytes in the header": eight_bit.code,
    }
