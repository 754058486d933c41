"""Functions whose code is updated."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any


def update(account: Any, code: str) -> str:
    """Update a function with this code before its handler, and return its name."""
    name = account.function().rpartition(":")[2]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as entries:
        entries.writestr("index.py", f"{code}\ndef handler(event, context): return 'new'\n")
    account.functions.update_function_code(FunctionName=name, ZipFile=archive.getvalue())
    return name


def test_updated_code_is_started_before_its_next_call(account: Any, tmp_path: Path) -> None:
    started = tmp_path / "started"
    name = update(account, f"open({str(started)!r}, 'x')")
    deadline = time.monotonic() + 20
    while not started.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    # It is the same process: another one could not make the file again.
    answer = account.functions.invoke(FunctionName=name)
    assert json.load(answer["Payload"]) == "new"


def test_updated_code_that_cannot_be_started_fails_at_its_next_call(account: Any) -> None:
    answer = account.functions.invoke(FunctionName=update(account, "raise ValueError('broken')"))
    assert answer["FunctionError"]
    assert b"broken" in answer["Payload"].read()
