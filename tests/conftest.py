"""Settings for all tests: nothing here may depend on whose machine it is, or reach AWS."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("mailroom", deadline=None, derandomize=True, max_examples=200)
settings.load_profile("mailroom")


SLOW = ("end_to_end", "cli", "test_separable.py", "test_wheel.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the slow files, so that no core waits for another one at the end."""
    items.sort(key=lambda item: not any(name in item.path.parts for name in SLOW))


@pytest.fixture(autouse=True, scope="session")
def _nobodys_account() -> None:
    """Take away whatever account the developer is logged in to."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "CDK_"))]:
        del os.environ[name]
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "test"
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
