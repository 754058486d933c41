"""Remove WorkMail in a copy of the repository, and run in the copy all tests that are left.

Everything of WorkMail lies in files and folders with ``workmail`` in their names, so that it can go
when WorkMail does. ``make separable`` runs this, and ``test_separable.py`` a quick part.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path, PurePath

from separable import copy_without, environment


def has_workmail(path: PurePath) -> bool:
    """Tell whether a file is part of WorkMail."""
    return "workmail" in str(path).lower()


def main() -> int:
    """Run every test that is left; return pytest's exit status."""
    with tempfile.TemporaryDirectory(prefix="without-workmail-") as temporary:
        folder = copy_without(has_workmail, Path(temporary))
        command = [sys.executable, "-m", "pytest", "--numprocesses", "auto", "--dist", "each"]
        return subprocess.run(
            [*command, *sys.argv[1:]], cwd=folder, env=environment(folder), check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
