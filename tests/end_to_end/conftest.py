"""One local AWS with one deployed stack for the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
import boto3
import pytest
from botocore.config import Config

from end_to_end.letters import batch
from end_to_end.letters.hook import Hook
from end_to_end.letters.stack import build
from mailroom_cli import event_table, timeline
from mailroom_local import LocalAws

SECONDS = 20.0


class Deployed:
    """A stack that the CDK CLI has deployed to a local AWS."""

    def __init__(self, aws: LocalAws, stack: str, hook: Hook) -> None:
        self.aws = aws
        self.hook = hook
        self.stack = stack
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

    def story(
        self, message_id: str, *, count: int, table: str = "EventTable"
    ) -> list[timeline.Entry]:
        """What the event table has of a message, once that is so many events."""

        def read() -> list[timeline.Entry]:
            items = event_table.read(self.aws.client("dynamodb"), self[table], message_id)
            return timeline.entries(items)

        return self.aws.wait_until(read, lambda found: len(found) >= count, seconds=SECONDS)


@pytest.fixture(scope="session")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The deployed stack of `letters/`; the local AWS ends with the folder's tests."""
    folder = tmp_path_factory.mktemp("letters")
    # Synthesized here, where the CDK is loaded anyway; the demos have the CLI do it.
    app = cdk.App(outdir=str(folder / "assembly"))
    hook = Hook()
    build(app, webhook=hook.url)
    assembly = app.synth().directory
    with hook, LocalAws(state=folder / "state") as aws:
        aws.deploy(app=assembly)
        deployed = Deployed(aws, "Letters", hook)
        # Its tries take a while, during which the other tests run.
        batch.begin(deployed)
        yield deployed


@pytest.fixture
def elsewhere(letters: Deployed) -> Iterator[LocalAws]:
    """The same local AWS for another app, which is deployed to a region of its own."""
    home = letters.aws
    places = home.state.root / "environments.json"
    before = places.read_text()
    yield LocalAws.attach(state=home.state.root)
    # Whoever attaches later finds the letters again.
    home.state.announce(home.server)
    places.write_text(before)
