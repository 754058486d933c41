"""Activate an SES receipt rule set: the ``on_event`` handler behind CDK's Provider framework.

One rule set is active per account and region, CloudFormation cannot activate one, and an active set
cannot be deleted. The property ``Mode`` says what happens if another set is active:

``refuse``
    An error that names it. Nothing is touched.
``join``
    The rules go into it. If no set is active, ours is activated.
``replace``
    It is remembered, ours is activated, and deleting the resource restores it.

The only memory is the physical resource id, in one of two forms::

    mailroom:activated=OURS;mode=MODE[;previous=FOREIGN]
    mailroom:joined=FOREIGN;own=OURS[;was=MODE,OURS[,FOREIGN]]

``mode`` is the mode in which OURS was first activated, which need not be today's; ``was`` is the
first form of a set that had already been displaced when we joined the one in its place.

If an update returns another id, CloudFormation deletes the old one, and that request looks exactly
like the deletion of the resource. Therefore **the id stays exactly the same while a set stays ours
and active.** Whatever changes an id leaves the old one with a set that is not active, and deleting
that changes nothing. So nothing can be added to the memory while the same set is held.

Documented at https://docs.aws.amazon.com/ses/latest/APIReference/API_SetActiveReceiptRuleSet.html
"""

from __future__ import annotations

import time

from mailroom import _runtime
from mailroom.provisioning._activation_plan import (
    Activated,
    ActivationError,
    Joined,
    Plan,
    Request,
    decide,
    parse,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["Activated", "ActivationError", "Joined", "handler", "parse"]

# SES allows one control call a second for the whole account. These are seconds of waiting for one
# request (at most five calls), in addition to botocore's own retries of up to 15 s a call; both
# together stay below the function's five minutes.
_PATIENCE = 90.0
_LONGEST_WAIT = 8.0
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
)

# A second delivery of a Create finds our own set active and cannot see what it displaced. If it
# reaches the same process, it gets the first answer.
_answers: dict[str, dict[str, Any]] = {}


class Ses:
    """The three operations, each tried again while SES throttles them."""

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
    ``Data.RuleSetName``: the set for the rules. Raises `ActivationError`, and has then changed
    nothing.

    Mode changes: ``replace`` -> ``refuse`` keeps the memory, so that deletion still restores.
    ``replace`` -> ``join`` restores the remembered set and joins it. An update displaces a foreign
    set only from ``join`` to ``replace``: if our set was displaced, the id has no room to
    remember whom, and two stacks would take the mail from each other in turn.

    An Update that asks for what the id already says is a rollback. It does not displace a set that
    someone else activated since; then a warning in the log says that ours is not active. One
    rollback fails: ours was displaced and the mode has changed since it was first activated, so
    that returning to the mode looks like choosing it. Activate ours by hand, then continue the
    rollback.
    """
    request = Request(event)
    request.check()
    if request.id in _answers:
        return _answers[request.id]
    if request.kind == "Delete" and request.held is None:
        # Nothing is held, or the id is the framework's own after a Create that failed.
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
            f"stack: create it again with that name, or give the rule set another name"
        ) from None
    except Exception:
        # Perhaps only the answer was lost, and a Create that fails must not leave a set active.
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
    """Return the active set; empty if SES does not answer, as failing would leave ours active."""
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
