"""What a cold start may cost, counted rather than timed, so that the answer never wavers; and what
an event may cost, against ``json.loads`` of the same bytes in the same moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import mailroom
from mailroom import events
from mailroom.testing import event_invocation
from runtime.measuring import best_ratio

PACKAGE = Path(mailroom.__file__).parent
FORBIDDEN = {
    "aws_cdk",
    "boto3",
    "botocore",
    "dataclasses",
    "datetime",
    "email",
    "hashlib",
    "pydantic",
    "typing",
}

SAMPLES = [
    json.dumps(json.loads(path.read_bytes())).encode()
    for path in sorted((Path(__file__).parents[1] / "payloads/sending_events").glob("*.json"))
]
BATCH = event_invocation([json.loads(text) for text in SAMPLES], envelope="sqs-sns")

LOADED = """
import json, sys
import awslambdaric.bootstrap
import awslambdaric.lambda_runtime_client
before = set(sys.modules)
__import__(sys.argv[1])
print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""

BUNDLED = sorted(
    f"mailroom.handlers.{path.parent.name}.{path.stem}"
    for capability in ("events", "receiving")
    for path in (PACKAGE / "handlers" / capability).glob("[a-z]*.py")
)


def loaded(module: str) -> tuple[set[str], set[str]]:
    """Return what the Lambda runtime client holds, and what importing *module* adds to it."""
    # -S: an editable install's hooks live in site, and would be counted.
    paths = [str(PACKAGE.parent), *(path for path in sys.path if path.endswith("site-packages"))]
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOADED, module],
        env={"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, added = json.loads(done.stdout)
    return set(before), set(added)


@pytest.mark.parametrize(
    ("module", "modules"),
    [
        ("mailroom.receiving", 8),
        ("mailroom.events", 8),
        ("mailroom.gateway", 2),
        ("mailroom.gateway.address_list", 6),
        ("mailroom.gateway.archive", 9),
        ("mailroom.sending", 18),
        ("mailroom.entry.receiving", 12),
        ("mailroom.entry.events", 13),
        ("mailroom.entry.lake", 19),
        # Their entry has loaded `mailroom.receiving` or `mailroom.events` before.
        *((name, 19 if ".events." in name else 18) for name in BUNDLED),
    ],
)
def test_a_cold_start_imports_few_modules_all_of_them_ours(module: str, modules: int) -> None:
    """No costly package is loaded, and at most *modules* beyond those of the runtime client."""
    before, added = loaded(module)
    assert "awslambdaric.bootstrap" in before
    assert not FORBIDDEN & before, "the measure is void: the runtime client holds them already"
    assert not FORBIDDEN & added
    assert module in added
    assert len(added) <= modules, sorted(added)


def decode_only() -> None:
    """Decode the ten samples."""
    for text in SAMPLES:
        json.loads(text)


def parse_and_read() -> None:
    """Decode the ten samples, and read six fields of each."""
    for text in SAMPLES:
        event = events.parse(text)
        mail = event.mail
        _ = event.type, mail.message_id, mail.source, mail.destination
        _ = event.recipients, mail.configuration_set


def decode_batch_only() -> None:
    """Decode ten records' bodies, and what SNS wrapped in them."""
    for record in BATCH["Records"]:
        json.loads(json.loads(record["body"])["Message"])


def read_batch() -> None:
    """Take the events out of ten records."""
    for _ in events.records(BATCH):
        pass


@pytest.mark.parametrize(
    ("work", "base", "limit"),
    [(parse_and_read, decode_only, 1.3), (read_batch, decode_batch_only, 1.25)],
)
def test_an_event_costs_little_more_than_its_json(
    work: Callable[[], None], base: Callable[[], None], limit: float
) -> None:
    """The best of some tries counts: a busy machine makes a measure worse, never better."""
    assert best_ratio(work, base, limit) <= limit
