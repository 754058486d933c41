"""What else of its kind is in one account and region, where SES takes one only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from constructs import Construct

from cdk_mailroom._asked import account_of, in_one_stack, region_of
from cdk_mailroom._checks import resolved

__all__ = ["siblings"]

T = TypeVar("T")


def siblings(scope: Construct, kind: type[T]) -> Iterator[T]:
    """Yield the constructs of *kind* in the account and region of *scope*, as far as known."""
    place = (account_of(scope), region_of(scope))
    known = all(map(resolved, place))
    for one in scope.node.root.node.find_all():
        if not isinstance(one, kind):
            continue
        if in_one_stack(one, scope) or (known and place == (account_of(one), region_of(one))):
            yield one
