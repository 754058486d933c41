"""Reads HTML as a browser does, whatever somebody made it of.

Some HTML takes a parser hours and gigabytes: a few hundred ``<font>`` that nobody closes are open
again in each paragraph that follows, and the time for attributes or nested elements grows with the
square of their number. No count of tags tells how much, because which of them count is what a
parser finds out. So HTML that is not plainly harmless is read first by a process that may use
little time and memory; what it returns is well-formed, and takes no longer to read again.

This file is that process, too, and so imports nothing of ours.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

import nh3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TAGS = _words("""
    a abbr acronym address article aside b bdi bdo big blockquote br caption center cite code col
    colgroup dd del details dfn dir div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6
    header hr i img ins kbd li main mark nav ol p pre q rp rt ruby s samp section small span strike
    strong style sub summary sup table tbody td tfoot th thead time tr tt u ul var wbr
""")
# What is inside of these is never text for a reader.
_WITH_CONTENT = _words("""
    applet audio canvas embed frame frameset iframe math noembed noframes noscript object script
    select svg template textarea title video xmp
""")
_ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "*": _words("align bgcolor class color dir height id lang style title valign width"),
    "a": _words("href name"),
    "blockquote": _words("type"),
    "col": _words("span"),
    "details": _words("open"),
    "font": _words("face size"),
    "hr": _words("noshade size"),
    "img": _words("alt border hspace src vspace"),
    "li": _words("type value"),
    "ol": _words("reversed start type"),
    "table": _words("border cellpadding cellspacing rules summary"),
    "td": _words("colspan headers nowrap rowspan scope"),
    "th": _words("colspan headers nowrap rowspan scope"),
    "ul": _words("type"),
}
_LINK_SCHEMES = _words("http https mailto tel cid data")

CPU_SECONDS = 2
_SECONDS = 15.0
_MEMORY = 1024**3
_MOST_BYTES = 10_000_000
# Their time grows with the square of their number, and the process makes them of other letters.
_MOST_REFERENCES = 100_000
# Plainly harmless is what has no more letters, tags and references than this.
_HARMLESS = (200_000, 5_000, 20_000)
# Elements that a parser opens again, up to the next tag; and their letters, times all tags.
_FORMATTING = re.compile(
    r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b[^<]*", re.IGNORECASE
)
_HARMLESS_WORK = 10_000_000


def rules() -> dict[str, Any]:
    """What is kept of HTML, as nh3 takes it."""
    return {
        "tags": set(TAGS),
        "clean_content_tags": set(_WITH_CONTENT),
        "attributes": {tag: set(names) for tag, names in _ATTRIBUTES.items()},
        "strip_comments": True,
        "url_schemes": set(_LINK_SCHEMES),
    }


def readable(markup: str) -> str | None:
    """HTML that is read in little time and looks the same; ``None`` if there is none."""
    if _is_harmless(markup):
        return markup
    try:
        return _read(markup)
    except (OSError, subprocess.TimeoutExpired):  # not for lack of its own time
        return None


@lru_cache(maxsize=8)
def _read(markup: str) -> str | None:
    done = subprocess.run(  # noqa: S603  # this file
        [sys.executable, "-P", __file__, str(CPU_SECONDS)],
        input=markup.encode("utf-8", "replace"),
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    made = done.stdout
    if done.returncode or len(made) > _MOST_BYTES or made.count(b"&") > _MOST_REFERENCES:
        return None
    return made.decode()


def _is_harmless(markup: str) -> bool:
    tags = markup.count("<")
    counts = (len(markup), tags, markup.count("&"))
    if any(count > most for count, most in zip(counts, _HARMLESS, strict=True)):
        return False
    return tags * sum(len(found[0]) for found in _FORMATTING.finditer(markup)) <= _HARMLESS_WORK


def _main() -> None:
    import resource

    for kind, most in ((resource.RLIMIT_CPU, int(sys.argv[1])), (resource.RLIMIT_AS, _MEMORY)):
        with suppress(OSError, ValueError):  # not every system has each
            resource.setrlimit(kind, (most, most))
    markup = sys.stdin.buffer.read().decode()
    sys.stdout.buffer.write(nh3.clean(markup, **rules()).encode())


if __name__ == "__main__":
    _main()
