"""Header fields: in order, repeats kept, found in any spelling."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom import errors
from mailroom.receiving import Headers, ReceivedMail


@pytest.fixture
def headers() -> Headers:
    """Three fields, one of them twice in different spellings."""
    return Headers(
        [
            {"name": "Received", "value": "second hop"},
            {"name": "X-Tag", "value": "ü"},
            {"name": "RECEIVED", "value": "first hop"},
        ]
    )


def test_names_compare_without_case(headers: Headers) -> None:
    """Every spelling finds the field, as RFC 5322 wants it."""
    assert headers["x-tag"] == headers["X-TAG"] == headers.get("x-Tag") == "ü"
    assert "x-tag" in headers
    assert "x-tags" not in headers
    assert 7 not in headers


def test_repeats_are_kept_topmost_first(headers: Headers) -> None:
    """A repeated field has all its values; single access gives the topmost."""
    assert headers.get_all("received") == ["second hop", "first hop"]
    assert headers["Received"] == headers.get("Received") == "second hop"


def test_order_and_spelling_of_the_message_are_kept(headers: Headers) -> None:
    """Iteration gives names as they were written, in their order."""
    assert list(headers) == ["Received", "X-Tag", "RECEIVED"]
    assert list(headers.items())[2] == ("RECEIVED", "first hop")
    assert len(headers) == 3
    assert repr(headers) == "<Headers: 3 fields>"


def test_an_absent_field_gives_the_default_none_or_an_error(headers: Headers) -> None:
    """`get` gives the default, `get_all` nothing, and indexing raises with the name."""
    assert headers.get("Subject") is None
    assert headers.get("Subject", "none") == "none"
    assert headers.get_all("Subject") == []
    with pytest.raises(errors.MissingField, match="no header field 'Subject'"):
        headers["Subject"]


@pytest.mark.parametrize("field", [{"name": "A"}, {"value": "b"}, {"name": 1, "value": "b"}, 3])
def test_a_malformed_field_raises(field: Any) -> None:
    """A field without a name or a value raises `MissingField`, each time it is read."""
    headers = Headers([{"name": "To", "value": "x"}, field])
    for _ in range(2):
        with pytest.raises(errors.MissingField, match=r"'mail\.headers'"):
            headers.get_all("To")


def test_all_fields_of_the_sample_are_in_one_object(mail: ReceivedMail) -> None:
    """All ten fields of AWS's sample are there, in one object per mail."""
    assert len(mail.headers) == 10
    assert mail.headers["mime-version"] == "1.0"
    assert mail.headers is mail.headers
