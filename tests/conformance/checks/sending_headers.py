"""Which header fields of a sent message SES heeds, replaces, keeps and removes."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default

from conformance.arriving import arrived, reader
from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SIMULATOR, SUCCESS, raw, send_raw, simple
from conformance.permissions import BUCKET, CONFIGURATION_SET, RULE
from conformance.place import Place

BACK = (Need.DOMAIN, Need.MX, Need.ACTIVATION)
OURS = "<conversation-1@example.net>"


@check(
    "API v2 ignores the `X-SES-` header fields of raw mail",
    actions=(*CONFIGURATION_SET, "ses:SendEmail", "ses:SendRawEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=2,
)
def fields_of_ses(place: Place) -> Json:
    """Name the configuration set only in the header, by both APIs: which one publishes events?"""
    listener = Listener(place, "SEND")
    content = raw(place, f"X-SES-CONFIGURATION-SET: {listener.name}", "X-SES-MESSAGE-TAGS: a=b")
    by_v2 = place.send_email(SUCCESS, Content={"Raw": {"Data": content}})
    by_v1 = send_raw(place, content)
    found = {"API v1": listener.story(by_v1, "Send", seconds=60)}
    # What was sent first would have been heard of by now, or is soon.
    place.pause(30)
    found["API v2"] = listener.story(by_v2, seconds=1)
    return {
        api: [{"tag": event["mail"]["tags"].get("a", ["none"])[0]} for event in events]
        for api, events in found.items()
    }


@check(
    "SES replaces the `Message-ID` of a message, and leaves `References`",
    actions=(*BUCKET, *RULE, "ses:SendRawEmail"),
    needs=BACK,
    creates="a bucket, a receipt rule",
    minutes=3,
    expects={"Message-ID": {"replaced": True}},
)
def fields_of_a_conversation(place: Place) -> Json:
    """Send a mail to the own domain with `Message-ID`, `References` and `In-Reply-To`."""
    mailbox = reader(place)
    fields = (f"Message-ID: {OURS}", f"References: {OURS}", f"In-Reply-To: {OURS}")
    sent = send_raw(place, raw(place, *fields, to=mailbox.address), to=mailbox.address)
    message = arrived(place, mailbox, sent)
    ids = [str(each) for each in message.get_all("Message-ID", [])]
    return {
        "Message-ID": {
            "replaced": OURS not in ids,
            "begin with SES's id": all(each.startswith(f"<{sent}@") for each in ids),
            "number": len(ids),
        },
        "References kept": message["References"] == OURS,
        "In-Reply-To kept": message["In-Reply-To"] == OURS,
    }


@check(
    "The new one is `<ID@email.amazonses.com>` in us-east-1",
    actions=(*BUCKET, *RULE, "ses:SendRawEmail"),
    needs=BACK,
    creates="a bucket, a receipt rule",
    minutes=3,
)
def domain_of_message_id(place: Place) -> Json:
    """Send a mail to the own domain and read the domain of the new `Message-ID`."""
    mailbox = reader(place)
    sent = send_raw(place, raw(place, to=mailbox.address), to=mailbox.address)
    found = str(arrived(place, mailbox, sent)["Message-ID"])
    return {"domain": found.rpartition("@")[2].strip(">")}


@check(
    "SES removes its own header fields before delivery",
    actions=(*BUCKET, *CONFIGURATION_SET, *RULE, "ses:SendRawEmail"),
    needs=BACK,
    creates=f"{LISTENER}, a bucket, a receipt rule",
    minutes=3,
)
def fields_that_arrive(place: Place) -> Json:
    """Send a mail to the own domain with SES's fields: which ones arrive?"""
    listener, mailbox = Listener(place, "SEND"), reader(place)
    fields = (
        f"X-SES-CONFIGURATION-SET: {listener.name}",
        "X-SES-MESSAGE-TAGS: a=b",
        "X-Other: kept",
    )
    sent = send_raw(place, raw(place, *fields, to=mailbox.address), to=mailbox.address)
    names = {name.lower() for name in arrived(place, mailbox, sent)}
    asked = ("X-SES-CONFIGURATION-SET", "X-SES-MESSAGE-TAGS", "X-Other")
    return {name: "arrives" if name.lower() in names else "removed" for name in asked}


@check(
    "Bounces are sent as mail to the `Return-Path`",
    actions=(*BUCKET, *RULE, "ses:SendRawEmail"),
    needs=BACK,
    creates="a bucket, a receipt rule",
    minutes=5,
    here="the local AWS sends no mail about bounces",
)
def return_path(place: Place) -> Json:
    """Send to an address that bounces, with a `Return-Path` in the own domain."""
    mailbox = reader(place)
    to = f"bounce@{SIMULATOR}"
    send_raw(place, raw(place, f"Return-Path: {mailbox.address}", to=to), to=to)
    keys = place.until(
        lambda: place.keys(mailbox.bucket), lambda found: len(found) > 1, seconds=240
    )
    reports = [
        message_from_bytes(place.read(mailbox.bucket, key), policy=default)
        for key in keys
        if not key.endswith("AMAZON_SES_SETUP_NOTIFICATION")
    ]
    return [
        {"content type": report.get_content_type(), "subject": str(report["Subject"])}
        for report in reports
    ]


SIGNED = (
    'MIME-Version: 1.0\r\nContent-Type: multipart/signed; micalg="sha-256"; '
    'protocol="application/pkcs7-signature"; boundary="b"\r\n\r\n'
    "--b\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n"
    '<p><a href="https://example.com/">Link</a></p>\r\n'
    "--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nMIIB\r\n--b--\r\n"
)


@check(
    "Open and click tracking leaves signed and encrypted parts",
    actions=(*BUCKET, *CONFIGURATION_SET, *RULE, "ses:SendEmail", "ses:SendRawEmail"),
    needs=BACK,
    creates=f"{LISTENER}, a bucket, a receipt rule",
    minutes=4,
)
def tracking(place: Place) -> Json:
    """Send HTML mail with tracking to the own domain, signed and not: is it changed?"""
    listener = Listener(place, "OPEN", "CLICK")
    found = {}
    html = '<p><a href="https://example.com/">Link</a></p>'
    for how in ("plain HTML", "signed"):
        mailbox = reader(place)
        named = {"ConfigurationSetName": listener.name}
        if how == "signed":
            header = raw(place, to=mailbox.address).partition(b"\r\n\r\n")[0]
            content = header + b"\r\n" + SIGNED.encode()
            sent = send_raw(place, content, to=mailbox.address, **named)
        else:
            content = {"Simple": simple(html=html)}
            sent = place.send_email(mailbox.address, Content=content, **named)
        message = arrived(place, mailbox, sent)
        texts = [
            part.get_content() for part in message.walk() if part.get_content_subtype() == "html"
        ]
        found[how] = {
            "link changed": "https://example.com/" not in "".join(texts),
            "pixel added": "<img" in "".join(texts),
        }
    return found
