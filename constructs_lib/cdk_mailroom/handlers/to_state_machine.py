"""Start a Step Functions state machine for each mail."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as stepfunctions

from cdk_mailroom._checks import Problems
from cdk_mailroom.actions.base import RuleContext, RuleFacts
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._hand_on import TEXT_BYTES, HandOn, check_place, check_target

__all__ = ["ToStateMachine"]


class ToStateMachine(HandOn):
    """Start a Step Functions state machine for each mail, with one JSON event as its input.

    The execution's name comes from the mail's id, so a repeated delivery does not start a standard
    state machine again. Grants starting this state machine. The code is
    ``mailroom.handlers.receiving.to_state_machine``; the event is in docs/handing-on.md.
    """

    def __init__(
        self,
        machine: stepfunctions.IStateMachine,
        *,
        text_bytes: int = TEXT_BYTES,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the handing on.

        Args:
            machine: The state machine, standard or express, in the rule's region.
            text_bytes: How much of the mail's text is in the event, 0 to 200000; 64 KiB by default.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: An argument is out of bounds.
        """
        self._machine = machine
        super().__init__("to_state_machine", text_bytes=text_bytes, **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        remedy = "stepfunctions.StateMachine.from_state_machine_arn(…)"
        check_target(problems, "machine", self._machine, "state_machine_arn", remedy)
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        check_place(problems, "machine", self._machine, facts)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant starting the state machine, and set it."""
        arn = self._machine.state_machine_arn
        iam.Grant.add_to_principal(
            grantee=function, actions=["states:StartExecution"], resource_arns=[arn]
        )
        self.set_up(function, {"MAILROOM_STATE_MACHINE": arn})
