"""The stacks and examples of docs/handing-on.md."""

from __future__ import annotations

import re
import textwrap

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from synthesis import FOLDER, Template, new_stack, targets

import cdk_mailroom
from assemblies import ROOT
from mailroom.receiving.handing import MOST_BYTES
from mailroom.testing import handed_on_event

TEXT = (ROOT / "docs" / "handing-on.md").read_text("utf-8")
STACKS = re.findall(r"^<!-- stack -->\s*^```python\n(.*?)^```$", TEXT, re.M | re.S)
TESTS = re.findall(r"^<!-- test -->\s*^```python\n(.*?)^```$", TEXT, re.M | re.S)


def test_each_example_is_run() -> None:
    """No block is left out by mistake."""
    assert len(STACKS) + len(TESTS) == TEXT.count("```python") == 5


@pytest.mark.parametrize("code", TESTS, ids=[str(number) for number in range(len(TESTS))])
def test_an_example_holds(code: str) -> None:
    """It runs alone; what it asserts is true."""
    exec(compile(code, "handing-on.md", "exec"), {})


def test_the_stacks_synthesize() -> None:
    """One after the other, as on the page, with targets at hand."""
    stack = new_stack()
    made = targets(stack)
    names = {
        **{name: getattr(cdk_mailroom, name) for name in cdk_mailroom.__all__},
        "self": stack,
        "queue": made["ToQueue"][0]["queue"],
        "topic": sns.Topic(stack, "PageTopic"),
        "bus": made["ToEventBus"][0]["bus"],
        "machine": made["ToStateMachine"][0]["machine"],
        "secret": made["Webhook"][1]["secret"],
    }
    code = "\n".join(textwrap.dedent(one) for one in STACKS)
    # The page's folder is that of a user's app.
    exec(code.replace('"helpdesk"', repr(str(FOLDER))), names)
    assert isinstance(stack, cdk.Stack)
    assert len(Template(stack).of("AWS::SES::ReceiptRule")) == 6


def test_the_table_has_every_key_of_the_event() -> None:
    """And the page has the limit that holds."""

    def paths(value: object, start: str = "") -> set[str]:
        if start in ("stored", "attachments") or not isinstance(value, dict):
            return {start}
        return set().union(
            *(paths(one, f"{start}.{key}".lstrip(".")) for key, one in value.items())
        )

    table = TEXT[TEXT.index("| key | value |") : TEXT.index("Except for `envelope`")]
    for path in paths(handed_on_event()):
        name = path if path in table else f"`.{path.rpartition('.')[2]}`"
        assert name in table, path
    assert f"{MOST_BYTES:,}" in TEXT
