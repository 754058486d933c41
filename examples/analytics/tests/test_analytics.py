"""Tests of the generated events, and of the report drawn from the saved queries."""

import importlib
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

FOLDER = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def modules() -> Iterator[dict[str, ModuleType]]:
    sys.path.insert(0, str(FOLDER))
    yield {name: importlib.import_module(name) for name in ("generate", "report", "schema")}
    sys.path.remove(str(FOLDER))
    for name in ("generate", "report", "schema"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def lake(modules: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake made by the documented command."""
    folder = tmp_path_factory.mktemp("lake")
    assert modules["generate"].main(["--to", str(folder)]) == 0
    return folder


def test_the_same_seed_generates_the_same_events(modules: dict[str, ModuleType]) -> None:
    generate = modules["generate"]
    assert generate.events(500) == generate.events(500)
    assert generate.events(500, seed=1) != generate.events(500, seed=2)


def test_the_events_are_of_the_promised_types_with_duplicates_in_partitions(lake: Path) -> None:
    lines = {
        file: file.read_text(encoding="utf-8").splitlines()
        for file in lake.glob("events/event_type=*/day=*/events.json")
    }
    kinds: Counter[str] = Counter()
    for file, found in lines.items():
        first = json.loads(json.loads(found[0])["raw"])
        kinds[first["eventType"]] += len(found)
        assert first["eventType"].lower().replace(" ", "") in file.parts[-3].replace("_", "")
    assert kinds.total() == 20_000
    assert set(kinds) == {
        *("Send", "Delivery", "Open", "Click", "Bounce", "Complaint"),
        *("DeliveryDelay", "Rendering Failure"),
    }
    assert kinds["Send"] > kinds["Delivery"] > kinds["Click"] > kinds["Bounce"]
    assert len({line for found in lines.values() for line in found}) < 20_000


def test_the_committed_report_is_up_to_date(
    modules: dict[str, ModuleType], lake: Path, tmp_path: Path
) -> None:
    """A change to a query, the schema or the generator shows in the report."""
    picture = tmp_path / "report.svg"
    assert modules["report"].main(["--lake", str(lake), "--to", str(picture)]) == 0
    ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 (our own)
    assert picture.read_text(encoding="utf-8") == (FOLDER / "report.svg").read_text(
        encoding="utf-8"
    )


def test_the_import_of_the_old_list_shows_in_the_bounce_rate(
    modules: dict[str, ModuleType], lake: Path
) -> None:
    report, generate = modules["report"], modules["generate"]
    days = report.Lake(lake, generate.UNTIL).saved("rates_by_day")
    assert [one["day"] for one in days if one["bounce_rate"] > 5] == ["2026-11-12"]


def test_report_without_events_fails_with_a_hint(
    modules: dict[str, ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert modules["report"].main(["--lake", str(tmp_path)]) == 1
    assert "run generate.py first" in capsys.readouterr().err
