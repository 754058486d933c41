"""What else of its kind is in one account and region, where SES takes one only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from aws_cdk import Stack
from constructs import Construct

from cdk_mailroom._checks import resolved

__all__ = ["siblings"]

T = TypeVar("T")


def siblings(scope: Construct, kind: type[T]) -> Iterator[T]:
    """Yield the constructs of *kind* in the account and region of *scope*, as far as known."""
    stack = Stack.of(scope)
    place = (stack.account, stack.region)
    known = all(map(resolved, place))
    for one in scope.node.root.node.find_all():
        if isinstance(one, kind):
            other = Stack.of(one)
            same = other.node.addr == stack.node.addr
            if same or (known and place == (other.account, other.region)):
                yield one
