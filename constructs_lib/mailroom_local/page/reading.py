"""The routes that change nothing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from mailroom_local.page import cleaning, mail
from mailroom_local.page.errors import Refused, bad
from mailroom_local.page.messages import Reader
from mailroom_local.page.routes import Answer, Asked, Route

# Neither what ends a name or a path, nor what shows "gpj.exe" as "exe.jpg".
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f/\\\"\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
_NAME_LETTERS = 150
_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+", re.ASCII)
_NOTHING_RUNS = {"Content-Security-Policy": "sandbox; default-src 'none'"}


def routes(reader: Reader) -> list[Route]:
    """The routes about messages."""

    def listed(asked: Asked) -> dict[str, Any]:
        return reader.page(asked.query)

    def message(asked: Asked) -> dict[str, Any]:
        return reader.message(asked.key)

    def raw(asked: Asked) -> Answer:
        content = reader.raw(asked.key)
        if _flag(asked, "download"):
            return _file(content, "message/rfc822", f"{asked.key}.eml")
        return Answer(
            content=content, content_type="text/plain; charset=utf-8", headers=_NOTHING_RUNS
        )

    def html(asked: Asked) -> Answer:
        read = mail.read(reader.raw(asked.key))
        if read.html is None:
            raise Refused(404, f"{asked.key} has no HTML: show its text")
        remote = _flag(asked, "remote")
        return Answer(
            content=cleaning.document(read, remote=remote).encode(),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": cleaning.policy(remote=remote)},
        )

    def part(asked: Asked) -> Answer:
        files = mail.read(reader.raw(asked.key)).files
        index = asked.path["index"]
        found = dict(zip(map(str, range(len(files))), files, strict=True)).get(index)
        if found is None:
            raise Refused(404, f"{asked.key} has no attachment {index}: it has {len(files)}")
        content = mail.content(found)
        if _flag(asked, "preview"):
            kind = mail.preview_type(found)
            if kind is None:
                raise Refused(415, "it is not a PNG, JPEG, GIF or WebP image: download it")
            return Answer(content=content, content_type=kind, headers=_NOTHING_RUNS)
        return _file(content, found.content_type, found.name or f"part-{index}")

    def read(asked: Asked) -> dict[str, Any]:
        body = asked.json()
        keys = body.get("keys")
        if not body.get("all") and not (
            isinstance(keys, list) and all(isinstance(key, str) for key in keys)
        ):
            raise bad("keys", keys, 'pass a list of keys, or "all": true')
        return reader.changed(None if body.get("all") else keys, unread=bool(body.get("unread")))

    key = "/api/messages/{key}"
    return [
        Route(
            method="GET",
            path="/api/messages",
            about="The messages, newest first: a folder, a search, filters, counts.",
            handler=listed,
        ),
        Route(method="GET", path=key, about="A message with its story.", handler=message),
        Route(method="GET", path=f"{key}/raw", about="Its bytes.", handler=raw),
        Route(
            method="GET",
            path=f"{key}/html",
            about="Its HTML, cleaned, as a document for a sandboxed frame.",
            handler=html,
        ),
        Route(method="GET", path=f"{key}/parts/{{index}}", about="An attachment.", handler=part),
        Route(
            method="POST",
            path="/api/read",
            about="Mark messages as read, or as unread.",
            handler=read,
        ),
    ]


def _flag(asked: Asked, name: str) -> bool:
    return asked.query.get(name, "") not in ("", "0", "false")


def _file(content: bytes, content_type: str, name: str) -> Answer:
    # Of a long name, its end says the type.
    plain = _NOT_IN_NAMES.sub("_", name)[-_NAME_LETTERS:].strip(". ") or "attachment"
    ascii_name = plain.encode("ascii", "replace").decode().replace("?", "_")
    encoded = quote(plain.encode("utf-8", "replace"))
    disposition = f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}"
    return Answer(
        content=content,
        content_type=content_type if _TYPE.fullmatch(content_type) else "application/octet-stream",
        headers={"Content-Disposition": disposition, **_NOTHING_RUNS},
    )
