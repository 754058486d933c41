"""Runs checks of the conformance program that need no mail, on the local AWS of these tests."""

from collections.abc import Iterator
from typing import Any

import pytest

from conformance import beliefs, running
from conformance.check import chosen
from conformance.inventory import everything
from conformance.site import Site, of_local
from mailroom_local import LocalAws

ROWS = beliefs.all_beliefs()
CHECKS = chosen(["api.", "rules.", "receiving.setup_notification", "custom_resources.physical_ids"])


@pytest.fixture(scope="module")
def site(aws: LocalAws) -> Iterator[Site]:
    """The account, in which no rule set is active."""
    made = of_local(aws)
    before = everything(made)
    yield made
    assert everything(made) - before == set()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_the_local_aws_does_as_recorded(site: Site, account: Any, check: Any) -> None:
    """And what the check made is gone afterwards, as far as it can be listed."""
    run = running.run([check], site, lambda check: beliefs.of(check.belief, ROWS))
    (outcome,) = run.outcomes
    assert outcome.verdict not in (*running.BAD, running.NOT_RUN), outcome.details
    assert run.left == []
