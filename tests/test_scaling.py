"""What the page on scale and cost says follows from measurements and from one list of prices."""

from __future__ import annotations

import json
import re
import sys

import pytest

from snippets import ROOT

sys.path.append(str(ROOT / "benchmarks"))

from scale import inputs, page
from scale.aws import PLANS, PRICES, QUOTAS
from scale.flows import EVENTS_MB, LAKE_MB, MEMORY_MB, Paper, function

KEPT = json.loads(inputs.KEPT.read_text("utf-8"))


def test_the_tables_are_as_calculated() -> None:
    """``python benchmarks/scaling.py --kept --write`` writes them again."""
    assert page.outdated(KEPT) == []


def test_every_calculated_table_is_on_a_page() -> None:
    """A table that nobody reads would be kept up for nothing, and a mark without a table stays."""
    from scale.tables import all_tables

    text = "".join(path.read_text("utf-8") for path in page.PAGES)
    marks = re.findall(r"<!-- calculated: ([a-z-]+) -->", text)
    assert sorted(marks) == sorted(["machine", *all_tables(Paper(KEPT["inputs"]))])


@pytest.mark.parametrize("name", [*PRICES, *QUOTAS])
def test_every_price_and_quota_says_where_it_is_from(name: str) -> None:
    """And from when; a source without an address is on the page as not confirmed."""
    source = (PRICES.get(name) or QUOTAS[name]).source
    assert re.fullmatch(r"20\d\d(-\d\d(-\d\d)?)?", source.date)
    assert source.url.startswith("https://") or "not confirmed" in source.text


@pytest.mark.parametrize("mails", [1, 10e6, 100e6, 1e9, 1e12])
def test_sending_alone_is_cheapest_a_la_carte(mails: float) -> None:
    """The page says so of every volume."""
    assert min(PLANS, key=lambda plan: plan.sent(mails)) is PLANS[0]


def test_a_plan_prices_each_mail_in_its_tier() -> None:
    """Essentials: 10 million at 16 cents a thousand, 90 million at 14, the rest at 11."""
    assert PLANS[1].sent(101e6) == pytest.approx(1_600 + 12_600 + 110)


def test_less_memory_takes_longer_for_the_same_work() -> None:
    """By the share of one vCPU; above 1,769 MB one thread gains nothing."""
    found = {"cpu_ms": 10.0, "calls": {}, "log_lines": 0, "log_bytes": 0}
    assert function(found, 256).milliseconds == pytest.approx(10 * 1_769 / 256)
    assert function(found, 3_000).milliseconds == 10


@pytest.mark.parametrize(
    ("module", "memory_mb"),
    [
        ("functions.py", MEMORY_MB["read"]),
        ("handlers/forward.py", MEMORY_MB["forward"]),
        ("handlers/auto_reply.py", MEMORY_MB["auto-reply"]),
        ("handlers/save_attachments.py", MEMORY_MB["save attachments"]),
        ("events/pipeline.py", EVENTS_MB),
        ("lake/stream.py", LAKE_MB),
    ],
)
def test_the_memory_is_what_the_constructs_choose(module: str, memory_mb: int) -> None:
    """Otherwise the page would calculate with other functions than those that are deployed."""
    text = (ROOT / "constructs_lib/cdk_mailroom" / module).read_text("utf-8")
    assert re.findall(r"memory_size(?:: ClassVar\[int\])? ?= ?(\d+)", text) == [str(memory_mb)]
