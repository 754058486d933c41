"""Packs the code of a Lambda function: what it needs of the runtime, and the user's folder.

One zip per function, put together in Python without Docker. Its names are sorted, its times and
modes fixed, and bytecode left out, so the same code gives the same bytes; and the asset's hash is
taken from the names and contents alone, so nothing is redeployed because of who packed it. It has
the modules of the runtime that the function can import and no others, so a change of one
capability redeploys no function of another. These modules have no docstrings; the user's code is
left as it is. Without aws-cdk-lib, so that an edit can be packed in a moment, without a synth.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import mailroom
from cdk_mailroom import _requirements
from cdk_mailroom._parsing import blocks, parsed
from cdk_mailroom._problems import ConfigurationError
from cdk_mailroom._stripping import stripped

__all__ = ["packed", "runtime_files"]

# The builders for users' unit tests have no use in Lambda.
_NOT_DEPLOYED = "mailroom/testing/"
# What its methods import is half as much again as a bundled behaviour needs, and none uses them.
_PERSONS = "mailroom/receiving/mail.py"
# SES alone calls a bundled behaviour.
_OTHER_CALLERS = "mailroom.entry._arrivals"
_SKIPPED_FOLDERS = {"__pycache__", "node_modules"}
_SKIPPED_SUFFIXES = {".pyc", ".pyo"}


def packed(
    *,
    modules: Iterable[str] | None,
    folder: Path | None,
    requirements: Path | None,
    runtime: str,
    architecture: str,
) -> tuple[Path, str]:
    """Return the zip of one function, and the digest of what is in it; see `_assembly.code`."""
    files: dict[str, bytes] = {}
    if requirements is not None:
        files |= _requirements.installed(requirements, runtime, architecture)
        _check_no_runtime(
            files, f"requirements is {str(requirements)!r}", "remove the requirement that has it"
        )
    if folder is not None:
        own = dict(_tree(folder))
        _check_no_runtime(own, f"folder is {str(folder)!r}", "rename yours")
        files |= own
    return _write({**_runtime(modules, files), **files})


@cache
def runtime_files() -> Mapping[str, bytes]:
    """Return name and content of each file of the runtime, with the docstrings."""
    root = Path(mailroom.__file__).parent
    files = {f"mailroom/{name}": content for name, content in _tree(root)}
    return {name: files[name] for name in files if not name.startswith(_NOT_DEPLOYED)}


def _runtime(modules: Iterable[str] | None, files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Return the files of the runtime that a function needs."""
    runtime = runtime_files()
    if modules is None:
        return _deployed(frozenset(runtime))
    wanted = set(modules)
    # Without a user's code, nobody asks what a mail means; see `_PERSONS`.
    own_code = bool(files)
    for name, content in files.items():
        # Cheap first, as requirements may have thousands of files without any use of the runtime.
        if name.endswith(".py") and b"mailroom" in content:
            wanted.update(_imports(content))
    return _deployed(_reachable(frozenset(wanted), own_code))


@cache
def _deployed(names: frozenset[str]) -> Mapping[str, bytes]:
    runtime = runtime_files()
    return {
        name: stripped(runtime[name]) if name.endswith(".py") else runtime[name] for name in names
    }


@cache
def _reachable(modules: frozenset[str], own_code: bool) -> frozenset[str]:
    """Return the names of the runtime's files that importing *modules* can lead to.

    With *own_code* of the user's, which may call every method of `ReceivedMail`.
    """
    runtime = runtime_files()
    found: set[str] = set()
    waiting = ["mailroom", *modules]
    while waiting:
        wanted = waiting.pop()
        if wanted == _OTHER_CALLERS and not own_code:
            continue
        base = wanted.replace(".", "/")
        package, _, last = wanted.rpartition(".")
        if late := _late(package).get(last):
            waiting.append(late)
        for name in (f"{base}.py", f"{base}/__init__.py"):
            if name in runtime and name not in found:
                found.add(name)
                waiting += _runtime_imports(runtime[name], own_code or name != _PERSONS)
                waiting.append(str(PurePosixPath(base).parent).replace("/", "."))
    return frozenset(found)


@cache
def _late(package: str) -> Mapping[str, str]:
    """Return the names that *package* of the runtime imports when they are asked for, and whence.

    No import statement in Lambda says so: each such package has them in ``_LAZY``.
    """
    content = runtime_files().get(f"{package.replace('.', '/')}/__init__.py")
    for node in () if content is None else parsed(content).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_LAZY":
            found: Mapping[str, str] = ast.literal_eval(node.value)
            return found
    return {}


@cache
def _runtime_imports(content: bytes, methods: bool) -> frozenset[str]:
    """Return what *content*, a module of the runtime, imports in Lambda.

    Not what a type checker alone does; without *methods*, not what is imported when one is called.
    """

    def left_out(node: ast.AST) -> bool:
        if isinstance(node, ast.If):
            return getattr(node.test, "id", "") == "TYPE_CHECKING"
        return not methods and isinstance(node, ast.FunctionDef)

    return _modules(_statements(parsed(content), left_out))


@cache
def _imports(content: bytes) -> frozenset[str]:
    """Return every name that may be a module of the runtime and that *content* imports."""
    try:
        tree = parsed(content)
    except (SyntaxError, ValueError):
        return frozenset()  # written for another Python, or not Python at all
    nodes = list(_statements(tree))
    # Of a package that is imported as a whole, any name may be used.
    late = {module for name in _whole(nodes) for module in _late(name).values()}
    return _modules(nodes) | late


def _statements(
    tree: ast.Module, left_out: Callable[[ast.AST], bool] = lambda node: False
) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if not left_out(node):
            yield node
            for block in blocks(node):
                waiting += block


def _modules(nodes: Iterable[ast.AST]) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(name for name in found if name.partition(".")[0] == "mailroom")


def _whole(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.module if alias.name == "*" else f"{node.module}.{alias.name}"


def _check_no_runtime(files: Mapping[str, bytes], subject: str, remedy: str) -> None:
    if any(name.partition("/")[0] in ("mailroom", "mailroom.py") for name in files):
        raise ConfigurationError(
            f"{subject}: it contains 'mailroom', which would hide the runtime of the same name; "
            f"{remedy}"
        )


def _tree(root: Path) -> Iterator[tuple[str, bytes]]:
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(
            folder
            for folder in folders
            if folder not in _SKIPPED_FOLDERS and not folder.startswith(".")
        )
        for folder in folders:
            if Path(directory, folder).is_symlink():
                raise ConfigurationError(
                    f"folder is {str(root)!r}: copy {folder!r} into it, or name it in "
                    "requirements: it is a link to a folder, which is not followed"
                )
        for name in sorted(names):
            path = Path(directory, name)
            if path.suffix not in _SKIPPED_SUFFIXES and not name.startswith("."):
                yield path.relative_to(root).as_posix(), path.read_bytes()


def _write(files: Mapping[str, bytes]) -> tuple[Path, str]:
    digest = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    path = _scratch() / f"{digest.hexdigest()}.zip"
    if not path.exists():
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name in sorted(files):
                entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                entry.create_system = 3
                entry.external_attr = 0o644 << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, files[name])
    return path, digest.hexdigest()


@cache
def _scratch() -> Path:
    # CDK copies the zip when the function is made; it must exist until then, and no longer.
    folder = tempfile.TemporaryDirectory(prefix="cdk-mailroom-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
