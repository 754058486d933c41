"""One part of a message: its header fields, what they mean, and its content."""

from __future__ import annotations

from mailroom.mime import charsets, headers, parameters, transfer, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailroom.mime.headers import Field
    from mailroom.mime.parameters import Parameters

__all__ = ["Part"]


class Part:
    """The bytes of ``data`` from ``start`` to ``end``, of which the body begins at ``body``.

    Attributes:
        children: The parts of a multipart, or the one message of ``message/rfc822``.
        closed: Whether a multipart has a closing boundary.
        defects: What could not be read of its structure; see `problems`.
        header: Where its header fields begin and end.
        unread: Whether mail programs may show more of it than what was read.
    """

    __slots__ = (
        "_disposition",
        "_fields",
        "_type",
        "body",
        "children",
        "closed",
        "data",
        "default",
        "defects",
        "end",
        "header",
        "start",
        "unread",
    )

    def __init__(self, data: bytes, start: int, end: int, default: str) -> None:
        self.data = data
        self.start = start
        self.end = end
        self.body = start
        self.header = start, start
        self.default = default
        self.children: list[Part] = []
        self.closed = False
        self.defects: tuple[str, ...] = ()
        self.unread = False
        self._fields: list[Field] | None = None
        self._type: Parameters | None = None
        self._disposition: Parameters | None = None

    def note(self, defect: str, *, unread: bool = True) -> None:
        """Add *defect* to what is wrong with the structure."""
        self.defects = (*self.defects, defect)
        self.unread = self.unread or unread

    def finish(self, end: int) -> None:
        """Let the part end at *end*."""
        self.end = max(self.start, end)
        self.body = min(self.body, self.end)

    @property
    def fields(self) -> Iterator[Field]:
        """The header fields: names, and raw values."""
        return headers.fields(self.data, *self.header)

    @property
    def cut(self) -> bool:
        """Whether one of its ``Content-*`` fields is longer than what is read of it."""
        self.all("content-type")
        return any(len(value) > parameters.MOST for _, value in self._fields or ())

    def all(self, name: str) -> list[str]:
        """Return the raw values of the fields called *name* (lower case)."""
        if self._fields is None:
            # Kept for those alone that a reader asks for often.
            most = parameters.MOST + 1
            found = headers.fields(self.data, *self.header, only=b"content-", limit=most)
            self._fields = list(found)
        return [value for found, value in self._fields if found.lower() == name]

    @property
    def type(self) -> Parameters:
        """The first ``Content-Type``."""
        if self._type is None:
            self._type = parameters.parse((self.all("content-type") or [self.default])[0])
        return self._type

    @property
    def disposition(self) -> Parameters:
        """The first ``Content-Disposition``."""
        if self._disposition is None:
            self._disposition = parameters.parse((self.all("content-disposition") or [""])[0])
        return self._disposition

    @property
    def declared_types(self) -> list[str]:
        """Every type that its fields declare; mail programs differ in which they take."""
        found = [parameters.parse(value).main for value in self.all("content-type")]
        return list(dict.fromkeys([self.content_type, *found]))

    @property
    def content_type(self) -> str:
        """``text/plain`` and so on, in lower case; what is no type at all is plain text."""
        return self.type.main if parameters.is_type(self.type.main) else "text/plain"

    @property
    def boundaries(self) -> list[bytes]:
        """Every boundary that a reader may take its fields to declare."""
        found = self.type.every("boundary")
        for value in self.all("content-type")[1:]:
            found += parameters.parse(value).every("boundary")
        raw = (one.strip().encode("utf-8", "surrogateescape") for one in found)
        return list(dict.fromkeys(one for one in raw if one))

    @property
    def name(self) -> str | None:
        """The file name, decoded, or ``None``."""
        return self.disposition.get("filename") or self.type.get("name") or None

    @property
    def file_names(self) -> list[str]:
        """Every name of a file in its fields, likeliest first; mail programs differ in which."""
        found = [self.name] if self.name else []
        for field in ("content-disposition", "content-type"):
            values = self.all(field)
            # For some programs, text ends at a NUL.
            for value in [*values, *(one.partition("\0")[0] for one in values if "\0" in one)]:
                given = parameters.parse(value)
                found += given.every("filename") + given.every("name")
        return list(dict.fromkeys(one for one in found if one.strip()))

    @property
    def names(self) -> list[str]:
        """Every name that a mail program may show it or save it under."""
        found = self.file_names
        for field in ("content-location", "content-description"):
            found += [words.decode(parameters.unfolded(value)) for value in self.all(field)]
        return list(dict.fromkeys(one for one in found if one.strip()))

    @property
    def encoding(self) -> str:
        """The content transfer encoding, such as ``base64``."""
        return transfer.encoding_of((self.all("content-transfer-encoding") or [""])[0])

    @property
    def charset(self) -> str | None:
        """The charset that it declares."""
        return self.type.get("charset")

    @property
    def raw(self) -> bytes:
        """The body as it is in the message."""
        return self.data[self.body : self.end]

    def content(self) -> tuple[bytes, str | None]:
        """Return the decoded body, and what was wrong with its encoding."""
        encoding = self.encoding
        if encoding in ("7bit", "8bit", "binary"):
            return self.raw, None
        return transfer.decode(memoryview(self.data)[self.body : self.end], encoding)

    def text(self) -> tuple[str, str | None]:
        """Return the body as text, and what was wrong with its encoding or charset."""
        raw, wrong = self.content()
        text, unfit = charsets.decode(raw, self.charset)
        return text, wrong or unfit

    @property
    def is_message(self) -> bool:
        """Whether it is an attached message that can be opened."""
        return bool(self.children) and self.content_type.startswith("message/")

    def walk(self, *, into_messages: bool = True) -> Iterator[Part]:
        """Yield this part and all in it, in order."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            if into_messages or not part.is_message:
                waiting.extend(reversed(part.children))

    def problems(self) -> Iterator[str]:
        """Yield what could not be read in it and in all of its parts, without their content."""
        for part in self.walk():
            yield from part.defects
