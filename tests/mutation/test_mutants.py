"""What is changed, what is left alone, and how some are chosen."""

from __future__ import annotations

import ast

from mutation import mutants

SOURCE = '''
"""A module."""
from typing import TYPE_CHECKING

__all__ = ["check"]
LIMIT = 5
Names = list[str]
if TYPE_CHECKING:
    KNOWN = 1


def check(names: "Names", *, firm: bool = True) -> bool:
    """Check *names*."""
    if firm and len(names) > LIMIT:
        raise ValueError("too many names here")
    store(names, where="table")
    return names[1:] == []
'''


def found(tmp_path, source: str = SOURCE) -> list[mutants.Mutant]:
    path = tmp_path / "lib" / "package" / "part" / "module.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    return mutants.mutants(tmp_path, "lib")


def test_each_mutant_is_python_that_means_something_else(tmp_path):
    """Otherwise it would survive for nothing, or be killed for nothing."""
    for mutant in found(tmp_path):
        changed = mutant.apply(SOURCE.encode())
        assert changed is not None, mutant.id
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))


def test_what_decides_is_changed(tmp_path):
    """Of each kind there is one."""
    kinds = {(one.kind, one.after) for one in found(tmp_path)}
    assert kinds == {
        ("number+1", "(6)"),
        ("number-1", "(4)"),
        ("constant", "False"),
        ("and/or", "((firm) or (len(names) > LIMIT))"),
        ("condition negated", "(not (firm and len(names) > LIMIT))"),
        ("comparison", "((len(names)) >= (LIMIT))"),
        ("statement removed", "pass"),
        ("argument removed", ""),
        ("text", "'Xtable'"),
        ("nothing returned", "return None"),
        ("comparison", "((names[1:]) != ([]))"),
        ("slice", "None"),
        ("number+1", "(2)"),
        ("number-1", "(0)"),
    }


def test_words_annotations_and_exports_are_left_alone(tmp_path):
    """No behaviour hangs on them, or another check reads them."""
    changed = {one.before for one in found(tmp_path)}
    assert not changed & {'"check"', '"Names"', '"too many names here"', "list[str]", "1 #2"}
    assert not any("A module" in one or "Check *names*" in one for one in changed)


def test_an_edit_elsewhere_keeps_the_ids_of_mutants_and_the_sample(tmp_path):
    """A line that is added above makes no explanation out of date."""
    before = found(tmp_path)
    after = found(tmp_path, SOURCE.replace("LIMIT = 5\n", "\n\nLIMIT = 5\n"))
    assert [one.id for one in before] == [one.id for one in after]
    assert len({one.id for one in before}) == len(before)
    chosen = [[one.id for one in mutants.sample(each, 5, seed=1)] for each in (before, after)]
    assert chosen[0] == chosen[1]
    assert len(chosen[0]) == 5
    assert chosen[0] != [one.id for one in mutants.sample(before, 5, seed=2)]
