"""The API's documentation and its routes say the same, and its example runs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[3] / "docs" / "page-api.md"


def test_each_route_is_documented_and_each_documented_route_exists(page: Any) -> None:
    documented = set(re.findall(r"^\| `((?:GET|POST) /api\S*)` \|", DOCS.read_text(), re.MULTILINE))
    served = {f"{one['method']} {one['path']}" for one in page.get("").json["routes"]}
    assert documented == served


def test_each_field_of_a_message_is_documented(page: Any, account: Any, active: str) -> None:
    text = DOCS.read_text()
    account.rule(active, Recipients=["example.com"])
    found = page.message(account.send().message_id)
    fields = [*found, *found["story"], *found["story"]["rules"][0]]
    assert [name for name in fields if f"`{name}`" not in text] == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_example_runs(page: Any, account: Any, active: str, tmp_path: Path) -> None:
    account.rule(active, Recipients=["support@example.com"])
    server = account.aws.server
    known = {"page": server.page, "page_token": server.page_token}
    (tmp_path / "mailroom.json").write_text(json.dumps(known))
    (example,) = re.findall(r"```sh\n(.*?)```", DOCS.read_text(), re.DOTALL)
    # What `up` prints is known here; it is tested elsewhere.
    script = "".join(line for line in example.splitlines(True) if not line.startswith("mailroom "))
    script = script.replace("$(python ", f"$({sys.executable} ")
    done = subprocess.run(
        ["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    assert page.message(json.loads(done.stdout)["key"])["subject"] == "The printer burns"
