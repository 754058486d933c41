"""What is measured: bytes, CPU, memory, calls and lines of log of the functions that we deploy."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("measured.json")
SIZES = {"10 KB": 10_000, "100 KB": 100_000, "1 MB": 1_000_000, "25 MB": 25_000_000}
ON_EACH_SIZE = ("read", "forward", "auto-reply", "save attachments")
ON_ONE_SIZE = (
    "nothing",
    "reject spam",
    "to a queue",
    "to a topic",
    "to an event bus",
    "to a state machine",
)
TYPES = {
    "bounce": "Bounce",
    "complaint": "Complaint",
    "delivery": "Delivery",
    "delivery_delay": "DeliveryDelay",
    "open": "Open",
    "reject": "Reject",
}
_LAKE_BATCH = 800


def mail(size: int) -> bytes:
    """Return a mail of about *size* bytes: text, and attachments of random bytes in base64."""
    from email import policy

    from mailroom.testing import message

    text = "".join(f"Line {number} of a letter that somebody wrote.\n" for number in range(60))
    rest = int((size - len(text) - 1_200) / 1.37)
    dice = random.Random(size)
    count = 1 if size < 5_000_000 else 3
    files = {f"file-{number}.pdf": dice.randbytes(rest // count) for number in range(count)}
    return message(text=text, attachments=files).as_bytes(policy=policy.SMTP)


def measure(seconds: float) -> dict[str, Any]:
    """Measure everything, each function for *seconds*."""
    sys.path[:0] = [str(ROOT / "examples/analytics"), str(ROOT / "lambda_src")]
    from generate import events

    from mailroom.testing import event_invocation, received_mail_event, sending_event_payload

    made = events(20_000)
    texts = [json.dumps(one, separators=(",", ":")) for one in made]
    found: dict[str, Any] = {"event": _event(made, texts), "item": _items(made[:2_000])}
    functions: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, size in SIZES.items():
            content = mail(size)
            (folder / "mail").write_bytes(content)
            works = ON_EACH_SIZE + (ON_ONE_SIZE if label == "100 KB" else ())
            for work in works:
                event = received_mail_event(content, synchronous=work == "reject spam")
                functions[f"{work}, {label}"] = _one(work, event, folder, seconds)
        (folder / "mail").write_bytes(b"")
        ten = texts[:10]
        for work in ("events", "events, recorded"):
            functions[f"{work}, 10"] = _one(work, event_invocation(ten), folder, seconds)
            functions[f"{work}, 1"] = _one(work, event_invocation(ten[:1]), folder, seconds)
        for short, kind in TYPES.items():
            payload = sending_event_payload(kind)
            invocation = event_invocation(payload)
            functions[f"events, {short}, 1"] = _one(f"events, {short}", invocation, folder, 0)
        batch = event_invocation(texts[:_LAKE_BATCH], "firehose")
        for work in ("lake", "lake, your transform"):
            functions[work] = _one(work, batch, folder, seconds)
            functions[work]["records"] = _LAKE_BATCH
    found["functions"] = functions
    return found


def better(found: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """Return *found* with the CPU of *kept* where that is less: a busy machine only adds to it."""
    for name, one in found["functions"].items():
        earlier = kept["functions"].get(name, one)
        one["cpu_ms"] = min(one["cpu_ms"], earlier["cpu_ms"])
    return found


def differences(found: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """Return what is not as it was kept, of all that does not depend on the machine."""
    answer = [
        f"{name}: {found[part][name]:.6g}, kept as {kept[part][name]:.6g}"
        for part, name in (("event", "bytes"), ("event", "row_bytes"), ("item", "bytes"))
        if found[part][name] != kept[part][name]
    ]
    for name, one in found["functions"].items():
        earlier = kept["functions"].get(name, {})
        answer += [
            f"{what} of {name}: {one[what]}, kept as {earlier.get(what)}"
            for what in ("calls", "log_lines")
            if one[what] != earlier.get(what)
        ]
    return answer


def _one(work: str, invocation: Any, folder: Path, seconds: float) -> dict[str, Any]:
    (folder / "invocation.json").write_text(json.dumps(invocation))
    environment = {name: v for name, v in os.environ.items() if not name.startswith("MAILROOM_")}
    environment["PYTHONPATH"] = os.pathsep.join(
        (str(ROOT / "lambda_src"), str(Path(__file__).parents[1]))
    )
    done = subprocess.run(
        [sys.executable, "-m", "scale.one", work, str(folder), str(seconds)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{work}: {done.stderr[-3000:]}")
    print(f"{work}: {done.stdout.strip()[:160]}", file=sys.stderr)
    return dict(json.loads(done.stdout))


def _event(made: list[dict[str, Any]], texts: list[str]) -> dict[str, Any]:
    import duckdb
    from generate import write

    from mailroom import lake
    from mailroom.events import parse

    rows = [json.dumps(lake.row(parse(one)), separators=(",", ":")) + "\n" for one in made]
    kinds = Counter(one["eventType"] for one in made)
    answer: dict[str, Any] = {
        "events": len(made),
        "bytes": sum(map(len, texts)) / len(texts),
        "row_bytes": sum(map(len, rows)) / len(rows),
        "row_gzip_bytes": len(gzip.compress("".join(rows).encode())) / len(rows),
        "types": dict(kinds),
        "per_mail": len(made) / kinds["Send"],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, made)
        connection = duckdb.connect(config={"threads": 1})
        connection.execute(
            f"CREATE TABLE events AS SELECT * FROM read_json('{folder}/events/*/*/*.json')"
        )
        for codec in ("gzip", "snappy"):
            target = folder / f"{codec}.parquet"
            connection.execute(f"COPY events TO '{target}' (FORMAT parquet, COMPRESSION {codec})")
            answer[f"parquet_{codec}_bytes"] = target.stat().st_size / len(made)
        text = (ROOT / "constructs_lib/cdk_mailroom/lake/queries/rates_by_day.sql").read_text()
        sizes = connection.execute(
            "SELECT path_in_schema, sum(total_compressed_size) FROM "
            f"parquet_metadata('{folder}/gzip.parquet') GROUP BY 1"
        ).fetchall()
        read = sum(size for column, size in sizes if str(column).split(",")[0].strip() in text)
        answer["rates_by_day_bytes"] = read / len(made)
    return answer


def _items(made: list[dict[str, Any]]) -> dict[str, float]:
    """Return the sizes of the event table's items, as DynamoDB counts them."""
    os.environ["MAILROOM_EVENT_TABLE"] = "Events"
    from mailroom.events import parse
    from mailroom.handlers.events._settings import Settings
    from mailroom.handlers.events._table import items

    settings = Settings()
    sizes = sorted(
        sum(len(name) + len(next(iter(value.values())).encode()) for name, value in item.items())
        for one in made
        for item in items(parse(one), settings)
    )
    return {
        "bytes": sum(sizes) / len(sizes),
        "largest": sizes[-1],
        "units": sum(-(-size // 1024) for size in sizes) / len(sizes),
    }
