"""What the tests of whole apps have in common."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mailroom_cli import event_table, timeline
from mailroom_local import LocalAws

HERE = Path(__file__).parent
SECONDS = 20.0


class Deployed:
    """An app below this folder, deployed by the CDK CLI to a local AWS of its own."""

    def __init__(self, aws: LocalAws, folder: str, stack: str) -> None:
        self.aws = aws
        self.stack = stack
        aws.deploy(cwd=HERE / folder, app=f"{sys.executable} app.py")
        outputs = self._described()["Outputs"]
        self._outputs = {item["OutputKey"]: item["OutputValue"] for item in outputs}

    def update(self, **parameters: str) -> None:
        """Update the stack with other parameters."""
        self.aws.client("cloudformation").update_stack(
            StackName=self.stack,
            UsePreviousTemplate=True,
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in parameters.items()
            ],
        )
        ended = self.aws.wait_until(
            self._described,
            lambda stack: not stack["StackStatus"].endswith("_IN_PROGRESS"),
            seconds=60,
        )
        assert ended["StackStatus"] == "UPDATE_COMPLETE", ended

    def _described(self) -> dict[str, Any]:
        found = self.aws.client("cloudformation").describe_stacks(StackName=self.stack)
        return dict(found["Stacks"][0])

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
            items = event_table.read(self.aws.client("dynamodb"), self["EventTable"], message_id)
            return timeline.entries(items)

        return self.aws.wait_until(read, lambda found: len(found) >= count, seconds=SECONDS)


@pytest.fixture(scope="module")
def local_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Deployed]]:
    """Start a local AWS and deploy the app of a folder; it ends with the module's tests."""
    with LocalAws(state=tmp_path_factory.mktemp("app") / "state") as aws:
        yield lambda folder, stack: Deployed(aws, folder, stack)
