"""Unpack a source distribution and test it with its own tests: ``make package`` runs this.

Further arguments go to pytest; by default a part runs that needs no local AWS.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PART = (
    "tests/constructs/test_exports.py",
    "tests/constructs/test_readme.py",
    "tests/constructs/test_wheel.py",
    "tests/runtime/test_views.py",
    "tests/test_layers.py",
)


def main() -> int:
    """Return pytest's exit status."""
    archive, *arguments = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="mailroom-sdist-") as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
        [unpacked] = Path(folder).iterdir()
        sources = os.pathsep.join(str(unpacked / name) for name in ("constructs_lib", "lambda_src"))
        command = [sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
        return subprocess.run(
            [*command, *(arguments or PART)],
            cwd=unpacked,
            env={**os.environ, "PYTHONPATH": sources},
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
