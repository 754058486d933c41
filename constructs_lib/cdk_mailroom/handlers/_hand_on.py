"""What the behaviours that hand mail on to another service have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from aws_cdk import IResource
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._checks import Problems, check_number
from cdk_mailroom._places import check_region
from cdk_mailroom.actions.base import RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["TEXT_BYTES", "HandOn", "check_place", "check_target"]

TEXT_BYTES = 64 * 1024
_MOST_TEXT_BYTES = 200_000


class HandOn(PythonHandler):
    """Hands each mail on as one JSON event; subclasses say where to."""

    # 40 MB of mail need this much.
    default_memory_size = 1024

    def __init__(self, module: str, *, text_bytes: int, **options: Unpack[FunctionOptions]) -> None:
        self._text_bytes = text_bytes
        super().__init__(None, f"mailroom.handlers.receiving.{module}:on_mail", **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        allowed = range(_MOST_TEXT_BYTES + 1)
        check_number(problems, "text_bytes", self._text_bytes, allowed, "bytes")
        super().check(problems)

    def set_up(self, function: lambda_.Function, settings: Mapping[str, str | None]) -> None:
        """Set *settings*, and what all of these behaviours need."""
        common = {
            # Part of each event's id: two rules may hand the same mail on to one target.
            "MAILROOM_HAND_ON_ID": function.node.addr[-8:],
            "MAILROOM_HAND_ON_TEXT_BYTES": str(self._text_bytes),
        }
        for name, value in {**settings, **common}.items():
            if value is not None:
                function.add_environment(name, value)


def check_target(problems: Problems, argument: str, target: object, arn: str, remedy: str) -> None:
    """Note that *target* is not a construct of the kind that has the attribute *arn*."""
    if not hasattr(target, arn):
        problems.add(argument, target, f"pass a construct, such as {remedy}")


def check_place(problems: Problems, argument: str, target: IResource, facts: RuleFacts) -> None:
    """Note that *target* is in another region than the function that calls it."""
    check_region(
        problems, argument, target, facts.stack, "the function calls services of its own region"
    )
