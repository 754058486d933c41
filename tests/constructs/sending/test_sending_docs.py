"""The examples of docs/sending.md that deploy."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aws_cdk.assertions import Template

PAGE = (Path(__file__).parents[3] / "docs" / "sending.md").read_text()
EXAMPLES = [
    code
    for code in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    if "from cdk_mailroom" in code
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_synthesizes(code: str) -> None:
    """With the tenant or the endpoint that it is about."""
    names: dict[str, Any] = {}
    exec(code, names)
    kind = "Tenant" if "Tenant(" in code else "MultiRegionEndpoint"
    Template.from_stack(names["stack"]).resource_count_is(f"AWS::SES::{kind}", 1)
