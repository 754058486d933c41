"""Addresses that carry a reference: made here, read here, and never accepted from anyone else."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.conversation import bounce_address, read_token, reply_address
from mailroom.sending import InvalidMessage
from mailroom.testing import received_mail

KEY = "a key of more than sixteen bytes"
OTHER = b"another key of sufficient length"
UUID = "550e8400-e29b-41d4-a716-446655440000"


def test_a_token_comes_back() -> None:
    """With the mail that is sent to its address."""
    address = reply_address("support@example.com", token={"ticket": 47}, key=KEY)
    assert address.startswith("support+")
    assert address.endswith("@example.com")
    mail = received_mail(recipients=[address])
    assert mail.token(key=KEY) == {"ticket": 47}
    assert mail.bounce_token(key=KEY) is None


@pytest.mark.parametrize(
    "token",
    [
        {"ticket": 0},
        {"ticket": -47},
        {"ticket": 2**63},
        {"ticket": UUID},
        {"t": "0123456789abcdef0123456789abcdef"},
        {"t": "ABC"},
        {"t": ""},
        {"n": "Grüße"},
        {"a": 1, "b": "x", "c": 3},
    ],
)
def test_values_keep_their_type_and_case(token: dict[str, str | int]) -> None:
    """Although addresses are changed to lower case, or upper, on their way."""
    address = reply_address("support@example.com", token=token, key=KEY)
    for written in (address, address.lower(), address.upper()):
        assert read_token([written], key=KEY) == token
    assert len(address.partition("@")[0]) <= 64


def test_a_uuid_fits_an_ordinary_address() -> None:
    """The usual key of a ticket."""
    address = reply_address("support@example.com", token={"id": str(uuid.uuid4())}, key=KEY)
    assert len(address.partition("@")[0]) <= 64


def test_a_label_of_your_own_stays() -> None:
    """The token follows it."""
    address = reply_address("support+vip@example.com", token={"t": 1}, key=KEY)
    assert address.startswith("support+vip+")
    assert read_token([address], key=KEY) == {"t": 1}


def test_an_expired_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the minute; without an expiry it holds as long as its key."""
    address = reply_address("s@example.com", token={"t": 1}, key=KEY, expires_in=timedelta(days=30))
    forever = reply_address("s@example.com", token={"t": 1}, key=KEY)
    now = time.time()
    for days, token in ((0, {"t": 1}), (29.9, {"t": 1}), (30.1, None)):
        monkeypatch.setattr(time, "time", lambda days=days: now + days * 86400)
        assert read_token([address], key=KEY) == token
        assert read_token([forever], key=KEY) == {"t": 1}


def test_a_token_never_expires_too_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute in it is one that is over when it expires."""
    monkeypatch.setattr(time, "time", lambda: 59.0)
    address = reply_address("s@example.com", token={"t": 1}, key=KEY, expires_in=timedelta(0, 30))
    monkeypatch.setattr(time, "time", lambda: 88.0)
    assert read_token([address], key=KEY) == {"t": 1}


def test_keys_are_rotated_by_passing_several() -> None:
    """The first one signs, each of them verifies."""
    old = reply_address("s@example.com", token={"t": 1}, key=OTHER)
    new = reply_address("s@example.com", token={"t": 1}, key=[KEY, OTHER])
    assert read_token([old], key=[KEY, OTHER]) == {"t": 1}
    assert read_token([new], key=KEY) == {"t": 1}
    assert read_token([old], key=KEY) is None


def test_a_token_holds_for_its_address_and_purpose() -> None:
    """Not for another mailbox, another domain, or bounces."""
    address = reply_address("support@example.com", token={"t": 1}, key=KEY)
    token = address.partition("+")[2].partition("@")[0]
    assert read_token([f"sales+{token}@example.com"], key=KEY) is None
    assert read_token([f"support+{token}@example.org"], key=KEY) is None
    bounces = bounce_address("bounces@example.com", token={"mail": 7}, key=KEY)
    mail = received_mail(source="", recipients=[bounces])
    assert mail.bounce_token(key=KEY) == {"mail": 7}
    assert mail.token(key=KEY) is None


def test_a_changed_token_is_none() -> None:
    """Any one character of it."""
    address = reply_address("support@example.com", token={"ticket": 47}, key=KEY)
    begin, end = len("support+"), address.index("@")
    for place in range(begin, end):
        other = "a" if address[place] != "a" else "b"
        changed = f"{address[:place]}{other}{address[place + 1 :]}"
        # The last character has bits that stand for nothing.
        assert read_token([changed], key=KEY) is None or place == end - 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"address": "support"}, "address"),
        ({"address": "sü@example.com"}, "address"),
        ({"address": "a@example.com\r\nBcc: b@x.org"}, "address"),
        ({"token": {}}, "token"),
        ({"token": "47"}, "token"),
        ({"token": {"ticket": 1.5}}, "ticket"),
        ({"token": {"ticket": True}}, "ticket"),
        ({"token": {"ticket": None}}, "ticket"),
        ({"token": {"": 1}}, "name"),
        ({"token": {"t": "x" * 30}}, "room for"),
        ({"key": "short"}, "key"),
        ({"key": []}, "key"),
        ({"key": bytearray(b"secret")}, "key is of type int"),
        ({"key": [32]}, "key is of type int"),
        ({"expires_in": timedelta(0)}, "expires_in"),
    ],
)
def test_what_cannot_be_signed_is_refused_by_name(arguments: dict[str, Any], what: str) -> None:
    """With the remedy."""
    given = {"address": "support@example.com", "token": {"ticket": 47}, "key": KEY} | arguments
    with pytest.raises(InvalidMessage, match=what):
        reply_address(given.pop("address"), **given)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=4),
        st.text(max_size=8) | st.integers(0, 2**40),
        min_size=1,
        max_size=2,
    )
)
def test_every_token_that_fits_comes_back(token: dict[str, str | int]) -> None:
    """Or is refused when it is made."""
    try:
        address = reply_address("s@example.com", token=token, key=KEY)
    except InvalidMessage:
        return
    assert read_token([address.lower()], key=KEY) == token


@given(
    st.text(st.characters(), max_size=40)  # halves of surrogate pairs too
    | st.text(st.characters(), max_size=4).map(f"{{}}+{'a' * 20}@example.com".format)
    | st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=18, max_size=60).map(
        "s+{}@example.com".format
    )
)
def test_no_address_makes_reading_raise(address: str) -> None:
    """A stranger chooses it."""
    assert read_token([address], key=KEY) is None
