"""What senders get wrong, family by family, and what mail programs show all the same."""

from __future__ import annotations

import binascii
from typing import Any

import pytest

from mailroom import mime
from mailroom.mime import rendering, transfer
from mailroom.mime.ids import message_ids
from mailroom.mime.parts import Part
from runtime.mime.mime_samples import HEAD, PDF, file, mail, multipart, text


def files(data: bytes) -> list[tuple[str | None, bytes]]:
    """Return name and content of every part that is a PDF."""
    parts = mime.parse(data).walk()
    return [(one.name, one.content()[0]) for one in parts if one.content_type == "application/pdf"]


def texts(data: bytes) -> list[str]:
    """Return every text that a user finds."""
    return [
        part.get_content().strip()
        for part in mime.read(data).walk()
        if part.get_content_maintype() == "text"
    ]


def only(data: bytes) -> Part:
    (found,) = [one for one in mime.parse(data).walk() if not one.children]
    return found


# Structure


@pytest.mark.parametrize("inner", [b"alternative", b"related", b"mixed"])
def test_an_inner_multipart_may_reuse_the_boundary(inner: bytes) -> None:
    """What follows its closing boundary belongs to the outer one."""
    nested = b"Content-Type: multipart/" + inner + b"; boundary=b\r\n\r\n--b\r\n" + text()
    data = HEAD + multipart(nested + b"\r\n--b--", file())
    assert files(data) == [("a.pdf", PDF)]
    assert texts(data) == ["Hello"]


@pytest.mark.parametrize(
    ("declared", "boundary"),
    [
        (b"----=_Part_1", b"----=_Part_1"),
        (b"=_a?x", b"=_a?x"),
        (b"a:1/2", b"a:1/2"),
        (b"b (by hand)", b"b"),
        (b"two words", b"two words"),
        (b'"b"\xc3\xa9', b"b"),
        (b'"b', b"b"),
        (b"'b'", b"'b'"),
        (b"'b'", b"b"),
        (b"b; boundary=c", b"b"),
        (b"b; boundary=c", b"c"),
        (b'"b "', b"b"),
        (b"b charset=utf-8", b"b"),
    ],
)
def test_a_boundary_is_found_however_it_is_declared(declared: bytes, boundary: bytes) -> None:
    """Unquoted, half quoted, with a comment, twice."""
    data = HEAD + multipart(text(), file(), boundary=boundary, declared=declared)
    assert files(data) == [("a.pdf", PDF)]
    assert texts(data) == ["Hello"]


def test_a_boundary_may_be_in_pieces() -> None:
    """RFC 2231 allows it, and nobody needs it."""
    data = multipart(text(), file(), boundary=b"one", declared=b"x")
    data = data.replace(b"boundary=x", b"boundary*0=o; boundary*1=ne")
    assert files(HEAD + data) == [("a.pdf", PDF)]


def test_the_closing_boundary_may_be_missing() -> None:
    """A mail that was cut has what there is, and says so."""
    data = HEAD + multipart(text(), file(), closed=False)
    assert files(data) == [("a.pdf", PDF)]
    assert "closing boundary" in str(mime.read(data).defects[0])


def test_the_closing_boundary_may_end_the_mail() -> None:
    """Without a line end."""
    assert texts((HEAD + multipart(text(b"One"), text(b"Two"))).rstrip()) == ["One", "Two"]


def test_an_inner_multipart_may_never_be_closed() -> None:
    """The boundary of the outer one ends it."""
    inner = b"Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n" + text()
    assert files(HEAD + multipart(inner, file())) == [("a.pdf", PDF)]


@pytest.mark.parametrize("field", [b"multipart/mixed", b"multipart/mixed; boundary=x"])
def test_a_multipart_without_parts_is_shown_as_text(field: bytes) -> None:
    """Its words are not lost, and the message says what is wrong."""
    data = mail(b"Content-Type: " + field + b"\r\n", b"Some words\r\n")
    assert texts(data) == ["Some words"]
    assert mime.read(data).defects


def test_a_part_may_have_no_header() -> None:
    """Neither fields nor the blank line after them."""
    data = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nWords\r\n--b--\r\n"
    assert texts(data) == ["Words"]


def test_a_parameter_may_continue_at_the_margin() -> None:
    """Some programs fold without indenting."""
    part = file(b'Content-Disposition: attachment;\r\nfilename="a.pdf"\r\n')
    assert files(HEAD + multipart(text(), part)) == [("a.pdf", PDF)]


def test_a_field_name_may_have_a_blank_behind_it() -> None:
    """Mail programs see through it, and so must controls."""
    part = file(b'Content-Disposition : attachment; filename="a.pdf"\r\n')
    assert files(HEAD + multipart(part)) == [("a.pdf", PDF)]


def test_an_attached_message_may_be_encoded() -> None:
    """RFC 2046 forbids base64 there, and mail programs open it."""
    inner = b"Subject: x\r\n\r\nInner words\r\n"
    data = HEAD + multipart(file(content=inner).replace(b"application/pdf", b"message/rfc822"))
    assert texts(data) == ["Inner words"]


# Transfer encodings


@pytest.mark.parametrize(
    "encoding",
    [
        b"base64 ",
        b"base64;",
        b"base64 ;",
        b'"base64"',
        b"BASE64",
        b"Base64 (by hand)",
        b"(by hand) base64",
        b"base64, base64",
        b"base-64",
    ],
)
def test_a_sloppy_encoding_is_decoded(encoding: bytes) -> None:
    """Whatever stands around the word."""
    assert files(HEAD + multipart(file(encoding=encoding))) == [("a.pdf", PDF)]


@pytest.mark.parametrize(
    ("body", "content", "defect"),
    [
        (b"QUI=\r\nQ0Q=\r\n", b"ABCD", None),
        (b"QUJDRA\r\n", b"ABCD", None),
        (b"QUJDRA=\r\n", b"ABCD", None),
        (b"QUJDRA======\r\n", b"ABCD", None),
        (b"QUJDR\r\n", b"ABC", "base64 ends in the middle of a byte"),
        (b"Q!U J\r\n\r\nDRA==\r\n", b"ABCD", None),
        (b"", b"", None),
    ],
)
def test_base64_is_decoded_as_far_as_it_goes(
    body: bytes, content: bytes, defect: str | None
) -> None:
    """Padding inside, missing or too much; characters too many."""
    part = only(mail(b"Content-Transfer-Encoding: base64\r\n", body))
    assert part.content() == (content, defect)


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b"a=3Db= \r\nc", b"a=bc"),
        (b"a=3db=\r\nc", b"a=bc"),
        (b"100 =% of a=ZZ", b"100 =% of a=ZZ"),
    ],
)
def test_quoted_printable_is_decoded_as_far_as_it_goes(body: bytes, content: bytes) -> None:
    """Blanks behind a soft line break, small letters, and what is no code."""
    part = only(mail(b"Content-Transfer-Encoding: quoted-printable;\r\n", body))
    assert part.content() == (content, None)


def test_an_unknown_encoding_is_named() -> None:
    """The content is there as it is."""
    part = only(mail(b"Content-Transfer-Encoding: x-zip\r\n", b"abc"))
    assert part.content() == (b"abc", "the content transfer encoding 'x-zip' is unknown")


# File names


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b"filename=Rechnung Mai 2026.pdf", "Rechnung Mai 2026.pdf"),
        (b"filename==?utf-8?B?w7xiZXIucGRm?=", "über.pdf"),
        (b'filename="=?iso-8859-1?Q?=FCber.pdf?="', "über.pdf"),
        (b'filename="=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=BCber.pdf?="', "über.pdf"),
        (b"filename*=utf-8''%C3%BCber.pdf", "über.pdf"),
        (b"filename*=\"utf-8''%C3%BCber.pdf\"", "über.pdf"),
        (b"filename*0*=utf-8''%C3%BC; filename*1=ber; filename*2=.pdf", "über.pdf"),
        (b"filename*1=ber.pdf; filename*0*=utf-8''%C3%BC", "über.pdf"),
        (b"filename*=%C3%BCber.pdf", "über.pdf"),
        (b"filename=a.pdf; filename*=utf-8''%C3%BCber.pdf", "über.pdf"),
        (b'filename="\xc3\xbcber.pdf"', "über.pdf"),
        (b'filename="\xfcber.pdf"', "über.pdf"),
        (b'filename="C:\\scans\\a.pdf"', "C:\\scans\\a.pdf"),
        (b'filename="a \\"b\\".pdf"', 'a "b".pdf'),
        (b'filename="a;b.pdf"', "a;b.pdf"),
        (b'filename="open.pdf', "open.pdf"),
        (b"filename=a.pdf (a comment)", "a.pdf"),
        (b"filename = a.pdf ;", "a.pdf"),
        (b"FileName=a.pdf", "a.pdf"),
        (b"filename*1000000000*=a", "a"),
    ],
)
def test_a_file_name_is_read_however_it_is_written(value: bytes, name: str) -> None:
    """RFC 2047 and 2231 in the wrong places, blanks and eight-bit letters without quotes."""
    data = HEAD + multipart(file(b"Content-Disposition: attachment; " + value + b"\r\n"))
    assert files(data) == [(name, PDF)]
    (_, found) = mime.read(data).walk()
    assert found.get_filename() == name


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Disposition: attachment; filename=a.txt; filename=b.exe\r\n",
        b"Content-Disposition: attachment; filename=a.txt; filename*=utf-8''b.exe\r\n",
        b"Content-Disposition: x; filename=a\r\nContent-Disposition: x; filename=b.exe\r\n",
        b"Content-Type: a/b; name=b.exe\r\nContent-Disposition: attachment; filename=a.txt\r\n",
        b"Content-Location: b.exe\r\n",
        b"Content-Description: b.exe\r\n",
        b'Content-Disposition: attachment; filename="b.exe\0.txt"\r\n',
        b"Content-Disposition: attachment; filename=b.exe x=y\r\n",
    ],
)
def test_every_name_is_known(fields: bytes) -> None:
    """Mail programs differ in which they show."""
    assert "b.exe" in only(mail(fields)).names


# Charsets


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("windows-874", "cp874", "สวัสดี"),
        ("tis-620", "cp874", "สวัสดี"),
        ("iso-8859-8-i", "iso8859_8", "שלום"),
        ("iso-8859-8-e", "iso8859_8", "שלום"),
        ("gb2312", "gbk", "朱镕基"),
        ("gb_2312-80", "gbk", "朱镕基"),
        ("cp-850", "cp850", "Straße"),
        ("ibm850", "cp850", "Straße"),
        ("x-mac-roman", "mac_roman", "Größe"),
        ("macintosh", "mac_roman", "Größe"),
        ("x-mac-cyrillic", "mac_cyrillic", "Привет"),
        ("x-sjis", "cp932", "髙島"),
        ("shift_jis", "cp932", "髙島①"),
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("iso-8859-1", "cp1252", "“Größe” €"),
        ("us-ascii", "utf-8", "Größe"),
        ("ansi", "cp1252", "Größe"),
        ("utf8", "utf-8", "Größe"),
        ("utf-8mb4", "utf-8", "Größe"),
        ("'utf-8'", "utf-8", "Größe"),
        ("cp65001", "utf-8", "Größe"),
        ("x-unknown", "utf-8", "Größe"),
        ("", "cp1252", "Größe"),
        ("iso-8859-2", "utf-8", "Größe"),
        ("koi8-r", "koi8_r", "Привет"),
        ("utf-16", "utf-8", "Hello"),
        ("idna", "utf-8", "Hello"),
        ("undefined", "utf-8", "Hello"),
        ("hex", "utf-8", "Hello"),
        ("rot13", "utf-8", "Hello"),
    ],
)
def test_a_charset_is_read_as_it_is_meant(label: str, codec: str, words: str) -> None:
    """Aliases that Python does not know, labels that are lies, and codecs that are no charsets."""
    if label != "iso-8859-2":  # there, the bytes are text of that charset as well
        field = f"Content-Type: text/plain; charset={label}\r\n".encode()
        assert texts(mail(field, words.encode(codec))) == [words]
    subject = f"Subject: =?{label or 'x'}?Q?".encode()
    subject += b"".join(f"={byte:02X}".encode() for byte in words.encode(codec)) + b"?=\r\n"
    if label and "'" not in label and label != "iso-8859-2":
        assert mime.read(mail(subject))["Subject"] == words


def test_text_that_fits_nothing_says_so() -> None:
    """It is shown with replacement characters."""
    part = only(mail(b"Content-Type: text/plain; charset=utf-8\r\n", b"a\xffb"))
    assert part.text() == ("a\ufffdb", "a text does not fit its charset 'utf-8'")


# Header fields


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"Jane Doe <jane@a.example>", [("Jane Doe", "jane@a.example")]),
        (b'"Doe, Jane" <jane@a.example>', [("Doe, Jane", "jane@a.example")]),
        (b"=?utf-8?q?Doe=2C_J=C3=A4ne?= <jane@a.example>", [("Doe, Jäne", "jane@a.example")]),
        (b"<a@a.example> <b@a.example>", [("", "a@a.example"), ("", "b@a.example")]),
        (b"list:; b@a.example", [("", "b@a.example")]),
        (b"undisclosed-recipients:;", []),
        (b"jane@a.example (Jane Doe)", [("Jane Doe", "jane@a.example")]),
        (b"Jane <jane@a.example", [("Jane", "jane@a.example")]),
        (b"Jane Doe jane@a.example", [("Jane Doe", "jane@a.example")]),
        (b"a@a.example b@a.example", [("a@a.example", "b@a.example")]),
        (b"<@one,@two:jane@a.example>", [("", "jane@a.example")]),
        (b"J\xc3\xa4ne <jane@a.example>", [("Jäne", "jane@a.example")]),
        (b"jane@a.example <jane@a.example>", [("jane@a.example", "jane@a.example")]),
        (b"root", [("", "root")]),
        (b"", []),
        (b",,;:<>()", [("", "")]),
    ],
)
def test_addresses_are_found_however_they_are_written(value: bytes, expected: Any) -> None:
    """As in `email.headerregistry`: a display name and an address."""
    found = mime.read(b"Reply-To: " + value + b"\r\n\r\n")["Reply-To"].addresses
    assert [(one.display_name, one.addr_spec.replace("<>", "")) for one in found] == expected


@pytest.mark.parametrize(
    "name",
    ["Reply-To", "Sender", "Resent-From", "Resent-To", "Resent-Cc", "Resent-Bcc", "Resent-Sender"],
)
def test_a_field_with_addresses_has_a_first_one(name: str) -> None:
    found = mime.read(f"{name}: Jane <jane@a.example>, b@a.example\r\n\r\n".encode())[name]
    assert found.address.addr_spec == "jane@a.example"
    assert len(found.addresses) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"=?utf-8?b?a?=", ""),
        (b"=?x-none?q?abc?=", "abc"),
        (b"=?utf-8?Q?Is_it_there??=", "Is it there?"),
        (b"=?utf-8?q?with blanks inside?=", "with blanks inside"),
        (b"=?utf-8*en?q?abc?=", "abc"),
        (b"a=?utf-8?q?b?=c", "abc"),
        (b"=?utf-8?q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"=?utf-8?b?w?= =?utf-8?b?w7w=?=", "\u00fc"),
        (b"one\r\n two", "one two"),
        (b"=?broken", "=?broken"),
        (b"Gr\xfc\xdfe", "Grüße"),
    ],
)
def test_encoded_words_are_read_as_far_as_they_go(value: bytes, expected: str) -> None:
    """A word never starts a new line, whatever is encoded in it."""
    assert mime.read(b"Subject: " + value + b"\r\n\r\n")["Subject"] == expected


def test_a_message_id_may_be_folded() -> None:
    assert message_ids("<a@a.example>\r\n <abc\r\n\tdef@a.example>") == [
        "<a@a.example>",
        "<abcdef@a.example>",
    ]


@pytest.mark.parametrize("block", ["h2", "ol", "p", "pre", "table", "ul"])
def test_a_block_of_html_is_set_apart(block: str) -> None:
    """As a reader sees it."""
    assert rendering.text(f"<div>One</div><{block}>two</{block}><div>three</div>").split(
        "\n\n"
    ) == [
        "One",
        "two",
        "three",
    ]


def test_an_encoding_may_be_followed_by_other_words() -> None:
    """As in a field that an anti-virus program signed."""
    assert transfer.encoding_of("base64 scanned") == "base64"
    assert transfer.encoding_of("of our own") == "of our own"


def test_uuencoded_lines_may_end_with_a_check_character_or_lack_their_blanks() -> None:
    """Old encoders add one, and old gateways drop blanks at the end of a line."""
    line = binascii.b2a_uu(b"Hello\x00\x00\x00\x00").rstrip(b"\n").replace(b"`", b" ")
    for written in (line, line + b"X", line.rstrip()):
        raw = b"begin 644 a.bin\r\n" + written + b"\r\n`\r\nend\r\n"
        assert transfer.decode(raw, "uuencode") == (b"Hello\x00\x00\x00\x00", None)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("message/rfc822", b""),
        ("multipart/mixed; boundary=x", ""),
        ("multipart/ mixed", ""),
        ("text/plain; charset=no-such", ""),
        ("image/png", b""),
        ("no type", ""),
    ],
)
def test_a_group_of_a_delivery_status_is_read_whatever_it_calls_itself(
    kind: str, content: str | bytes
) -> None:
    """It is a header without anything below."""
    mail = (
        HEAD
        + b"Content-Type: message/delivery-status\r\n\r\n"
        + f"Final-Recipient: rfc822; a@example.net\r\nContent-Type: {kind}\r\n".encode()
    )
    parts = [part for part in mime.read(mail).walk() if not part.is_multipart()]
    assert [part.get_content() for part in parts] == [content]
