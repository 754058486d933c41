"""WorkMail's own words and limits.

https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html
"""

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "ANSWER_ACTIONS",
    "ANSWER_BYTES",
    "ANSWER_SECONDS",
    "INBOUND_ONLY",
    "LINE_BYTES",
    "OUTBOUND_RECIPIENTS",
    "ActionType",
    "Direction",
]

ANSWER_SECONDS = 15.0
"""How long WorkMail waits for the answer of a synchronous rule's function."""
ANSWER_BYTES = 256 * 1024
"""The largest answer."""
ANSWER_ACTIONS = 10
"""Different actions in one answer."""
OUTBOUND_RECIPIENTS = 500
"""Recipients of one outbound mail, those included that an answer adds."""
LINE_BYTES = 998
"""The longest line of a message without its line end: RFC 5322 §2.1.1, and WorkMail's 1,000."""


class Direction(StrEnum):
    """Which of the organization's two flows the mail is in."""

    INBOUND = "INBOUND"
    """To the organization."""
    OUTBOUND = "OUTBOUND"
    """From the organization."""


class ActionType(StrEnum):
    """What WorkMail can do for a recipient."""

    DEFAULT = "DEFAULT"
    """Deliver as if there were no rule."""
    BOUNCE = "BOUNCE"
    """Do not deliver, and send a bounce message to the sender."""
    DROP = "DROP"
    """Do not deliver the mail, without notice."""
    BYPASS_SPAM_CHECK = "BYPASS_SPAM_CHECK"
    """Deliver without a spam check; inbound only."""
    MOVE_TO_JUNK = "MOVE_TO_JUNK"
    """Deliver to the junk folder; inbound only."""


INBOUND_ONLY = frozenset((ActionType.BYPASS_SPAM_CHECK, ActionType.MOVE_TO_JUNK))
