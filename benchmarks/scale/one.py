"""One function of Lambda in a process of its own: what a call costs it.

``python -m scale.one WORK FOLDER``, where the folder has what `inputs` put there. Prints JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scale.pretend import Pretend

RECEIVING = "mailroom.handlers.receiving"
_BUCKET = {"BUCKET": "mail", "PREFIX": "Rule/", "RULE": "Rule"}
_TABLE = {"EVENT_TABLE": "Events", "ALERT_TOPIC": "arn:aws:sns:us-east-1:111122223333:alerts"}


def _handing_on(target: str, **settings: str) -> dict[str, str]:
    handler = f"{RECEIVING}.to_{target}:on_mail"
    return {"HANDLER": handler, "HAND_ON_ID": "abcdefgh", **_BUCKET, **settings}


WORK: dict[str, dict[str, str]] = {
    "nothing": {"HANDLER": "scale.one:nothing", **_BUCKET},
    "read": {"HANDLER": "scale.one:read", **_BUCKET},
    "reject spam": {"HANDLER": f"{RECEIVING}.reject_spam:on_mail", "SYNCHRONOUS": "1"},
    "forward": {
        "HANDLER": f"{RECEIVING}.forward:on_mail",
        "FORWARD_TO": '["team@example.net"]',
        "FORWARD_FROM": "Support <support@example.com>",
        "MARK_PREFIX": "marks/",
        **_BUCKET,
    },
    "auto-reply": {
        "HANDLER": f"{RECEIVING}.auto_reply:on_mail",
        "REPLY_FROM": "Support <support@example.com>",
        "REPLY_TEXT": "Thank you. We will be in touch.",
        "REPLY_TABLE": "Replies",
        "RULE": "Rule",
    },
    "save attachments": {
        "HANDLER": f"{RECEIVING}.save_attachments:on_mail",
        "ATTACHMENTS_BUCKET": "mail",
        "ATTACHMENTS_PREFIX": "attachments/",
        **_BUCKET,
    },
    "to a queue": _handing_on("queue", QUEUE="https://sqs.us-east-1.amazonaws.com/1/q"),
    "to a topic": _handing_on("topic", TOPIC="arn:aws:sns:us-east-1:111122223333:mail"),
    "to an event bus": _handing_on("event_bus", BUS="default"),
    "to a state machine": _handing_on(
        "state_machine", STATE_MACHINE="arn:aws:states:us-east-1:111122223333:stateMachine:mail"
    ),
    "events": {"HANDLERS": '{"*": ["scale.one:nothing"]}'},
    "events, recorded": {
        "HANDLERS": '{"*": ["mailroom.handlers.events.record:on_event", "scale.one:nothing"]}',
        **_TABLE,
    },
    **{
        f"events, {name}": {
            "HANDLERS": json.dumps({"*": [f"mailroom.handlers.events.{name}:on_event"]}),
            **_TABLE,
        }
        for name in ("bounce", "complaint", "delivery", "delivery_delay", "open", "reject")
    },
    "lake": {},
    "lake, your transform": {"TRANSFORM": "scale.one:transform"},
}
"""What a function does, and its settings without their prefix."""


def nothing(_: Any) -> None:
    """Do nothing, as a handler that costs nothing."""


def read(mail: Any) -> None:
    """Do what most handlers do: read the text and decode each attachment."""
    _ = mail.text
    for one in mail.attachments:
        _ = one.read()


def transform(event: Any) -> dict[str, Any]:
    """Add one column."""
    return {"campaign": event.mail.tags.get("campaign", [""])[0]}


def entry(work: str) -> Callable[[Any], Any]:
    """Configure this process as a construct would, and return what Lambda calls."""
    os.environ.update({f"MAILROOM_{name}": value for name, value in WORK[work].items()})
    with contextlib.suppress(ImportError):
        import awslambdaric.bootstrap  # noqa: F401 (Lambda has imported it before ours)
    if work.startswith("lake"):
        os.environ["_HANDLER"] = "mailroom.entry.lake.handler"
        from mailroom.entry import lake

        return lake.handler
    if work.startswith("events"):
        from mailroom.entry import events

        return events.handler
    from mailroom.entry import receiving

    return receiving.handler


def memory() -> float:
    """Return the most memory that this process has had, in MB.

    Not ``ru_maxrss``, which counts what its parent had.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("this system does not say how much memory a process has had")


def children_seconds() -> float:
    """Return the CPU that this process's children have had."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in found) / 1e9


def main() -> None:
    """Measure."""
    work, folder = sys.argv[1], Path(sys.argv[2])
    invocation = json.loads((folder / "invocation.json").read_bytes())
    pretend = Pretend(folder / "mail")
    pretend.start()
    call = entry(work)
    started = memory()
    seconds: list[float] = []
    calls: dict[str, int] = {}
    output = io.StringIO()
    until = time.monotonic() + float(sys.argv[3])
    while len(seconds) < 3 or (time.monotonic() < until and len(seconds) < 200):
        output = io.StringIO()
        before = time.process_time() + children_seconds()
        with contextlib.redirect_stdout(output):
            answer = call(invocation)
        seconds.append(time.process_time() + children_seconds() - before)
        if len(seconds) == 1:
            # Later calls are of the same mail, whose alert for example was raised already.
            peak, calls = memory(), dict(pretend.calls)
    failed = isinstance(answer, dict) and answer.get("batchItemFailures")
    if failed or '"outcome": "failed"' in output.getvalue():
        raise SystemExit(f"{work} failed: {output.getvalue()[:2000]}")
    lines = output.getvalue().splitlines()
    print(
        json.dumps(
            {
                "cpu_ms": min(seconds) * 1000,
                "first_ms": seconds[0] * 1000,
                "memory_mb": peak,
                "started_mb": started,
                "calls": calls,
                "log_lines": len(lines),
                "log_bytes": sum(map(len, lines)),
            }
        )
    )


if __name__ == "__main__":
    main()
