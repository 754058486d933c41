"""What a file may be called once a mail program has saved it."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mailroom.mime.parts import Part

__all__ = ["extensions", "uuencoded"]

_UUENCODED = re.compile(
    r"^begin(?:-base64)?[ \t]+[0-7]{3,4}[ \t]+([^\r\n]*)\r?\n.*?(?:^(?:end|====)[ \t]*\r?$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_ENDS = "'\"`()[]{}<>., \t/\\_"


def extensions(names: Iterable[str]) -> set[str]:
    """Return every extension that a program or file system may take one of *names* to have."""
    return {
        one.rpartition(".")[2].casefold() for name in names for one in _readings(name) if "." in one
    }


def _readings(name: str) -> Iterator[str]:
    from unicodedata import category, normalize
    from urllib.parse import unquote

    if "://" in name:
        # The host of an address is not the name of a file.
        name = name.partition("://")[2].partition("/")[2]
    for one in {name, unquote(name)}:
        # NUL ends a name for some, a colon begins a stream of NTFS, and "?" the query of a URL.
        for text in {one, *re.split(r"[\x00\r\n]", one)}:
            shown = "".join(char for char in text if category(char)[0] != "C")
            shown = normalize("NFKC", shown)
            for piece in {shown, shown.partition("::")[0], re.split(r"[?#]", shown)[0]}:
                # Only at the end: ".exe" has an extension too.
                yield piece.rstrip(_ENDS)
                yield piece.rpartition(":")[0].rstrip(_ENDS)
                # A comment behind a name, or words that a program cuts off.
                yield re.split(r"[;(]", piece)[0].rstrip(_ENDS)


def uuencoded(part: Part) -> list[tuple[str, int, int]]:
    """Return name, beginning and end of each uuencoded file in the text of *part*."""
    text, _ = part.text()
    return [(found[1], found.start(), found.end()) for found in _UUENCODED.finditer(text)]
