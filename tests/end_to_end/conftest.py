"""What the tests of whole apps have in common."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mailroom_local import LocalAws, timeline
from mailroom_local.commands import trace

HERE = Path(__file__).parent
SECONDS = 20.0


class Deployed:
    """An app below this folder, deployed by the CDK CLI to a local AWS of its own."""

    def __init__(self, aws: LocalAws, folder: str, stack: str) -> None:
        self.aws = aws
        self.stack = stack
        self._folder = HERE / folder
        self._outputs: dict[str, str] = {}

    def deploy(self, **context: str) -> None:
        """Deploy it, for the first time or again."""
        self.aws.deploy(cwd=self._folder, app=f"{sys.executable} app.py", context=context)
        found = self.aws.client("cloudformation").describe_stacks(StackName=self.stack)
        outputs = found["Stacks"][0]["Outputs"]
        self._outputs = {item["OutputKey"]: item["OutputValue"] for item in outputs}

    def __getitem__(self, output: str) -> str:
        return self._outputs[output]

    def client(self, service: str) -> Any:
        """A client that never tries again by itself, as `mailroom.sending` wants it."""
        return boto3.client(
            service,
            endpoint_url=self.aws.server.endpoint,
            region_name=self.aws.server.region,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def story(self, message_id: str, *, count: int) -> list[timeline.Entry]:
        """What the event table has of a message, once that is so many events."""

        def read() -> list[timeline.Entry]:
            items = trace.read(self.aws.client("dynamodb"), self["EventTable"], message_id)
            return timeline.entries(items)

        return self.aws.wait_until(read, lambda found: len(found) >= count, seconds=SECONDS)


@pytest.fixture(scope="module")
def local_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployed]]:
    """Start a local AWS and deploy the app of a folder; it ends with the module's tests."""
    with LocalAws(state=tmp_path_factory.mktemp("app") / "state") as aws:

        def start(folder: str, stack: str, **context: str) -> Deployed:
            app = Deployed(aws, folder, stack)
            app.deploy(**context)
            return app

        yield start
