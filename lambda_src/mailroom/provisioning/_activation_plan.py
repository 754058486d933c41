"""What an activation remembers, what CloudFormation asks for, and what to do about it.

Nothing here calls AWS; `mailroom.provisioning.activation` does, and describes the rules.
"""

from __future__ import annotations

import re

from mailroom.errors import MailroomError, MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["Activated", "ActivationError", "Joined", "Plan", "Request", "decide", "parse"]

_MODES = ("refuse", "join", "replace")

# WorkMail creates this set and receives an organization's mail through it.
_WORKMAIL = "INBOUND_MAIL"

_NAME = r"[A-Za-z0-9_.-]{1,64}"
_MODE = "|".join(_MODES)
_ACTIVATED = re.compile(rf"mailroom:activated=({_NAME});mode=({_MODE})(?:;previous=({_NAME}))?")
_JOINED = re.compile(
    rf"mailroom:joined=({_NAME});own=({_NAME})(?:;was=({_MODE}),({_NAME})(?:,({_NAME}))?)?"
)


class ActivationError(MailroomError, RuntimeError):
    """The rule set was not activated; the message gives the reason and the remedy."""


class Activated:
    """Our set *name* is the account's active one; *previous* is what it displaced."""

    __slots__ = ("mode", "name", "previous")

    def __init__(self, name: str, mode: str, previous: str | None = None) -> None:
        self.name = name
        self.mode = mode
        self.previous = previous

    @property
    def rule_set(self) -> str:
        """The set for the rules."""
        return self.name

    @property
    def own(self) -> str:
        """Our own set."""
        return self.name

    def __str__(self) -> str:
        text = f"mailroom:activated={self.name};mode={self.mode}"
        return f"{text};previous={self.previous}" if self.previous else text


class Joined:
    """The foreign set *rule_set* is active and has our rules; none of ours is active.

    *was* is the set of ours that had been displaced before we joined, if the mode was `refuse`.
    """

    __slots__ = ("own", "rule_set", "was")

    def __init__(self, rule_set: str, own: str, was: Activated | None = None) -> None:
        self.rule_set = rule_set
        self.own = own
        self.was = was

    def __str__(self) -> str:
        text = f"mailroom:joined={self.rule_set};own={self.own}"
        if self.was is None:
            return text
        facts = (self.was.mode, self.was.name, self.was.previous)
        return f"{text};was={','.join(fact for fact in facts if fact)}"


def parse(physical_id: str | None) -> Activated | Joined | None:
    """Return the state in *physical_id*; ``None`` if this module did not write it."""
    if match := _ACTIVATED.fullmatch(physical_id or ""):
        name, mode, previous = match.groups()
        return Activated(name, mode, previous)
    if match := _JOINED.fullmatch(physical_id or ""):
        joined, own, mode, name, previous = match.groups()
        return Joined(joined, own, Activated(name, mode, previous) if mode else None)
    return None


class Request:
    """One request of CloudFormation, as the Provider framework passes it on."""

    __slots__ = ("id", "kind", "mode", "name", "old_mode", "old_name", "physical_id", "state")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.id: str | None = event.get("RequestId")
        self.kind: str = event.get("RequestType", "")
        self.physical_id: str | None = event.get("PhysicalResourceId")
        self.state = parse(self.physical_id)
        properties = event.get("ResourceProperties") or {}
        before = event.get("OldResourceProperties") or {}
        self.name: str = properties.get("RuleSetName") or ""
        self.mode: str = properties.get("Mode") or "refuse"
        self.old_name: str = before.get("RuleSetName") or self.name
        self.old_mode: str = before.get("Mode") or ("refuse" if before else self.mode)

    def check(self) -> None:
        """Raise unless the properties can be acted on; a Delete needs none of them."""
        if self.kind not in ("Create", "Update", "Delete"):
            raise ActivationError(
                f"RequestType is {self.kind!r}: send 'Create', 'Update' or 'Delete'"
            )
        if self.kind == "Delete":
            return
        if not self.name:
            raise MissingField("missing 'ResourceProperties.RuleSetName'")
        if not re.fullmatch(_NAME, self.name):
            raise ActivationError(f"RuleSetName is {self.name!r}: use 1 to 64 of A-Z a-z 0-9 _ . -")
        if self.mode not in _MODES:
            raise ActivationError(f"Mode is {self.mode!r}: use one of {', '.join(_MODES)}")

    @property
    def held(self) -> Activated | None:
        """The set that we activated, as the id remembers it."""
        return self.state if isinstance(self.state, Activated) else None

    @property
    def memory(self) -> str | None:
        """The foreign set that deletion restores."""
        return self.held.previous if self.held else None

    @property
    def stops_replacing(self) -> bool:
        """Whether this Update turns ``replace`` into ``join``."""
        return (self.old_mode, self.mode) == ("replace", "join")

    def is_own(self, rule_set: str | None) -> bool:
        """Whether *rule_set* is ours: the one wanted now, or the one before it."""
        return rule_set == self.name or (self.state is not None and rule_set == self.state.own)

    @property
    def undoes(self) -> Activated | None:
        """The state in the id, if that is exactly what this Update asks for.

        CloudFormation sends no Update without a change, so this one undoes an update that failed.
        """
        if (self.old_name, self.old_mode) == (self.name, self.mode):
            return None
        if held := self.held:
            never_renamed = self.old_name != held.name
            same = held.name == self.name and (never_renamed or held.mode == self.mode)
            return held if same else None
        was = self.state.was if isinstance(self.state, Joined) else None
        return was if was and (was.name, self.mode) == (self.name, "refuse") else None


class Plan:
    """What to do: make *activate* the active set if *change*, and remember *state*."""

    __slots__ = ("activate", "change", "outcome", "state")

    def __init__(
        self,
        outcome: str,
        *,
        state: Activated | Joined | None = None,
        change: bool = False,
        activate: str | None = None,
    ) -> None:
        self.outcome = outcome
        self.state = state
        self.change = change
        self.activate = activate


def decide(request: Request, active: str | None, memory_exists: bool) -> Plan:
    """Return what *request* calls for while *active* is the account's active set.

    *memory_exists* says whether the set that the id remembers still exists; it matters only if
    `Request.stops_replacing`. Raises `ActivationError` if a foreign set is in the way.
    """
    if request.kind == "Delete":
        return _release(request, active)
    if active is None or request.is_own(active):
        return _hold(request, active, memory_exists)
    if request.mode == "join":
        # Only `refuse` could not return to this state: see `undoes`.
        was = request.held if request.old_mode == "refuse" else None
        return Plan("joined", state=Joined(active, request.name, was))
    if undone := request.undoes:
        return Plan("left displaced", state=undone)
    if request.mode == "replace" and request.held is None:
        state = Activated(request.name, "replace", active)
        return Plan("replaced", state=state, change=True, activate=request.name)
    raise ActivationError(_in_the_way(request, active))


def _release(request: Request, active: str | None) -> Plan:
    held = request.held
    if held is None or active != held.name:
        return Plan("left alone")
    if held.previous:
        return Plan("restored", change=True, activate=held.previous)
    return Plan("deactivated", change=True)


def _hold(request: Request, active: str | None, memory_exists: bool) -> Plan:
    """Return the plan if no foreign set is active, so that ours may be."""
    held = request.held
    if request.stops_replacing and memory_exists and active:
        # What a join would have found without the replace; undoing join -> replace is the same.
        state = Joined(str(request.memory), request.name)
        return Plan("handed back", state=state, change=True, activate=state.rule_set)
    if held is not None:
        # The memory belongs to the resource: the next set of ours restores the same set.
        mode, previous = held.mode, held.previous
    else:
        # Joined although ours is active: this is a second delivery of join -> replace.
        again = request.mode == "replace" and isinstance(request.state, Joined) and active
        mode = request.mode
        previous = request.state.rule_set if again and request.state else None
    return Plan(
        "active already" if active == request.name else "activated",
        state=Activated(request.name, mode, previous),
        change=active != request.name,
        activate=request.name,
    )


def _in_the_way(request: Request, active: str) -> str:
    text = f"receipt rule set {active!r} is active in this account and region"
    if request.held:
        text += f"; it was activated after {request.held.name!r}"
    if active == _WORKMAIL:
        text += (
            "; WorkMail receives through it, and displacing it stops all mail of the organization: "
            "choose activation 'join'"
        )
        if request.mode == "refuse":
            text += ", or 'replace' if WorkMail is to receive no more mail"
    elif request.mode == "refuse":
        text += ": deactivate it, or choose activation 'join' or 'replace'"
    else:
        text += ": deactivate it, or choose activation 'join'"
    if request.held:
        text += (
            f". To replace {active!r} and restore it later, deploy once with 'join', "
            "then with 'replace'"
        )
    return text
