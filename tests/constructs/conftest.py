"""Makes ``synthesis`` importable, and gives each test a stack of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# Not as a package: one named "constructs" lies on every CDK app's path already.
sys.path.insert(0, str(Path(__file__).parent))

import aws_cdk as cdk
from synthesis import new_stack


@pytest.fixture
def stack() -> cdk.Stack:
    """Return an empty stack in an app of its own."""
    return new_stack()
