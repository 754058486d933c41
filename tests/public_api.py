"""Compare the public API with that of the last release: ``make check`` runs this.

The folder ``tests/public_names/`` has the signatures of the last release as stub files. With
``--update``, which is ``make api``, they become those of today: do that when a release is made.
What breaks users is an error, unless the section "Breaking changes" of the changelog's unreleased
version names it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[1]
SNAPSHOT = ROOT / "tests" / "public_names"
SOURCES = {
    "cdk_mailroom": "constructs_lib",
    "mailroom": "lambda_src",
    "mailroom_local": "constructs_lib",
}
# Packages, modules beside them, and these deeper ones; docs/public-api.md says the same.
DEEPER = (
    "mailroom.handlers.workmail.receipt_rule",
    "mailroom.receiving.arrivals",
    "mailroom.receiving.signature",
)
NOT_FOR_USERS = ("cdk_mailroom.packer", "mailroom_local.control")
_INDENT = "    "

Difference = tuple[str, str]
"""The path of what differs, and how."""


def main() -> int:
    """Print each difference; return 1 if one breaks users and is not announced."""
    if "--update" in sys.argv:
        shutil.rmtree(SNAPSHOT, ignore_errors=True)
        write(ROOT, SNAPSHOT)
        return 0
    with tempfile.TemporaryDirectory(prefix="mailroom-api-") as folder:
        write(ROOT, Path(folder))
        harmless, broken = compare(SNAPSHOT, Path(folder))
    announced = breaking_changes((ROOT / "CHANGELOG.md").read_text("utf-8"))
    unannounced = [
        (path, words)
        for path, words in broken
        if not re.search(rf"\b{re.escape(_short(path))}\b", announced)
    ]
    for path, words in harmless:
        print(f"breaks nobody: {path}: {words}")
    for path, words in broken:
        mark = "breaks users" if (path, words) in unannounced else "breaks users, announced"
        print(f"{mark}: {path}: {words}")
    if unannounced:
        print(
            "the public API breaks: restore it, or name each under '### Breaking changes' of the "
            "changelog's unreleased version",
            file=sys.stderr,
        )
    return 1 if unannounced else 0


def compare(old: Path, new: Path) -> tuple[list[Difference], list[Difference]]:
    """Compare two folders of stub files.

    Returns:
        What is different and harmless, and what breaks users.
    """
    harmless: list[Difference] = []
    broken: list[Difference] = []
    for program in sorted({path.name for path in old.iterdir()}):
        if not (new / program).is_dir():
            broken.append((program, "was removed"))
            continue
        before, after = (_loaded(folder, program) for folder in (old, new))
        broken += map(_difference, griffe.find_breaking_changes(before, after))
        was, now = dict(_signatures(before)), dict(_signatures(after))
        harmless += [(path, "is new") for path in sorted(now.keys() - was.keys())]
        told = {path.partition("(")[0] for path, _ in broken}
        harmless += [
            (path, f"{_without(was[path], now[path])} → {_without(now[path], was[path])}")
            for path in sorted(now.keys() & was.keys() - told)
            if was[path] != now[path]
        ]
    return harmless, list(dict.fromkeys(broken))


def _difference(breakage: griffe.Breakage) -> Difference:
    path, words = breakage.obj.path, breakage.kind.value.lower()
    old, new = breakage.old_value, breakage.new_value
    parameter = next((one for one in (old, new) if isinstance(one, griffe.Parameter)), None)
    if parameter is None:
        return path, words if old is None or new is None else f"{words}: {old} → {new}"
    if breakage.kind is griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT:
        words += f": {old.default} → {new.default}"
    return f"{path}({parameter.name})", words


def breaking_changes(changelog: str) -> str:
    """The section of the unreleased version that announces what breaks."""
    unreleased = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", changelog, re.M | re.S)
    section = re.search(
        r"^### Breaking changes$(.*?)(?=^### |\Z)", unreleased[1] if unreleased else "", re.M | re.S
    )
    return section[1] if section else ""


def write(root: Path, target: Path) -> None:
    """Write the stub files of a checkout's public API."""
    loader = griffe.GriffeLoader(
        search_paths=[root / source for source in sorted(set(SOURCES.values()))],
        allow_inspection=False,
    )
    modules = [module for program in SOURCES for module in _public(loader.load(program))]
    loader.resolve_aliases(external=False)
    homes: dict[str, str] = {}
    # The deepest package that offers a name is its home; the others import it from there.
    for module in sorted(modules, key=lambda one: one.path.count("."), reverse=True):
        for name in module.exports or ():
            if (found := _target(module[str(name)])) is not None:
                homes.setdefault(found.path, module.path)
    for module in modules:
        path = target.joinpath(*module.path.split("."))
        file = path / "__init__.pyi" if module.is_init_module else path.with_suffix(".pyi")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(_stub(module, homes)) + "\n", "utf-8")


def _public(module: griffe.Object, depth: int = 0) -> Iterator[griffe.Module]:
    private = any(part.startswith("_") for part in module.path.split("."))
    if private or module.path in NOT_FOR_USERS or not isinstance(module, griffe.Module):
        return
    if module.exports and (module.is_init_module or depth == 1 or module.path in DEEPER):
        yield module
    for each in module.modules.values():
        if not each.is_alias:
            yield from _public(each, depth + 1)


def _target(found: griffe.Object | griffe.Alias) -> griffe.Object | None:
    try:
        return found.final_target if isinstance(found, griffe.Alias) else found
    except griffe.AliasResolutionError:
        return None


def _stub(module: griffe.Module, homes: dict[str, str]) -> Iterator[str]:
    names = sorted(str(name) for name in module.exports or ())
    yield f"__all__ = {names!r}"
    for name in names:
        member = module[name]
        found = _target(member)
        if found is None:
            origin, _, original = member.target_path.rpartition(".")
            yield f"from {origin} import {original} as {name}"
        elif found.is_module:
            yield f"from {found.path.rpartition('.')[0]} import {found.name} as {name}"
        elif homes[found.path] != module.path:
            yield f"from {homes[found.path]} import {found.name} as {name}"
        else:
            yield from _lines(found, name)


def _lines(found: griffe.Object | griffe.Alias, name: str, indent: str = "") -> Iterator[str]:
    if isinstance(found, griffe.Class | griffe.Alias) and found.is_class:
        bases = ", ".join(str(base) for base in found.bases)
        yield f"{indent}class {name}{f'({bases})' if bases else ''}:"
        members = {
            each: member
            for each, member in sorted(found.all_members.items())
            if each == "__init__" or not each.startswith("_")
        }
        for each, member in members.items():
            yield from _lines(member, each, indent + _INDENT)
        yield f"{indent}{_INDENT}..."
    elif found.is_function:
        if "classmethod" in found.labels or "staticmethod" in found.labels:
            yield f"{indent}@{'classmethod' if 'classmethod' in found.labels else 'staticmethod'}"
        yield f"{indent}def {name}("
        yield from (f"{indent}{_INDENT}{line}," for line in _parameters(found.parameters))
        yield f"{indent}) -> {found.returns}: ..."
    elif found.is_attribute:
        annotation = found.annotation or "object"
        value = f" = {found.value}" if name.isupper() and found.value else ""
        yield f"{indent}{name}: {annotation}{value}"


def _parameters(parameters: griffe.Parameters) -> Iterator[str]:
    starred = False
    for parameter in parameters:
        kind = parameter.kind
        if kind is griffe.ParameterKind.keyword_only and not starred:
            starred = True
            yield "*"
        star = {
            griffe.ParameterKind.var_positional: "*",
            griffe.ParameterKind.var_keyword: "**",
        }.get(kind, "")
        starred = starred or star == "*"
        annotation = f": {parameter.annotation}" if parameter.annotation else ""
        default = f" = {parameter.default}" if parameter.default and not star else ""
        yield f"{star}{parameter.name}{annotation}{default}"


def _loaded(folder: Path, program: str) -> griffe.Module:
    loader = griffe.GriffeLoader(search_paths=[folder], allow_inspection=False)
    for path in sorted(folder.iterdir()):
        loader.load(path.name)
    loader.resolve_aliases(external=False)
    module = loader.modules_collection[program]
    assert isinstance(module, griffe.Module)
    return module


def _signatures(parent: griffe.Object | griffe.Alias) -> Iterator[tuple[str, str]]:
    for name, member in parent.members.items():
        if member.is_alias or (name.startswith("__") and name != "__init__"):
            continue
        lines = [] if member.is_module else [line.strip() for line in _lines(member, name)]
        yield member.path, "\n".join(lines[:1] if member.is_class else lines)
        if member.is_module or member.is_class:
            yield from _signatures(member)


def _without(text: str, other: str) -> str:
    return " ".join(line for line in text.split("\n") if line not in other.split("\n"))


def _short(path: str) -> str:
    """The name to look for in the changelog: of a parameter its own."""
    return re.split(r"[.(]", path.rstrip(")"))[-1]


if __name__ == "__main__":
    sys.exit(main())
