"""Which edit is deployed how, and what is said of it."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread, Timer
from types import SimpleNamespace
from typing import Any

import pytest

from mailroom_cli.watching import until_deployed
from mailroom_local.control import DeployFailed, watch
from mailroom_local.control.environments import Environment
from mailroom_local.control.functions import DeployedFunction, of_assembly
from mailroom_local.control.packer import Packer
from mailroom_local.control.state import State
from mailroom_local.control.watch import Notice, Watcher

ADDED = "def on_mail(mail):\n    print(mail)\n"


class Aws:
    """The clients that a watcher uses, and what they were asked for."""

    running = True

    def __init__(self, root: Path) -> None:
        self.state = State(root / ".mailroom")
        self.environment = Environment(account="000000000000", region="us-east-1")
        self.updated: list[str] = []
        self.places: set[tuple[str, str]] = set()

    def client(self, service: str, *, account: str, region: str) -> Any:
        self.places.add((account, region))
        return self

    def describe_stack_resource(self, **asked: str) -> dict[str, Any]:
        name = f"{asked['StackName']}-{asked['LogicalResourceId']}"
        return {"StackResourceDetail": {"PhysicalResourceId": name}}

    def update_function_code(self, **asked: Any) -> None:
        assert asked["ZipFile"].startswith(b"PK")
        self.updated.append(asked["FunctionName"])


def code(folder: Path) -> dict[str, Any]:
    """What the construct notes of a function."""
    return {
        "modules": ["mailroom.entry.receiving", "app"],
        "folder": str(folder),
        "handler": "app:on_mail",
        "runtime": "python3.13",
        "architecture": "arm64",
        "layers": False,
    }


def write_assembly(
    aws: Aws, functions: dict[str, Path], environment: str = "aws://unknown-account/unknown-region"
) -> None:
    """The cloud assembly of an app with a stack of these functions."""
    out = aws.state.cdk_out
    out.mkdir(parents=True, exist_ok=True)
    metadata = {}
    for name, folder in functions.items():
        path = f"/Desk/{name}/Function"
        metadata[path] = [{"type": "mailroom:code", "data": code(folder)}]
        metadata[f"{path}/Resource"] = [{"type": "aws:cdk:logicalId", "data": name}]
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": environment,
        "properties": {"templateFile": "Desk.template.json"},
        "additionalMetadataFile": "Desk.metadata.json",
    }
    resources = {
        "Resources": {
            name: {"Properties": {"Code": {"S3Key": f"{name}.zip"}}} for name in functions
        }
    }
    (out / "Desk.metadata.json").write_text(json.dumps(metadata))
    (out / "Desk.template.json").write_text(json.dumps(resources))
    (out / "manifest.json").write_text(json.dumps({"artifacts": {"Desk": stack}}))


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app with two handlers' folders."""
    for name in ("support", "sales"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.py").write_text("def on_mail(mail): ...\n")
    (tmp_path / "app.py").touch()
    return tmp_path


@pytest.fixture
def aws(app: Path) -> Aws:
    found = Aws(app)
    write_assembly(found, {"Support": app / "support", "Sales": app / "sales"})
    return found


@pytest.fixture(scope="module", autouse=True)
def _one_packer() -> Iterator[None]:
    """Its process, which takes half a second to start, packs for all tests of this file."""
    packer = Packer()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watch, "Packer", lambda: SimpleNamespace(pack=packer.pack, close=int))
        yield
    packer.close()


class Watched:
    """A watcher that has looked at what is deployed, and what it does."""

    def __init__(self, aws: Aws, app: Path, since: float = 0.0) -> None:
        self.told: list[Notice] = []
        self.deployments = 0
        self.error: Exception | None = None
        self.watcher = Watcher(
            aws,  # type: ignore[arg-type]
            folder=app,
            deploy=self._deploy,
            since=since or time.time() + 1,
            tell=self.told.append,
        )

    def _deploy(self) -> None:
        self.deployments += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def watched(aws: Aws, app: Path) -> Iterator[Watched]:
    found = Watched(aws, app)
    found.watcher.look()
    yield found
    found.watcher.close()


def test_an_edit_of_a_handler_updates_its_function_alone(
    watched: Watched, aws: Aws, app: Path
) -> None:
    (app / "support" / "app.py").write_text(ADDED)
    watched.watcher.handle([app / "support" / "app.py"])
    assert aws.updated == ["Desk-Support"]
    assert watched.deployments == 0
    assert watched.told[0].text.startswith("updated app:on_mail in ")


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ("aws://unknown-account/unknown-region", ("000000000000", "us-east-1")),
        ("aws://111111111111/eu-west-1", ("111111111111", "eu-west-1")),
    ],
)
def test_a_function_is_updated_in_the_account_and_region_of_its_stack(
    app: Path, environment: str, place: tuple[str, str]
) -> None:
    aws = Aws(app)
    write_assembly(aws, {"Support": app / "support"}, environment)
    found = Watched(aws, app)
    found.watcher.look()
    (app / "support" / "app.py").write_text(ADDED)
    found.watcher.handle([app / "support" / "app.py"])
    found.watcher.close()
    assert (aws.updated, aws.places) == (["Desk-Support"], {place})


def test_the_page_is_told_which_updates_succeed_and_which_fail(
    watched: Watched, aws: Aws, app: Path
) -> None:
    file = app / "support" / "app.py"
    for content in (ADDED, "def on_mail(mail)\n"):
        file.write_text(content)
        watched.watcher.handle([file])
    lines = aws.state.journal.read_text().splitlines()
    succeeded, failed = (json.loads(line) for line in lines)
    assert (succeeded["type"], succeeded["state"]) == ("deployment", "succeeded")
    assert succeeded["text"] == "updated app:on_mail"
    assert (failed["state"], "app.py:1" in failed["text"]) == ("failed", True)


def test_what_was_saved_unchanged_updates_nothing(watched: Watched, aws: Aws, app: Path) -> None:
    watched.watcher.handle([app / "support" / "app.py"])
    assert (aws.updated, watched.told, watched.deployments) == ([], [], 0)


def test_a_wrong_edit_is_told_with_its_place_and_the_last_good_code_goes_on(
    watched: Watched, aws: Aws, app: Path
) -> None:
    folder = app / "support"
    for name, wrong, said in (
        ("app.py", "def on_mail(mail)\n", "app.py:1"),
        ("app.py", "import nothing_like_it\ndef on_mail(mail): ...\n", "app.py:1"),
        ("app.py", "def on_male(mail): ...\n", "did you mean 'on_male'?"),
        ("helper.py", "x = 1\nx = (\n", "helper.py:2"),
    ):
        (folder / name).write_text(wrong)
        watched.watcher.handle([folder / name])
        assert aws.updated == []
        assert watched.told[-1].failed
        assert said in watched.told[-1].text
    (folder / "helper.py").unlink()
    (folder / "app.py").write_text(ADDED)
    watched.watcher.handle([folder / "app.py"])
    assert aws.updated == ["Desk-Support"]


def test_what_was_deployed_for_another_python_is_tolerated(aws: Aws, app: Path) -> None:
    (app / "support" / "old.py").write_text("print 'hello'\n")
    found = Watched(aws, app)
    found.watcher.look()
    (app / "support" / "app.py").write_text(ADDED)
    found.watcher.handle([app / "support" / "app.py"])
    assert aws.updated == ["Desk-Support"]
    found.watcher.close()


def test_an_edit_that_is_taken_back_after_an_error_is_confirmed(
    watched: Watched, aws: Aws, app: Path
) -> None:
    file = app / "support" / "app.py"
    good = file.read_text()
    file.write_text("def\n")
    watched.watcher.handle([file])
    file.write_text(good)
    watched.watcher.handle([file])
    assert aws.updated == []
    assert watched.told[-1].text == "the code is as deployed again"


def test_any_other_edit_deploys_the_app(watched: Watched, aws: Aws, app: Path) -> None:
    assert watched.watcher.handle([app / "app.py", app / "support" / "app.py"])
    assert (watched.deployments, aws.updated) == (1, [])


def test_a_handler_beside_its_app_is_updated_and_the_app_deployed(app: Path) -> None:
    aws = Aws(app)
    write_assembly(aws, {"Support": app})
    (app / "app.py").write_text("def on_mail(mail): ...\n")
    found = Watched(aws, app)
    found.watcher.look()
    (app / "app.py").write_text(ADDED)
    assert found.watcher.handle([app / "app.py"])
    assert (found.deployments, aws.updated) == (1, ["Desk-Support"])
    found.watcher.close()


def test_a_failed_deployment_is_told_with_its_output(watched: Watched, app: Path) -> None:
    watched.error = DeployFailed("cdk synth failed", remedy="look", output="app.py:7: oh")
    assert not watched.watcher.handle([app / "app.py"])
    assert watched.told[-1].failed
    assert watched.told[-1].text == "app.py:7: oh\ncdk synth failed\n  look"


def test_a_fault_of_the_watcher_ends_nothing(watched: Watched, app: Path) -> None:
    watched.error = RuntimeError("the gateway is gone")
    assert not watched.watcher.handle([app / "app.py"])
    assert watched.told[-1] == Notice(text="RuntimeError: the gateway is gone", failed=True)


def test_what_an_app_is_not_made_of_is_ignored(watched: Watched, app: Path) -> None:
    def matter(*paths: str) -> list[bool]:
        return [watched.watcher.matters(app / path) for path in paths]

    assert all(
        matter(
            "support/app.py",
            "support/tests/data.json",
            "support/requirements.txt",
            "app.py",
            "template.html",
            "cdk.json",
        )
    )
    assert not any(
        matter(
            "support/__pycache__/app.cpython-313.pyc",
            "support/.app.py.swp",
            "support/app.py~",
            "tests/test_app.py",
            "README.md",
            "cdk.context.json",
            "cdk.out/manifest.json",
            ".git/index",
            ".mailroom/journal.jsonl",
        )
    )


def test_functions_of_stages_are_found_and_those_without_a_folder_are_not(tmp_path: Path) -> None:
    aws = Aws(tmp_path)
    write_assembly(aws, {"Support": tmp_path / "support"})
    out = aws.state.cdk_out
    outer = {"Stage": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "stage"}}}
    stage = out.rename(out.with_name("stage"))
    out.mkdir()
    stage.rename(out / "stage")
    (out / "manifest.json").write_text(json.dumps({"artifacts": outer}))
    (function,) = of_assembly(out)
    assert function == DeployedFunction(
        stack="Desk",
        logical_id="Support",
        environment="aws://unknown-account/unknown-region",
        code=code(tmp_path / "support"),
    )


def test_what_is_saved_during_the_deployment_is_deployed(aws: Aws, app: Path) -> None:
    """Though it is packed after that for the first time."""
    for file in app.rglob("*.py"):
        os.utime(file, (1, 1))
    since = time.time()
    (app / "support" / "app.py").write_text(ADDED)
    found = Watched(aws, app, since=since)
    stop = Event()
    thread = Thread(target=found.watcher.run, args=(stop,))
    thread.start()
    try:
        await_(lambda: aws.updated == ["Desk-Support"])
    finally:
        stop.set()
        thread.join(10)
    assert found.deployments == 0


def test_what_is_saved_during_the_deployment_and_afterwards_is_noticed(aws: Aws, app: Path) -> None:
    """The first by its time, the second by the operating system."""

    # No filesystem's clock is finer than the difference.
    for file in app.rglob("*.py"):
        os.utime(file, (1, 1))
    (app / "support" / "app.py").write_text(ADDED)
    # A file that is written just after the clock was read may be dated by the tick before.
    since = time.time()
    os.utime(app / "support" / "app.py", (since - 0.004,) * 2)
    found = Watched(aws, app, since=since)
    stop = Event()
    handled: list[set[Path]] = []
    found.watcher.handle = lambda files: bool(handled.append(set(files)))  # type: ignore[method-assign]
    thread = Thread(target=found.watcher.run, args=(stop,))
    thread.start()
    try:
        await_(lambda: handled == [{app / "support" / "app.py"}])
        (app / "sales" / "app.py").write_text(ADDED)
        await_(lambda: {app / "sales" / "app.py"} in handled)
    finally:
        stop.set()
        thread.join(10)


def test_a_first_deployment_that_fails_is_made_again_at_the_next_edit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also at one that was saved while it was under way."""
    aws: Any = Aws(tmp_path)
    file = tmp_path / "app.py"
    tried: list[float] = []

    def deploy() -> None:
        tried.append(time.time())
        if len(tried) < 3:
            edit = Timer(0.2 if len(tried) == 1 else 0, file.write_text, [f"x = {len(tried)}\n"])
            edit.start()
            if len(tried) == 2:
                edit.join()
            raise DeployFailed("cdk synth failed", remedy="look", output="app.py:7: oh")

    since = until_deployed(aws, deploy, folder=tmp_path)
    assert len(tried) == 3
    assert tried[1] < since <= tried[2]
    said = capsys.readouterr().err
    assert said.count("app.py:7: oh\ncdk synth failed\n  look\nSave a file in ") == 2


def test_a_local_aws_that_has_ended_is_not_waited_for(tmp_path: Path) -> None:
    aws: Any = Aws(tmp_path)
    aws.running = False
    error = DeployFailed("cdk deploy failed", remedy="look", output="no connection")

    def deploy() -> None:
        raise error

    with pytest.raises(DeployFailed):
        until_deployed(aws, deploy, folder=tmp_path)


def await_(done: Any) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_notices_wake_the_loop_that_shows_them() -> None:
    from mailroom_cli.watching import Notices

    notices = Notices()
    notices.tell(Notice(text="one\nbad \x1b[2J", failed=True))
    started = time.monotonic()
    notices.sleep(10)
    assert time.monotonic() - started < 5
    (shown,) = notices.take()
    assert (shown.plain, str(shown.spans[0].style)) == ("one\nbad \\x1b[2J", "red")
    assert list(notices.take()) == []
