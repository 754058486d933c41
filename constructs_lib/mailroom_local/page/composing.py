"""Makes a message of what somebody has written on the page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid
from typing import Any

from mailroom.ses import VERDICTS
from mailroom_local._ses_error import SesError
from mailroom_local.mail.headers import address_of
from mailroom_local.page.errors import Refused, bad
from mailroom_local.page.fields import Fields
from mailroom_local.page.posting import Post, tags
from mailroom_local.receiving.message import VERDICT_HEADER
from mailroom_local.sending.compose import Content, compose

_DIRECTIONS = ("receive", "send")
_CHECKS = ("spam", "virus", "spf", "dkim", "dmarc", "dmarcPolicy")


def composed(post: Post, given: Fields) -> dict[str, Any]:
    """Send what was written."""
    direction = given.choice("direction", _DIRECTIONS)
    sender, to, cc = given.text("from").strip(), given.texts("to"), given.texts("cc")
    if direction == "send":
        _refuse(given, "verdicts", "client_address", "tls", direction=direction)
        return _sent(post, given, sender=sender, to=to, cc=cc)
    _refuse(given, "configuration_set", "tags", direction=direction)
    recipients = [_address("to", one) for one in (*to, *cc)]
    if not recipients:
        raise bad("to", [], "pass at least one address")
    return post.receive(
        _message(given, sender=sender, to=to, cc=cc),
        mail_from=_address("from", sender) if sender else "",
        rcpt_tos=list(dict.fromkeys(recipients)),
        tls=given.flag("tls", default=True),
        client_address=given.text("client_address").strip(),
    )


def _sent(
    post: Post, given: Fields, *, sender: str, to: Sequence[str], cc: Sequence[str]
) -> dict[str, Any]:
    _address("from", sender)
    text, html = given.text("text"), given.text("html")
    body = {"Html": {"Data": html}} if html else {}
    if text or not html:
        body["Text"] = {"Data": text}
    simple = {
        "Subject": {"Data": given.text("subject")},
        "Body": body,
        "Headers": [{"Name": name, "Value": value} for name, value in _headers(given)],
        "Attachments": [
            {"FileName": one["FileName"], "RawContent": one["RawContent"]}
            | ({"ContentType": one["ContentType"]} if one["ContentType"] else {})
            for one in _attachments(given)
        ],
    }
    return post.send(
        sender,
        {"Simple": {name: value for name, value in simple.items() if value}},
        Destination={"ToAddresses": list(to), "CcAddresses": list(cc)},
        ConfigurationSetName=given.text("configuration_set"),
        EmailTags=tags(given.mapping("tags")),
    )


def _message(given: Fields, *, sender: str, to: Sequence[str], cc: Sequence[str]) -> bytes:
    domain = address_of(sender).rpartition("@")[2] or "example.com"
    own = [("Date", format_datetime(datetime.now(UTC))), ("Message-ID", make_msgid(domain=domain))]
    headers = _headers(given)
    known = {name.lower() for name, _ in headers}
    verdicts = _verdicts(given)
    content = Content(
        subject=given.text("subject"),
        text=given.text("text"),
        html=given.text("html"),
        headers=[
            *(field for field in own if field[0].lower() not in known),
            *([(VERDICT_HEADER, verdicts)] if verdicts else []),
            *headers,
        ],
        attachments=_attachments(given),
    )
    try:
        return compose(content, source=sender, to=to, cc=cc)
    except SesError as error:
        raise Refused(400, f"the message cannot be made: {error.message}") from error


def _headers(given: Fields) -> list[tuple[str, str]]:
    found = [(one.text("name").strip(), one.text("value")) for one in given.objects("headers")]
    return [(name, value) for name, value in found if name]


def _attachments(given: Fields) -> list[dict[str, Any]]:
    found = []
    for one in given.objects("attachments"):
        name = one.text("name")
        try:
            content = base64.b64decode(one.text("content"), validate=True)
        except (binascii.Error, ValueError) as error:
            raise bad("attachments", name, f"its content is not base64 ({error})") from error
        found.append({"FileName": name, "ContentType": one.text("type"), "RawContent": content})
    return found


def _verdicts(given: Fields) -> str:
    wanted = given.mapping("verdicts")
    for check, verdict in wanted.items():
        if check not in _CHECKS:
            raise bad("verdicts", check, f"pass some of {', '.join(_CHECKS)}")
        if check != "dmarcPolicy" and verdict.upper() not in VERDICTS:
            raise bad(f"verdicts.{check}", verdict, f"pass one of {', '.join(sorted(VERDICTS))}")
    return "; ".join(f"{check}={verdict}" for check, verdict in wanted.items())


def _address(name: str, value: str) -> str:
    found = address_of(value)
    if "@" not in found:
        raise bad(name, value, "pass an address, such as jane@example.com")
    return found


def _refuse(given: Fields, *names: str, direction: str) -> None:
    for name in names:
        if given.has(name):
            raise Refused(400, f"{name} has no effect with direction {direction!r}: omit it")
