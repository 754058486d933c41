"""Builds the examples' stacks, and asks cdk-nag about them."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks
from synthesis import new_app

from assemblies import ROOT
from cdk_mailroom.nag import acknowledge


@contextmanager
def modules_of(folder: Path) -> Iterator[None]:
    """Import from *folder* as the CDK CLI would, and unload the modules afterwards."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


@dataclass(frozen=True)
class Example:
    """One folder of ``examples/``."""

    folder: str
    module: str
    stack: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self, *, reviewed: bool = False) -> cdk.Stack:
        """Return the stack, for any account and region, optionally with findings acknowledged."""
        with modules_of(ROOT / "examples" / self.folder):
            module = importlib.import_module(self.module)
            stack = getattr(module, self.stack)(new_app(), self.stack, **self.options)
            if reviewed:
                acknowledge(stack, importlib.import_module("nag").REVIEWED)
        return stack

    def reviewed(self) -> dict[str, dict[str, str]]:
        """Return the acknowledged findings of the example's ``nag.py``."""
        with modules_of(ROOT / "examples" / self.folder):
            return importlib.import_module("nag").REVIEWED


def normalised(template: dict[str, Any]) -> dict[str, Any]:
    """Return *template* without what changes by itself."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "<asset>", json.dumps(template))
    plain = json.loads(text)
    plain.get("Parameters", {}).pop("BootstrapVersion", None)
    plain.pop("Rules", None)
    for resource in plain["Resources"].values():
        resource.pop("Metadata", None)
    return plain


def findings(app: cdk.App) -> str:
    """Return cdk-nag's report on *app*, empty if there are no findings."""
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks())
    try:
        app.synth()
    except RuntimeError as error:
        return str(error)
    return ""


def rules_in(text: str) -> set[str]:
    """Return the rules that cdk-nag reports in *text*."""
    return set(re.findall(r"AwsSolutions::(AwsSolutions-[A-Z]+\d+)", text))


def check_reasons(example: Example) -> None:
    """Check that without the example's reasons exactly its findings are left."""
    reviewed = example.reviewed()
    assert all(len(reason) > 20 for reasons in reviewed.values() for reason in reasons.values())
    left = rules_in(findings(cdk.App.of(example.build())))
    assert left == {rule.partition("[")[0] for reasons in reviewed.values() for rule in reasons}
