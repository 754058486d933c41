"""Build the site into .site/html; with ``--serve``, show it while docs/ changes.

Everything that is wrong with it is an error: a link or an anchor that leads nowhere, a public name
without a docstring, an argument without an entry, and a name in a snippet that is not public.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import commands
import finished
import navigation
from pages import Pages
from pictures import for_site
from places import DOCS, NAMES, OUTPUT, PAGES, ROOT
from reference import Reference

HERE = Path(__file__).parent


def main() -> int:
    """Return 0 if all is well."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    reference = Reference()
    names = reference.names()
    _write(NAMES, json.dumps(names))
    written, problems = _write_pages(reference)
    problems += [*reference.problems(), *reference.unknown_imports(written)]
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if "--serve" in sys.argv:
        return _serve(reference)
    with _zensical("build", "--strict") as building:
        if building.wait():
            return 1
    return finished.check(names, written)


def _write_pages(reference: Reference) -> tuple[dict[str, str], list[str]]:
    """Write what the site is made of; return the text of each page, and what is wrong."""
    pages = Pages(reference.page_of)
    written = {
        **dict(pages.all()),
        **dict(reference.pages()),
        "reference/command.md": commands.page(),
    }
    for page, text in written.items():
        _write(PAGES / page, text)
    for path in (*DOCS.rglob("*"), *ROOT.glob("examples/*/*.svg")):
        if path.is_file() and path.suffix != ".md":
            _copy(path, PAGES / path.relative_to(DOCS if path.is_relative_to(DOCS) else ROOT))
    for path in (HERE / "assets").iterdir():
        _copy(path, PAGES / "assets" / path.name)
    for name, picture in for_site():
        _write(PAGES / "images" / name, picture)
    tree = navigation.resolved(sorted(written, key=lambda page: page.removesuffix(".md")))
    settings = (HERE / "zensical.toml").read_text("utf-8")
    _write(OUTPUT / "zensical.toml", settings.replace("# navigation\n", f"nav = {_toml(tree)}\n"))
    _write(PAGES / "llms.txt", finished.llms_txt(tree, written))
    return written, pages.problems


def _serve(reference: Reference) -> int:
    with _zensical("serve") as serving:
        try:
            seen = _changed()
            while serving.poll() is None:
                time.sleep(0.5)
                if _changed() != seen:
                    seen = _changed()
                    print("\n".join(_write_pages(reference)[1]), file=sys.stderr)
        except KeyboardInterrupt:
            serving.terminate()
        return serving.wait()


def _zensical(*command: str) -> subprocess.Popen[bytes]:
    zensical = str(Path(sys.executable).with_name("zensical"))
    return subprocess.Popen(
        [zensical, *command, "-f", str(OUTPUT / "zensical.toml")],
        env={**os.environ, "PYTHONPATH": str(HERE), "NO_COLOR": "1"},
    )


def _changed() -> float:
    return max(path.stat().st_mtime for path in DOCS.rglob("*"))


def _toml(tree: Any) -> str:
    if isinstance(tree, str):
        return json.dumps(tree)
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(tree[key])}" for key in tree) + "}"
    return "[" + ", ".join(_toml(one) for one in tree) + "]"


def _write(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text("utf-8") != text:  # else it would be built again
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _copy(path: Path, target: Path) -> None:
    if not target.is_file() or path.stat().st_mtime > target.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


if __name__ == "__main__":
    sys.exit(main())
