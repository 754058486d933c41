"""Decide on mail in flow: a typed view of WorkMail's event, and a checked answer to it.

A handler is a plain function::

    from mailroom.workmail import Answer, FlowMail

    def on_flow(mail: FlowMail) -> Answer | None:
        return mail.answer().drop(recipients=["old@example.com"]).default()

Importing this module has no effect; Lambda calls `mailroom.entry.workmail`.

**WorkMail takes no new customers since 2026-04-30 and ends on 2027-03-31.** The same function runs
behind an SES receipt rule with `mailroom.handlers.workmail.receipt_rule`.

The event and the answer are documented at
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda.html and
https://docs.aws.amazon.com/workmail/latest/adminguide/lambda-content.html
"""

from __future__ import annotations

from mailroom.workmail.answer import Answer
from mailroom.workmail.answer_table import AnswerTable
from mailroom.workmail.content import checked_content
from mailroom.workmail.errors import (
    InProgress,
    MessageFrozen,
    MessageNotFound,
    NotReplaceable,
    OutOfTime,
)
from mailroom.workmail.mail import FlowMail
from mailroom.workmail.message_flow import MessageFlow
from mailroom.workmail.words import ANSWER_SECONDS, ActionType, Direction

__all__ = [
    "ANSWER_SECONDS",
    "ActionType",
    "Answer",
    "AnswerTable",
    "Direction",
    "FlowMail",
    "InProgress",
    "MessageFlow",
    "MessageFrozen",
    "MessageNotFound",
    "NotReplaceable",
    "OutOfTime",
    "checked_content",
]
