"""Labels as programs misspell them: of transfer encodings, and of charsets."""

from __future__ import annotations

import codecs
from encodings.aliases import aliases

import pytest

from mailroom import mime
from mailroom.mime import charsets, parameters, transfer


@pytest.mark.parametrize(
    ("encoding", "spellings"),
    [
        ("base64", "base64 BASE-64 b64 bas64 base64-encoded x-base64 base_64"),
        (
            "quoted-printable",
            "quoted-printable QuotedPrintable quoted-printible qp quoted_printable",
        ),
        ("uuencode", "uuencode uu uue x-uu x-uue x-uuencode"),
        ("7bit", "7bit 7-bit 7bits none 7BIT;"),
        ("8bit", "8bit 8-bit 8bits utf-8"),
        ("binary", "binary BINARY"),
    ],
)
def test_a_transfer_encoding_is_known_by_each_of_its_spellings(
    encoding: str, spellings: str
) -> None:
    found = {one: transfer.encoding_of(one) for one in spellings.split()}
    assert found == dict.fromkeys(found, encoding)


# One word that has another meaning in the codec that Python would take, or that it does not know.
LABELS = {
    "big5-hkscs": "\u5605",
    "cn-big5": "\u4e2d",
    "csbig5": "\u4e2d",
    "csEUCPkdFmtJapanese": "\u65e5",
    "csgb2312": "\u9555",
    "csiso2022jp": "\u65e5",
    "cskoi8r": "\u0434",
    "csksc56011987": "\uac02",
    "csshiftjis": "\u2460",
    "sjis": "\u2460",
    "tis-620": "\u0e01",
    "unicode-1-1-utf-8": "\u00e4",
    "utf8mb3": "\u00e4",
    "utf8mb4": "\U0001f600",
    "windows-31j": "\u2460",
    "windows-949": "\uac02",
}


@pytest.mark.parametrize("label", LABELS)
def test_a_charset_by_another_name_is_read(label: str) -> None:
    name = charsets.codec(label)
    assert name is not None
    assert charsets.decode(LABELS[label].encode(name), label) == (LABELS[label], None)


def test_every_other_name_leads_to_a_charset() -> None:
    for label, name in charsets._MEANT.items():
        assert codecs.lookup(name).name == charsets.codec(label), label


def test_of_a_value_with_blanks_and_no_quotes_some_readers_take_the_first_word() -> None:
    found = parameters.parse("attachment; filename=run.exe of my own")
    assert found.every("filename") == ["run.exe of my own", "run.exe"]


@pytest.mark.parametrize(
    ("value", "main"),
    [
        ("multipart/ mixed; a=b", "multipart/mixed"),
        ("multipart /mixed; a=b", "multipart/mixed"),
        ("multipart\r\n\t/\r\n mixed a=b", "multipart/mixed"),
        ("(so) multipart(to)/ (speak)mixed (x); a=b", "multipart/mixed"),
        ("attachment(x); a=b", "attachment"),
        ("text/ a=b", "text/"),
        ("text/; a=b", "text/"),
        ("image/png/x; a=b", "image/png/x"),
    ],
)
def test_blanks_and_comments_are_no_part_of_a_type(value: str, main: str) -> None:
    """RFC 2045, 5.1: its grammar is that of RFC 822, which has them between any two words."""
    found = parameters.parse(value)
    assert (found.main, found.get("a")) == (main, "b")


def test_a_parameter_of_a_field_that_is_missing_is_the_callers_default() -> None:
    message = mime.read(b"From: a@example.com\n\nHello")
    assert message.get_param("charset", "none given") == "none given"
    assert message.get_params("none given") == "none given"
    assert message.get_params() is None


BYTES = (b"a", b"\xff\xfe\x80 a", b"\xed\xa0\x80", bytes(range(256)), b"\x00\xd8", b"+2AA-")
KNOWN = sorted(
    {*aliases, *aliases.values(), "charmap", "idna", "punycode", "undefined", "oem", "?"}
)


def test_no_label_makes_reading_raise() -> None:
    """Python has codecs that are no charsets, such as zip and rot13; and a text is one in UTF-8."""
    for label in KNOWN:
        for raw in BYTES:
            text = charsets.decode(raw, label)[0]
            assert text.encode(), (label, raw)
    assert not {charsets.codec(label) for label in ("zip", "hex", "rot13", "uu")} - {None}
