"""Rehearse a mail app on this machine: a local AWS with SES receiving, and real SMTP."""

from __future__ import annotations

from mailroom_local.control import (
    ActionRecord,
    Credentials,
    DeployFailed,
    EventRecord,
    HandlerOutcome,
    IngressPoint,
    LocalAws,
    MailroomError,
    MessageRecord,
    NotRunning,
    RuleRecord,
    Sent,
    SmtpRefused,
)

__all__ = [
    "ActionRecord",
    "Credentials",
    "DeployFailed",
    "EventRecord",
    "HandlerOutcome",
    "IngressPoint",
    "LocalAws",
    "MailroomError",
    "MessageRecord",
    "NotRunning",
    "RuleRecord",
    "Sent",
    "SmtpRefused",
]
