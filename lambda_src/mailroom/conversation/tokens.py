"""Addresses that carry a reference, signed: ``support+TOKEN@example.com``.

Anyone can write to any address, so a number in it proves nothing. A token is signed with a key of
yours and says that you made this address: whoever writes to it got it from you, or from someone who
did. It is no proof of who writes, and it can be read by everyone: it is not encrypted.

A token is base32 (RFC 4648) in lower case, since some programs change the case of addresses. It
holds a byte of version and purpose, when it expires, the values, and the first 80 bits of an
HMAC-SHA-256 over all of that and the address without the token. A local part has at most 64
characters (RFC 5321 §4.5.3.1.1), so there is room for about 20 bytes of values; numbers and UUIDs
are packed.
"""

from __future__ import annotations

import re

from mailroom.errors import InvalidMessage
from mailroom.mime import mailboxes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import timedelta

    Value = str | int
    Key = str | bytes
    Keys = Key | Sequence[Key]

__all__ = ["BOUNCE", "REPLY", "bounce_address", "read_token", "reply_address"]

REPLY = 0x10
BOUNCE = 0x20

_EXPIRES = 0x01
_MAC_BYTES = 10
_LOCAL_CHARACTERS = 64
_LEAST_KEY_BYTES = 16
_MOST_KEYS = 10
_TEXT, _NUMBER, _NEGATIVE, _UUID, _HEX = range(5)
_UUID_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEX_TEXT = re.compile(r"(?:[0-9a-f]{2}){3,31}")
_ENCODED = re.compile(r"[a-z2-7]{18,63}")


def reply_address(
    address: str,
    *,
    token: Mapping[str, Value],
    key: Keys,
    expires_in: timedelta | None = None,
) -> str:
    """Return *address* with a signed *token*, to be the ``Reply-To`` of what you send.

    Let a receipt rule receive *address*: SES matches what follows ``+`` too. `ReceivedMail.token`
    reads the token of what comes back.

    Args:
        address: The address that receives answers, such as ``support@example.com``.
        token: Names and values, which are strings or whole numbers, about 20 bytes in all. A UUID
            takes 16, hexadecimal digits half of their number.
        key: A secret of at least 16 bytes, such as ``secrets.token_urlsafe(32)``. Keep it in
            Secrets Manager or an SSM parameter, not in the code. Of several keys, the first one
            signs; to rotate, put the new key first, and keep the old one as long as its addresses
            are in use.
        expires_in: How long the token is valid, to the minute. Default: as long as the key.

    Raises:
        InvalidMessage: The address has no room for the token, or an argument cannot be used.
    """
    return _signed(address, token, key, expires_in, REPLY)


def bounce_address(
    address: str,
    *,
    token: Mapping[str, Value],
    key: Keys,
    expires_in: timedelta | None = None,
) -> str:
    """Return *address* with a signed *token*, to receive bounces (VERP).

    SES sends bounces as mail to the address in a message's ``Return-Path``, or in the parameter
    ``FeedbackForwardingEmailAddress``, while email feedback forwarding is on for the identity.
    `ReceivedMail.bounce_token` reads the token of what comes back. A token for bounces is not one
    for replies, nor the other way round.

    Args:
        address: The address that receives bounces, such as ``bounces@example.com``.
        token: As for `reply_address`.
        key: As for `reply_address`.
        expires_in: As for `reply_address`.

    Raises:
        InvalidMessage: As for `reply_address`.
    """
    return _signed(address, token, key, expires_in, BOUNCE)


def read_token(
    addresses: Iterable[str], *, key: Keys, purpose: int = REPLY
) -> dict[str, Value] | None:
    """Return the token of the first of *addresses* that has a valid one; ``None`` if none has.

    It never raises because of an address, since a stranger chooses it: one that is forged, changed,
    expired, or signed for another address is the same as none.

    Args:
        addresses: Addresses without display names.
        key: The key, or several, any of which may have signed.
        purpose: `REPLY` (default) or `BOUNCE`.

    Raises:
        InvalidMessage: The key cannot be used.
    """
    keys = _keys(key)
    for address in addresses:
        local, _, domain = address.strip().lower().rpartition("@")
        base, _, encoded = local.rpartition("+")
        if not base or not _ENCODED.fullmatch(encoded):
            continue
        found = _verified(encoded, f"{base}@{domain}", keys, purpose)
        if found is not None:
            return found
    return None


def _signed(
    address: str,
    token: Mapping[str, Value],
    key: Keys,
    expires_in: timedelta | None,
    purpose: int,
) -> str:
    from base64 import b32encode

    if not isinstance(address, str) or not mailboxes.is_sendable(address):
        raise InvalidMessage(
            f"address is {address!r:.80}: pass one ASCII address such as support@example.com"
        )
    payload = _head(purpose, expires_in) + _packed(token)
    whole = payload + _mac(_keys(key)[0], address.lower(), payload)
    encoded = b32encode(whole).decode().rstrip("=").lower()
    local, _, domain = address.rpartition("@")
    room = _LOCAL_CHARACTERS - len(local) - 1
    if len(encoded) > room:
        raise InvalidMessage(
            f"token is {len(encoded)} characters when signed, and {address!r} has room for {room} "
            f"before the @: pass less, such as the number of a row in your table"
        )
    return f"{local}+{encoded}@{domain}"


def _head(purpose: int, expires_in: timedelta | None) -> bytes:
    if expires_in is None:
        return bytes((purpose,))
    import time

    minutes = int((time.time() + expires_in.total_seconds()) // 60) + 1  # never too early
    if expires_in.total_seconds() <= 0 or minutes >= 1 << 32:
        raise InvalidMessage(f"expires_in is {expires_in}: pass more than none, and less than ages")
    return bytes((purpose | _EXPIRES,)) + minutes.to_bytes(4, "big")


def _verified(
    encoded: str, address: str, keys: Sequence[bytes], purpose: int
) -> dict[str, Value] | None:
    import time
    from base64 import b32decode
    from hmac import compare_digest

    try:
        whole = b32decode(encoded.upper() + "=" * (-len(encoded) % 8))
    except ValueError:
        return None
    payload, mac = whole[:-_MAC_BYTES], whole[-_MAC_BYTES:]
    known = [compare_digest(mac, _mac(key, address, payload)) for key in keys]
    if not payload or not any(known) or payload[0] & ~_EXPIRES != purpose:
        return None
    begin = 1
    if payload[0] & _EXPIRES:
        begin = 5
        if int.from_bytes(payload[1:5], "big") * 60 < time.time():
            return None
    return _unpacked(payload[begin:])


def _mac(key: bytes, address: str, payload: bytes) -> bytes:
    from hashlib import sha256
    from hmac import new

    # A stranger's half of a surrogate pair is a wrong address, not a crash.
    named = address.encode("utf-8", "surrogatepass")
    message = b"cdk-mailroom address\0" + named + b"\0" + payload
    return new(key, message, sha256).digest()[:_MAC_BYTES]


def _keys(given: Keys) -> list[bytes]:
    several = [given] if isinstance(given, (str, bytes)) else list(given)
    keys = [one.encode() if isinstance(one, str) else one for one in several]
    if not 1 <= len(keys) <= _MOST_KEYS:
        raise InvalidMessage(f"key has {len(keys)} keys: pass 1 to {_MOST_KEYS}")
    for one in keys:
        if not isinstance(one, bytes):  # a number would become as many zeros
            raise InvalidMessage(f"key is of type {type(one).__name__}: pass str or bytes")
        if len(one) < _LEAST_KEY_BYTES:
            raise InvalidMessage(
                f"key has {len(one)} bytes: pass at least {_LEAST_KEY_BYTES}, for example from "
                "secrets.token_urlsafe(32)"
            )
    return keys


def _packed(token: Mapping[str, Value]) -> bytes:
    if isinstance(token, str) or not hasattr(token, "items") or not token:
        raise InvalidMessage(f"token is {token!r:.80}: pass a mapping such as {{'ticket': 47}}")
    found = bytearray()
    for name, value in token.items():
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= 31:
            raise InvalidMessage(f"token has the name {name!r:.80}: pass a string of 1 to 31 bytes")
        kind, data = _value(name, value)
        if len(data) > 63:
            raise InvalidMessage(f"token {name!r} has {len(data)} bytes: pass less")
        title = name.encode()
        # Three bits of kind and five of the name's length; then the value's length.
        found += bytes((kind << 5 | len(title), len(data))) + title + data
    return bytes(found)


def _value(name: str, value: object) -> tuple[int, bytes]:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidMessage(
            f"token {name!r} is {value!r:.80}, a {type(value).__name__}: pass a string or a number"
        )
    if isinstance(value, int):
        size = (abs(value).bit_length() + 7) // 8
        return (_NEGATIVE if value < 0 else _NUMBER), abs(value).to_bytes(size, "big")
    if _UUID_TEXT.fullmatch(value):
        return _UUID, bytes.fromhex(value.replace("-", ""))
    if _HEX_TEXT.fullmatch(value):
        return _HEX, bytes.fromhex(value)
    try:
        return _TEXT, value.encode()
    except UnicodeEncodeError as error:
        raise InvalidMessage(f"token {name!r} has a lone surrogate: remove it") from error


def _unpacked(data: bytes) -> dict[str, Value]:
    """Return the values of *data*, which was signed, so that it is sound."""
    found: dict[str, Value] = {}
    place = 0
    while place < len(data):
        kind, size, length = data[place] >> 5, data[place] & 31, data[place + 1]
        place += 2
        name = data[place : place + size].decode()
        raw = data[place + size : place + size + length]
        place += size + length
        if kind in (_NUMBER, _NEGATIVE):
            number = int.from_bytes(raw, "big")
            found[name] = -number if kind == _NEGATIVE else number
        elif kind == _UUID:
            digits = raw.hex()
            parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
            found[name] = "-".join(parts)
        else:
            found[name] = raw.hex() if kind == _HEX else raw.decode()
    return found
