"""Test the library with other versions of what it depends on than those of constraints.txt.

``make oldest`` takes the lower bounds that pyproject.toml declares, ``make newest`` the newest that
its ranges allow. Each has an environment of its own, ``.venv-oldest`` or ``.venv-newest``.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
# What differs between versions: synthesized templates, the calls of boto3, and the terminal.
TESTS = (
    "tests/constructs",
    "tests/runtime/sending",
    "tests/cli/test_progress.py",
    "tests/cli/test_render.py",
    "tests/cli/test_terminal.py",
    "tests/cli/test_timeline.py",
)
# Templates and cdk-nag's findings are compared with those of one version.
ONE_VERSION = ("test_examples.py", "test_wheel.py", "test_workmail_example.py")
TOOLS = (
    *("aiosmtpd", "awslambdaric", "cdk-nag", "django", "duckdb", "hatchling", "hypothesis"),
    *("cfn-lint", "moto", "pytest", "pytest-xdist", "syrupy", "trustme"),
)


def bounds(dependencies: list[str]) -> dict[str, str]:
    """The lower bound of each dependency, by its name."""
    found = {}
    for line in dependencies:
        match = re.fullmatch(r"([\w-]+)>=([\d.]+)(,<[\d.]+)?", line)
        if match is None:
            raise SystemExit(f"pyproject.toml: {line!r} has no lower bound: write NAME>=VERSION")
        found[match[1]] = match[2]
    return found


def main() -> int:
    """Make the environment and run the tests; return pytest's exit status."""
    [which, *arguments] = sys.argv[1:]
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    wanted = declared
    if which == "oldest":
        wanted = [f"{name}=={version}" for name, version in bounds(declared).items()]
    environment = ROOT / f".venv-{which}"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    upgrade = ["--upgrade"] if which == "newest" else []
    subprocess.run([*pip, "--no-compile", *upgrade, *wanted, *TOOLS], check=True)
    listed = subprocess.run(
        [python, "-m", "pip", "freeze"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    print("testing with", *(line for line in listed if line.partition("==")[0] in bounds(declared)))
    sources = os.pathsep.join(str(ROOT / name) for name in ("constructs_lib", "lambda_src"))
    skipped = [f"--ignore-glob=*/{name}" for name in ONE_VERSION]
    command = [python, "-m", "pytest", "--quiet", "-k", "not cdk_nag", *skipped]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider", *(arguments or TESTS)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": sources, "PYTHONDONTWRITEBYTECODE": ""},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
