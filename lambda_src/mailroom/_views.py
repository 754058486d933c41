"""What the typed views of several payloads share."""

from __future__ import annotations

from mailroom.errors import MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any, TypeVar

    T = TypeVar("T")

__all__ = [
    "Headers",
    "Verdict",
    "View",
    "date_time",
    "identity",
    "listed",
    "objects",
    "optional",
    "required",
    "strings",
]


class View:
    """A view of ``raw``, a part of a payload as AWS wrote it.

    Two views are equal if they have the same class and equal payloads. They cannot be hashed,
    because payloads are mutable. Printing one shows no personal data.
    """

    __slots__ = ("raw",)

    raw: Mapping[str, Any]

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    def __eq__(self, other: object) -> bool:
        if isinstance(other, View) and type(other) is type(self):
            return self.raw == other.raw
        return NotImplemented

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Verdict:
    """The outcome of one of SES's checks; a value that compares and hashes by its status.

    Attributes:
        status: SES's own word: ``PASS``, ``FAIL``, ``GRAY``, ``PROCESSING_FAILED``, ``DISABLED``,
            one that AWS adds later, or ``None`` if SES gives none. Of all but the first two,
            neither `passed` nor `failed` is true.
    """

    __slots__ = ("status",)

    def __init__(self, status: str | None) -> None:
        self.status = status

    @property
    def passed(self) -> bool:
        """Whether SES checked the mail and it passed."""
        return self.status == "PASS"

    @property
    def failed(self) -> bool:
        """Whether SES checked the mail and it failed."""
        return self.status == "FAIL"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Verdict):
            return self.status == other.status
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.status)

    def __repr__(self) -> str:
        return f"Verdict({self.status!r})"


# Each takes the path of the object that it looks into, "" for the payload, and puts a path together
# only for an error: that costs more than looking.


def required(raw: Mapping[str, object], key: str, parent: str, kind: type[T]) -> T:
    """Return *key* of *raw*, the object at *parent*.

    Raises:
        MissingField: It is absent, or of another type than *kind*.
    """
    value = raw.get(key)
    if isinstance(value, kind):
        return value
    if value is None:
        raise MissingField(f"missing {_path(parent, key)!r}")
    raise _another_type(value, key, parent, kind)


_MOST_IDENTITY = 512
"""Longer than any id of SES and WorkMail; marks of it still fit into S3's keys of 1,024 bytes."""


def identity(raw: Mapping[str, object], key: str, parent: str) -> str:
    """Return the id at *key* of *raw*; raise `MissingField` if no object could be named by it.

    Otherwise the request that names it would fail, perhaps only after the mail was handled.
    """
    value = required(raw, key, parent, str)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = 0
    if not 0 < size <= _MOST_IDENTITY:
        raise MissingField(f"{_path(parent, key)!r} is {value!r:.40}, which is not an id")
    return value


def optional(raw: Mapping[str, object], key: str, parent: str, kind: type[T]) -> T | None:
    """Return *key* of *raw*, or ``None``; raise `MissingField` if it is another type."""
    value = raw.get(key)
    if value is None or isinstance(value, kind):
        return value
    raise _another_type(value, key, parent, kind)


def listed(raw: Mapping[str, Any], key: str, parent: str) -> list[Any]:
    """Return the list at *key* of *raw*, empty if absent; raise `MissingField` if another type."""
    value = raw.get(key)
    if isinstance(value, list):
        return value
    if value is None:
        return []
    raise _another_type(value, key, parent, list)


def strings(values: list[Any], key: str, parent: str) -> list[str]:
    """Return *values*, the list at *key*; raise `MissingField` unless all are strings."""
    for item in values:
        if not isinstance(item, str):
            raise _another_item(item, key, parent, str)
    return values


def objects(raw: Mapping[str, Any], key: str, parent: str) -> list[dict[str, Any]]:
    """Return the list of objects at *key* of *raw*, as `listed` does."""
    found = listed(raw, key, parent)
    for item in found:
        if not isinstance(item, dict):
            raise _another_item(item, key, parent, dict)
    return found


def date_time(raw: Mapping[str, object], key: str, parent: str) -> datetime:
    """Return the ISO 8601 time at *key* of *raw* as an aware one in UTC; raise `MissingField`."""
    from datetime import UTC, datetime

    text = required(raw, key, parent, str)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        path = _path(parent, key)
        raise MissingField(f"{path!r} is not an ISO 8601 time: {text!r:.40}") from None


def _another_type(value: object, key: str, parent: str, kind: type) -> MissingField:
    found = type(value).__name__
    return MissingField(f"{_path(parent, key)!r} is a {found}, not a {kind.__name__}")


def _another_item(item: object, key: str, parent: str, kind: type) -> MissingField:
    path, found = _path(parent, key), type(item).__name__
    return MissingField(f"{path!r} has an item that is a {found}, not a {kind.__name__}")


def _path(parent: str, key: str) -> str:
    return f"{parent}.{key}" if parent else key


class Headers:
    """A message's header fields: in order, repeats kept, names compared without case.

    ``headers["received"]`` is the first, i.e. the topmost, of several. Values are as SES gives
    them: RFC 2047 words are not decoded. Two are equal if their fields are; they cannot be hashed.
    """

    __slots__ = ("_index", "raw")

    def __init__(self, raw: Sequence[Mapping[str, str]]) -> None:
        self.raw = raw
        """The fields as they are in the event."""
        self._index: dict[str, list[str]] | None = None

    def get_all(self, name: str) -> list[str]:
        """Return every value of *name*, topmost first; an empty list if there is none.

        Args:
            name: The field's name, in any case.
        """
        if self._index is None:
            index: dict[str, list[str]] = {}
            for field, value in self.items():
                index.setdefault(field.lower(), []).append(value)
            self._index = index
        return list(self._index.get(name.lower(), ()))

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the topmost value of *name*, or *default*.

        Args:
            name: The field's name, in any case.
            default: What is returned if there is no such field.
        """
        values = self.get_all(name)
        return values[0] if values else default

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield ``(name, value)`` of every field, in the order of the message."""
        for field in self.raw:
            name, value = (
                (field.get("name"), field.get("value")) if isinstance(field, dict) else (None, None)
            )
            if not (isinstance(name, str) and isinstance(value, str)):
                raise MissingField("'mail.headers' has a field without a name or a value")
            yield name, value

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise MissingField(f"the message has no header field {name!r}")
        return values[0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self.get_all(name))

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.items())

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return self.raw == other.raw if isinstance(other, Headers) else NotImplemented

    def __repr__(self) -> str:
        return f"<Headers: {len(self.raw)} fields>"
