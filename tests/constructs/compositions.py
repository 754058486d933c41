"""Builds two stacks that share resources, to test dependencies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from synthesis import Template, cycle, new_app, new_stack

Composition = Callable[[cdk.Stack, cdk.Stack], object]
"""Fills our stack, and the one that things are brought from."""


@cache
def templates_of(build: Composition) -> tuple[Template, Template]:
    """Return the templates of our stack and of the stack with the shared resources."""
    app = new_app()
    stack, other = new_stack(app, "Ours"), new_stack(app, "Theirs")
    sns.Topic(other, "Unused")  # CDK refuses a stack without any resource
    build(stack, other)
    return Template(stack), Template(other)


def check_order(build: Composition) -> None:
    """Check that no resource waits for itself, and that the other stack does not need ours.

    CloudFormation refuses a circular dependency, when it is too late for a better message.
    """
    ours, other = templates_of(build)
    for template in (ours, other):
        assert cycle(template.references) == []
    assert "Fn::ImportValue" not in str(other.raw)
