"""For which recipients a rule applies, and why not for the others.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_Rule.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from mailroom_local.gateway.conditions import Result, evaluate
from mailroom_local.gateway.facts import Facts

Rule: TypeAlias = Mapping[str, Any]
# Whether it is one of `Unless`, its place there, and its result.
_Step: TypeAlias = tuple[bool, int, Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A rule that was evaluated for every recipient of a message."""

    rule: Rule
    index: int
    """The place of the rule in its rule set, from 1."""
    recipients: tuple[str, ...]
    """The recipients for which it applies."""
    because: tuple[Mapping[str, Any], ...]
    """Why, for each group of recipients with the same answer."""

    @property
    def name(self) -> str:
        """The rule's name."""
        return name_of(self.rule, self.index)


def name_of(rule: Rule, index: int) -> str:
    """The name of a rule; one without is called by its place."""
    return str(rule.get("Name") or f"rule {index}")


def match(rule: Rule, index: int, facts: Facts, recipients: Sequence[str]) -> Match:
    """Evaluate a rule: it applies if all conditions hold, and none of those in ``Unless``."""
    groups: dict[tuple[Any, ...], list[str]] = {}
    for recipient in recipients:
        steps = tuple(_steps(rule, facts, recipient))
        alike = tuple((unless, number, _alike(one)) for unless, number, one in steps)
        groups.setdefault(alike, []).append(recipient)
    taken = {one for steps, found in groups.items() if _applies(steps) for one in found}
    return Match(
        rule=rule,
        index=index,
        recipients=tuple(recipient for recipient in recipients if recipient in taken),
        because=tuple(_reason(steps, found) for steps, found in groups.items()),
    )


def _steps(rule: Rule, facts: Facts, recipient: str) -> Iterator[_Step]:
    """The conditions up to the one that decides."""
    for unless, part in ((False, "Conditions"), (True, "Unless")):
        for number, condition in enumerate(rule.get(part) or (), start=1):
            result = evaluate(condition, facts, recipient)
            yield unless, number, result
            if result.holds is unless:
                return


def _applies(steps: Sequence[_Step]) -> bool:
    return all(result.holds is not unless for unless, _, result in steps)


def _alike(result: Result) -> Result:
    """The same result for recipients that differ in nothing else."""
    return replace(result, found=()) if _differs(result) else result


def _with(recipients: Sequence[str], result: Result) -> Result:
    return replace(result, found=tuple(recipients)) if _differs(result) else result


def _differs(result: Result) -> bool:
    return result.attribute.startswith("RECIPIENT")


def _reason(steps: Sequence[_Step], recipients: Sequence[str]) -> dict[str, Any]:
    applies = _applies(steps)
    steps = [(unless, number, _with(recipients, one)) for unless, number, one in steps]
    shown = steps if applies else steps[-1:]
    words = [
        f"{'unless' if unless else 'condition'} {number}: {result.text()}"
        for unless, number, result in shown
    ]
    return {
        "recipients": list(recipients),
        "matched": applies,
        "text": "; ".join(words) or "the rule has no conditions",
        "conditions": [
            {**result.record(), "unless": unless, "number": number, "found": list(result.found)}
            for unless, number, result in steps
        ],
    }
