"""The lines that functions print, as people read them."""

from __future__ import annotations

import json
import re

from rich.text import Text

from mailroom_cli.terminal import text

# Lambda's own lines about an invocation, in both log formats.
_PLATFORM = re.compile(
    r'(?:INIT_START|START|END|REPORT) (?:RequestId|Runtime)|\{.*"type": ?"platform\.'
)
# What a line of the runtime says beyond these is worth reading.
_KNOWN = frozenset({"timestamp", "level", "event", "invocation_id"})
_STYLES = {"CRITICAL": "red", "ERROR": "red", "WARNING": "yellow"}
_ERROR = re.compile(
    r"Traceback \(most recent|[\w.]+(?:Error|Exception)(?::|$)|Task timed out after \d"
)
_LEVEL = re.compile(r"\[(CRITICAL|ERROR|WARNING)\]")
# Where a function's code is while it runs, on AWS and in the local AWS.
_FOLDER = re.compile(r"(?:/var/task|/[^\s\"']*/ministack-lambda-[^/\s\"']+/code)/")


def line(printed: str) -> Text | None:
    """Return a line of a function's log; ``None`` for one that is for machines only.

    Args:
        printed: The line. Those that the runtime writes as JSON are shortened, and files of the
            function are named as in its folder.
    """
    if _PLATFORM.match(printed):
        return None
    record = _record(printed)
    if "_aws" in record:
        # A metric, in the format that CloudWatch reads.
        return None
    level = str(record.get("level", ""))
    if str(record.get("event")).startswith("mailroom."):
        said = (f"{name}={value}" for name, value in record.items() if name not in _KNOWN)
        return text(f"{record['event']}: {', '.join(said)}", _STYLES.get(level, "dim"))
    if not record and (found := _LEVEL.match(printed)):
        level = found[1]
    elif not record and _ERROR.match(printed):
        level = "ERROR"
    # Tabs would be shown as escapes.
    return text(_FOLDER.sub("", printed.rstrip().expandtabs(4)), _STYLES.get(level, ""))


def _record(printed: str) -> dict[str, object]:
    if not printed.startswith("{"):
        return {}
    try:
        record = json.loads(printed)
    except (RecursionError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
