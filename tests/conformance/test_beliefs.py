"""Every belief has a check, or a reason why a program cannot check it."""

from collections import Counter

import pytest

from conformance import beliefs
from conformance.check import all_checks

ROWS = beliefs.all_beliefs()


@pytest.mark.parametrize("section", sorted({row.section for row in ROWS}))
def test_every_row_names_a_check_or_says_why_there_is_none(section: str) -> None:
    rows = [row for row in ROWS if row.section == section]
    assert [row.text for row in rows if not row.checks and not row.by_hand] == []


def test_every_check_is_named_by_the_row_that_it_checks() -> None:
    wrong = [
        one.name for one in all_checks() if one.name not in beliefs.of(one.belief, ROWS).checks
    ]
    assert wrong == []


def test_no_row_names_a_check_that_does_not_exist() -> None:
    known = {one.name for one in all_checks()}
    assert {name for row in ROWS for name in row.checks} - known == set()


def test_rows_can_be_told_apart() -> None:
    assert [text for text, count in Counter(row.text for row in ROWS).items() if count > 1] == []


def test_every_page_of_assumptions_is_read() -> None:
    """A table whose columns change would otherwise be left out in silence."""
    for page in beliefs.DOCS.glob("*assumptions.md"):
        tables = page.read_text("utf-8").count("| how to check |")
        sections = {row.section for row in beliefs.rows_of(page)}
        assert len(sections) == tables


def test_the_words_of_a_check_must_fit_one_row_only() -> None:
    with pytest.raises(LookupError, match="0 rows"):
        beliefs.of("Nobody believes this", ROWS)
    with pytest.raises(LookupError, match="rows"):
        beliefs.of("SES", ROWS)
