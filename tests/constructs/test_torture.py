"""A few hundred mutated records; `make torture` has a million, and mutated messages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from torture import stack
from torture.__main__ import run, tasks
from torture.samples import samples


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What became of the same records in a function that works, and in one that loses some."""
    folder: Path = tmp_path_factory.mktemp("torture")
    found = stack.synthesize(folder, parts=("arrivals",))
    deployed = {"functions": {one["name"]: one for one in found}, "samples": samples()}
    (task,) = tasks(deployed, records=200, messages=0, seed=1)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda losing: run({**task, "losing": losing}, folder), (False, True)))


def test_every_mutated_record_is_accounted_for(results: list[dict[str, Any]]) -> None:
    result = results[0]
    assert result["faults"] == []
    assert set(result["outcomes"]) == {"handled", "failed", "skipped"}
    assert sum(result["outcomes"].values()) >= 200


def test_a_function_that_loses_records_is_noticed(results: list[dict[str, Any]]) -> None:
    """It forgets every seventh call, as if it had never been made."""
    result = results[1]
    assert "a good record" in json.dumps(result["faults"])
    assert result["outcomes"]["lost"] > 0
