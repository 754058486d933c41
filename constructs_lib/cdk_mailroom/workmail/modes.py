"""How WorkMail calls the function of a rule, and what it does if no answer comes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aws_cdk import Duration
from aws_cdk import aws_sns as sns

__all__ = ["Asynchronous", "Fallback", "FlowDirection", "Synchronous", "fallbacks"]


class FlowDirection(StrEnum):
    """Which of the organization's two flows a rule is for."""

    INBOUND = "INBOUND"
    """Mail to the organization."""
    OUTBOUND = "OUTBOUND"
    """Mail from the organization."""


class Fallback(StrEnum):
    """What WorkMail does with a mail if no answer came within the rule's timeout.

    AWS also allows routing outbound mail to an SMTP gateway; choose that at the console.
    """

    DEFAULT = "DEFAULT"
    """Deliver as if there were no rule."""
    BOUNCE = "BOUNCE"
    """Do not deliver, and notify the sender."""
    DROP = "DROP"
    """Do not deliver the mail, without notice."""
    MOVE_TO_JUNK = "MOVE_TO_JUNK"
    """Deliver into the junk folder; inbound only."""
    BYPASS_SPAM_CHECK = "BYPASS_SPAM_CHECK"
    """Deliver without a spam check; inbound only."""


@dataclass(frozen=True, kw_only=True)
class Synchronous:
    """WorkMail waits for the function's answer and applies it."""

    timeout: Duration
    """How long WorkMail retries if the function fails: whole minutes, 0 to 240.

    With 0 the first failure leads to the fallback.
    """
    fallback: Fallback | str
    """What happens after that; it has no default, because it decides what a failure costs."""


@dataclass(frozen=True, kw_only=True)
class Asynchronous:
    """WorkMail calls the function and does not wait; failures go to a dead-letter queue."""

    alert_topic: sns.ITopic | None = None
    """The topic of the dead-letter queue's alarm."""


_INBOUND_ONLY = frozenset({Fallback.MOVE_TO_JUNK, Fallback.BYPASS_SPAM_CHECK})


def fallbacks(direction: FlowDirection | str) -> list[str]:
    """Return the fallbacks of rules of *direction*."""
    inbound = direction == FlowDirection.INBOUND
    return [str(one) for one in Fallback if inbound or one not in _INBOUND_ONLY]
