# ruff: noqa: RUF001 (dashes and colons of several alphabets)
"""What a person wrote in a mail, without what their program quoted and without the signature.

Every rule looks at a few lines of a bounded length, so that time is linear in the size of the text.
In doubt a line stays: a quote too many can be read over, a sentence too few cannot.
"""

from __future__ import annotations

import re

from mailroom.conversation import languages
from mailroom.mime.rendering import NEW, QUOTED, SIGNATURE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Line = tuple[str, int]  # its text, and one of NEW, QUOTED, SIGNATURE

__all__ = ["Split", "split", "split_html"]

_MOST_CHARACTERS = 400  # of a line that a rule looks at
_MOST_LINES = 50_000  # what follows is read as one line
_CHUNK = 4  # lines over which a program wraps "On … wrote:"
_BLOCK = 8  # lines in which the fields of a quoted header are
_WRAPPED = 65  # characters of a line that a program may have wrapped
_CONTACT = 12  # lines of a signature that begins with a greeting
_MOST_SIGNED = 25  # lines of one that begins with "-- "
_SHARED = "\u2060"  # behind a text that shares its line with an introduction
_MARKS = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_SIGN = re.compile(r"[ \t]{0,3}>")
_RULE = re.compile(r"\s{0,3}(?:[_*=]{10,}|-{20,})\s*")
_DIGIT = re.compile(r"\d")
_DELIMITER = re.compile(r"\s?(?:--|[—–]+|__+|- -)\s*")
_DASH_NAME = re.compile(r"(?:-{1,2}|/)\s?[^\W\d_][\w.']{1,20}(?: [^\W\d_][\w.']{0,20}){0,2}")
_END = re.compile(r"[:：]\s*[*_>]{0,3}\s*$")
_INSIDE = re.compile(r"(?:\s|-{2,3} ?)(?=(?:On|Am|Le|El|Op) \w{1,9}[.,]? ?\d{0,2}\W)")
_CLOSED = re.compile(r"<[^\s@<>]{1,64}@[^\s@<>]{3,}>\s*$")
_ADDRESS = re.compile(r"[^\s@<>]{1,64}@[^\s@<>]{3,}")
_SENTENCE = re.compile(r"[?!]\s|[^\W\d_]{3,}\. [^\W\d_]{2,}[^.]*[^\W\d_]\. ")
_ENTRY = re.compile(r"\s*[^\W\d_][^\n:]{0,30}:\s+\S")  # of a form


class Split:
    """The text of a mail in three.

    Attributes:
        new: What the person wrote.
        quoted: What was quoted, with what introduces it.
        signature: The signature, and what a program added, such as ``Sent from my iPhone``.
    """

    __slots__ = ("new", "quoted", "signature")

    def __init__(self, new: str, quoted: str, signature: str) -> None:
        self.new = new
        self.quoted = quoted
        self.signature = signature

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Split):
            return (self.new, self.quoted, self.signature) == (
                other.new,
                other.quoted,
                other.signature,
            )
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "<Split>"


def split(text: str, html: str | None = None) -> Split:
    """Return *text* in three.

    Args:
        text: The plain text of a mail.
        html: The same as HTML, which is asked if nothing in *text* is a quote: programs mark
            quotes in HTML whatever the language. Default: none.
    """
    lines = text.replace("\r\n", "\n").split("\n", _MOST_LINES)
    found = _split([(line, NEW) for line in lines])
    if not found.quoted and html:
        marked = split_html(html)
        if marked.quoted and marked.new:
            return marked
    return found


def split_html(html: str) -> Split:
    """Return the text of *html* in three.

    Args:
        html: The HTML part of a mail, decoded.
    """
    from mailroom.mime import rendering

    return _split(rendering.lines(html))


def _split(lines: Sequence[Line]) -> Split:
    texts = [_MARKS.sub("", line[:_MOST_CHARACTERS]).replace("\u00a0", " ") for line, _ in lines]
    kinds = [kind for _, kind in lines]
    _mark_quotes(texts, kinds)
    _mark_signatures(texts, kinds)
    parts: dict[int, list[str]] = {NEW: [], QUOTED: [], SIGNATURE: []}
    last = NEW
    for (line, _), text, kind in zip(lines, texts, kinds, strict=True):
        if kind != last and parts[kind] and parts[kind][-1].strip():
            parts[kind].append("")
        last = kind
        if text.endswith(_SHARED):
            # The introduction of the quote begins behind the last words of the answer.
            begins = _place_in(line, len(text) - len(_SHARED))
            parts[QUOTED].append(line[begins:].lstrip())
            line, last = line[:begins], QUOTED
        parts[kind].append(line)
    new, quoted, signature = (_tidy(parts[kind]) for kind in (NEW, QUOTED, SIGNATURE))
    return Split(new, quoted, signature)


def _place_in(line: str, count: int) -> int:
    """Return the place in *line* behind *count* characters that are not marks."""
    for place, char in enumerate(line):
        if not _MARKS.match(char):
            if not count:
                return place
            count -= 1
    return len(line)


def _tidy(lines: list[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if line.strip() or (kept and kept[-1]):
            kept.append(line.rstrip())
    return "\n".join(kept).strip("\n")


def _mark_quotes(texts: list[str], kinds: list[int]) -> None:
    place = 0
    written = False  # whether anything is above
    while place < len(texts):
        line = texts[place]
        if kinds[place] == QUOTED or _SIGN.match(line):
            if kinds[place] != QUOTED or not place or kinds[place - 1] != QUOTED:
                _mark_attribution(texts, kinds, place)
            kinds[place] = QUOTED
        elif kinds[place] == NEW and line.strip():
            if _rest_is_quoted(texts, kinds, place, written):
                kinds[place:] = [QUOTED] * (len(kinds) - place)
                _mark_rule(texts, kinds, place)
                return
            written = written or not _ENTRY.match(line)
        place += 1


def _mark_rule(texts: list[str], kinds: list[int], place: int) -> None:
    """Let a line drawn above the quote at *place* be part of it."""
    above = place - 1
    while above >= 0 and place - above <= 3 and not texts[above].strip():
        above -= 1
    if above >= 0 and kinds[above] == NEW and _RULE.fullmatch(texts[above]):
        kinds[above:place] = [QUOTED] * (place - above)


def _mark_attribution(texts: list[str], kinds: list[int], place: int) -> None:
    """Mark the lines that introduce the quote at *place*, such as ``On …, Jane wrote:``."""
    last = place - 1
    while last >= 0 and place - last <= 3 and not texts[last].strip():
        last -= 1
    if last < 0 or kinds[last] != NEW:
        return
    if not _END.search(texts[last]) and not _CLOSED.search(texts[last]):
        if last == place - 1 and last and kinds[last - 1] == QUOTED and _is_wrapped(texts, last):
            kinds[last] = QUOTED
        return
    joined = ""
    found: int | None = None
    for first in range(last, max(-1, last - _CHUNK), -1):
        if kinds[first] != NEW or not texts[first].strip():
            break
        joined = f"{texts[first].strip()} {joined}".strip()
        begins = _begins(texts[first])
        if begins is None or not _introduces(joined):
            continue
        if begins > 0:
            texts[first] = texts[first][:begins] + _SHARED
            found = first + 1
            break
        found = first
        if _begins_surely(texts[first]):
            break
    if found is None and _introduces(texts[last]):
        found = last
    if found and kinds[found - 1] == NEW and texts[found - 1].rstrip().endswith("<"):
        found -= 1  # wrapped within the address
    if found is not None:
        kinds[found:place] = [QUOTED] * (place - found)


def _is_wrapped(texts: list[str], place: int) -> bool:
    """Whether *place*, between lines of a quote, is the rest of a long one above."""
    line, above = texts[place].strip(), texts[place - 1]
    if "http" in above and " " not in line:
        return True
    return len(above) > _WRAPPED and line[:1].islower()


def _begins(line: str) -> int | None:
    """Return where in *line* an introduction begins; ``None`` if it does not."""
    if _begins_surely(line):
        return 0
    inside = _starter_inside(line)
    if inside is not None:
        return inside
    stripped = line.lstrip(" *_-|")
    said = languages.DATE.search(stripped[:60]) or languages.WROTE.search(stripped)
    return 0 if said or _ADDRESS.search(stripped) else None


def _begins_surely(line: str) -> bool:
    stripped = line.lstrip(" *_-|")
    starts = languages.STARTER.match(stripped) and _DIGIT.search(stripped)
    return bool(starts or languages.DATE.match(stripped))


def _starter_inside(line: str) -> int | None:
    # The last one: "On my side, yes. On Mon, 3 May 2024, …".
    found = [one.start() for one in _INSIDE.finditer(line)]
    return next((at for at in reversed(found) if languages.DATE.search(line[at:])), None)


def _introduces(joined: str) -> bool:
    """Whether *joined*, which stands above a quote, says who wrote it or when."""
    if len(joined) > _MOST_CHARACTERS:
        return False
    return bool(
        languages.WROTE.search(joined)
        or (_ADDRESS.search(joined) and languages.DATE.search(joined))
    )


def _rest_is_quoted(texts: list[str], kinds: list[int], place: int, written: bool) -> bool:
    """Whether everything from *place* on is a quote, without a sign before each line."""
    line = texts[place]
    if languages.SEPARATOR.fullmatch(line):
        return _has_more(texts, place + 1)
    if languages.ABOVE.match(line):
        return True
    # A form that begins with "From:" is no quote: nobody answered above it.
    if written and languages.label(line) and _is_header(texts, place):
        return True
    return _is_introduction(texts, kinds, place)


def _has_more(texts: list[str], place: int) -> bool:
    return any(line.strip() for line in texts[place : place + 20])


def _is_header(texts: list[str], place: int) -> bool:
    """Whether the lines from *place* on are the header of a quoted message."""
    kinds: dict[str, str] = {}
    gaps = 0
    for line in texts[place : place + _BLOCK]:
        found = languages.label(line)
        if found is not None:
            kinds.setdefault(*found)
            continue
        gaps += 1
        # Folded addresses, and the blank lines that some programs put in between.
        if gaps > 3:
            break
    if len(kinds) < 2:
        return False
    if _ADDRESS.search(kinds.get("from", "")):
        return True
    if not languages.DATE.search(kinds.get("sent", "")):
        return False
    named = "from" in kinds and ("subject" in kinds or "to" in kinds)
    return named or _ADDRESS.search(kinds.get("to", "")) is not None


def _is_introduction(texts: list[str], kinds: list[int], place: int) -> bool:
    """Whether ``On …, Jane wrote:`` begins at *place*, above a quote without signs."""
    if _begins(texts[place]) != 0:
        return False
    joined = ""
    for last in range(place, min(place + _CHUNK, len(texts))):
        if kinds[last] != NEW or not texts[last].strip() or _SIGN.match(texts[last]):
            return False
        joined = f"{joined} {texts[last].strip()}".strip()
        if not _END.search(joined):
            continue
        below = next((one for one in texts[last + 1 : last + 4] if one.strip()), "")
        if not below or _SIGN.match(below):
            return False  # marked from the quote upwards
        return (
            len(joined) <= _MOST_CHARACTERS
            and languages.DATE.search(joined) is not None
            and not _SENTENCE.search(joined)
            and _dated(joined)
        )
    return False


def _dated(joined: str) -> bool:
    """Whether *joined* is an introduction by its words alone."""
    plain = joined.lstrip(" *_-|")
    wrote = languages.WROTE.search(plain) is not None
    if wrote and (languages.STARTER.match(plain) or _ADDRESS.search(plain)):
        return True
    date = languages.DATE.search(plain[:40])
    return date is not None and (wrote or _ADDRESS.search(plain) is not None)


def _mark_signatures(texts: list[str], kinds: list[int]) -> None:
    """Mark the signature at the end of each stretch that the person wrote."""
    first = next((at for at, kind in enumerate(kinds) if kind == NEW and texts[at].strip()), 0)
    end = len(texts)
    while end > 0:
        if kinds[end - 1] != NEW:
            end -= 1
            continue
        begin = end
        while begin > 0 and kinds[begin - 1] == NEW:
            begin -= 1
        start = _signature(texts, begin, end, first < begin)
        kinds[start:end] = [SIGNATURE] * (end - start)
        end = begin


def _signature(texts: list[str], begin: int, end: int, written: bool) -> int:
    """Return where the signature of the lines from *begin* to *end* begins; *end* if nowhere."""
    for place in range(_tail(texts, begin, end), end):
        if _DELIMITER.fullmatch(texts[place]):
            end = place
            break
    while (last := _last(texts, begin, end)) is not None:
        if len(texts[last]) > 100 or not languages.MOBILE.fullmatch(texts[last]):
            break
        end = last
        above = _last(texts, begin, end)
        if above is not None and _RULE.fullmatch(texts[above]):
            end = above
    at_end = _last(texts, begin, end)
    if at_end is not None and _DELIMITER.fullmatch(texts[at_end]):
        end = at_end
    return _greeting(texts, begin, end, written)


def _greeting(texts: list[str], begin: int, end: int, written: bool) -> int:
    """Return where the greeting at the end begins, if nothing but names and numbers follows."""
    shown = 0
    for place in range(end - 1, begin - 1, -1):
        line = texts[place].strip()
        if not line:
            continue
        if place > begin or written:
            above = written or _last(texts, begin, place) is not None
            if above and languages.SIGN_OFF.fullmatch(line):
                return place
            if above and 0 < shown <= 4 and languages.THANKS.fullmatch(line):
                return place
            if (
                above
                and not shown
                and _DASH_NAME.fullmatch(line)
                and not _is_list(texts, begin, place)
            ):
                return place
        shown += 1
        if shown > _CONTACT or len(line) > 90 or (len(line) > 45 and line[-1] in ".?!…。"):
            break
    return end


def _is_list(texts: list[str], begin: int, place: int) -> bool:
    above = _last(texts, begin, place)
    return above is None or texts[above].lstrip().startswith("-")


def _last(texts: list[str], begin: int, end: int) -> int | None:
    """Return the last line with words, of those from *begin* to *end*."""
    for place in range(end - 1, begin - 1, -1):
        if texts[place].strip():
            return place
    return None


def _tail(texts: list[str], begin: int, end: int) -> int:
    """Return where the lines from *begin* to *end* become few enough for a signature."""
    shown = 0
    for place in range(end - 1, begin - 1, -1):
        shown += bool(texts[place].strip())
        if shown > _MOST_SIGNED:
            return place + 1
    return begin
