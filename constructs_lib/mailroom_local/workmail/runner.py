"""Runs the rules of an organization on a message."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from mailroom_local._journal import Journal, elapsed_ms
from mailroom_local.workmail.answers import flow_event, read_answer
from mailroom_local.workmail.delivery import Mailboxes
from mailroom_local.workmail.functions import Functions
from mailroom_local.workmail.model import Fate, Flow, Rule, WrongAnswer
from mailroom_local.workmail.reports import Reports
from mailroom_local.workmail.rules import FALLBACKS, action_of, best, patterns_of, taken

_RETRY_SECONDS = 0.1
_SYNCHRONOUS = "RequestResponse"


class Runner:
    """Invokes the functions of rules on a message, then delivers it."""

    def __init__(
        self,
        *,
        journal: Journal,
        functions: Functions,
        mailboxes: Mailboxes,
        reports: Reports,
        closing: Event,
    ) -> None:
        self._journal = journal
        self._functions = functions
        self._mailboxes = mailboxes
        self._reports = reports
        self._closing = closing

    def process(self, flow: Flow) -> None:
        """Run the rules that match, and deliver the message according to their answers."""
        started = time.perf_counter()
        with self._journal.guarded(flow.id):
            self._run_rules(flow)
        self._journal.write("finished", message_id=flow.id, stopped_by=None, ms=elapsed_ms(started))

    def _run_rules(self, flow: Flow) -> None:
        direction = flow.direction
        found = []
        for rule in list(flow.organization.rules[direction].values()):
            own = taken(rule, direction, flow.mail_from, flow.rcpt_tos)
            if own:
                exactly = best(patterns_of(rule, direction)[0], flow.mail_from)
                found.append((exactly, rule, own))
        found.sort(key=lambda one: (-one[0], str(one[1]["Name"])))
        asked = [
            one for one in found if "SynchronousLambdaParameters" in action_of(one[1], direction)
        ]
        asynchronous = [one for one in found if one not in asked]
        for _, rule, own in (*asynchronous, *asked[:1]):
            self._journal.write(
                "rule", message_id=flow.id, rule=rule["Name"], recipients=own, verdicts={}
            )
        for _, rule, own in asynchronous:
            self._invoke_asynchronously(flow, rule, own)
        fates, name = {address: Fate("DEFAULT") for address in flow.rcpt_tos}, ""
        for _, rule, own in asked[:1]:
            fates, name = {**fates, **self._ask(flow, rule, own)}, str(rule["Name"])
        self._mailboxes.deliver(flow, fates, name)

    def _invoke_asynchronously(self, flow: Flow, rule: Rule, recipients: Sequence[str]) -> None:
        started = time.perf_counter()
        event = flow_event(flow, recipients, uuid.uuid4().hex)
        error, outcome = None, "accepted"
        try:
            self._functions.invoke(flow, rule, event, "Event")
        except (WrongAnswer, ClientError, BotoCoreError) as failure:
            error, outcome = str(failure), "failed"
        self._reports.action(
            flow, rule, "Lambda", outcome, started, error=error, invocation="Event"
        )
        self._reports.applied(flow, rule, recipients, ["LAMBDA"])

    def _ask(self, flow: Flow, rule: Rule, recipients: Sequence[str]) -> dict[str, Fate]:
        asked = action_of(rule, flow.direction)["SynchronousLambdaParameters"]
        kind = next(iter(asked["FallbackAction"]))
        fallback = Fate(FALLBACKS[flow.direction][kind])
        event = flow_event(flow, recipients, uuid.uuid4().hex)
        minutes = int(asked["RetryPeriodMinutes"])
        deadline = time.monotonic() + minutes * flow.organization.seconds_per_minute
        fates = None
        while fates is None:
            fates = self._attempt(flow, rule, event, recipients, fallback)
            if fates is None:
                over = time.monotonic() + _RETRY_SECONDS > deadline
                if over or self._closing.wait(_RETRY_SECONDS):
                    break
        if fates is None:
            fates = dict.fromkeys(recipients, fallback)
            self._reports.action(flow, rule, "Fallback", fallback.kind, time.perf_counter())
        kinds = sorted({fate.kind for fate in fates.values()})
        self._reports.applied(flow, rule, recipients, ["LAMBDA", *kinds])
        return fates

    def _attempt(
        self,
        flow: Flow,
        rule: Rule,
        event: Mapping[str, Any],
        recipients: Sequence[str],
        fallback: Fate,
    ) -> dict[str, Fate] | None:
        started = time.perf_counter()
        flow.open = True
        try:
            payload = self._functions.invoke(flow, rule, event, _SYNCHRONOUS)
            fates = read_answer(payload, flow.direction, recipients, fallback=fallback)
        except ReadTimeoutError:
            error = f"no answer within {flow.organization.answer_seconds:g} seconds"
        except (WrongAnswer, ClientError, BotoCoreError) as failure:
            error = str(failure)
        else:
            outcome = ", ".join(sorted({fate.kind for fate in fates.values()}))
            self._reports.action(flow, rule, "Lambda", outcome, started, invocation=_SYNCHRONOUS)
            return fates
        finally:
            flow.close()
        self._reports.action(
            flow, rule, "Lambda", "failed", started, error=error, invocation=_SYNCHRONOUS
        )
        return None
