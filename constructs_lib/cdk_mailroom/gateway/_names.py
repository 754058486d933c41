"""Tells a function the ids of what it may use, by the construct ids of the app."""

from __future__ import annotations

from collections.abc import Callable

import jsii
from aws_cdk import IStableStringProducer, Lazy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems
from cdk_mailroom._construct import MailConstruct

__all__ = ["tell"]


def tell(grantee: iam.IGrantable, variable: str, construct: Construct, value: str) -> None:
    """Add *value*, under the id of *construct*, to the environment variable of a function.

    Does nothing unless *grantee* is a function of this app. The variable is JSON: id → value.
    """
    if not isinstance(grantee, lambda_.Function):
        return
    name = variable.title().replace("_", "")
    known = grantee.node.try_find_child(name)
    if not isinstance(known, _Known):
        known = _Known(grantee, name, variable)
    known.add(construct, value)


class _Known(MailConstruct):
    """What one function was told."""

    def __init__(self, function: lambda_.Function, construct_id: str, variable: str) -> None:
        super().__init__(function, construct_id)
        self._values: dict[str, tuple[Construct, str]] = {}
        function.add_environment(variable, Lazy.string(_Producer(self._json)))

    def add(self, construct: Construct, value: str) -> None:
        """Add what *construct* is to be found by."""
        name = construct.node.id
        other, _ = self._values.setdefault(name, (construct, value))
        if other is not construct:
            problems = Problems(construct)
            problems.add(
                "construct_id",
                name,
                f"{other.node.path} has the same id, and the function could not tell them apart: "
                "give one of them another id",
            )
            problems.raise_if_any()

    def _json(self) -> str:
        values = {name: value for name, (_, value) in sorted(self._values.items())}
        return stack_of(self).to_json_string(values)


@jsii.implements(IStableStringProducer)
class _Producer:
    def __init__(self, produce: Callable[[], str]) -> None:
        self._produce = produce

    def produce(self) -> str:
        return self._produce()
