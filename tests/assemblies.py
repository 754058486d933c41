"""Synthesizes the examples' apps in this process, where the CDK is loaded already."""

from __future__ import annotations

import functools
import json
import runpy
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
# The feature flags of our own cdk.json, so that no CLI setting decides what a test sees.
CONTEXT = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]


def synthesize(example: str, outdir: Path) -> Path:
    """Run the `app.py` of an example as the CDK CLI would, and return its cloud assembly."""
    return run_app(EXAMPLES / example / "app.py", outdir)


def run_app(app: Path, outdir: Path) -> Path:
    """Run an app as the CDK CLI would, and return its cloud assembly."""
    folder = str(app.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        # The CLI says this by environment variables, which Node reads only when it starts.
        patch.setattr(cdk, "App", functools.partial(cdk.App, context=CONTEXT, outdir=str(outdir)))
        runpy.run_path(str(app))
    # Some examples have modules of the same name.
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(folder):
            del sys.modules[name]
    return outdir
