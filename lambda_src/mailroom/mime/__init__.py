"""Reads a message as mail programs show it, whatever a stranger put into it.

`read` returns an ``email.message.EmailMessage`` for users, `parse` the tree of `Part` that the
bundled behaviours work on. Both come from the same bytes by the same rules: nothing that SMTP lets
through raises, time is linear in the size, and what cannot be read is named in ``defects``.

Nothing here is loaded before a message is read.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from email.message import EmailMessage
    from io import BufferedIOBase

    from mailroom.mime.parts import Part

__all__ = ["build", "load", "parse", "parse_logged", "read", "read_logged"]

_CHUNK = 256 * 1024


def load(stream: BufferedIOBase) -> bytes:
    """Return everything in *stream*, held in memory once.

    Args:
        stream: The bytes of a message.
    """
    from io import BytesIO

    # Joining a list of chunks would hold the message twice for a moment.
    whole = BytesIO()
    while chunk := stream.read(_CHUNK):
        whole.write(chunk)
    return whole.getvalue()


def parse(data: bytes) -> Part:
    """Return the message *data* as a tree of parts.

    Args:
        data: The bytes of a message.
    """
    from mailroom.mime.structure import parse

    return parse(data)


def build(root: Part) -> EmailMessage:
    """Return *root* and its parts as an ``EmailMessage``, a new one each time.

    Args:
        root: What `parse` returned.
    """
    from mailroom.mime.message import build

    return build(root)


def read(data: bytes) -> EmailMessage:
    """Return the message *data* as an ``EmailMessage``.

    Args:
        data: The bytes of a message.
    """
    return build(parse(data))


def read_logged(stream: BufferedIOBase, event: str, message_id: str) -> EmailMessage:
    """Return the message in *stream*, read as by `parse_logged`.

    Args:
        stream: The bytes of a message.
        event: The name of the line in the log.
        message_id: The message's id, for the log.
    """
    return build(parse_logged(stream, event, message_id))


def parse_logged(stream: BufferedIOBase, event: str, message_id: str) -> Part:
    """Return the message in *stream*; in Lambda, log as *event* what could not be read of it.

    Elsewhere the output is the program's own, for example that of a unit test.

    Args:
        stream: The bytes of a message.
        event: The name of the line in the log.
        message_id: The message's id, for the log.
    """
    import os

    from mailroom import _runtime

    message = parse(load(stream))
    defects = list(message.problems())
    if defects and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        _runtime.log(
            "WARNING",
            event,
            message_id=message_id,
            outcome="not all could be read",
            defects=defects[:10],
        )
    return message
