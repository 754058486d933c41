"""How ``make bench`` compares and draws; what it measures is not part of the tests."""

import sys

import pytest

from snippets import ROOT

sys.path.append(str(ROOT))

from benchmarks import measuring, picture
from benchmarks.measuring import Comparison, Cost, Growth, Spread


def compared(ratio: float, **more: object) -> Comparison:
    fields = {"subject": "Synth", "what": "50 rules", "peer": "aws-cdk-lib & <others>", **more}
    return Comparison(ratio=Spread.of([ratio / 2, ratio, ratio * 2]), **fields)  # type: ignore[arg-type]


def test_each_candidate_takes_its_turn_in_each_round_and_another_one_begins() -> None:
    turns: list[str] = []
    work = {name: lambda name=name: turns.append(name) for name in "abc"}  # type: ignore[misc]
    costs = measuring.in_turns(work, 3, warm=False)
    assert "".join(turns) == "abcbcacab"
    assert {name: len(found) for name, found in costs.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_ratio_is_that_of_two_figures_of_the_same_round() -> None:
    """So a machine that was slow in one round changes nothing."""
    ours = [Cost(wall=2.0, cpu=1.0), Cost(wall=20.0, cpu=1.0), Cost(wall=3.0, cpu=1.0)]
    peer = [Cost(wall=1.0, cpu=2.0), Cost(wall=10.0, cpu=1.0), Cost(wall=1.0, cpu=0.5)]
    assert measuring.ratio(ours, peer, "wall") == Spread(median=2.0, least=2.0, most=3.0)
    assert measuring.ratio(ours, peer, "cpu") == Spread(median=1.0, least=0.5, most=2.0)


@pytest.mark.parametrize(
    ("ratio", "limit", "within"), [(1.3, 1.3, True), (1.31, 1.3, False), (9.0, None, True)]
)
def test_a_limit_is_exceeded_by_the_median(ratio: float, limit: float | None, within: bool) -> None:
    assert compared(ratio, limit=limit).within is within


def test_growth_says_what_each_more_costs() -> None:
    growth = Growth(title="Synth", unit="rules", sizes=(1, 11), costs={"ours": [0.5, 1.5]})
    assert growth.table().rows == [["ours", "500 ms", "1.50 s", "100 ms"]]


def test_the_picture_names_each_peer_in_light_and_dark() -> None:
    growth = Growth(title="Synth", unit="rules", sizes=(1, 10), costs={"mailroom": [0.5, 1.5]})
    drawn = picture.draw([compared(0.5), compared(2.0), compared(40.0, is_floor=True)], [growth])
    assert drawn.count("50 rules, beside aws-cdk-lib &amp; &lt;others&gt;") == 3
    assert "prefers-color-scheme: dark" in drawn
    for kind in ("ahead", "behind", "floor"):
        assert f'<circle class="{kind}" cx=' in drawn
