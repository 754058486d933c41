"""The bytes of a message."""

from __future__ import annotations

import base64
import re

from mailroom.mime import transfer

# The test strings on which every spam filter and every virus scanner agrees. The second is in two
# pieces, so that no scanner takes this file for a virus.
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def contains(raw: bytes, needle: bytes) -> bool:
    """Whether these bytes occur in a message, also inside a base64 part."""
    if needle in raw:
        return True
    if b"base64" not in raw.lower():
        return False
    # The last line of a part may be of any length.
    for block in re.findall(rb"[A-Za-z0-9+/]{20,}={0,2}(?:\r?\n[A-Za-z0-9+/]+={0,2})*", raw):
        # Any run of letters may look like base64, of whatever length.
        if needle in transfer.decode(block, "base64")[0]:
            return True
    return False


def decoded_raw(data: str) -> bytes:
    """The bytes of a raw message in an API call; not every caller encodes them."""
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return data.encode()


def normal_lines(raw: bytes) -> bytes:
    """The message with the line ends of mail."""
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)
