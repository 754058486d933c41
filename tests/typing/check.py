"""Check with mypy and pyright what users see: the README's app, and the files beside this one.

``make check`` runs this. A wrong call that a type checker must refuse carries a comment that
ignores exactly that error; both checkers report such a comment once it is not needed.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
NAME = Path(__file__).name
SOURCES = [ROOT / "constructs_lib", ROOT / "lambda_src"]
# A fenced block whose first line is a comment with a file's name, "# helpdesk/app.py: …".
BLOCK = re.compile(
    r"^```python\n# (?P<name>[\w/]+\.py)\b.*\n(?P<code>(?:.*\n)*?)^```$", re.MULTILINE
)


def main() -> int:
    """Run both type checkers; return 0 if neither complains."""
    folder = ROOT / ".check" / "typing"
    shutil.rmtree(folder, ignore_errors=True)
    readme = extract(ROOT / "README.md", folder)
    if not readme:
        print("README.md: no python block begins with the name of a file", file=sys.stderr)
        return 1
    own = [
        Path(shutil.copy(path, folder)) for path in sorted(HERE.glob("*.py")) if path.name != NAME
    ]
    return max(mypy([*readme, *own]), pyright(folder))


def extract(document: Path, folder: Path) -> list[Path]:
    """Write the named code blocks of *document* into *folder*; return the files."""
    found = []
    for block in BLOCK.finditer(document.read_text("utf-8")):
        # One folder a file: two of them may have the same name.
        path = (
            folder / block["name"].removesuffix(".py").replace("/", "_") / Path(block["name"]).name
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["code"], encoding="utf-8")
        found.append(path)
    return found


def mypy(files: list[Path]) -> int:
    """Check each file by itself with ``mypy --strict``, as its author would."""
    results = [
        subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--warn-unused-ignores", str(path)],
            cwd=ROOT,
            check=False,
        ).returncode
        for path in files
    ]
    return max(results)


def pyright(folder: Path) -> int:
    """Check all files in *folder* in pyright's strict mode."""
    configuration = folder / "pyrightconfig.json"
    configuration.write_text(
        json.dumps(
            {
                "extraPaths": [str(path) for path in SOURCES],
                "typeCheckingMode": "strict",
                "reportUnnecessaryTypeIgnoreComment": "error",
                "enableTypeIgnoreComments": False,
                # aws-cdk-lib's own annotations are incomplete.
                "reportUnknownMemberType": "none",
                "pythonVersion": "3.11",
            }
        ),
        encoding="utf-8",
    )
    program = Path(sys.executable).with_name("pyright")
    return subprocess.run(
        [program, "--project", configuration, "--pythonpath", sys.executable], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
