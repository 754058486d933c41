"""Reports a message's flow in the journal and in the organization's event log."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local._journal import Journal, elapsed_ms
from mailroom_local.control import clients
from mailroom_local.workmail.model import Flow, Rule
from mailroom_local.workmail.rules import action_of

_log = logging.getLogger("mailroom")


class Reports:
    """Writes actions to the journal, and RULE_APPLIED events to CloudWatch Logs."""

    def __init__(self, *, endpoint: str, region: str, journal: Journal) -> None:
        self._journal = journal
        self._logs = clients.client(clients.session(region=region), "logs", endpoint)
        self._groups: set[str] = set()
        self._lock = Lock()

    def action(
        self,
        flow: Flow,
        rule: Rule,
        kind: str,
        outcome: str,
        started: float,
        *,
        invocation: str | None = None,
        recipients: Sequence[str] | None = None,
        error: str | None = None,
        sent: str | None = None,
    ) -> None:
        """Record in the journal what was done with a message."""
        detail: dict[str, Any] = {"organizationArn": flow.organization.arn}
        if invocation is not None:
            detail |= {
                "functionArn": action_of(rule, flow.direction)["Arn"],
                "invocationType": invocation,
            }
        if recipients is not None:
            detail["recipients"] = ", ".join(recipients)
        if error is not None:
            detail["error"] = error
        if sent is not None:
            detail["sentMessageId"] = sent
        self._journal.write(
            "action",
            message_id=flow.id,
            rule=rule["Name"],
            action=kind,
            outcome=outcome,
            ms=elapsed_ms(started),
            detail=detail,
        )

    def applied(
        self, flow: Flow, rule: Rule, recipients: Sequence[str], actions: list[str]
    ) -> None:
        """Log a RULE_APPLIED event in the organization's log group."""
        now = int(datetime.now(UTC).timestamp() * 1000)
        record = {
            "eventTimestamp": now,
            "traceId": flow.id,
            "event": {
                "eventName": "RULE_APPLIED",
                "messageId": flow.id,
                "from": flow.mail_from,
                "recipients": list(recipients),
                "flowDirection": flow.direction.upper(),
                "ruleName": rule["Name"],
                "ruleType": f"{flow.direction.upper()}_RULE",
                "ruleActions": actions,
            },
        }
        logs, group = self._logs, flow.organization.log_group
        try:
            with self._lock:
                if group not in self._groups:
                    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                        logs.create_log_group(logGroupName=group)
                    logs.create_log_stream(logGroupName=group, logStreamName="events")
                    self._groups.add(group)
            logs.put_log_events(
                logGroupName=group,
                logStreamName="events",
                logEvents=[{"timestamp": now, "message": json.dumps(record)}],
            )
        except (ClientError, BotoCoreError):
            _log.exception("a RULE_APPLIED event could not be logged")
