"""The example of docs/testing-handlers.md, run unchanged."""

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

TEXT = (Path(__file__).parents[3] / "docs" / "testing-handlers.md").read_text("utf-8")
HANDLER, TESTS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the page's tests define, beside its handler."""
    module = types.ModuleType("gate")
    exec(compile(HANDLER, "gate.py", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "gate", module)
    found: dict[str, Any] = {}
    exec(compile(TESTS, "test_gate.py", "exec"), found)
    return found


def test_the_examples_of_testing_handlers_pass(
    example: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    example["test_spam_is_stopped"]()
    example["test_orders_are_read"](capsys)
