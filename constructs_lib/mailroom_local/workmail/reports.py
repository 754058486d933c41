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
from mailroom_local.workmail.model import Flow, Place, Rule
from mailroom_local.workmail.rules import action_of

_log = logging.getLogger("mailroom")


class Reports:
    """Writes actions to the journal, and RULE_APPLIED events to CloudWatch Logs."""

    def __init__(self, *, endpoint: str, journal: Journal) -> None:
        self._journal = journal
        self._endpoint = endpoint
        self._logs: dict[Place, Any] = {}
        self._groups: set[tuple[Place, str]] = set()
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
        place, group = flow.organization.place, flow.organization.log_group
        try:
            with self._lock:
                logs = self._client(place)
                if (place, group) not in self._groups:
                    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):
                        logs.create_log_group(logGroupName=group)
                    logs.create_log_stream(logGroupName=group, logStreamName="events")
                    self._groups.add((place, group))
            logs.put_log_events(
                logGroupName=group,
                logStreamName="events",
                logEvents=[{"timestamp": now, "message": json.dumps(record)}],
            )
        except (ClientError, BotoCoreError):
            _log.exception("a RULE_APPLIED event could not be logged")

    def _client(self, place: Place) -> Any:
        if place not in self._logs:
            account, region = place
            session = clients.session(region=region, account=account)
            self._logs[place] = clients.client(session, "logs", self._endpoint)
        return self._logs[place]
