"""A real browser for the tests of the page, from the npm package that `make test` installs.

The package holds Chromium for Linux on x86-64. Elsewhere, ``MAILROOM_BROWSER`` names the
executable of a Chromium or Chrome.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

VARIABLE = "MAILROOM_BROWSER"
_PACKAGE = Path(sys.prefix, "lib", "node_modules", "@sparticuz", "chromium")
_FOLDER = Path(sys.prefix, "browser")
# Tests run as root in containers, where Chromium's sandbox cannot start; what they show is ours.
# Nor is there a graphics card, whose imitation would draw everything a second time.
_ARGUMENTS = [
    "--no-sandbox",
    "--no-zygote",
    "--headless",
    "--disable-gpu",
    "--disable-software-rasterizer",
]
_UNPACK = """
const { default: chromium } = await import(process.argv[1]);
chromium.setGraphicsMode = false;
await chromium.executablePath();
"""
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/cache</cachedir>
  <alias><family>system-ui</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
"""


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Run the browser; a machine without one is an error, not a reason to skip."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable(),
            args=_ARGUMENTS,
            env={**os.environ, "FONTCONFIG_FILE": str(_FOLDER / "fonts.conf")},
        )
        yield started
        started.close()


def executable() -> Path:
    """The browser, which is unpacked when it is first used."""
    if given := os.environ.get(VARIABLE):
        return Path(given)
    found = _FOLDER / "chromium"
    if not found.is_file():
        _unpack()
    return found


def _unpack() -> None:
    module = _PACKAGE / "build" / "index.js"
    node = shutil.which("node")
    if node is None or not module.is_file():
        raise RuntimeError(
            f"the tests of the page need a browser: {module} is missing: run `make test`, "
            f"or name the executable of a Chromium in {VARIABLE}"
        )
    with tempfile.TemporaryDirectory(dir=sys.prefix) as temporary:
        subprocess.run(
            [node, "--input-type=module", "-e", _UNPACK, module.as_uri()],
            env={**os.environ, "TMPDIR": temporary},
            check=True,
            timeout=120,
        )
        Path(temporary, "fonts.conf").write_text(_FONTS.format(folder=_FOLDER))
        # Of several processes that unpack at once, the first one's folder stays.
        with contextlib.suppress(OSError):
            Path(temporary).rename(_FOLDER)
        Path(temporary).mkdir(exist_ok=True)
