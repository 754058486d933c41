"""Each test has an organization of its own."""

from typing import Any

import pytest

from local.workmail.organization import Organization


@pytest.fixture
def office(account: Any) -> Organization:
    return Organization(account)
