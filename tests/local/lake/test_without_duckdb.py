"""Without DuckDB nothing of a lake is made up: each error says what to install."""

import json
import os
import subprocess
import sys

import pytest

from mailroom.lake.remedies import remedy

# In a process of its own, because importing ministack patches what it finds.
_CHECK = """
import asyncio, json, sys
sys.modules["duckdb"] = None
from mailroom_local._emulator import athena, firehose, install, internals
from mailroom_local.lake.firehose import Record

install(send=lambda message: b"", journal=None)
assert internals.athena.get_athena_engine() != "mock"
try:
    query = repr(asyncio.run(athena.run_query("SELECT 1", "default")))
except Exception as error:
    query = str(error)
bucket = {"BucketARN": "arn:aws:s3:::lake", "DataFormatConversionConfiguration": {"Enabled": True}}
delivery = firehose._Delivery({"name": "s", "arn": "a"}, {"config": bucket})
[failure] = delivery._write_group("", [Record(id="1", data=b"{}", original=b"{}", arrived=0)])
print(json.dumps([query, failure.message, failure.kind]))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _CHECK],
        env={**os.environ, "STATE_DIR": str(tmp_path_factory.mktemp("state"))},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_query_fails_and_says_what_to_install(said: list[str]) -> None:
    query, _, _ = said
    assert "pip install 'cdk-mailroom[lake]'" in query
    assert "MAILROOM_EMULATOR_PYTHON" in remedy(query)


def test_records_that_become_parquet_are_kept_with_what_to_install(said: list[str]) -> None:
    _, message, kind = said
    assert "pip install 'cdk-mailroom[lake]'" in message
    assert kind == "format-conversion-failed"
