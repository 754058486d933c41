"""Mail as programs really write it: one small builder for each structure.

`RECEIVED` holds everything; `SENT` what SES sends, each from a verified sender.
"""

import base64
import quopri
from collections.abc import Callable

SENDER = "jane@sending.example"
RECIPIENT = "support@example.com"
# No multiple of three bytes, so that encoded content ends with padding.
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4") + b"\x01"
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 3 + b"\n%%EOF\n"
HTML = (
    "<html><head><style>a { color: red }</style></head><body><p>Grüße aus Köln</p>"
    '<a href="https://example.org/?a=1&amp;b=2">offer</a> '
    "<a href='mailto:a@example.org'>write</a></body></html>"
)
TEXT = "Grüße aus Köln\r\n\r\nhttps://example.org/\r\n"
ICS = (
    "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.com\r\n"
    "SUMMARY:Jour fixe\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def lines(*each: str) -> bytes:
    return "".join(f"{line}\r\n" for line in each).encode()


def b64(content: bytes) -> str:
    return base64.encodebytes(content).decode().replace("\n", "\r\n").rstrip()


def qp(text: str, charset: str = "utf-8") -> str:
    return (
        quopri.encodestring(text.replace("\r\n", "\n").encode(charset))
        .decode()
        .replace("\n", "\r\n")
    )


def part(kind: str, body: str, *fields: str) -> str:
    return "\r\n".join([f"Content-Type: {kind}", *fields, "", body.removesuffix("\r\n")])


def multipart(kind: str, boundary: str, *parts: str) -> str:
    """A multipart as a part of a message; ``kind`` may have parameters."""
    inside = "".join(f"--{boundary}\r\n{each}\r\n" for each in parts)
    return f'Content-Type: {kind}; boundary="{boundary}"\r\n\r\n{inside}--{boundary}--\r\n'


def mail(content: str, *fields: str, subject: str = "Hello") -> bytes:
    header = lines(
        *fields,
        f"From: Jane Doe <{SENDER}>",
        f"To: {RECIPIENT}",
        f"Subject: {subject}",
        "Date: Fri, 27 Nov 2026 10:00:00 +0100",
        "Message-ID: <1@sending.example>",
    )
    version = (
        b""
        if any("mime-version" in each.lower() for each in fields)
        else lines("MIME-Version: 1.0")
    )
    return header + version + content.encode().removesuffix(b"\r\n") + b"\r\n"


def quoted(kind: str, text: str) -> str:
    return part(f'{kind}; charset="UTF-8"', qp(text), "Content-Transfer-Encoding: quoted-printable")


def encoded(kind: str, content: bytes, *fields: str) -> str:
    return part(kind, b64(content), "Content-Transfer-Encoding: base64", *fields)


def gmail_plain_and_html() -> bytes:
    """The word base64 of a boundary next to 4n+1 letters of its alphabet is in it, too."""
    texts = quoted("text/plain", TEXT), quoted("text/html", HTML)
    return mail(
        multipart("multipart/alternative", "000000000000base64abcdefghijklmnopqrstu", *texts)
    )


def gmail_inline_image_and_attachment() -> bytes:
    texts = multipart(
        "multipart/alternative", "0000c", quoted("text/plain", TEXT), quoted("text/html", HTML)
    )
    image = encoded(
        'image/png; name="logo.png"',
        PNG,
        'Content-Disposition: inline; filename="logo.png"',
        "Content-ID: <ii_1>",
        "X-Attachment-Id: ii_1",
    )
    pdf = encoded(
        'application/pdf; name="Rechnung für Köln.pdf"'.encode().decode("latin-1"),
        PDF,
        "Content-Disposition: attachment; filename*=UTF-8''Rechnung%20f%C3%BCr%20K%C3%B6ln.pdf",
    )
    related = multipart("multipart/related", "0000b", texts, image)
    return mail(multipart("multipart/mixed", "0000a", related, pdf))


def gmail_forwarded_message() -> bytes:
    inner = mail(quoted("text/html", HTML), subject="The one before").decode()
    attached = part("message/rfc822", inner, 'Content-Disposition: attachment; filename="a.eml"')
    return mail(multipart("multipart/mixed", "0000d", quoted("text/plain", TEXT), attached))


def outlook_html_with_image() -> bytes:
    html = (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head>'
        "<!--[if !mso]><style>v\\:* {behavior:url(#default#VML);}</style><![endif]--></head>"
        '<body lang=DE link="#0563C1"><![if !vml]><p class=MsoNormal>Grüße</p><![endif]>'
        '<img src="cid:image001.png@01DC5F00"><a href="https://example.org/">x</a></body></html>'
    )
    body = part(
        'text/html; charset="iso-8859-1"',
        qp(html, "iso-8859-1"),
        "Content-Transfer-Encoding: quoted-printable",
    )
    image = encoded(
        'image/png; name="image001.png"',
        PNG,
        "Content-Description: image001.png",
        'Content-Disposition: inline; filename="image001.png"; size=65;'
        '\r\n\tcreation-date="Fri, 27 Nov 2026 09:00:00 GMT"',
        "Content-ID: <image001.png@01DC5F00>",
    )
    related = multipart("multipart/related", "_004_DB7PR0_", body, image)
    return mail(related, "Thread-Topic: Hello", "Thread-Index: AQHcXw==", "X-MS-Has-Attach: yes")


def outlook_winmail() -> bytes:
    tnef = encoded(
        'application/ms-tnef; name="winmail.dat"',
        b"\x78\x9f\x3e\x22" + bytes(range(200)),
        'Content-Disposition: attachment; filename="winmail.dat"',
    )
    text = part('text/plain; charset="us-ascii"', "Hello", "Content-Transfer-Encoding: 7bit")
    return mail(multipart("multipart/mixed", "----_=_NextPart_001", text, tnef))


def outlook_invitation() -> bytes:
    calendar = encoded('text/calendar; charset="utf-8"; method=REQUEST', ICS.encode())
    texts = quoted("text/plain", TEXT), quoted("text/html", HTML), calendar
    return mail(
        multipart("multipart/alternative", "_000_AM0PR_", *texts),
        "Content-Class: urn:content-classes:calendarmessage",
    )


def google_calendar_invitation() -> bytes:
    calendar = part('text/calendar; charset="UTF-8"; method=REQUEST', ICS)
    texts = multipart(
        "multipart/alternative",
        "00000d",
        encoded('text/plain; charset="UTF-8"; format=flowed; delsp=yes', TEXT.encode()),
        quoted("text/html", HTML),
        calendar,
    )
    attached = encoded(
        'application/ics; name="invite.ics"',
        ICS.encode(),
        'Content-Disposition: attachment; filename="invite.ics"',
    )
    return mail(multipart("multipart/mixed", "00000e", texts, attached), f"Sender: <{SENDER}>")


def apple_mail_with_inline_pdf() -> bytes:
    pdf = encoded(
        'application/pdf;\r\n\tname=Plan.pdf;\r\n\tx-unix-mode="0644"',
        PDF,
        "Content-Disposition: inline;\r\n\tfilename=Plan.pdf",
    )
    mixed = multipart(
        "multipart/mixed",
        "Apple-Mail=_2",
        quoted("text/html", HTML),
        pdf,
        part("text/html; charset=us-ascii", "<p>after</p>", "Content-Transfer-Encoding: 7bit"),
    )
    texts = multipart("multipart/alternative", "Apple-Mail=_1", quoted("text/plain", TEXT), mixed)
    return mail(texts, "Mime-Version: 1.0 (Mac OS X Mail 16.0 \\(3864.100.1.1.5\\))")


def django_text_in_8bit() -> bytes:
    return mail(
        part('text/plain; charset="utf-8"', TEXT, "Content-Transfer-Encoding: 8bit"),
        subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    )


def django_html_alternative() -> bytes:
    text = part('text/plain; charset="utf-8"', TEXT, "Content-Transfer-Encoding: 8bit")
    html = part('text/html; charset="utf-8"', HTML, "Content-Transfer-Encoding: 8bit")
    pdf = encoded("application/pdf", PDF, 'Content-Disposition: attachment; filename="a.pdf"')
    texts = multipart("multipart/alternative", "===============2==", text, html)
    return mail(multipart("multipart/mixed", "===============1==", texts, pdf))


def rails_multipart() -> bytes:
    texts = multipart(
        "multipart/alternative",
        "--==_mimepart_2",
        encoded("text/plain;\r\n charset=UTF-8", TEXT.encode()),
        encoded("text/html;\r\n charset=UTF-8", HTML.encode()),
    )
    pdf = encoded(
        "application/pdf;\r\n filename=a.pdf",
        PDF,
        "Content-Disposition: attachment;\r\n filename=a.pdf",
        "Content-ID: <6@sending.example>",
    )
    return mail(multipart("multipart/mixed", "--==_mimepart_1", texts, pdf), "Mime-Version: 1.0")


def delivery_status() -> bytes:
    status = part(
        "message/delivery-status",
        "Reporting-MTA: dns; mx.example.net\r\n\r\nFinal-Recipient: rfc822; a@example.net\r\n"
        "Action: failed\r\nStatus: 5.1.1\r\n",
    )
    returned = part("text/rfc822-headers", "Subject: The one before\r\n")
    report = multipart(
        "multipart/report; report-type=delivery-status",
        "A4F1",
        part("text/plain; charset=us-ascii", "It could not be delivered."),
        status,
        returned,
    )
    return mail(report, "Auto-Submitted: auto-replied")


def smime_signed() -> bytes:
    signature = encoded(
        'application/pkcs7-signature; name="smime.p7s"',
        bytes(range(250)),
        'Content-Disposition: attachment; filename="smime.p7s"',
    )
    kind = 'multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256'
    return mail(multipart(kind, "----AF1", quoted("text/html", HTML), signature))


def smime_enveloped() -> bytes:
    content = encoded(
        "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m",
        bytes(range(250)),
        "Content-Disposition: attachment; filename=smime.p7m",
    )
    return mail(content)


def pgp_encrypted() -> bytes:
    version = part("application/pgp-encrypted", "Version: 1")
    content = part("application/octet-stream", "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEM\r\n")
    kind = 'multipart/encrypted; protocol="application/pgp-encrypted"'
    return mail(multipart(kind, "pgp1", version, content))


def digest() -> bytes:
    """Its parts have no type of their own: they are messages."""
    inner = mail(quoted("text/plain", TEXT), subject="One").decode()
    return mail(multipart("multipart/digest", "dig1", f"\r\n{inner}"))


def attached_html() -> bytes:
    page = part(
        "text/html; charset=utf-8; name=page.html",
        HTML,
        "Content-Disposition: attachment; filename=page.html",
        "Content-Transfer-Encoding: 8bit",
    )
    return mail(multipart("multipart/mixed", "att1", quoted("text/plain", TEXT), page))


def never_closed() -> bytes:
    whole = multipart(
        "multipart/alternative", "nc1", quoted("text/plain", TEXT), quoted("text/html", HTML)
    )
    return mail(whole.removesuffix("--nc1--\r\n"))


def html_in_a_small_charset() -> bytes:
    """What tracking adds has to fit into it."""
    return mail(
        part(
            "text/html; charset=koi8-r",
            qp('<p>Привет</p><a href="https://example.org/">x</a>', "koi8-r"),
            "Content-Transfer-Encoding: quoted-printable",
        )
    )


def raw_utf8_subject() -> bytes:
    return mail(quoted("text/plain", TEXT), subject="Grüße aus Köln")


def broken_encoded_word() -> bytes:
    return mail(quoted("text/plain", TEXT), subject="=?utf-8?b?a?=")


def header_without_a_body() -> bytes:
    return mail("")


def bare_line_feeds() -> bytes:
    return mail(quoted("text/plain", TEXT)).replace(b"\r\n", b"\n") + b"\r\n"


def raw_latin1_display_name() -> bytes:
    return b"Reply-To: J\xf6rg <joerg@example.net>\r\n" + mail(quoted("text/plain", TEXT))


def long_line() -> bytes:
    html = "<html><body>" + "<p>word</p>" * 3000 + "</body></html>"
    return mail(part("text/html; charset=utf-8", html, "Content-Transfer-Encoding: 8bit"))


def unknown_charset_word() -> bytes:
    return mail(quoted("text/plain", TEXT), subject="=?cp-850?q?Gr=81=E1e?=")


_BUILDERS: tuple[Callable[[], bytes], ...] = (
    apple_mail_with_inline_pdf,
    attached_html,
    bare_line_feeds,
    broken_encoded_word,
    delivery_status,
    digest,
    django_html_alternative,
    django_text_in_8bit,
    gmail_forwarded_message,
    gmail_inline_image_and_attachment,
    gmail_plain_and_html,
    google_calendar_invitation,
    header_without_a_body,
    html_in_a_small_charset,
    never_closed,
    outlook_html_with_image,
    outlook_invitation,
    outlook_winmail,
    pgp_encrypted,
    rails_multipart,
    raw_utf8_subject,
    smime_enveloped,
    smime_signed,
)
_REFUSED: tuple[Callable[[], bytes], ...] = (
    long_line,
    raw_latin1_display_name,
    unknown_charset_word,
)

SENT = {build.__name__: build() for build in _BUILDERS}
RECEIVED = SENT | {build.__name__: build() for build in _REFUSED}
