"""Stop mail by SES's verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Unpack

from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._checks import Problems
from cdk_mailroom.actions.base import RuleContext, RuleFacts, RuleKind
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers.python_handler import OnError, PythonHandler
from mailroom.handlers.receiving.reject_spam import CHECKS, STATUSES
from mailroom.ses import Disposition

__all__ = ["RejectSpam"]

_DEFAULT = {
    "spam": {"FAIL": Disposition.STOP_RULE_SET},
    "virus": {"FAIL": Disposition.STOP_RULE_SET},
}


class RejectSpam(PythonHandler):
    """Stop mail by SES's verdicts, while SES waits; for receipt rules.

    Reads the event only; the one permission that it has is to send to the dead-letter queue.
    Mail is stopped silently, without a bounce, as the senders of spam are mostly forged. To bounce
    it instead, end the rule in a `Bounce`, and return ``CONTINUE`` for spam and ``STOP_RULE``
    otherwise. The code is ``mailroom.handlers.receiving.reject_spam``.
    """

    default_memory_size = 256

    def __init__(
        self,
        *,
        verdicts: Mapping[str, Mapping[str, Disposition | str]] | None = None,
        stop_unchecked: bool = True,
        on_error: OnError | str | None = None,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe which verdicts stop mail.

        Args:
            verdicts: For each of ``spam``, ``virus``, ``spf``, ``dkim``, ``dmarc``, the disposition
                of each status; a status that is not named continues. By default spam ``FAIL`` and
                virus ``FAIL`` stop the rule set.
            stop_unchecked: Whether spam and virus ``PROCESSING_FAILED`` count as ``FAIL`` unless
                *verdicts* names them. SES says so of mail that it could not check, for example
                because it is malformed. Stopped mail stays where an earlier action stored it.
            on_error: The answer to SES if the function fails; ``continue`` by default.
            **options: See `FunctionOptions`. Memory is 256 MiB by default.

        Raises:
            ConfigurationError: There is no such check, status or disposition.
        """
        self._verdicts = _DEFAULT if verdicts is None else verdicts
        self._stop_unchecked = stop_unchecked
        super().__init__(
            None,
            "mailroom.handlers.receiving.reject_spam:on_mail",
            synchronous=True,
            on_error=on_error,
            read_mail=False,
            **options,
        )

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        if not self._verdicts:
            problems.add("verdicts", self._verdicts, "name at least one, or omit it")
        for check, outcomes in self._verdicts.items():
            if check not in CHECKS:
                problems.add("verdicts", check, f"use one of {', '.join(CHECKS)}")
            for status, disposition in outcomes.items():
                argument = f"verdicts[{check!r}]"
                if status not in STATUSES:
                    problems.add(argument, status, f"use one of {', '.join(STATUSES)}")
                if disposition not in list(Disposition):
                    problems.add(
                        f"{argument}[{status!r}]",
                        disposition,
                        f"use one of {[str(item) for item in Disposition]}",
                    )
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        scanned = [check for check in ("spam", "virus") if check in self._verdicts]
        if facts.kind is RuleKind.GATEWAY:
            problems.add(
                "handler",
                type(self).__name__,
                "end the rule in a Drop, and decide by its conditions: when=[spf.is_('FAIL')], "
                "dkim.is_('FAIL'), or the result of an AddonSubscription. Mail Manager has no "
                "verdict on spam and viruses of its own, and whether its calls of a function have "
                "the others is not documented",
            )
        elif scanned and not facts.scanned:
            problems.add(
                "scan",
                False,
                f"let the rule scan: without it SES has no verdict on {' and '.join(scanned)}",
            )

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Set the verdicts; nothing is granted."""
        verdicts = {check: dict(outcomes) for check, outcomes in self._verdicts.items()}
        function.add_environment("MAILROOM_REJECT", json.dumps(verdicts))
        if not self._stop_unchecked:
            function.add_environment("MAILROOM_REJECT_UNCHECKED", "0")
