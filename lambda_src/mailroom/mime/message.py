"""The ``EmailMessage`` that users get: the standard library's interface over our reading."""

from __future__ import annotations

import re
from email.errors import MessageDefect
from email.message import EmailMessage
from email.policy import EmailPolicy

from mailroom.mime import charsets, headers, parameters, transfer, values, words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from typing import Any

    from mailroom.mime.headers import Field
    from mailroom.mime.parameters import Parameters
    from mailroom.mime.parts import Part

__all__ = ["ReadMessage", "Unread", "build"]

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_MAX_REPORTS = 1000


class Unread(MessageDefect):
    """Something that could not be read, in words; in ``defects`` of the part that has it."""


class _Reading(EmailPolicy):
    """Gives out fields by our reading, and writes those that nobody changed as they were."""

    def header_fetch_parse(self, name: str, value: Any) -> Any:
        return value if hasattr(value, "name") else values.value(name, value)

    def fold(self, name: str, value: Any) -> str:
        if hasattr(value, "name"):
            return str(super().fold(name, value))
        if not value.isascii():
            return str(values.value(name, value).fold(policy=self))
        return self._as_it_was(name, str(value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        if hasattr(value, "name"):
            return super().fold_binary(name, value)
        return self._as_it_was(name, value).encode("ascii", "surrogateescape")

    def _as_it_was(self, name: str, value: str) -> str:
        lines = [line for line in re.split(r"(?<!\r)\r*+\n", value) if line.strip()] or [""]
        # Indented, in case a line began at the margin.
        lines[1:] = [line if line[0] in " \t" else f" {line}" for line in lines[1:]]
        return f"{name}: {self.linesep.join(lines)}{self.linesep}"


_POLICY = _Reading()


class ReadMessage(EmailMessage):
    """A message or part that was read; behaves as any ``EmailMessage``, and reading never raises.

    Its content stays in the bytes of the whole message until it is asked for.
    """

    _range: tuple[bytes, int, int] | None = None
    _own_payload: Any = None

    def set_range(self, data: bytes, begin: int, end: int) -> None:
        """Let its content be the bytes of *data* from *begin* to *end*."""
        self._range = data, begin, end

    # The standard library's writers look at this attribute too, so it is where the content is.
    @property
    def _payload(self) -> Any:
        if self._range is not None:
            data, begin, end = self._range
            return data[begin:end].decode("ascii", "surrogateescape")
        return self._own_payload

    @_payload.setter
    def _payload(self, payload: Any) -> None:
        self._range = None
        self._own_payload = payload

    def get_payload(self, i: Any = None, decode: Any = False) -> Any:
        """As the standard library's, with `decode` for every transfer encoding that can be read."""
        if not decode or i is not None or self._range is None:
            return super().get_payload(i, decode)
        data, begin, end = self._range
        return transfer.decode(memoryview(data)[begin:end], self._encoding())[0]

    def is_multipart(self) -> bool:
        """Whether it has parts; an attached message has one."""
        return self._range is None and isinstance(self._own_payload, list)

    def get_content(self, *args: Any, content_manager: Any = None, **keywords: Any) -> Any:
        """As the standard library's, for every content type, charset and encoding."""
        # The standard library's raises for an attached message without anything in it.
        ours = self._is_text() or self.get_content_maintype() == "message"
        if content_manager is not None or self.is_multipart() or not ours:
            if content_manager is not None:
                keywords["content_manager"] = content_manager
            return super().get_content(*args, **keywords)
        content = self.get_payload(decode=True) or b""
        if self.get_content_maintype() != "text":
            return content
        return charsets.decode(content, self._type().get("charset"))[0]

    def _is_text(self) -> bool:
        # The fields of a delivery status are a message with an empty one.
        return self._range is not None or isinstance(self._own_payload, str)

    def walk(self) -> Generator[ReadMessage, None, None]:
        """Yield this part and all in it, in order, however deep they are."""
        waiting: list[Any] = [self]
        while waiting:
            part = waiting.pop()
            yield part
            if part.is_multipart():
                waiting.extend(reversed(part.get_payload()))

    # What is said of the content, by our reading of its fields.

    def get_content_type(self) -> str:
        """The content type in lower case; ``text/plain`` for what is no type or no multipart."""
        found = self._type().main if "content-type" in self else self.get_default_type()
        if not parameters.is_type(found):
            return "text/plain"
        # A multipart in which no part was found is shown as text.
        shown_as_text = found.startswith("multipart/") and self._is_text()
        return "text/plain" if shown_as_text else found

    def get_content_disposition(self) -> str | None:
        """The disposition in lower case; ``None`` if there is none."""
        return self._parsed("content-disposition").main or None

    def get_content_charset(self, failobj: Any = None) -> Any:
        """The charset in lower case, or *failobj*."""
        found = self._type().get("charset")
        return failobj if found is None else found.lower()

    def get_boundary(self, failobj: Any = None) -> Any:
        """The boundary, or *failobj*."""
        found = self._type().get("boundary")
        return failobj if found is None else found

    def get_filename(self, failobj: Any = None) -> Any:
        """The file name, decoded, or *failobj*."""
        found = self._parsed("content-disposition").get("filename") or self._type().get("name")
        return found or failobj

    def get_params(
        self, failobj: Any = None, header: str = "content-type", unquote: bool = True
    ) -> Any:
        """The parameters of *header*, decoded, its value first with an empty string."""
        if header not in self:
            return failobj
        found = self._parsed(header.lower())
        return [(found.main, ""), *found.items.items()]

    def get_param(
        self, param: str, failobj: Any = None, header: str = "content-type", unquote: bool = True
    ) -> Any:
        """The parameter *param* of *header*, decoded, or *failobj*."""
        if header not in self:
            return failobj
        found = self._parsed(header.lower()).get(param.lower())
        return failobj if found is None else found

    def is_attachment(self) -> bool:
        """Whether its disposition is ``attachment``."""
        return self.get_content_disposition() == "attachment"

    def _encoding(self) -> str:
        return transfer.encoding_of(words.decode(self._raw("content-transfer-encoding") or ""))

    def _type(self) -> Parameters:
        return self._parsed("content-type")

    def _raw(self, name: str) -> str | None:
        return next((str(one) for found, one in self.raw_items() if found.lower() == name), None)

    def _parsed(self, name: str) -> Parameters:
        raw = self._raw(name)
        known = self.__dict__.setdefault("_read", {})
        if name not in known or known[name][0] != raw:
            known[name] = raw, parameters.parse(raw or "")
        parsed: Parameters = known[name][1]
        return parsed


def build(root: Part) -> ReadMessage:
    """Return *root* and its parts as messages."""
    message = _one(root)
    waiting = [(root, message)]
    while waiting:
        part, built = waiting.pop()
        if part.children:
            children = [_one(child) for child in part.children]
            if part.content_type.startswith("multipart/"):
                built.preamble, built.epilogue = _around(part)
                if part.content_type == "multipart/digest":
                    for child in children:
                        child.set_default_type("message/rfc822")
            built.set_payload([*children])
            waiting.extend(zip(part.children, children, strict=True))
    return message


def _one(part: Part) -> ReadMessage:
    built = _message(part.fields)
    built.defects = [Unread(defect) for defect in part.defects]
    built.set_range(part.data, part.body, part.end)
    if part.content_type == "message/delivery-status":
        blocks = _BLANK_LINE.split(part.content()[0].strip(b"\r\n"), _MAX_REPORTS)
        reports = [_message(headers.fields(one, 0, len(one))) for one in blocks[:_MAX_REPORTS]]
        if len(blocks) > _MAX_REPORTS:
            rest = _message(())
            rest.set_range(blocks[-1], 0, len(blocks[-1]))
            rest.defects = [Unread(f"more than {_MAX_REPORTS} blocks; this holds the rest")]
            reports.append(rest)
        built.set_payload([*reports])
    return built


def _message(fields: Iterable[Field]) -> ReadMessage:
    built = ReadMessage(policy=_POLICY)
    for name, value in fields:
        built.set_raw(name, value)
    built.set_payload("")
    return built


def _around(part: Part) -> tuple[str | None, str | None]:
    """Return the text before the first and after the last boundary of a multipart."""
    data = part.data
    before = data[part.body : data.rfind(b"\n--", 0, part.children[0].start) + 1]
    after = b""
    if part.closed:
        begin = data.find(b"\n", part.children[-1].end + 2, part.end) + 1
        after = data[begin : part.end] if begin else b""
    return (
        before.rstrip(b"\r\n").decode("ascii", "surrogateescape") or None,
        after.decode("ascii", "surrogateescape") or None,
    )
