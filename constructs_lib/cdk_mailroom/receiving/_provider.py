"""The function behind the custom resources of receiving, one for each stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jsii
from aws_cdk import IStableListProducer, Lazy
from constructs import Construct

from cdk_mailroom import _provisioning

__all__ = ["later", "provider_of_rules"]


def provider_of_rules(scope: Construct) -> _provisioning.Provider:
    """Return the provider of the stack that *scope* is in; each caller adds what it may do."""
    return _provisioning.provider(
        scope, "MailroomReceiptRules", "mailroom.provisioning.receipt_rules"
    )


def later(produce: Callable[[], Sequence[str]]) -> list[str]:
    """Return a list that is asked for at synth, and is left out if it is empty then."""
    return Lazy.list(_Producer(produce), omit_empty=True)


@jsii.implements(IStableListProducer)
class _Producer:
    def __init__(self, produce: Callable[[], Sequence[str]]) -> None:
        self._produce = produce

    def produce(self) -> list[str]:
        return list(self._produce())
