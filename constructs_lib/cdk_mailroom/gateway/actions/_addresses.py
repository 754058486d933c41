"""Addresses in actions, of which CloudFormation takes fewer than the API does."""

from __future__ import annotations

import re

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom.gateway.limits import WRITABLE_ADDRESS

__all__ = ["check_writable"]


def check_writable(problems: Problems, argument: str, address: object) -> None:
    """Note an address that CloudFormation refuses, such as one with an underscore."""
    if not isinstance(address, str) or not resolved(address) or "@" not in address:
        return
    if not re.fullmatch(WRITABLE_ADDRESS, address):
        problems.add(
            argument,
            address,
            "use letters, digits, '.', '-' and '+' only: CloudFormation refuses others here, also "
            "an underscore, although the API of Mail Manager takes it; pass another address",
        )
