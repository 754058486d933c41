"""Put the rules of a stack into their order: the handler of a custom resource.

A rule's place is not a property of the rule. CloudFormation passes ``After`` when it creates one,
but ``UpdateReceiptRule`` keeps the place, so nothing moves a rule that exists. This runs after all
rules, reads the real order, and moves ours.

Rules of others keep their order and their places among ours: ours change places with each other.
Only ours are moved, and as few of them as possible, because SES allows one control call a second
and another stack may be ordering its own rules in the same set.

https://docs.aws.amazon.com/ses/latest/APIReference/API_SetReceiptRulePosition.html
"""

from __future__ import annotations

from bisect import bisect_left

from mailroom import _runtime
from mailroom.errors import MailroomError, MissingField
from mailroom.provisioning._patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

__all__ = ["RuleOrderError", "handler", "moves", "wanted_order"]

# Moving a whole rule set of 200 rules takes that many seconds.
_PATIENCE = 200.0
_LOOKS = 4


class RuleOrderError(MailroomError, RuntimeError):
    """The rules are not in their order; the text says why and what to do."""


def wanted_order(
    present: Sequence[str], ours: Sequence[str], after: str | None = None
) -> list[str]:
    """Return the order that the rules *present* should have.

    *ours* are our rules in their order; those that are not present are passed over. With *after*,
    none of ours stands before that rule.
    """
    rules = list(present)
    known = set(rules)
    mine = [name for name in ours if name in known]
    if after in known and after not in mine:
        anchor = rules.index(after)
        early = [name for name in rules[:anchor] if name in mine]
        rules = [name for name in rules if name not in early]
        behind = rules.index(after) + 1
        rules[behind:behind] = early
    following = iter(mine)
    return [next(following) if name in mine else name for name in rules]


def moves(
    present: Sequence[str], wanted: Sequence[str], ours: Sequence[str]
) -> Iterator[tuple[str, str | None]]:
    """Yield the fewest moves that make *wanted* of *present*: a rule, and the one it goes after."""
    staying = _staying(present, wanted, set(ours))
    for place, name in enumerate(wanted):
        if name not in staying:
            yield name, wanted[place - 1] if place else None


def _staying(present: Sequence[str], wanted: Sequence[str], ours: set[str]) -> set[str]:
    """Return the rules that need not move: all that are not ours, and the most of ours."""
    place = {name: number for number, name in enumerate(wanted)}
    staying: set[str] = set()
    section: list[str] = []
    low = -1
    for name in [*present, None]:
        if name in ours:
            section.append(str(name))
            continue
        # Of ours between two others, only those may stay that belong between these two.
        high = place[name] if name is not None else len(wanted)
        staying |= _longest_rising([one for one in section if low < place[one] < high], place)
        if name is not None:
            staying.add(name)
        section, low = [], high
    return staying


def _longest_rising(names: Sequence[str], place: Mapping[str, int]) -> set[str]:
    """Return the most of *names* whose places rise."""
    lowest: list[int] = []
    chains: list[list[str]] = []
    for name in names:
        length = bisect_left(lowest, place[name])
        chain = [*(chains[length - 1] if length else []), name]
        lowest[length : length + 1] = [place[name]]
        chains[length : length + 1] = [chain]
    return set(chains[-1]) if chains else set()


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Move our rules to where they belong; does nothing on delete.

    ``ResourceProperties``
        ``RuleSetName``
            The rule set that the rules are in.
        ``Rules``
            The names of our rules, in the order in which they are to run.
        ``After``
            The rule of somebody else that ours follow, if any.

    Raises `RuleOrderError` if somebody else keeps changing the order.
    """
    if event.get("RequestType") == "Delete":
        return {}
    properties = event.get("ResourceProperties") or {}
    rule_set, ours = properties.get("RuleSetName"), properties.get("Rules") or []
    if not rule_set:
        raise MissingField("missing 'ResourceProperties.RuleSetName'")
    patience = Patience(_PATIENCE)
    client = _runtime.client("ses")
    for look in range(_LOOKS):
        answer = patience.call(client.describe_receipt_rule_set, RuleSetName=rule_set)
        present = [rule["Name"] for rule in answer.get("Rules") or []]
        wanted = wanted_order(present, ours, properties.get("After"))
        missing = sorted(set(ours) - set(present))
        if look == 0 or present != wanted:
            _runtime.log(
                "WARNING" if missing else "INFO",
                "mailroom.provisioning.rule_order",
                rule_set=rule_set,
                found=present,
                wanted=wanted,
                missing=missing or None,
            )
        if present == wanted:
            return {}
        if look == _LOOKS - 1:
            break
        for name, after in moves(present, wanted, ours):
            try:
                patience.call(
                    client.set_receipt_rule_position,
                    RuleSetName=rule_set,
                    RuleName=name,
                    **({"After": after} if after else {}),
                )
            except client.exceptions.RuleDoesNotExistException:
                break  # somebody else deleted one of the two: look again
    raise RuleOrderError(
        f"the rules of {rule_set!r} are not in their order, because somebody else keeps changing "
        "it: deploy again when nothing else is being deployed to this rule set"
    )
