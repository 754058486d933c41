"""The examples of docs/sending.md that send."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "sending.md").read_text()
EXAMPLES = [
    code
    for code in re.findall(r"(?<!-->\n)```python\n(.*?)```", PAGE, re.DOTALL)
    if "cdk_mailroom" not in code
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_sends_what_it_says(
    client: Any, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Each call that it shows reaches SES."""
    monkeypatch.setattr("mailroom._api._client", lambda: client)
    exec(code, {})
    assert len(client.calls) == 2
    if "for_tenant" in code:
        assert [call["TenantName"] for call in client.calls] == ["acme", "globex"]
