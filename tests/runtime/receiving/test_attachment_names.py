"""Names of attachments: safe everywhere, unique in a mail."""

from __future__ import annotations

from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.handlers.receiving import save_attachments
from mailroom.handlers.receiving.save_attachments import safe_name, unique_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plan.pdf", "plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Temp\\a.txt", "a.txt"),
        ("a\uff0fb.txt", "b.txt"),
        ("..", "unnamed.bin"),
        ("", "unnamed.bin"),
        (None, "unnamed.bin"),
        ("___", "unnamed.bin"),
        (".htaccess", "htaccess"),
        ("-rf", "rf"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a b;c&d|e$f'g\".txt", "a_b_c_d_e_f_g_.txt"),
        ("cafe\u0301.txt", "café.txt"),
        ("ﬁle.txt", "file.txt"),
        ("Größe.pdf", "Größe.pdf"),
        ("見積書.pdf", "見積書.pdf"),
        ("हिन्दी.pdf", "हिन्दी.pdf"),
        ("CON", "_CON"),
        ("nul.tar.gz", "_nul.tar.gz"),
        ("COM¹.txt", "_COM1.txt"),
        ("console.txt", "console.txt"),
        ("a.txt. .", "a.txt"),
        ("\ud800.txt", "txt"),
    ],
)
def test_a_name_is_made_safe(name: str | None, safe: str) -> None:
    """No path, control, override, reserved name or odd punctuation gets into a name."""
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("content_type", "name"),
    [
        ("application/pdf", "unnamed.pdf"),
        ("application/pkcs7-signature", "smime.p7s"),
        ("application/pgp-signature", "signature.asc"),
        ("application/ms-tnef", "winmail.dat"),
        ("image/gif", "unnamed.gif"),
        ("image/jpeg", "unnamed.jpg"),
        ("image/png", "unnamed.png"),
        ("message/rfc822", "message.eml"),
        ("text/calendar", "invite.ics"),
        ("text/csv", "unnamed.csv"),
        ("text/html", "unnamed.html"),
        ("text/plain", "unnamed.txt"),
        ("application/x-odd", "unnamed.bin"),
    ],
)
def test_a_file_without_a_name_is_named_after_its_type(content_type: str, name: str) -> None:
    assert safe_name(None, content_type) == name


def test_long_name_keeps_its_extension() -> None:
    """A name is shortened in its stem, within characters and bytes."""
    assert safe_name("x" * 500 + ".pdf") == "x" * 96 + ".pdf"
    assert len(safe_name("見" * 500 + ".pdf").encode()) <= 200


def _is_safe(name: str) -> bool:
    return (
        0 < len(name) <= 100
        and len(name.encode()) <= 200
        and all(category(char)[0] in "LMN" or char in "._+-" for char in name)
        and name[0] not in ".-"
        and category(name[0])[0] != "M"
        and name[-1] != "."
        and name.partition(".")[0].upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    )


_names = st.text(max_size=150) | st.text(alphabet="aA./\\ \u0301-_:é\u202e", max_size=12)


@given(_names, st.sampled_from(["", ".pdf", ".tar.gz", ".\u0301"]))
def test_any_name_is_made_safe(name: str, extension: str) -> None:
    """Every name, from whatever characters, becomes a safe one, and a safe one stays."""
    safe = safe_name(name + extension)
    assert _is_safe(safe), safe
    assert safe_name(safe) == safe
    assert normalize("NFC", safe) == safe


@given(st.lists(_names | st.sampled_from(["A.txt", "a.TXT", "a-2.txt", "CON", ""]), max_size=12))
def test_names_are_unique(names: list[str]) -> None:
    """No two attachments of a mail share a name, not even but for letter case."""
    taken: set[str] = set()
    found = [unique_name(safe_name(name), taken) for name in names]
    assert all(_is_safe(name) for name in found)
    assert len({name.casefold() for name in found}) == len(names)


def test_the_disposition_of_a_name_beyond_ascii_is_encoded() -> None:
    """Browsers get the real name, older ones a plain substitute (RFC 6266)."""
    assert save_attachments.content_disposition("é.pdf") == (
        "attachment; filename=\"_.pdf\"; filename*=UTF-8''%C3%A9.pdf"
    )
