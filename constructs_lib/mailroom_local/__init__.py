"""Rehearse a mail app on this machine: a local AWS with SES receiving, and real SMTP."""

from __future__ import annotations

from mailroom_local.credentials import Credentials
from mailroom_local.errors import DeployFailed, MailroomError, NotRunning, SmtpRefused
from mailroom_local.journal import (
    ActionRecord,
    EventRecord,
    HandlerOutcome,
    MessageRecord,
    RuleRecord,
)
from mailroom_local.local import LocalAws, Sent

__all__ = [
    "ActionRecord",
    "Credentials",
    "DeployFailed",
    "EventRecord",
    "HandlerOutcome",
    "LocalAws",
    "MailroomError",
    "MessageRecord",
    "NotRunning",
    "RuleRecord",
    "Sent",
    "SmtpRefused",
]
