"""Save a mail's attachments, one object each under a safe name, and then a manifest.

Settings
    ``MAILROOM_ATTACHMENTS_BUCKET``
        The bucket to save to.
    ``MAILROOM_ATTACHMENTS_PREFIX``
        What every key begins with. Default: nothing.
    ``MAILROOM_ATTACHMENTS_MAX_BYTES``
        A larger attachment (decoded) is listed but not saved. Default: 41943040, the size of the
        largest mail that SES receives.
    ``MAILROOM_ATTACHMENTS_MAX_COUNT``
        Attachments beyond this number are listed but not saved. Default: 100.

Permissions
    ``s3:PutObject`` on ``bucket/prefix*``, ``kms:GenerateDataKey`` if the bucket has a customer
    key; ``s3:GetObject`` on the stored mail, ``kms:Decrypt`` if its bucket has one.

Objects
    ``<prefix><message id>/<NN>-<safe name>`` with the sender's content type,
    ``Content-Disposition: attachment`` (a browser must not run what a stranger sent), and the
    metadata ``sha256``. ``<prefix><message id>/manifest.json`` is written last: once it exists, so
    do the others. A repeated delivery writes the same objects, byte for byte.

Manifest
    ``version`` (1), ``message_id``, ``verdicts`` (spam, virus), ``reason`` (why nothing was saved,
    or null), ``attachments``, ``omitted`` (how many there were beyond the 1,000 listed), and
    ``defects`` if anything of the message's structure could not be read. An attachment has
    ``index`` (the NN), ``name`` (the sender's, or null), ``safe_name``, ``content_type``, ``size``,
    ``sha256``, ``key`` (null if not saved) and ``reason``: null, ``too large``, ``too many`` (size
    and sha256 are null, because it was not decoded), or what in it could not be read, although the
    rest is saved. What could not be read is logged too.

What is an attachment
    Every part of the message except plain or HTML text without a file name: files, inline images,
    calendar invitations, signatures, TNEF (``winmail.dat``, as one file). An attached message is
    one attachment; its own are not extracted. What is malformed is saved as far as it can be
    decoded, or unchanged, and its ``reason`` says so. A virus ``FAIL`` saves nothing. Mail whose
    event has no virus verdict, as behind Mail Manager, is saved: the manifest's ``virus`` is null
    then, and a warning is logged.

Failures
    What S3 refuses propagates without a manifest, so that Lambda retries and then uses the failure
    queue.

Sources: RFC 2045 to 2047, RFC 2183, RFC 2231, RFC 6266,
https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

from __future__ import annotations

import json
import os
import re

from mailroom import _runtime, mime
from mailroom.errors import NotConfigured
from mailroom.ses import RECEIVED_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from mailroom.mime.parts import Part
    from mailroom.receiving import ReceivedMail

__all__ = ["attachments", "on_mail", "safe_name", "unique_name"]

_LISTED = 1000
_MAX_NAME = 100
_MAX_NAME_BYTES = 200
_MAX_EXTENSION = 16
_KEPT = "._+-"
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+-]{1,100}")
_UNNAMED = {
    "application/ms-tnef": "winmail.dat",
    "application/pdf": "unnamed.pdf",
    "application/pgp-signature": "signature.asc",
    "application/pkcs7-signature": "smime.p7s",
    "image/gif": "unnamed.gif",
    "image/jpeg": "unnamed.jpg",
    "image/png": "unnamed.png",
    "message/rfc822": "message.eml",
    "text/calendar": "invite.ics",
    "text/csv": "unnamed.csv",
    "text/html": "unnamed.html",
    "text/plain": "unnamed.txt",
}


class Settings:
    """The environment, read once."""

    __slots__ = ("bucket", "max_bytes", "max_count", "prefix")

    def __init__(self) -> None:
        self.bucket = _runtime.setting("MAILROOM_ATTACHMENTS_BUCKET")
        self.prefix = os.environ.get("MAILROOM_ATTACHMENTS_PREFIX", "")
        self.max_bytes = _number("MAILROOM_ATTACHMENTS_MAX_BYTES", RECEIVED_BYTES)
        self.max_count = _number("MAILROOM_ATTACHMENTS_MAX_COUNT", 100)


def _number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise NotConfigured(f"{name} is {text!r}: set it to a whole number")
    return int(text)


def attachments(message: Part) -> Iterator[tuple[str | None, str, bytes]]:
    """Yield ``(name, content type, content)`` of every attachment of *message*, in order.

    The name is the sender's, decoded but not safe (see `safe_name`), or ``None``. Malformed parts
    are read as far as possible; nothing that a sender writes makes this raise.
    """
    from mailroom.mime import bodies

    for part in bodies.attachments(message):
        yield part.name, _content_type(part), part.content()[0]


def _content_type(part: Part) -> str:
    found = part.content_type
    return found if _CONTENT_TYPE.fullmatch(found) else "application/octet-stream"


def safe_name(name: str | None, content_type: str = "application/octet-stream") -> str:
    """Return *name* in a form that is safe for file systems, shells, browsers and the S3 console.

    Letters, marks and digits of any script (NFKC) and ``. _ + -`` are kept; everything else
    becomes an underscore. No folder, no leading dot or hyphen, no trailing dot, no name that
    Windows reserves; never empty, at most 100 characters and 200 bytes of UTF-8, extension kept.
    """
    from unicodedata import category, normalize

    # Format characters are removed: U+202E would show "fdp.exe" as "exe.pdf".
    text = "".join(char for char in (name or "")[:1000] if category(char)[0] != "C")
    # Normalised before it is split: U+FF0F becomes a slash, U+2024 a dot.
    text = re.split(r"[/\\]", normalize("NFKC", text).rstrip("/\\ "))[-1]
    text = "".join(
        char if category(char)[0] in "LMN" or char in _KEPT else "_" for char in text.strip()
    )
    text = re.sub(r"_+", "_", text).lstrip(".-").rstrip("._")
    # A combining mark needs a character before it.
    if text and category(text[0])[0] == "M":
        text = "_" + text
    if not text.strip("_"):
        text = _UNNAMED.get(content_type, "unnamed.bin")
    if _RESERVED.fullmatch(text.partition(".")[0]):
        text = "_" + text
    return _shortened(text, "")


def _shortened(text: str, suffix: str) -> str:
    # The suffix goes before the extension, and both survive the shortening.
    stem, dot, extension = text.rpartition(".")
    if not stem or not extension or len(extension) > _MAX_EXTENSION:
        stem, dot, extension = text, "", ""
    end = f"{suffix}{dot}{extension}"
    stem = stem[: _MAX_NAME - len(end)]
    while len((stem + end).encode()) > _MAX_NAME_BYTES:
        stem = stem[:-1]
    return (stem.rstrip(".") or "_") + end


def unique_name(name: str, taken: set[str]) -> str:
    """Return the safe *name*, numbered if *taken* has it, and add it to *taken*.

    Compared without case, because the objects may be downloaded to a file system that ignores it.
    """
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = _shortened(name, f"-{number}")
    taken.add(found.casefold())
    return found


def content_disposition(name: str) -> str:
    """Return ``Content-Disposition`` for the safe *name*, in ASCII (RFC 6266)."""
    from urllib.parse import quote

    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    if plain == name:
        return f'attachment; filename="{name}"'
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def plan(
    message: Part, folder: str, settings: Settings
) -> Iterator[tuple[dict[str, Any], bytes | None]]:
    """Yield each attachment's manifest entry, and its content if it is to be saved."""
    from hashlib import sha256

    from mailroom.mime import bodies

    taken: set[str] = set()
    for index, part in enumerate(bodies.attachments(message), start=1):
        if index > _LISTED and index > settings.max_count:
            yield {}, None
            continue
        name, content_type = part.name, _content_type(part)
        safe = unique_name(safe_name(name, content_type), taken)
        entry: dict[str, Any] = {
            "index": index,
            "name": None if name is None else name[:1000].encode("utf-8", "replace").decode(),
            "safe_name": safe,
            "content_type": content_type,
            "size": None,
            "sha256": None,
            "key": None,
            "reason": None,
        }
        if index > settings.max_count:
            entry["reason"] = "too many"
            yield entry, None
            continue
        content, defect = part.content()
        entry["reason"] = defect or next(iter(part.defects), None)
        entry["size"] = len(content)
        entry["sha256"] = sha256(content).hexdigest()
        if len(content) > settings.max_bytes:
            entry["reason"] = "too large"
            yield entry, None
            continue
        entry["key"] = f"{folder}{index:02d}-{safe}"
        yield entry, content


def _save(entry: dict[str, Any], content: bytes, settings: Settings) -> None:
    _runtime.client("s3").put_object(
        Bucket=settings.bucket,
        Key=entry["key"],
        Body=content,
        ContentType=entry["content_type"],
        ContentDisposition=content_disposition(entry["safe_name"]),
        Metadata={"sha256": entry["sha256"]},
    )


def _init() -> Settings:
    settings = Settings()
    # Made during init, when Lambda gives a whole core.
    _runtime.client("s3")
    return settings


_settings = _init() if "MAILROOM_ATTACHMENTS_BUCKET" in os.environ else None


def on_mail(mail: ReceivedMail) -> None:
    """Save the attachments of *mail* and then their manifest."""
    global _settings
    settings = _settings = _settings or _init()
    folder = f"{settings.prefix}{mail.message_id}/"
    entries: list[dict[str, Any]] = []
    defects: list[str] = []
    omitted = 0
    if not mail.virus.failed:
        with mail.open() as stream:
            message = mime.parse(mime.load(stream))
        defects = list(message.problems())
        for entry, content in plan(message, folder, settings):
            if content is not None:
                _save(entry, content, settings)
            if entry:
                entries.append(entry)
            else:
                omitted += 1
    manifest = {
        "version": 1,
        "message_id": mail.message_id,
        "verdicts": {"spam": mail.spam.status, "virus": mail.virus.status},
        "reason": "virus check failed" if mail.virus.failed else None,
        "attachments": entries,
        "omitted": omitted,
    }
    if defects:
        manifest["defects"] = defects[:_LISTED]
    if mail.virus.status is None:
        _runtime.log(
            "WARNING",
            "mailroom.handlers.receiving.save_attachments",
            message_id=mail.message_id,
            outcome="not checked for viruses",
        )
    unread = [*defects, *(one["reason"] for one in entries if one["key"] and one["reason"])]
    if unread:
        _runtime.log(
            "WARNING",
            "mailroom.handlers.receiving.save_attachments",
            message_id=mail.message_id,
            outcome="not all could be read",
            defects=list(dict.fromkeys(unread))[:10],
        )
    # Last, because its existence means that everything else exists.
    _runtime.client("s3").put_object(
        Bucket=settings.bucket,
        Key=f"{folder}manifest.json",
        Body=json.dumps(manifest, indent=1, sort_keys=True).encode(),
        ContentType="application/json",
    )
