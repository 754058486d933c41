"""What `mailroom up --watch` packs again without a synth."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom import (
    EventPublishing,
    EventType,
    InboundMail,
    PythonHandler,
    handlers,
    runtime_code,
)
from cdk_mailroom import packer as packer_program
from cdk_mailroom._problems import Problems
from mailroom_local.control import packer as packer_process
from mailroom_local.control.functions import DeployedFunction, of_assembly
from mailroom_local.control.packer import CodeRefused, Packer


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with two functions of one folder, and one that is bundled."""
    root = tmp_path_factory.mktemp("app")
    (root / "desk").mkdir()
    (root / "desk" / "app.py").write_text("def on_mail(mail): ...\ndef on_bounce(event): ...\n")
    app = cdk.App(outdir=str(root / "cdk.out"))
    stack = cdk.Stack(app, "Desk", stack_name="desk-in-production")
    inbound = InboundMail(stack, "Inbound")
    inbound.add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(root / "desk", "app:on_mail")
    )
    inbound.add_rule(
        "Sales", recipients=["b@example.com"], handler=handlers.Forward(to=["c@example.net"])
    )
    outbound = EventPublishing(stack, "Outbound", identities=["example.com"])
    outbound.on(EventType.BOUNCE, PythonHandler(root / "desk", "app:on_bounce"))
    # This function would keep the old code if the folder's other function were updated alone.
    (root / "shared").mkdir()
    (root / "shared" / "common.py").write_text("def on_mail(mail): ...\ndef handler(*_): ...\n")
    inbound.add_rule(
        "Shared",
        recipients=["d@example.com"],
        handler=PythonHandler(root / "shared", "common:on_mail"),
    )
    lambda_.Function(
        stack,
        "Own",
        code=runtime_code(root / "shared"),
        handler="common.handler",
        runtime=lambda_.Runtime.PYTHON_3_13,
        architecture=lambda_.Architecture.ARM_64,
    )
    app.synth()
    return root / "cdk.out"


def template(assembly: Path) -> str:
    return (assembly / "Desk.template.json").read_text()


def asset(assembly: Path, function: DeployedFunction) -> Path:
    resource = json.loads(template(assembly))["Resources"][function.logical_id]
    return assembly / f"asset.{resource['Properties']['Code']['S3Key']}"


def test_it_packs_what_a_synth_packs(assembly: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # With it, an answer comes even if the packer keeps it back.
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setattr(packer_process, "_MOST_SECONDS", 30)
    found = of_assembly(assembly)
    assert sorted(function.code["handler"] for function in found) == [
        "app:on_bounce",
        "app:on_mail",
    ]
    packer = Packer()
    for function in found:
        assert function.stack == "desk-in-production"
        path, _ = packer.pack(function.code)
        assert path.read_bytes() == asset(assembly, function).read_bytes()
    packer.close()


def test_the_watch_gives_up_on_a_packer_that_does_not_answer(
    assembly: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has started, such as pip, ends too."""

    def silent() -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["sh", "-c", "sleep 60; true"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    function = of_assembly(assembly)[0]
    packer = Packer()
    with monkeypatch.context() as patched:
        patched.setattr(packer_process, "_MOST_SECONDS", 0.1)
        patched.setattr(packer_process, "_start", silent)
        with pytest.raises(CodeRefused, match="packing took longer than"):
            packer.pack(function.code)
    path, _ = packer.pack(function.code)
    assert path.read_bytes() == asset(assembly, function).read_bytes()
    packer.close()


def test_a_file_that_was_invalid_from_the_start_is_tolerated_until_it_is_corrected(
    tmp_path: Path,
) -> None:
    """Nothing may import it; but an edit that breaks a file is an error."""

    def complaints() -> int:
        problems = Problems("app:on_mail")
        packer_program._check_syntax(problems, tmp_path, "app:on_mail")
        return problems.count

    file = tmp_path / "other.py"
    file.write_text("def")
    assert complaints() == 0
    file.write_text("")
    assert complaints() == 0
    file.write_text("def")
    assert complaints() == 1


def test_no_template_knows_where_the_code_was(assembly: Path) -> None:
    assert str(assembly.parent) not in template(assembly)
    assert "mailroom:code" not in template(assembly)
