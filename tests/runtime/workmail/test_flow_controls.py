"""Controls look at what a mail program shows, and take a strict way for what they cannot read."""

from __future__ import annotations

import json
from base64 import encodebytes
from email import message_from_bytes, policy
from importlib import import_module
from typing import Any

import pytest

from mailroom import mime
from mailroom.workmail import Answer
from runtime.workmail.flow_events import content_of, flow_mail

CARD = "4111 1111 1111 1111"
PATTERN = {"name": "card", "pattern": r"\b[0-9](?:[ .-]?[0-9]){11,18}\b", "check": "luhn"}
BANNER = "From outside"
EXE = b"Content-Disposition: attachment; filename=run.exe\r\n\r\nMZ"


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run one control with its settings on the bytes of a mail; return its answer and the mail."""

    def run(name: str, content: bytes, **settings: Any) -> tuple[Answer | None, bytes]:
        monkeypatch.setenv("MAILROOM_FLOW_SETTINGS", json.dumps(settings))
        module = import_module(f"mailroom.handlers.workmail.{name}")
        monkeypatch.setattr(module, "_found", None)
        direction = "OUTBOUND" if name == "block_sensitive" else "INBOUND"
        mail = flow_mail(b"Subject: s\r\nMIME-Version: 1.0\r\n" + content, direction=direction)
        return module.on_flow(mail), content_of(mail)

    return run


def mixed(*parts: bytes) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body + b"--b--\r\n"


def plain(words: str, fields: str = "") -> bytes:
    return f"Content-Type: text/plain; charset=utf-8\r\n{fields}\r\n{words}\r\n".encode()


# What must not leave


@pytest.mark.parametrize(
    "words",
    [
        f"{CARD} 12/27",
        f"Room 4 {CARD}",
        f"{CARD} 2026",
        f"5500 0000 0000 0004 {CARD}",
        f"1 2 3 {CARD} 4 5 6",
        f"+49 30 1234 {CARD}",
        f"5788 0248 4593 6862 {CARD} 5788 0248 4593 6862",
        CARD.replace(" ", "\u00a0"),
        CARD.replace(" ", "\u200b"),
        CARD.replace(" ", "\u2011"),
        CARD.replace(" ", "\r\n"),
        CARD.replace(" ", "   "),
        "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in CARD),
        "".join(chr(ord(char) - ord("0") + 0x0660) if char.isdigit() else " " for char in CARD),
        "4111\u00ad1111\u00ad1111\u00ad1111",
    ],
)
def test_a_number_is_found_beside_others_and_with_any_blanks(control: Any, words: str) -> None:
    """A date of expiry must not hide the card before it."""
    answer, _ = control("block_sensitive", plain(words), patterns=[PATTERN])
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize(
    "content",
    [
        plain(f"<p>{CARD.replace(' ', '&nbsp;')}</p>").replace(b"plain", b"html"),
        plain("<p>4111<!-- x > y -->11111111<b></b>1111</p>").replace(b"plain", b"html"),
        mixed(plain("Hi"), b"Content-Type: application/pdf; name=" + CARD.encode() + b"\r\n\r\nx"),
        mixed(plain("Hi"), b"Content-Type: application/octet-stream\r\n\r\n" + CARD.encode()),
        mixed(plain("Hi"), b"Content-Type: message/rfc822\r\n\r\nSubject: " + CARD.encode()),
        mixed(
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + encodebytes(b"Subject: a\r\n\r\n" + CARD.encode())
        ),
        b"Content-Type: application/x\r\nContent-Type: text/plain\r\n\r\n" + CARD.encode(),
        b"Content-Type: foo\r\n\r\n" + CARD.encode(),
        b"Content-Type: text/plain; charset=idna\r\n\r\n" + CARD.encode(),
        b"Content-Type: text/plain; charset=cp037\r\n\r\n" + CARD.encode(),
        b"Content-Type: text/plain; charset=utf-16\r\n\r\n" + CARD.encode("utf-16"),
        b"Content-Type: text/plain\r\n\r\n" + CARD.encode("utf-16-be"),
        b"Content-Transfer-Encoding: base64 ;\r\n\r\n" + encodebytes(CARD.encode()),
        b"Comments: " + CARD.encode() + b"\r\n\r\nHi",
        b"Content-Type: text/plain\r\nIt is " + CARD.encode() + b", thanks.\r\n\r\nHi",
        b"Content-Type: text/plain\r\nHello\r\nCard: " + CARD.encode() + b"\r\n\r\nHi",
    ],
)
def test_a_number_is_found_wherever_a_program_shows_it(control: Any, content: bytes) -> None:
    """Whatever type, charset and encoding the sender declares."""
    answer, _ = control("block_sensitive", content, patterns=[PATTERN], encrypted="pass")
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: application/pkcs7-mime\r\n\r\nMIAG",
        b"Content-Type: application/octet-stream; name=smime.p7m\r\n\r\nMIAG",
        plain("-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA"),
        mixed(b"Content-Type: application/zip\r\n\r\nPK\x03\x04\x14\x00\x01\x00"),
        mixed(b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\n/Encrypt 1 0 R"),
        b"Content-Transfer-Encoding: x-none\r\n\r\nHi",
        b"Content-Transfer-Encoding: base64\r\n\r\nQUJDR",
        b"Content-Type: text/plain; charset=utf-8\r\n\r\na\xff",
        b"Content-Type: multipart/mixed\r\n\r\nHi",
        b"Content-Type: message/partial; id=a; number=1\r\n\r\nHi",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" * 200,
        b"Content-Type: text/plain; " + b"a=b;" * 5000 + b"\r\n\r\nHi",
    ],
)
def test_what_cannot_be_read_does_not_leave(control: Any, content: bytes, capsys: Any) -> None:
    """The log says why; it leaves only if the control is told so."""
    answer, _ = control("block_sensitive", content, patterns=[PATTERN])
    assert answer.kinds == ["BOUNCE"]
    assert json.loads(capsys.readouterr().out.splitlines()[0])["reason"]
    assert control("block_sensitive", content, patterns=[PATTERN], encrypted="pass")[0] is None


@pytest.mark.parametrize(
    "content",
    [
        plain("See you tomorrow"),
        plain("Order 5788 0248 4593 6862"),
        plain("2.500,00 EUR am 27.11.2026, Tel. +49 221 1234567"),
        mixed(plain("Hi"), b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\n\x00\x01\xfe"),
        mixed(plain("Hi"), b"Content-Type: application/zip\r\n\r\nPK\x03\x04\x14\x00\x00\x00"),
        mixed(plain("Hi"), b"Content-Type: application/pgp-signature; name=a.asc\r\n\r\nx"),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nnot closed\r\n",
        plain("One line\rand another"),
    ],
)
def test_ordinary_mail_leaves(control: Any, content: bytes) -> None:
    """A control that stops everything is switched off."""
    assert control("block_sensitive", content, patterns=[PATTERN])[0] is None


# What must not arrive


@pytest.mark.parametrize(
    "fields",
    [
        "Content-Disposition: x; filename=a.txt\r\nContent-Disposition: x; filename=run.exe",
        "Content-Disposition: attachment; filename=a.txt; filename=run.exe",
        "Content-Disposition: attachment; filename=a.txt; filename*=utf-8''run.exe",
        "Content-Type: a/b\r\nContent-Type: a/b; name=run.exe",
        'Content-Disposition: attachment; filename="run.exe::$DATA"',
        'Content-Disposition: attachment; filename="run.exe:stream"',
        'Content-Disposition: attachment; filename="run.exe/"',
        'Content-Disposition: attachment; filename=".exe"',
        'Content-Disposition: attachment; filename=".".exe"',
        'Content-Disposition: attachment; filename="a"".exe"',
        "Content-Disposition: attachment; filename=..exe.",
        'Content-Disposition: attachment; filename="run.exe\u200e"',
        'Content-Disposition: attachment; filename="run.\u202eexe"',
        'Content-Disposition: attachment; filename="run\uff0e\uff45\uff58\uff45"',
        'Content-Disposition: attachment; filename="run.exe\0.txt"',
        'Content-Disposition: attachment; filename="run.exe;.txt"',
        'Content-Disposition: attachment; filename="run%2Eexe"',
        "Content-Disposition : attachment; filename=run.exe",
        "Content-Disposition: attachment; filename=run.exe (comment)",
        "Content-Disposition: attachment; filename='run.exe'",
        'Content-Disposition: attachment; filename*0="run"; filename*1=".exe"',
        "Content-Disposition: attachment;\r\nfilename=run.exe",
        "Content-Location: https://a.example/run.exe?x=1",
        "Content-Description: run.exe",
    ],
)
def test_no_name_hides_a_file(control: Any, fields: str) -> None:
    """Every reading of every name counts."""
    part = f"Content-Type: application/x\r\n{fields}\r\n\r\nMZ".encode()
    answer, content = control("strip_attachments", mixed(plain("Hi"), part), extensions=["exe"])
    assert answer is not None or b"MZ" not in content


@pytest.mark.parametrize("encoding", ['"base64"', "BASE 64", "b64;", "base64, 7bit"])
def test_what_only_some_programs_decode_is_searched_as_it_is_too(
    control: Any, encoding: str
) -> None:
    """To those that do not know the misspelt encoding, the mail is plain text; 16 digits decode."""
    field = f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    content = b"Subject: s\r\nContent-Type: text/html\r\n" + field.encode() + CARD.encode()
    answer, _ = control("block_sensitive", content, patterns=[PATTERN], encrypted="pass")
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize("encoding", ["base64", "BASE64", " base64 "])
def test_what_every_program_decodes_is_not_searched_as_it_is(control: Any, encoding: str) -> None:
    """Many a picture has 16 digits in a row in its Base64."""
    field = f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    content = b"Subject: s\r\nContent-Type: text/html\r\n" + field.encode() + CARD.encode()
    answer, _ = control("block_sensitive", content, patterns=[PATTERN], encrypted="pass")
    assert answer is None


@pytest.mark.parametrize(
    "written",
    [
        "multipart/ mixed",
        "multipart(x)/mixed",
        "multipart /mixed",
        '"multipart/mixed"',
        "multipart",
        "multipart/mixed/x",
        "x-multipart/mixed",
    ],
)
def test_nothing_hides_in_a_multipart_of_an_unusual_spelling(control: Any, written: str) -> None:
    program = b"Content-Disposition: attachment; filename=run.exe\r\n\r\nMZ"
    number = b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(CARD.encode())
    inner = mixed(program, number).replace(b"multipart/mixed", written.encode())
    nested = mixed(inner.replace(b"--b", b"--c").replace(b"boundary=b", b"boundary=c"))
    for content in (inner, nested):
        answer, changed = control("strip_attachments", content, extensions=["exe"])
        assert answer is not None or b"MZ" not in changed
        answer, _ = control("block_sensitive", content, patterns=[PATTERN])
        assert answer is not None


@pytest.mark.parametrize("name", ["report.exe.pdf", "exe", "executive.pdf", "a.ex_"])
def test_other_files_stay(control: Any, name: str) -> None:
    """What a program does not run is not taken."""
    part = f"Content-Disposition: attachment; filename={name}\r\n\r\nstays".encode()
    assert control("strip_attachments", mixed(part), extensions=["exe"])[1].count(b"stays") == 1


def test_a_uuencoded_file_is_cut_out_of_its_text(control: Any) -> None:
    """The words around it stay."""
    words = "Before\r\n\r\nbegin 644 run.exe\r\n#34U:\r\n`\r\nend\r\nafter"
    _, content = control("strip_attachments", plain(words), extensions=["exe"])
    text = mime.read(content).get_content()
    assert text.split() == ["Before", "The", "attachment", "run.exe", "was", "removed.", "after"]


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r" + mixed(plain("Hi"), EXE).replace(b"\r\n", b"\r"),
        mixed(plain("Hi"), EXE).replace(b"\r\nContent-", b"\rContent-"),
        plain("Before\rbegin 644 run.exe\r#34U:\r`\rend\r"),
        mixed(
            b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            + encodebytes(b"Subject: x\r" + mixed(plain("Hi"), EXE).replace(b"\r\n", b"\r"))
        ),
    ],
)
def test_what_only_some_programs_take_for_lines_is_not_searched(
    control: Any, content: bytes
) -> None:
    """A carriage return alone ends a line for them, so they may find a file that we do not see."""
    answer, _ = control("strip_attachments", content, extensions=["exe"])
    assert answer.kinds == ["BOUNCE"]


def test_a_file_in_a_header_that_some_programs_take_for_text_is_not_removed(control: Any) -> None:
    """For them, a line that is neither a field nor indented begins the text."""
    content = b"Content-Type: text/plain\r\nbegin 644 run.exe\r\n#34U:\r\n`\r\nend\r\n\r\nHi\r\n"
    answer, _ = control("strip_attachments", content, extensions=["exe"])
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize("encoding", [b'"base64"', b"BASE 64", b"x-uuencode"])
def test_a_file_in_a_text_that_only_some_programs_decode_is_not_removed(
    control: Any, encoding: bytes
) -> None:
    """The others find the file in the text as it is."""
    header = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: " + encoding
    content = header + b"\r\n\r\nbegin 644 run.exe\r\n#34U:\r\n`\r\nend\r\n"
    answer, _ = control("strip_attachments", content, extensions=["exe"])
    assert answer.kinds == ["BOUNCE"]


def test_a_part_with_two_types_is_not_searched(control: Any) -> None:
    """Each mail program takes its own of the two, so some find parts where we do not."""
    content = mixed(plain("Hi"), EXE).replace(
        b"Content-Type: multipart/mixed", b"Content-Type: multipart/report\r\nContent-Type: a/b", 1
    )
    answer, _ = control("strip_attachments", content, extensions=["exe"])
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize(
    ("encoding", "raw"),
    [
        (b"base64", b"====Y: =\r\n" + EXE),
        (b"BASE64 ;", EXE),
        (b"x-uuencode", b"begin 644 a\r\n`\r\nend\r\n" + EXE),
        (b"quoted-printable", b"X: =\r\n" + EXE),
    ],
)
def test_an_attached_message_that_some_programs_decode_is_not_searched(
    control: Any, encoding: bytes, raw: bytes
) -> None:
    """RFC 2046 forbids to encode it, so others read it as it is, and see the file."""
    part = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding
    content = mixed(plain("Hi"), part + b"\r\n\r\nSubject: x\r\n" + raw)
    answer, _ = control("strip_attachments", content, extensions=["exe"])
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize("encoded", [False, True])
def test_a_file_in_an_attached_message_is_removed(control: Any, encoded: bool) -> None:
    """Mail programs open attached messages."""
    nested = mixed(plain("Inner"), EXE).replace(b"--b", b"--c").replace(b"=b", b"=c")
    inner = b"Subject: x\r\n" + nested
    part = b"Content-Type: message/rfc822\r\n"
    if encoded:
        part += b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(inner)
    else:
        part += b"\r\n" + inner
    _, content = control("strip_attachments", mixed(plain("Hi"), part), extensions=["exe"])
    assert "MZ" not in [one.content()[0].decode() for one in mime.parse(content).walk()]
    assert b"was removed" in content


# What must be seen


def shown(content: bytes) -> str:
    """Return the texts of a mail, from top to bottom."""
    message = message_from_bytes(content, policy=policy.default)
    return " ".join(
        str(part.get_content()) for part in message.walk() if part.get_content_maintype() == "text"
    )


@pytest.mark.parametrize(
    "content",
    [
        b"Content-Type: text/html; name=x.html\r\nContent-Disposition: inline\r\n\r\nclick",
        b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nclick",
        mixed(b"Content-Type: application/octet-stream\r\n\r\n", plain("click")),
        mixed(b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nclick"),
        mixed(b"Content-Type: text/enriched\r\n\r\nclick"),
        b"Content-Type: text/x-odd\r\n\r\nclick",
        b"Content-Type: foo\r\n\r\nclick",
        b"Content-Type: text/html; charset=utf-8\r\n\r\n<p>click \xff",
        mixed(plain("click")).replace(b"--b--\r\n", b""),
        plain("-----BEGIN PGP SIGNED MESSAGE-----\r\n\r\nclick"),
        plain("<!-- <body> --><html><body>click").replace(b"plain", b"html"),
        plain("<title><body></title><body>click").replace(b"plain", b"html"),
    ],
)
def test_no_sender_keeps_the_banner_away(control: Any, content: bytes) -> None:
    """By labels, markup, or what is malformed; and it is there once."""
    answer, first = control("external_banner", content, domains=["a.example"], text=BANNER)
    assert answer is None
    text = shown(first)
    assert 0 <= text.find(BANNER) < (text.find("click") if "click" in text else len(text))
    again = first.removeprefix(b"Subject: s\r\nMIME-Version: 1.0\r\n")
    assert control("external_banner", again, domains=["a.example"], text=BANNER)[1] == first


@pytest.mark.parametrize(
    "content",
    [
        mixed(b"Content-Type: multipart/alternative; boundary=c\r\n\r\nclick"),
        mixed(b"Content-Type: multipart/mixed\r\n\r\nclick"),
        b"Content-Type: multipart/alternative; boundary=c\r\n\r\nclick",
        b"Content-Type: multipart/related; boundary=c\r\n\r\nclick",
    ],
)
def test_a_multipart_without_parts_takes_the_strict_way(control: Any, content: bytes) -> None:
    """It is shown as text, and WorkMail lets nobody change what is malformed."""
    answer, _ = control("external_banner", content, domains=["a.example"], text=BANNER)
    assert answer.kinds == ["MOVE_TO_JUNK"]


def test_a_carriage_return_alone_stays_encoded_below_the_banner(control: Any) -> None:
    """Otherwise the content could not be replaced, and the mail would be junk."""
    content = plain("click=0Dhere", "Content-Transfer-Encoding: quoted-printable\r\n")
    _, changed = control("external_banner", content, domains=["a.example"], text=BANNER)
    assert BANNER.encode() in changed
    assert b"click=0Dhere" in changed


def test_a_header_that_ends_the_mail_stays_whole_above_the_banner(control: Any) -> None:
    """The last field may have no line end."""
    content = b"Content-Type: text/x-odd\r\nX-Last: a"
    _, changed = control("external_banner", content, domains=["a.example"], text=BANNER)
    message = message_from_bytes(changed)
    assert (message["X-Last"], message.get_content_type()) == ("a", "multipart/mixed")


def test_no_style_sheet_hides_the_banner(control: Any) -> None:
    """Nothing of the sender's is before it, and nothing overrules its style."""
    content = plain("<style>div{display:none!important}</style>click").replace(b"plain", b"html")
    _, changed = control("external_banner", content, domains=["a.example"], text=BANNER)
    text = shown(changed)
    assert text.startswith("<div style=")
    assert "display:block!important" in text


@pytest.mark.parametrize(
    ("action", "kinds"), [(None, ["MOVE_TO_JUNK"]), ("bounce", ["BOUNCE"]), ("deliver", None)]
)
def test_mail_without_a_place_for_the_banner_takes_the_strict_way(
    control: Any, action: str | None, kinds: list[str] | None, capsys: Any
) -> None:
    """WorkMail takes no NUL in the content that replaces a message."""
    answer, _ = control(
        "external_banner",
        b"X-Odd: a\0b\r\n" + plain("click"),
        domains=["a.example"],
        text=BANNER,
        **({"unreadable": action} if action else {}),
    )
    assert (answer.kinds if answer else None) == kinds
    assert "NUL" in json.loads(capsys.readouterr().out)["reason"]
