"""The rules of a rule set on one message: which apply, and their actions in order.

All rules are tried in order, each on the recipients that are left; what a Drop action takes away
gets nothing more. https://docs.aws.amazon.com/ses/latest/dg/eb-rules.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mailroom.ses import Disposition
from mailroom_local._journal import Journal, elapsed_ms
from mailroom_local.gateway import logs, retrying, rules
from mailroom_local.gateway.actions import Actions, Outcome, Step
from mailroom_local.gateway.facts import Facts
from mailroom_local.gateway.message import Message
from mailroom_local.gateway.points import IngressPoint
from mailroom_local.gateway.rules import Match

Steps: TypeAlias = Generator[float, None, str | None]
"""Yields the seconds until the next try of an action; ends with the rule that stopped the set."""

_UNSHOWN = frozenset({"ActionFailurePolicy", "RoleArn", "S3SseKmsKeyId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A message on its way through the rules of an ingress point."""

    point: IngressPoint
    message: Message
    facts: Facts
    actions: Actions
    journal: Journal
    publish: Callable[[Mapping[str, Any]], None]
    """Publishes a record to the log of the rule set."""

    def steps(self) -> Steps:
        """Run every rule for the recipients that are left."""
        message = self.message
        for index, rule in enumerate(self.point.rule_set.get("Rules") or (), start=1):
            if not message.recipients:
                return None
            match = rules.match(rule, index, self.facts, message.recipients)
            self.journal.write(
                "rule",
                message_id=message.message_id,
                rule=match.name,
                recipients=list(match.recipients),
                because=list(match.because),
                verdicts={
                    name: getattr(message.verdicts, name) for name in ("spf", "dkim", "dmarc")
                },
            )
            if not match.recipients:
                self.publish(logs.processed(self.point, message, match))
                continue
            disposition = yield from self._rule(match)
            if disposition is Disposition.STOP_RULE_SET:
                return match.name
        return None

    def _rule(self, match: Match) -> Generator[float, None, Disposition]:
        message, recipients = self.message, match.recipients
        for place, action in enumerate(match.rule.get("Actions") or (), start=1):
            kind, fields = next(
                (kind, given) for kind, given in action.items() if given is not None
            )
            step = Step(
                point=self.point,
                message=message,
                recipients=recipients,
                kind=kind,
                fields=fields,
                settings={
                    name[0].lower() + name[1:]: value
                    for name, value in fields.items()
                    if name not in _UNSHOWN
                },
            )
            outcome = yield from self._action(step, match, place)
            if outcome.replaced is not None:
                message.recipients = _replaced(message.recipients, recipients, outcome.replaced)
                recipients = outcome.replaced
            if outcome.dropped:
                message.recipients = [one for one in message.recipients if one not in recipients]
                return Disposition.CONTINUE
            if outcome.disposition is not Disposition.CONTINUE:
                return outcome.disposition
        return Disposition.CONTINUE

    def _action(self, step: Step, match: Match, place: int) -> Generator[float, None, Outcome]:
        """Run an action until it succeeds, or there is no other try."""
        passed, failures = 0.0, 0
        allowed = float(step.fields.get("RetryTimeMinutes") or 0)
        while True:
            started = time.perf_counter()
            outcome = self.actions.run(step)
            failures += bool(outcome.failure)
            minutes = None
            if outcome.retriable and allowed:
                minutes = retrying.pause(failures, passed=passed, allowed=allowed)
            if minutes is None:
                return self._ended(step, match, place, outcome, started)
            passed += minutes
            again = f"tried again in {minutes:g} min of {allowed:g}"
            self._write(step, match, "retrying", started, error=outcome.failure, again=again)
            self._log(step, match, place, "IN_PROGRESS", outcome.failure)
            yield minutes * retrying.minute_seconds()

    def _ended(
        self, step: Step, match: Match, place: int, outcome: Outcome, started: float
    ) -> Outcome:
        if not outcome.failure:
            self._write(step, match, outcome.word, started)
            self._log(step, match, place, "SUCCESS", "")
            return outcome
        drops = step.fields.get("ActionFailurePolicy") == "DROP"
        dropped = {"dropped": "the failure policy of the action is DROP"} if drops else {}
        self._write(step, match, outcome.word, started, error=outcome.failure, **dropped)
        self._log(step, match, place, "FAILURE", outcome.failure)
        return Outcome(word=outcome.word, failure=outcome.failure, dropped=drops)

    def _write(self, step: Step, match: Match, outcome: str, started: float, **detail: Any) -> None:
        self.journal.write(
            "action",
            message_id=self.message.message_id,
            rule=match.name,
            action=step.kind,
            outcome=outcome,
            ms=elapsed_ms(started),
            detail={**step.settings, **detail},
        )

    def _log(self, step: Step, match: Match, place: int, status: str, failure: str) -> None:
        self.publish(
            logs.processed(
                self.point,
                self.message,
                match,
                action=step.kind,
                place=place,
                status=status,
                failure=failure,
            )
        )


def _replaced(everyone: Sequence[str], old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The recipients with others in place of some; nobody is named twice."""
    first = next(place for place, one in enumerate(everyone) if one in old)
    kept = [one for one in everyone[first:] if one not in old]
    return list(dict.fromkeys([*everyone[:first], *new, *kept]))
