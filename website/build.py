"""Build the site into .site/html, or serve it while docs/ changes.

Everything that is wrong with it is an error: a link or an anchor that leads nowhere, a public name
without a docstring, an argument without an entry, and a name in a snippet that is not public.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import commands
import finished
import navigation
from pages import Pages
from places import DOCS, NAMES, OUTPUT, PAGES, ROOT
from reference import Reference

HERE = Path(__file__).parent


def main() -> int:
    """Build; with ``--serve``, serve instead."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    PAGES.mkdir(parents=True)
    reference = Reference()
    names = reference.names()
    NAMES.write_text(json.dumps(names), "utf-8")
    pages = Pages(reference.page_of)
    written = {
        **dict(pages.all()),
        **dict(reference.pages()),
        "reference/command.md": commands.page(),
    }
    for page, text in written.items():
        _write(PAGES / page, text)
    problems = [*reference.problems(), *reference.unknown_imports(written), *pages.problems]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    _copy_files()
    tree = navigation.resolved(sorted(written, key=lambda page: page.removesuffix(".md")))
    settings = (HERE / "zensical.toml").read_text("utf-8")
    _write(OUTPUT / "zensical.toml", settings.replace("# navigation\n", f"nav = {_toml(tree)}\n"))
    _write(PAGES / "llms.txt", finished.llms_txt(tree, written))
    command = ["serve"] if "--serve" in sys.argv else ["build", "--strict"]
    zensical = str(Path(sys.executable).with_name("zensical"))
    done = subprocess.run(
        [zensical, *command, "-f", str(OUTPUT / "zensical.toml")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"},
        check=False,
    )
    if done.returncode or "--serve" in sys.argv:
        return done.returncode
    return finished.check(names, written)


def _copy_files() -> None:
    for path in (*DOCS.rglob("*"), *ROOT.glob("examples/*/*.svg")):
        if path.is_file() and path.suffix != ".md":
            base = DOCS if path.is_relative_to(DOCS) else ROOT
            target = PAGES / path.relative_to(base)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    shutil.copytree(HERE / "assets", PAGES / "assets")


def _toml(tree: Any) -> str:
    if isinstance(tree, str):
        return json.dumps(tree)
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(tree[key])}" for key in tree) + "}"
    return "[" + ", ".join(_toml(one) for one in tree) + "]"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
