"""SES's verdicts on spam and viruses, which mail of a gateway does not have."""

from __future__ import annotations

from aws_cdk import Annotations
from aws_cdk import aws_lambda as lambda_

from cdk_mailroom.actions.base import RuleContext, RuleKind

__all__ = ["warn_of_verdicts"]


def warn_of_verdicts(function: lambda_.Function, context: RuleContext, consequence: str) -> None:
    """Warn, behind a gateway, of what becomes of mail that SES has no verdict on."""
    if context.kind is not RuleKind.GATEWAY:
        return
    Annotations.of(function).add_warning_v2(
        "cdk-mailroom:gateway-verdicts",
        f"Mail Manager has no verdict on spam and viruses of its own, so {consequence}: let the "
        "rule decide before, by when=[spf.is_('PASS')], unless=[dkim.is_('FAIL')] or the result of "
        "an AddonSubscription. To accept it, call Annotations.of(rule.function)."
        "acknowledge_warning('cdk-mailroom:gateway-verdicts')",
    )
