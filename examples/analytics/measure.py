"""Measure the figures that ``docs/scaling.md`` uses: ``python examples/analytics/measure.py``."""

import contextlib
import gzip
import io
import json
import os
import tempfile
import time
from pathlib import Path

import duckdb
from generate import events, write

from mailroom import lake
from mailroom.entry import lake as entry
from mailroom.events import parse
from mailroom.testing import event_invocation


def main() -> None:
    made = events(20_000)
    raw = [json.dumps(one, separators=(",", ":")) for one in made]
    rows = [json.dumps(lake.row(parse(one)), separators=(",", ":")) + "\n" for one in made]
    print(f"event              {sum(map(len, raw)) / len(raw):8.0f} bytes")
    print(f"row, JSON          {sum(map(len, rows)) / len(rows):8.0f} bytes")
    print(f"row, JSON, gzip    {len(gzip.compress(''.join(rows).encode())) / len(rows):8.0f} bytes")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, made)
        connection = duckdb.connect(config={"threads": 1})
        connection.execute(
            f"CREATE TABLE events AS SELECT * FROM read_json('{folder}/events/*/*/*.json')"  # noqa: S608
        )
        for codec in ("gzip", "snappy"):
            target = folder / f"{codec}.parquet"
            connection.execute(f"COPY events TO '{target}' (FORMAT parquet, COMPRESSION {codec})")
            print(f"Parquet, {codec:9} {target.stat().st_size / len(rows):8.0f} bytes")
    batch = event_invocation(raw[:800], "firehose")
    best = float("inf")
    for _ in range(9):
        started = time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            answer = entry.handler(batch)
        best = min(best, time.process_time() - started)
    size = sum(len(one["data"]) for one in answer["records"]) / sum(map(len, raw[:800]))
    print(f"transformation     {best / 800 * 1000:8.3f} ms of CPU per record")
    print(f"response           {size:8.2f} times the batch")
    print(f"measured on {os.uname().machine}")


if __name__ == "__main__":
    main()
