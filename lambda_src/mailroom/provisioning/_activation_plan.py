"""What CloudFormation asks for, and the next step towards it.

Nothing here calls AWS; `mailroom.provisioning.activation` does, and describes the rules.
"""

from __future__ import annotations

import re

from mailroom.errors import MailroomError, MissingField
from mailroom.provisioning._ledger import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mailroom.provisioning._ledger import Entries

__all__ = ["ActivationError", "Request", "Step", "next_step", "release"]

_MODES = ("refuse", "join", "replace")

# WorkMail creates this set and receives an organization's mail through it.
_WORKMAIL = "INBOUND_MAIL"


class ActivationError(MailroomError, RuntimeError):
    """The rule set was not activated; the text says why and what to do."""


class Request:
    """One request of CloudFormation."""

    __slots__ = ("kind", "ledger", "made", "mode", "name", "resource", "siblings")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.kind: str = event.get("RequestType", "")
        self.resource: str = event.get("LogicalResourceId") or ""
        properties = event.get("ResourceProperties") or {}
        self.name: str = properties.get("RuleSetName") or ""
        self.mode: str = properties.get("Mode") or "refuse"
        self.ledger: str = properties.get("Ledger") or ""
        # Whether this stack makes the rule set, and so deletes it.
        self.made: bool = properties.get("Made") == "true"
        # The other activations of the template, without those that this deployment removes.
        self.siblings: list[str] = properties.get("Siblings") or []

    def check(self) -> None:
        """Raise unless the properties can be acted on."""
        if self.kind not in ("Create", "Update", "Delete"):
            raise ActivationError(
                f"RequestType is {self.kind!r}: send 'Create', 'Update' or 'Delete'"
            )
        for name, value in (("RuleSetName", self.name), ("Ledger", self.ledger)):
            if not value:
                raise MissingField(f"missing 'ResourceProperties.{name}'")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", self.name):
            raise ActivationError(f"RuleSetName is {self.name!r}: use 1 to 64 of A-Z a-z 0-9 _ . -")
        if self.mode not in _MODES:
            raise ActivationError(f"Mode is {self.mode!r}: use one of {', '.join(_MODES)}")


class Step:
    """The next thing to do: write *entries*, then activate *activate* if *change*.

    Without a change it was the last step, and *rule_set* is where the rules belong.
    """

    __slots__ = ("activate", "change", "entries", "outcome", "rule_set")

    def __init__(
        self,
        outcome: str,
        entries: Entries,
        *,
        rule_set: str = "",
        change: bool = False,
        activate: str | None = None,
    ) -> None:
        self.outcome = outcome
        self.entries = entries
        self.rule_set = rule_set
        self.change = change
        self.activate = activate


def next_step(
    request: Request,
    entries: Entries,
    active: str | None,
    *,
    lost: set[str],
    rolling_back: Callable[[], bool],
) -> Step:
    """Return the next step of a Create or an Update while *active* is the active rule set.

    *lost* are rule sets that were found not to exist any more. Raises `ActivationError` if somebody
    else's rule set is in the way.
    """
    mine = entries.get(request.resource)
    if mine and mine.fresh and mine.rule_set != request.name and rolling_back():
        return _undo(request, entries, active, lost)
    if active == request.name:
        if request.mode == "join" and mine and _can_be_handed_back(mine, lost):
            # What a join would have found without the replace before it. A rollback may take it.
            given = {
                **entries,
                request.resource: Entry(request.name, mine.before, taking=mine.before),
            }
            return Step("handing back", given, change=True, activate=mine.before)
        held = {**entries, request.resource: _held(request, entries)}
        return Step("active", held, rule_set=request.name)
    if active is None or active in _ours(request, entries):
        before = mine.before if mine and mine.changed else active
        fresh = request.kind == "Update" and not (mine and mine.changed)
        entry = Entry(request.name, before, taking=active, fresh=fresh)
        return _take(request, entries, "activating", entry)
    if request.mode == "join":
        return Step("joined", entries, rule_set=active)
    mine = mine if mine and mine.changed else None
    replaces = request.mode == "replace"
    if replaces and mine and active == mine.taking:
        entry = Entry(request.name, active, taking=active, fresh=mine.fresh)
        return _take(request, entries, "replacing", entry)
    if request.kind == "Update" and rolling_back():
        if mine:
            entries = {**entries, request.resource: Entry(request.name, mine.before)}
        return Step("left displaced", entries, rule_set=request.name)
    if replaces and not mine:
        fresh = request.kind == "Update"
        entry = Entry(request.name, active, taking=active, fresh=fresh)
        return _take(request, entries, "replacing", entry)
    raise ActivationError(_in_the_way(request, active, displaced=mine is not None))


def _undo(request: Request, entries: Entries, active: str | None, lost: set[str]) -> Step:
    """Return the step of a rollback to properties with which the resource had changed nothing."""
    mine = entries[request.resource]
    if active == mine.rule_set != mine.before:
        target = None if mine.before in lost else mine.before
        return Step("undoing", entries, change=True, activate=target)
    rest = {key: entry for key, entry in entries.items() if key != request.resource}
    joined = request.mode == "join" and active
    return Step("undone", rest, rule_set=joined or request.name)


def release(request: Request, entries: Entries, active: str | None, lost: set[str]) -> Step:
    """Return the step of a Delete; its entries are to be written after the activation."""
    mine = entries.get(request.resource) or _unchanged(request.name)
    rest = {key: entry for key, entry in entries.items() if key != request.resource}
    if active != mine.rule_set:
        _hand_down(mine, rest)
    for key, entry in rest.items():
        if entry.rule_set == active == mine.rule_set:
            # The resource has another logical id now, and its rule set is the same.
            rest[key] = mine if mine.changed else entry
            return Step("left to another resource", rest)
    # An active rule set cannot be deleted, so one that the stack made ends here in any case.
    ends = request.made and active == request.name
    target = mine.before if mine.changed else None
    activated = mine.changed and active == mine.rule_set
    if active is None or target == active or not (ends or activated):
        return Step("left alone", rest)
    passed = {active}
    while target in lost or target in passed:
        passed.add(target)
        target = next((e.before for e in entries.values() if e.rule_set == target), None)
    return Step("restored" if target else "deactivated", rest, change=True, activate=target)


def _hand_down(mine: Entry, rest: dict[str, Entry]) -> None:
    """Let the resource that displaced *mine* restore what *mine* would have restored."""
    for key, entry in rest.items():
        displaced = mine.changed and entry.changed and entry.before == mine.rule_set
        if displaced and entry.rule_set != mine.before:
            rest[key] = Entry(entry.rule_set, mine.before)


def _take(request: Request, entries: Entries, outcome: str, entry: Entry) -> Step:
    # Another resource's claim to the same rule set has ended, since that is not active.
    taken = {key: other for key, other in entries.items() if other.rule_set != request.name}
    taken[request.resource] = entry
    return Step(outcome, taken, change=True, activate=request.name)


def _held(request: Request, entries: Entries) -> Entry:
    """Return the entry of a rule set that was active when the request came."""
    mine = entries.get(request.resource)
    if mine and request.name in (mine.rule_set, mine.taking):
        return Entry(request.name, mine.before, changed=mine.changed, fresh=mine.fresh)
    if request.made:
        return Entry(request.name, mine.before if mine and mine.changed else None)
    return _unchanged(request.name)


def _unchanged(rule_set: str) -> Entry:
    return Entry(rule_set, rule_set, changed=False)


def _ours(request: Request, entries: Entries) -> set[str | None]:
    """Return the rule sets that this stack activated and that need not stay active."""
    found: set[str | None] = set()
    for resource, entry in entries.items():
        if resource not in request.siblings and entry.changed:
            found.add(entry.rule_set)
            if entry.taking != entry.before:
                found.add(entry.taking)
    return found


def _can_be_handed_back(mine: Entry, lost: set[str]) -> bool:
    return mine.changed and mine.before is not None and mine.before not in lost


def _in_the_way(request: Request, active: str, *, displaced: bool) -> str:
    text = f"receipt rule set {active!r} is active in this account and region"
    if displaced:
        text += f"; somebody activated it after {request.name!r} or its predecessor"
    if active == _WORKMAIL:
        text += (
            "; WorkMail receives through it, and displacing it stops all mail of the organization: "
            "choose activation 'join'"
        )
        if request.mode == "refuse":
            text += ", or 'replace' if WorkMail is to receive no more mail"
    elif request.mode == "refuse":
        text += (
            ": deactivate it, or choose activation 'join', 'replace', or 'none' if another stack "
            "activates the rule set"
        )
    else:
        text += ": deactivate it, or choose activation 'join'"
    if displaced:
        text += (
            f". To replace {active!r} and restore it later, deploy once with 'none', "
            "then with 'replace'"
        )
    return text
