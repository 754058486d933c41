"""Checks at synth that what a handler imports will be there in Lambda; nothing is imported.

Followed from the handler's module through the modules of its folder. An import may fail where the
code expects that (``try: … except ImportError``), or where it never runs in Lambda
(``if TYPE_CHECKING``, ``if __name__ == "__main__"``).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

from cdk_mailroom._parsing import names_in, parsed, suggestion
from cdk_mailroom._problems import Problems

__all__ = ["Surroundings", "check_imports"]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a function can import besides the modules of its folder."""

    python: int
    """The minor version of the function's Python 3."""
    runtime: Mapping[str, bytes]
    """Name and content of each file of the package ``mailroom`` that is deployed."""
    requirements: Path | None
    """The requirements file."""
    installed: Callable[[], Iterable[str]]
    """Returns the names of the requirements' files; called only if an import needs them."""
    layers: bool
    """Whether there are layers, whose content is unknown."""


def check_imports(
    problems: Problems, *, folder: Path, spec: str, path: Path, around: Surroundings
) -> None:
    """Note each import that nothing can satisfy, in *path* and in what it imports of *folder*."""
    search = _Search(folder, around)
    for file, found, remedy in search.unsatisfied(path):
        problems.add("handler", spec, f"correct {file}:{found.line}, {found.text!r}: {remedy}")


class _Import(NamedTuple):
    """One imported module, and with ``from`` the names that are taken from it."""

    line: int
    text: str
    module: str
    level: int = 0
    names: tuple[str, ...] = ()


class _Attempt(NamedTuple):
    """Imports that may fail, and those that are made instead or afterwards."""

    first: tuple[_Item, ...]
    instead: tuple[_Item, ...] = ()
    afterwards: tuple[_Item, ...] = ()


_Item = _Import | _Attempt


@cache
def _items(content: bytes) -> tuple[_Item, ...]:
    return tuple(_collect(parsed(content).body))


def _collect(nodes: Iterable[ast.AST]) -> Iterator[_Item]:
    for node in nodes:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield _Import(node.lineno, f"import {alias.name}", alias.name)
            case ast.ImportFrom(module=module, level=level):
                names = tuple(alias.name for alias in node.names)
                text = f"from {'.' * level}{module or ''} import {', '.join(names)}"
                yield _Import(node.lineno, text, module or "", level, names)
            case ast.Try() | ast.TryStar() if any(map(_catches_import_error, node.handlers)):
                yield _Attempt(
                    tuple(_collect(node.body)),
                    tuple(_collect(node.handlers)),
                    tuple(_collect(node.orelse)),
                )
                yield from _collect(node.finalbody)
            case ast.With() if any(_suppresses(item.context_expr) for item in node.items):
                yield _Attempt(tuple(_collect(node.body)))
            case ast.If():
                for branch in _branches(node):
                    yield from _collect(branch)
            case ast.stmt() | ast.ExceptHandler() | ast.match_case():
                yield from _collect(ast.iter_child_nodes(node))


def _catches_import_error(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or not _IMPORT_ERRORS.isdisjoint(_words(handler.type))


def _suppresses(call: ast.expr) -> bool:
    words = _words(call)
    return "suppress" in words and not _IMPORT_ERRORS.isdisjoint(words)


def _branches(node: ast.If) -> list[list[ast.stmt]]:
    """Return the branches that run in Lambda as far as anyone can tell."""
    words = _words(node.test)
    if not words.isdisjoint({"TYPE_CHECKING", "__main__"}):
        negated = isinstance(node.test, ast.UnaryOp) or any(
            isinstance(one, ast.NotEq) for one in ast.walk(node.test)
        )
        return [node.body if negated else node.orelse]
    if not words.isdisjoint(_OF_THE_MACHINE):
        return []
    return [node.body, node.orelse]


def _words(node: ast.AST) -> set[str]:
    found = set()
    for one in ast.walk(node):
        match one:
            case ast.Name(id=word) | ast.Attribute(attr=word):
                found.add(word)
            case ast.Constant(value=str(word)):
                found.add(word)
    return found


_IMPORT_ERRORS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}
# A condition on these asks where the code runs, so that it imports only what is there.
_OF_THE_MACHINE = {"version_info", "platform", "environ", "getenv", "find_spec"}


class _Code(Protocol):
    """Python files below one root."""

    def file(self, name: str) -> bytes | None:
        """Return the content of a file, if there is one."""

    def has_folder(self, name: str) -> bool:
        """Tell whether there is a folder of that name."""

    def has_compiled(self, name: str) -> bool:
        """Tell whether there is a compiled module of that name."""

    def names(self, package: str) -> list[str]:
        """Return the modules in a folder."""


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def file(self, name: str) -> bytes | None:
        path = self._root / name
        return path.read_bytes() if path.is_file() else None

    def has_folder(self, name: str) -> bool:
        return (self._root / name).is_dir()

    def has_compiled(self, name: str) -> bool:
        path = self._root / name
        return any(path.parent.glob(f"{path.name}.*so"))

    def names(self, package: str) -> list[str]:
        found = (self._root / package).iterdir()
        return sorted({one.stem for one in found if one.is_dir() or one.suffix == ".py"})


class _Runtime:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def file(self, name: str) -> bytes | None:
        return self._files.get(name)

    def has_folder(self, name: str) -> bool:
        return any(file.startswith(f"{name}/") for file in self._files)

    def has_compiled(self, name: str) -> bool:
        return False

    def names(self, package: str) -> list[str]:
        start = f"{package}/"
        below = {file.removeprefix(start) for file in self._files if file.startswith(start)}
        names = {name.partition("/")[0].removesuffix(".py") for name in below}
        return sorted(name for name in names if not name.startswith("_"))


@dataclass
class _Search:
    folder: Path
    around: Surroundings
    waiting: list[Path] = field(default_factory=list)

    @cached_property
    def own(self) -> _Folder:
        return _Folder(self.folder)

    @cached_property
    def runtime(self) -> _Runtime:
        return _Runtime(self.around.runtime)

    @cached_property
    def installed(self) -> frozenset[str]:
        names = (name.partition("/")[0] for name in self.around.installed())
        return frozenset(name.partition(".")[0] for name in names)

    def unsatisfied(self, path: Path) -> Iterator[tuple[Path, _Import, str]]:
        """Yield each import that fails, its file, and what to do."""
        seen: set[Path] = set()
        self.waiting.append(path)
        while self.waiting:
            file = self.waiting.pop(0)
            if file in seen:
                continue
            seen.add(file)
            try:
                items = _items(file.read_bytes())
            except SyntaxError:
                continue  # Lambda may have a newer Python than this machine
            package = file.relative_to(self.folder).parts[:-1]
            for found, remedy in self._failing(items, package):
                yield file, found, remedy

    def _failing(
        self, items: Iterable[_Item], package: tuple[str, ...]
    ) -> Iterator[tuple[_Import, str]]:
        for item in items:
            if isinstance(item, _Import):
                remedy = self._remedy(item, package)
                if remedy is not None:
                    yield item, remedy
            elif any(True for _ in self._failing(item.first, package)):
                yield from self._failing(item.instead, package)
            else:
                yield from self._failing(item.afterwards, package)

    def _remedy(self, found: _Import, package: tuple[str, ...]) -> str | None:
        module = found.module
        if found.level:
            base = package[: len(package) - found.level + 1]
            if not base:
                return _relative(found)
            module = ".".join([*base, *([module] if module else [])])
        top = module.partition(".")[0]
        if top == "mailroom":
            return self._in_runtime(module, found.names)
        here = (self.own, f"the folder {self.folder}", module, found.names)
        if self._is_own(top):
            return self._missing_in(*here)
        if top in _provided(self.around.python) or self.around.layers:
            return None
        # Looked at last, because it may mean to install the requirements.
        if self.around.requirements is not None and top in self.installed:
            return None
        return self._missing_in(*here) if self.own.has_folder(top) else self._absent(top)

    def _is_own(self, top: str) -> bool:
        # A folder without __init__.py gives way to a package of that name anywhere else.
        files = (f"{top}.py", f"{top}/__init__.py")
        return any(self.own.file(file) is not None for file in files) or self.own.has_compiled(top)

    def _in_runtime(self, module: str, names: tuple[str, ...]) -> str | None:
        if module.startswith("mailroom.testing") or (module == "mailroom" and "testing" in names):
            return "move it to your tests: mailroom.testing is for unit tests and is not deployed"
        return self._missing_in(self.runtime, "the runtime", module, names)

    def _missing_in(
        self, code: _Code, where: str, module: str, names: tuple[str, ...]
    ) -> str | None:
        parts = module.split(".")
        content: bytes | None = None
        for length in range(1, len(parts) + 1):
            name = "/".join(parts[:length])
            package = f"{name}/__init__.py"
            file = package if code.file(package) is not None else f"{name}.py"
            content = code.file(file)
            if content is None and not (code.has_folder(name) or code.has_compiled(name)):
                there = code.names("/".join(parts[: length - 1])) if length > 1 else []
                missing = ".".join(parts[:length])
                return f"{where} has no module {missing!r}" + suggestion(parts[length - 1], there)
            self._follow(code, file)
            if length < len(parts) and content is not None and file != package:
                return f"{'.'.join(parts[:length])!r} is a module, not a package"
        inside = "/".join(parts)
        return None if code.has_compiled(inside) else self._without(code, inside, content, names)

    def _without(
        self, code: _Code, inside: str, content: bytes | None, names: tuple[str, ...]
    ) -> str | None:
        try:
            there = {} if content is None else names_in(parsed(content))
        except SyntaxError:
            return None
        # The runtime's __getattr__ returns only what type checkers see, too.
        anything = "*" in there and inside.partition("/")[0] != "mailroom"
        for name in names:
            below = f"{inside}/{name}"
            self._follow(code, f"{below}.py")
            self._follow(code, f"{below}/__init__.py")
            if not (
                name in ("*", *there)
                or anything
                or code.file(f"{below}.py") is not None
                or code.has_folder(below)
                or code.has_compiled(below)
            ):
                modules = code.names(inside) if code.has_folder(inside) else []
                public = [one for one in (*there, *modules) if not one.startswith("_")]
                return f"{inside.replace('/', '.')!r} has no {name!r}" + suggestion(name, public)
        return None

    def _follow(self, code: _Code, file: str) -> None:
        if code is self.own and code.file(file) is not None:
            self.waiting.append(self.folder / file)

    def _absent(self, top: str) -> str:
        python = f"Python 3.{self.around.python}"
        if _changed(top, _REMOVED) is not None:
            return f"{python} no longer has {top!r}: use something else, or a requirement"
        if _changed(top, _ADDED) is not None:
            return f"{python} does not have {top!r} yet: pass a newer runtime"
        requirements = self.around.requirements or self.folder / "requirements.txt"
        return (
            f"nothing provides {top!r}: add the distribution that has it to {requirements}, or the "
            "module to the folder, or expect its absence with 'except ImportError'"
        )


def _relative(found: _Import) -> str:
    if not found.module:
        return f"write 'import {', '.join(found.names)}': this module is not in a package"
    absolute = f"from {found.module} import {', '.join(found.names)}"
    return f"write {absolute!r}: there is no package above this module"


# What AWS puts beside the function's code in every Python runtime.
# https://docs.aws.amazon.com/lambda/latest/dg/python-package.html
_IN_LAMBDA = frozenset(
    {"awslambdaric", "boto3", "botocore", "dateutil", "jmespath", "s3transfer", "simplejson"}
    | {"__main__", "six", "snapshot_restore_py", "urllib3"}
)
# Changes of the standard library since 3.11, by minor version. https://docs.python.org/3/whatsnew/
_REMOVED = {
    12: {"asynchat", "asyncore", "distutils", "imp", "smtpd"},
    13: {"aifc", "audioop", "cgi", "cgitb", "chunk", "crypt", "imghdr", "lib2to3", "mailcap"}
    | {"msilib", "nis", "nntplib", "ossaudiodev", "pipes", "sndhdr", "spwd", "sunau"}
    | {"telnetlib", "uu", "xdrlib"},
}
_ADDED = {14: {"annotationlib", "compression"}}


def _changed(name: str, changes: Mapping[int, set[str]]) -> int | None:
    return next((minor for minor, names in changes.items() if name in names), None)


@cache
def _provided(python: int) -> frozenset[str]:
    """Return what Lambda's Python provides, whichever Python synthesizes the app."""
    names = {*sys.stdlib_module_names, *_IN_LAMBDA}
    for minor, removed in _REMOVED.items():
        names = names - removed if python >= minor else names | removed
    for minor, added in _ADDED.items():
        names = names | added if python >= minor else names - added
    return frozenset(names)
