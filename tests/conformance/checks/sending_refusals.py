"""What SES refuses in messages, and in which words."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SUCCESS, raw, sender, simple
from conformance.permissions import CONFIGURATION_SET
from conformance.place import Place

# Lines of a header, and whether they follow a From that is right.
FIELDS = {
    "an address without a domain": ("Cc: root",),
    "two addresses without a comma": ("Cc: <a@example.com> <b@example.com>",),
    "a quote that does not end": ('Cc: "Jane <jane@example.com>',),
    "two Subject fields": ("SUBJECT: again",),
    "two DKIM signatures": ("DKIM-Signature: v=1", "DKIM-Signature: v=1"),
    "two Received fields": ("Received: one", "Received: two"),
    "an empty field name": (": value",),
    "a charset that does not exist": ("X-Other: =?nonsense?b?YQ==?=",),
    "a parameter without a value": ("Content-Type: text/plain; charset",),
    "a multipart without parts": ("Content-Type: multipart/mixed; boundary=x",),
    "an empty Cc": ("Cc: ",),
}


@check(
    "What SES refuses in a message as a whole, and its words",
    actions=("ses:SendRawEmail",),
    needs=(Need.DOMAIN,),
    dollars=0.002,
    minutes=1,
)
def header_fields(place: Place) -> Json:
    """Send raw messages with malformed header fields by API v1."""
    return {case: _sent(place, raw(place, *lines)) for case, lines in FIELDS.items()}


@check(
    "A message without any header is taken by `SendRawEmail`",
    actions=("ses:SendRawEmail",),
    needs=(Need.DOMAIN,),
    minutes=0.5,
)
def without_from(place: Place) -> Json:
    """Send raw messages without a header, and without `From`."""
    return {
        "without any header": _sent(place, b"\r\nno header at all\r\n"),
        "without From": _sent(place, b"To: a@example.com\r\nSubject: x\r\n\r\nHi\r\n"),
    }


@check(
    "Every address in `From`, `Sender` and `Return-Path` must be verified",
    actions=("ses:SendRawEmail",),
    needs=(Need.DOMAIN,),
    minutes=0.5,
)
def unverified_senders(place: Place) -> Json:
    """Name an address that is not verified in each of these fields."""
    stranger, to = "a@unverified.example", f"To: {SUCCESS}"
    own = f"From: {sender(place)}"
    # SES spells it so in its refusal.
    place.mask(place.region.upper(), "region")
    cases = {
        "From": (f"From: {stranger}", to),
        "Sender": (own, f"Sender: {stranger}", to),
        "Return-Path": (f"Return-Path: {stranger}", own, to),
        "Reply-To": (own, f"Reply-To: {stranger}", to),
    }
    return {
        field: _sent(place, "\r\n".join((*lines, "", "Hi", "")).encode())
        for field, lines in cases.items()
    }


@check(
    "The words for a line of more than 1,000 characters",
    actions=("ses:SendRawEmail",),
    needs=(Need.DOMAIN,),
    minutes=0.5,
)
def sizes(place: Place) -> Json:
    """Send raw messages that are too long, too wide, or addressed to nobody."""
    part = "--x\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
    parts = raw(place, "Content-Type: multipart/mixed; boundary=x", body=part * 501 + "--x--")
    return {
        "a line of 998 characters": _sent(place, raw(place, body="x" * 998)),
        "a line of 1,100 characters": _sent(place, raw(place, body="x" * 1100)),
        "501 parts": _sent(place, parts),
        "an empty To": _sent(place, raw(place, to="")),
    }


@check(
    "Which names of attachments API v2 refuses",
    actions=("ses:SendEmail",),
    needs=(Need.DOMAIN,),
    minutes=0.5,
)
def attachment_names(place: Place) -> Json:
    """Attach files with unusual names by API v2."""
    names = ("a.txt", "a.exe", "a:b.txt", "a/b.txt", "a*.txt", "ä.txt", "n" * 251 + ".txt")
    found = {}
    for name in names:
        attached = [{"FileName": name, "RawContent": b"Hi"}]
        content = {"Simple": {**simple(), "Attachments": attached}}
        label = name if len(name) < 50 else "a name of 255 characters"
        found[label] = place.error(place.send_email, Content=content)
    return found


@check(
    "An inline template takes no helpers",
    actions=(*CONFIGURATION_SET, "ses:SendEmail", "ses:SendTemplatedEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=1,
)
def inline_template(place: Place) -> Json:
    """Send an inline template with a variable, and one with a helper."""
    listener = Listener(place, "SEND", "DELIVERY", "RENDERING_FAILURE")
    found: dict[str, Json] = {}
    for case, text in (("a variable", "{{name}}"), ("a helper", "{{#if name}}yes{{/if}}")):
        content = {
            "Template": {
                "TemplateContent": {"Subject": "Subject", "Text": text},
                "TemplateData": '{"name": "Jane"}',
            }
        }
        given = {"Content": content, "ConfigurationSetName": listener.name}
        found[case] = _outcome(place, listener, given)
    return found


def _outcome(place: Place, listener: Listener, given: dict[str, Any]) -> Json:
    """The events that a call leads to, or the error that refuses it."""
    ids: list[str] = []
    answer = place.error(lambda: ids.append(place.send_email(**given)))
    if not ids:
        return answer
    endings = {"Delivery", "Rendering Failure"}
    listener.until(lambda: listener.kinds(ids[0]) & endings, seconds=60)
    return sorted(listener.kinds(ids[0]))


def _sent(place: Place, content: bytes) -> str:
    answer: str = place.error(
        place.client("ses").send_raw_email,
        Source=sender(place),
        Destinations=[SUCCESS],
        RawMessage={"Data": content},
    )
    return answer
