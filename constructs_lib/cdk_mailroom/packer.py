"""Packs handlers' code again and again, without aws-cdk-lib and without a synth.

`mailroom up --watch` runs this file. A line of standard input is what `PythonFunction` noted of
a function in the cloud assembly; the line that answers it has the path of the zip and the digest of
what is in it, or the text of an error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from types import ModuleType
from typing import Any

if __name__ == "__main__":
    # The package's own __init__ imports aws-cdk-lib, which takes seconds.
    package = ModuleType("cdk_mailroom")
    package.__path__ = [str(Path(__file__).parent)]
    sys.modules["cdk_mailroom"] = package

from cdk_mailroom._code import check_code
from cdk_mailroom._packing import packed
from cdk_mailroom._parsing import parsed
from cdk_mailroom._problems import ConfigurationError, Problems

__all__ = ["main"]


def main() -> None:
    """Answer every line of standard input, until its end."""
    for line in sys.stdin:
        try:
            answer = _pack(json.loads(line))
        except (ConfigurationError, OSError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)  # noqa: T201  # how it answers


def _pack(code: dict[str, Any]) -> dict[str, str]:
    folder, handler = Path(code["folder"]), code["handler"]
    requirements = Path(code["requirements"]) if code.get("requirements") else None
    runtime, architecture = code["runtime"], code["architecture"]
    problems = Problems(handler)
    _check_syntax(problems, folder, handler)
    problems.raise_if_any()
    check_code(
        problems,
        folder=folder,
        spec=handler,
        requirements=requirements,
        runtime=runtime,
        architecture=architecture,
        layers=code["layers"],
    )
    problems.raise_if_any()
    path, digest = packed(
        modules=code.get("modules"),
        folder=folder,
        requirements=requirements,
        runtime=runtime,
        architecture=architecture,
    )
    return {"path": str(path), "digest": digest}


def _check_syntax(problems: Problems, folder: Path, handler: str) -> None:
    """Note the files that an edit has made invalid: whatever imports them would fail."""
    invalid = dict(_invalid(folder))
    # A file that was deployed so is perhaps imported by nothing, or written for another Python.
    _tolerated[folder] = _tolerated.get(folder, invalid.keys()) & invalid.keys()
    for file, error in invalid.items():
        if file not in _tolerated[folder]:
            problems.add("handler", handler, f"correct {file}:{error.lineno}: {error.msg}")


def _invalid(folder: Path) -> Iterator[tuple[Path, SyntaxError]]:
    for file in sorted(folder.rglob("*.py")):
        try:
            parsed(file.read_bytes())
        except SyntaxError as error:
            yield file, error
        except ValueError:
            yield file, SyntaxError("null bytes", (str(file), 1, 0, ""))


_tolerated: dict[Path, Set[Path]] = {}


if __name__ == "__main__":
    main()
