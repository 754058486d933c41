"""The digest of docs/lake-queries.md: its app deploys, its function and its test run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from synthesis import Template, synthesized

from cdk_mailroom import EventPublishing, runtime_code
from mailroom.testing import MemoryLake

PAGE = Path(__file__).parents[3] / "docs" / "lake-queries.md"
BLOCKS = dict(
    re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's files; the function's folder can be imported from."""
    for name, text in BLOCKS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path / "digest"))
    monkeypatch.delitem(sys.modules, "digest", raising=False)
    return tmp_path


def test_the_documented_app_lets_the_function_query_and_send(folder: Path):
    def build(stack) -> None:
        outbound = EventPublishing(stack, "Out", identities=["example.com"])
        given = {
            "self": stack,
            "outbound": outbound,
            "lake": outbound.to_lake(),
            "lambda_": lambda_,
            "events": events,
            "targets": targets,
            "Duration": Duration,
            "runtime_code": runtime_code,
        }
        exec(BLOCKS["app.py"], given)

    template: Template = synthesized(build)
    assert set(template.environment("Digest")) == {
        "MAILROOM_CONFIGURATION_SET",
        "MAILROOM_LAKE_DATABASE",
        "MAILROOM_LAKE_WORKGROUP",
    }


def test_the_documented_test_passes_without_aws(folder: Path):
    found: dict = {}
    exec(BLOCKS["test_digest.py"], found)
    found["test_a_failing_template_is_in_the_digest"]()


def test_the_documented_handler_sends_the_digest(folder: Path, monkeypatch: pytest.MonkeyPatch):
    import digest

    sent = []

    class Sender:
        def __init__(self, *, from_address: str) -> None:
            sent.append(from_address)

        def send_simple(self, **mail: object) -> None:
            sent.append(mail)

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    monkeypatch.setattr(digest, "Sender", Sender)
    monkeypatch.setattr(digest, "LAKE", MemoryLake({"rates_by_day": [], "failing_templates": []}))
    digest.handler({}, Context())
    assert sent == [
        "digest@example.com",
        {"to": ["team@example.com"], "subject": "Our mail", "text": "No mail since yesterday."},
    ]
