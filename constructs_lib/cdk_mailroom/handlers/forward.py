"""Send each mail on to other addresses."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Unpack

from aws_cdk import Fn
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._checks import Problems, check_address, check_addresses, check_list, resolved
from cdk_mailroom.actions.base import RuleContext, RuleFacts, RuleKind
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._sender import check_sender, grant_send_as, sender_of
from cdk_mailroom.handlers._verdicts import warn_of_verdicts
from cdk_mailroom.handlers.python_handler import PythonHandler

__all__ = ["Forward"]


class Forward(PythonHandler):
    """Send each mail on to other addresses, from an address that SES may send from.

    ``From`` becomes *from_address* with the original author's name, ``Reply-To`` the original
    author; old signatures are removed. Mail that failed the spam or virus check is never
    forwarded; mail of a gateway has no such checks. For mail too large to send, a link to its
    object is sent instead. Grants sending as *from_address* only. The code is
    ``mailroom.handlers.receiving.forward``.
    """

    needs_mail = True
    # 40 MB of mail need this much.
    default_memory_size = 1024

    def __init__(
        self,
        *,
        to: Sequence[str],
        from_address: str | None = None,
        subject_prefix: str | None = None,
        configuration_set_name: str | None = None,
        forward_unscanned: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the forwarding.

        Args:
            to: One or more addresses.
            from_address: An address of a verified identity. By default the rule's first recipient,
                or ``forward@`` its domain.
            subject_prefix: Put before the subject.
            configuration_set_name: The configuration set whose events report on the forwarded
                mail; none by default.
            forward_unscanned: Also forward mail that SES did not scan. Behind a gateway, where it
                never does, all mail is forwarded, and this only silences the warning.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: An address is not one.
        """
        self._to = to
        self._from_address = from_address
        self._subject_prefix = subject_prefix
        self._configuration_set_name = configuration_set_name
        self._forward_unscanned = forward_unscanned
        super().__init__(
            None,
            "mailroom.handlers.receiving.forward:on_mail",
            remember_handled=True,
            **options,
        )

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        if check_list(problems, "to", self._to, tokens=True):
            if not self._to:
                problems.add("to", self._to, "pass a list of at least one address")
            check_addresses(problems, "to", self._to)
        if self._from_address is not None:
            check_address(problems, "from_address", self._from_address)
        super().check(problems)

    def check_rule(self, problems: Problems, facts: RuleFacts) -> None:
        """Note what of the rule does not fit."""
        super().check_rule(problems, facts)
        if facts.kind is RuleKind.RECEIPT and not (facts.scanned or self._forward_unscanned):
            problems.add(
                "scan",
                False,
                "let the rule scan, or set forward_unscanned=True: otherwise nothing is forwarded "
                "and all mail ends in the dead-letter queue",
            )
        check_sender(problems, facts, self._from_address, self._configuration_set_name)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant sending as the from address, and set the recipients."""
        sender = self._from_address or sender_of(context, "forward")
        grant_send_as(function, sender, self._configuration_set_name)
        unscanned = self._forward_unscanned or context.kind is RuleKind.GATEWAY
        if not self._forward_unscanned:
            warn_of_verdicts(function, context, "spam and viruses are forwarded like any mail")
        settings = {
            "MAILROOM_FORWARD_TO": _json(self._to),
            "MAILROOM_FORWARD_FROM": sender,
            "MAILROOM_FORWARD_SUBJECT_PREFIX": self._subject_prefix,
            "MAILROOM_CONFIGURATION_SET": self._configuration_set_name,
            "MAILROOM_FORWARD_UNSCANNED": "1" if unscanned else None,
        }
        for name, value in settings.items():
            if value is not None:
                function.add_environment(name, value)


def _json(addresses: Sequence[str]) -> str:
    if resolved(list(addresses)):
        return json.dumps(list(addresses))
    # Only CloudFormation knows them, so it has to write the JSON.
    return '["' + Fn.join('","', list(addresses)) + '"]'
