"""The examples of the page about mail."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailroom.sending import NO_CONFIGURATION_SET, Sender

PAGE = Path(__file__).parents[3] / "docs" / "mail.md"
BLOCKS = re.findall(r"^<!-- test -->\s*^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def test_the_page_has_examples() -> None:
    """The next test would say nothing about none, and no block is left out by mistake."""
    assert len(BLOCKS) == PAGE.read_text().count("```python") >= 5


@pytest.mark.parametrize("code", BLOCKS, ids=[str(number) for number in range(len(BLOCKS))])
def test_an_example_holds(code: str) -> None:
    """It runs alone, with a sender at hand; what it asserts is true."""
    client: Any = SimpleNamespace(send_email=lambda **_: {"MessageId": "0102-1"})
    sender = Sender(configuration_set=NO_CONFIGURATION_SET, client=client)
    exec(compile(code, PAGE.name, "exec"), {"sender": sender})
