"""Imports go in one direction: in every module of every program, at its top or deeper inside."""

import ast
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = {
    "cdk_mailroom": ROOT / "constructs_lib",
    "mailroom_cli": ROOT / "constructs_lib",
    "mailroom_local": ROOT / "constructs_lib",
    "mailroom": ROOT / "lambda_src",
}
AWS = {"boto3", "botocore"}
# Of other programs and other distributions, by the beginning of the module that imports.
ALLOWED = {
    "cdk_mailroom": {"aws_cdk", "constructs", "jsii", "mailroom", "typing_extensions"},
    "mailroom_cli": {*AWS, "rich", "mailroom", "mailroom_local"},
    "mailroom_cli.doctor.resolving": {"dns"},
    "mailroom_cli.replay.sources": {"duckdb", "pyarrow", "mailroom"},
    "mailroom_local": {
        *(*AWS, "mailroom", "ministack", "aiosmtpd", "cryptography", "duckdb", "hypercorn"),
        *("jinja2", "nh3", "starlette", "trustme"),
    },
    "mailroom_local.control": {*AWS, "watchfiles"},
    "mailroom": AWS,
}
# Within `mailroom`, each may import those after it.
LAYERS = (
    {"entry", "provisioning", "testing"},
    {"handlers"},
    {"receiving", "events", "gateway", "sending", "lake", "workmail"},
    {"conversation"},
    {"mime"},
    {"ses", "errors", "_api", "_failures", "_runtime", "_views"},
)


@dataclass(frozen=True)
class Import:
    """An import statement, or the loading of a module whose name is a literal."""

    where: str
    module: str
    name: str
    late: bool
    """Whether it is inside a function, or for type checkers only."""


def imports(tree: ast.AST, where: str, *, late: bool = False) -> Iterator[Import]:
    """Every import below a node of a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (Import(where, alias.name, "", late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where}: relative import"
            yield from (Import(where, str(node.module), one.name, late) for one in node.names)
        elif isinstance(node, ast.Call) and _last_name(node.func) == "import_module":
            names = [one.value for one in node.args[:1] if isinstance(one, ast.Constant)]
            yield from (Import(where, str(name), "", late) for name in names)
        deeper = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or (
            isinstance(node, ast.If)
            and any(_last_name(part) == "TYPE_CHECKING" for part in ast.walk(node.test))
        )
        yield from imports(node, where, late=late or deeper)


def _last_name(node: ast.AST) -> str:
    return str(getattr(node, "attr", "") or getattr(node, "id", ""))


def modules(program: str) -> dict[str, ast.Module]:
    found = {}
    for path in (PROGRAMS[program] / program).rglob("*.py"):
        parts = path.relative_to(PROGRAMS[program]).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_bytes())
    assert len(found) > 30
    return found


@pytest.fixture(scope="module")
def every() -> dict[str, list[Import]]:
    """The imports of each module."""
    trees = {name: tree for program in PROGRAMS for name, tree in modules(program).items()}
    return {name: list(imports(tree, name)) for name, tree in trees.items()}


@pytest.fixture(scope="module")
def found(every: dict[str, list[Import]]) -> list[Import]:
    """All imports."""
    return list(itertools.chain.from_iterable(every.values()))


def allowed(module: str) -> set[str]:
    """What a module may import beside the standard library and its own program."""
    longest = max((name for name in ALLOWED if f"{module}.".startswith(f"{name}.")), key=len)
    return {module.partition(".")[0], *ALLOWED[longest], *sys.stdlib_module_names}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_imports_only_what_it_may(found: list[Import], program: str) -> None:
    own = [one for one in found if one.where.partition(".")[0] == program]
    assert len(own) > 100
    assert [one for one in own if one.module.partition(".")[0] not in allowed(one.where)] == []


def test_commands_load_the_local_aws_only_when_they_need_it(found: list[Import]) -> None:
    early = [one for one in found if one.where.startswith("mailroom_cli") and not one.late]
    assert [one for one in early if one.module.startswith("mailroom_local")] == []


def test_what_commands_use_of_the_local_aws_is_its_control(found: list[Import]) -> None:
    """The rest runs in the emulator's environment, which is not the user's."""
    outside = [one for one in found if one.where.startswith(("mailroom_cli", "mailroom_local.c"))]
    used = {one.module for one in outside if one.module.startswith("mailroom_local.")}
    # These need the standard library only.
    plain = {"mailroom_local._calls", "mailroom_local._journal"}
    assert {one for one in used - plain if not one.startswith("mailroom_local.control")} == set()


def test_a_part_of_the_runtime_imports_only_those_below_it(found: list[Import]) -> None:
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    upwards = []
    for one in found:
        parts = [part for part in (*one.module.split("."), one.name) if part]
        if one.where.partition(".")[0] == parts[0] == "mailroom" and len(parts) > 1:
            where = one.where.split(".")[1:2]
            if where and parts[1] in level and level[parts[1]] < level[where[0]]:
                upwards.append(one)
    assert upwards == []


def test_there_are_no_import_cycles(every: dict[str, list[Import]], found: list[Import]) -> None:
    """A module that is being imported is not imported again."""
    graph: dict[str, set[str]] = {name: set() for name in every}
    for one in found:
        target = next((m for m in (f"{one.module}.{one.name}", one.module) if m in every), None)
        # A package may name its modules; that one imports it first is Python's own order.
        if target and not one.late and not f"{one.where}.".startswith(f"{target}."):
            graph[one.where].add(target)
    TopologicalSorter(graph).prepare()
