"""Makes ``synthesis`` importable, and gives each test a new stack."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# Not as a package: every CDK app's path already has one named "constructs".
sys.path.insert(0, str(Path(__file__).parent))

import aws_cdk as cdk
from synthesis import FOLDER, new_stack


@pytest.fixture
def stack() -> cdk.Stack:
    """Return an empty stack in a new app."""
    return new_stack()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a copy of the handlers' folder, with one package in it."""
    copy = tmp_path / "handlers"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "team").mkdir()
    (copy / "team" / "__init__.py").write_text("NAME = 'team'\n")
    return copy


@pytest.fixture(scope="session", autouse=True)
def _cache_of_its_own(tmp_path_factory) -> Iterator[None]:
    """Keep what tests install out of the user's cache, and the user's out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield
