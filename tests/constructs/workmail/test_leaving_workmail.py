"""The files of docs/leaving-workmail.md: the decision, its test, and the rule that calls it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from synthesis import Template, new_stack

from cdk_mailroom import InboundMail, PythonHandler
from snippets import ROOT, of_page

CODES = [snippet.code for snippet in of_page(ROOT / "docs" / "leaving-workmail.md")]
FILE = re.compile(r"\A\n*# (\S+\.py)\b")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's files where a user has them."""
    for code in CODES:
        if name := FILE.match(code):
            path = tmp_path / name[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "policy"))
    for module in ("app", "decision"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def test_the_test_of_the_page_passes() -> None:
    """With the decision of the page."""
    tests = [code for code in CODES if "def test_" in code]
    assert tests
    for code in tests:
        found: dict[str, Any] = {}
        exec(code, found)
        for name in [name for name in found if name.startswith("test_")]:
            found[name]()


def test_the_rule_of_the_page_synthesizes() -> None:
    """It calls the adapted function."""
    (code,) = [code for code in CODES if "add_rule(" in code]
    stack = new_stack()
    names = {"self": stack, "InboundMail": InboundMail, "PythonHandler": PythonHandler}
    exec(code, names)
    assert Template(stack).of("AWS::SES::ReceiptRule")
