"""Activate an SES receipt rule set: the ``on_event`` handler behind CDK's Provider framework.

One rule set is active per account and region, CloudFormation cannot activate any, and an active
one cannot be deleted. What happens to a foreign set that is active is the property ``Mode``:

``refuse``
    An error that names it. Nothing is touched.
``join``
    The rules go into it. If no set is active, ours is activated.
``replace``
    It is remembered, ours is activated, and deleting the resource puts it back.

The only memory is the physical resource id, in one of two forms::

    mailroom:activated=OURS;mode=MODE[;previous=FOREIGN]
    mailroom:joined=FOREIGN;own=OURS[;was=MODE,OURS[,FOREIGN]]

``mode`` is the mode in which OURS was first activated, which need not be today's; ``was`` is the
first form of a set that had already been displaced when we joined the one in its place.

An update that returns another id makes CloudFormation delete the old one, and that request looks
exactly like the resource's own deletion. Hence the rule on which everything below rests: **while
a set stays ours and active, its id stays the same, letter by letter.** Whatever changes an id
leaves the old one naming a set that is not active, whose deletion then touches nothing. It follows
that nothing can be added to the memory while the same set is held.

Documented at https://docs.aws.amazon.com/ses/latest/APIReference/API_SetActiveReceiptRuleSet.html
"""

from __future__ import annotations

import re
import time

from mailroom import _runtime
from mailroom.errors import MailroomError, MissingField

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["ActivationError", "handler"]

_MODES = ("refuse", "join", "replace")

# WorkMail makes this set and receives an organization's mail through it.
_WORKMAIL = "INBOUND_MAIL"

_NAME = r"[A-Za-z0-9_.-]{1,64}"
_MODE = "|".join(_MODES)
_ACTIVATED = re.compile(rf"mailroom:activated=({_NAME});mode=({_MODE})(?:;previous=({_NAME}))?")
_JOINED = re.compile(
    rf"mailroom:joined=({_NAME});own=({_NAME})(?:;was=({_MODE}),({_NAME})(?:,({_NAME}))?)?"
)

# SES allows one control call a second, to all stacks and consoles of the account together. These
# are seconds of waiting for one whole request (at most five calls), on top of botocore's own
# retries of up to 15 s a call; both together stay below the function's five minutes.
_PATIENCE = 90.0
_LONGEST_WAIT = 8.0
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
)

# A second delivery of a Create finds our own set active and can no longer see what it displaced.
# As long as it reaches the same process, it gets the first answer.
_answers: dict[str, dict[str, Any]] = {}


class ActivationError(MailroomError, RuntimeError):
    """The rule set was not activated; the text names what is in the way and what to do."""


# View.


class Activated:
    """Our set *name* is the account's active one; *previous* is what it displaced."""

    __slots__ = ("mode", "name", "previous")

    def __init__(self, name: str, mode: str, previous: str | None = None) -> None:
        self.name = name
        self.mode = mode
        self.previous = previous

    @property
    def rule_set(self) -> str:
        """The set that the rules must go into."""
        return self.name

    @property
    def own(self) -> str:
        """Our own set."""
        return self.name

    def __str__(self) -> str:
        text = f"mailroom:activated={self.name};mode={self.mode}"
        return f"{text};previous={self.previous}" if self.previous else text


class Joined:
    """Somebody's set *rule_set* is active and takes our rules; we hold nothing.

    *was* is the set of ours that had been displaced before we joined, if `refuse` was in force.
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
    """Return what *physical_id* remembers; ``None`` for one that this module did not write."""
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
                f"RequestType is {self.kind!r}; it must be 'Create', 'Update' or 'Delete'"
            )
        if self.kind == "Delete":
            return
        if not self.name:
            raise MissingField("missing 'ResourceProperties.RuleSetName'")
        if not re.fullmatch(_NAME, self.name):
            raise ActivationError(
                f"RuleSetName is {self.name!r}; it must be 1 to 64 of A-Z a-z 0-9 _ . -"
            )
        if self.mode not in _MODES:
            raise ActivationError(f"Mode is {self.mode!r}; it must be one of {', '.join(_MODES)}")

    @property
    def held(self) -> Activated | None:
        """The set that we activated, as the id remembers it."""
        return self.state if isinstance(self.state, Activated) else None

    @property
    def memory(self) -> str | None:
        """The foreign set that the id remembers for putting it back."""
        return self.held.previous if self.held else None

    @property
    def stops_replacing(self) -> bool:
        """Whether this Update turns ``replace`` into ``join``."""
        return (self.old_mode, self.mode) == ("replace", "join")

    def is_own(self, rule_set: str | None) -> bool:
        """Whether *rule_set* is ours: the one wanted now, or the one that it takes over from."""
        return rule_set == self.name or (self.state is not None and rule_set == self.state.own)

    @property
    def undoes(self) -> Activated | None:
        """What the id remembers, if that is exactly what this Update asks for.

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


# Decide.


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

    *memory_exists* says whether the set that the id remembers is still there; it matters only if
    `Request.stops_replacing`. Raises `ActivationError` if a foreign set is in the way.
    """
    if request.kind == "Delete":
        return _release(request, active)
    if active is None or request.is_own(active):
        return _hold(request, active, memory_exists)
    if request.mode == "join":
        # Only `refuse` could not come back here by itself: see `undoes`.
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
    """Nobody else's set is active, so ours may be."""
    held = request.held
    if request.stops_replacing and memory_exists and active:
        # What a join would have found, had there been no replace; so is undoing join -> replace.
        state = Joined(str(request.memory), request.name)
        return Plan("handed back", state=state, change=True, activate=state.rule_set)
    if held is not None:
        # The memory belongs to the resource: the next set of ours puts back the same foreign set.
        mode, previous = held.mode, held.previous
    else:
        # Joined, and yet ours is active: this is a second delivery of join -> replace.
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
        text += f"; somebody activated it after {request.held.name!r}"
    if active == _WORKMAIL:
        text += (
            "; WorkMail receives through it, and displacing it stops all mail of the organization: "
            "choose activation 'join'"
        )
        if request.mode == "refuse":
            text += ", or 'replace' if WorkMail is to receive nothing any more"
    elif request.mode == "refuse":
        text += ": deactivate it, or choose activation 'join' or 'replace'"
    else:
        text += ": deactivate it, or choose activation 'join'"
    if request.held:
        text += (
            f". To have {active!r} replaced and put back later, deploy once with 'join', "
            "then with 'replace'"
        )
    return text


# Act.


class Ses:
    """The three operations, each tried again for as long as SES says that it was asked too fast."""

    __slots__ = ("client", "patience")

    def __init__(self, client: Any) -> None:
        self.client = client
        self.patience = _PATIENCE

    def active(self) -> str | None:
        answer = self._call(self.client.describe_active_receipt_rule_set)
        # SES leaves the metadata out if no set is active.
        return (answer.get("Metadata") or {}).get("Name") or None

    def exists(self, rule_set: str) -> bool:
        try:
            self._call(self.client.describe_receipt_rule_set, RuleSetName=rule_set)
        except self.client.exceptions.RuleSetDoesNotExistException:
            return False
        return True

    def activate(self, rule_set: str | None) -> None:
        name = {} if rule_set is None else {"RuleSetName": rule_set}
        self._call(self.client.set_active_receipt_rule_set, **name)

    def _call(self, operation: Callable[..., Any], **arguments: str) -> Any:
        wait = 1.0
        while True:
            try:
                return operation(**arguments)
            except self.client.exceptions.ClientError as error:
                if error.response["Error"]["Code"] not in _THROTTLED or self.patience < wait:
                    raise
            time.sleep(wait)
            self.patience -= wait
            wait = min(wait * 2, _LONGEST_WAIT)


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Provider framework entry point; activates, joins, replaces or releases a rule set.

    ``ResourceProperties`` are ``RuleSetName`` (ours, which exists) and ``Mode`` (``refuse`` by
    default, ``join`` or ``replace``). Returns ``PhysicalResourceId`` and, except for a Delete,
    ``Data.RuleSetName``: the set that the rules must go into. Raises `ActivationError`, and has
    then changed nothing.

    Mode changes: ``replace`` -> ``refuse`` keeps the memory, so that deletion still restores.
    ``replace`` -> ``join`` puts the remembered set back and joins it. An update displaces a
    foreign set only on the way from ``join`` to ``replace``: if somebody displaced ours, the id
    has no room to remember whom, and two stacks would take the mail from each other in turn.

    An Update that asks for what the id already says is a rollback. It takes back no set that
    somebody else activated meanwhile; a warning in the log then says that ours is not active.
    One rollback fails: ours was displaced, and the mode changed since it was first activated, so
    that returning to today's mode cannot be told from choosing it. Activate ours by hand, then
    continue the rollback.
    """
    request = Request(event)
    request.check()
    if request.id in _answers:
        return _answers[request.id]
    if request.kind == "Delete" and request.held is None:
        # Nothing held, or an id of the framework's own after a Create that failed.
        answer = _finish(request, Plan("left alone"))
    else:
        ses = Ses(_runtime.client("ses"))
        active = ses.active()
        memory = request.memory if request.stops_replacing and request.is_own(active) else None
        plan = decide(request, active, memory is not None and ses.exists(memory))
        if plan.change:
            plan = _carry_out(ses, request, plan)
        answer = _finish(request, plan, active)
    if request.id:
        _answers[request.id] = answer
    return answer


def _carry_out(ses: Ses, request: Request, plan: Plan) -> Plan:
    try:
        ses.activate(plan.activate)
    except ses.client.exceptions.RuleSetDoesNotExistException:
        if request.kind == "Delete":
            # The remembered set was deleted by hand.
            ses.activate(None)
            return Plan("deactivated")
        raise ActivationError(
            f"receipt rule set {plan.activate!r} does not exist; it was deleted outside this "
            f"stack: create it again under that name, or give the rule set another name"
        ) from None
    except Exception:
        # The answer may be what was lost, and a Create that fails must not leave a set active.
        if _look(ses, request) != (plan.activate,):
            raise
    if request.kind == "Delete":
        return plan
    return _settle(ses, request, plan)


def _settle(ses: Ses, request: Request, plan: Plan) -> Plan:
    """Look again, because another stack may have activated its own set at the same moment."""
    seen = _look(ses, request)
    if not seen or seen[0] == plan.activate:
        return plan
    (winner,) = seen
    if request.mode == "join" and winner is not None:
        return Plan("joined", state=Joined(winner, request.name))
    what = f"receipt rule set {winner!r} was activated" if winner else "all sets were deactivated"
    raise ActivationError(
        f"{what} while {plan.activate!r} was being activated: find out by whom, then deploy again"
    )


def _look(ses: Ses, request: Request) -> tuple[str | None] | tuple[()]:
    """Return the active set; empty if SES does not say, as failing now would leave ours active."""
    try:
        return (ses.active(),)
    except Exception as error:
        _log("WARNING", request, outcome="not verified", error=type(error).__name__)
        return ()


def _finish(request: Request, plan: Plan, active: str | None = None) -> dict[str, Any]:
    # The framework refuses a Delete that answers with another id.
    state = plan.state
    physical_id = request.physical_id if state is None else str(state)
    _log(
        "WARNING" if plan.outcome == "left displaced" else "INFO",
        request,
        outcome=plan.outcome,
        before=active,
        after=plan.activate if plan.change else active,
        physical_id=physical_id,
    )
    if state is None:
        return {"PhysicalResourceId": physical_id} if physical_id else {}
    return {"PhysicalResourceId": physical_id, "Data": {"RuleSetName": state.rule_set}}


def _log(level: str, request: Request, **fields: Any) -> None:
    _runtime.log(
        level,
        "mailroom.provisioning.activation",
        request=request.kind,
        rule_set=request.name,
        mode=request.mode,
        **fields,
    )
