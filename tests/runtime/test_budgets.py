"""What a cold start may cost, counted rather than timed, so that the answer never wavers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

import mailroom

PACKAGE = Path(mailroom.__file__).parent
FORBIDDEN = {
    "aws_cdk",
    "boto3",
    "botocore",
    "dataclasses",
    "email",
    "pydantic",
    "typing",
}
MODULES = 8
ZIP_BYTES = 60_000

LOADED = """
import json, sys
import awslambdaric.bootstrap
import awslambdaric.lambda_runtime_client
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""

BUNDLED = sorted(
    f"mailroom.handlers.{path.stem}"
    for path in (PACKAGE / "handlers").glob("*.py")
    if not path.stem.startswith("_")
)


def loaded(module: str) -> tuple[set[str], set[str]]:
    """Return what the Lambda runtime client holds, and what importing *module* adds to it."""
    # -S: an editable install's hooks live in site, and would be counted as somebody's.
    paths = [str(PACKAGE.parent), *(path for path in sys.path if path.endswith("site-packages"))]
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOADED, module],
        env={"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, added = json.loads(done.stdout)
    return set(before), set(added)


@pytest.mark.parametrize("module", ["mailroom.receiving", *BUNDLED])
def test_an_entry_point_imports_next_to_nothing(module: str) -> None:
    """No costly package is loaded, and at most eight modules beyond the runtime client's own."""
    before, added = loaded(module)
    assert "awslambdaric.bootstrap" in before
    assert not FORBIDDEN & before, "the measure is void: the runtime client holds them already"
    assert not FORBIDDEN & added
    assert module in added
    assert len(added) <= MODULES, sorted(added)


def runtime_zip() -> bytes:
    """Return the runtime as a zip, the same bytes each time: sorted, fixed times, no bytecode."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(PACKAGE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                name = path.relative_to(PACKAGE.parent).as_posix()
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, path.read_bytes())
    return buffer.getvalue()


def test_the_runtimes_zip_is_small() -> None:
    """The whole runtime, deflated, stays under 60 KB, so that it never weighs on a cold start."""
    data = runtime_zip()
    assert data == runtime_zip()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        assert "mailroom/receiving.py" in archive.namelist()
    assert len(data) < ZIP_BYTES
