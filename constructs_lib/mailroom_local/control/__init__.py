"""What the ``mailroom`` command, demos and tests use to control a local AWS.

Needs the standard library and boto3 only: the emulator and the SMTP servers run in a process of
their own.
"""

from __future__ import annotations

from mailroom_local.control.cdk import find_cdk
from mailroom_local.control.credentials import Credentials
from mailroom_local.control.emulator import server_python
from mailroom_local.control.errors import DeployFailed, MailroomError, NotRunning, SmtpRefused
from mailroom_local.control.gateways import IngressPoint
from mailroom_local.control.journal import (
    ActionRecord,
    EventRecord,
    HandlerOutcome,
    MessageRecord,
    RuleRecord,
)
from mailroom_local.control.local import LocalAws
from mailroom_local.control.progress import Progress, Report, Silent
from mailroom_local.control.smtp import Sent
from mailroom_local.control.state import Server, State

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
    "Progress",
    "Report",
    "RuleRecord",
    "Sent",
    "Server",
    "Silent",
    "SmtpRefused",
    "State",
    "find_cdk",
    "server_python",
]
