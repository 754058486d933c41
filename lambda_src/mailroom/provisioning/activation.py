"""Activate an SES receipt rule set: the handler of a custom resource.

One rule set is active per account and region, CloudFormation cannot activate one, and an active set
cannot be deleted. The property ``Mode`` says what happens if somebody else's set is active:

``refuse``
    An error that names it. Nothing is touched.
``join``
    The rules go into it. If no set is active, ours is activated.
``replace``
    Ours is activated, and deleting the resource activates the other one again.

A set is somebody else's unless this stack activated it. The **ledger** says that: an SSM parameter
with the rule set of each resource, and what was active before. It is written before SES is called,
and only what it says is undone. So a second delivery and a request that died half-way find their
way, and a set that was active before us is never deactivated. One exception: a rule set that the
stack itself made (``Made``) is deactivated before it is deleted, whoever activated it.

Create and Update look, decide on one step, carry it out, and look again, until nothing is left to
do: another stack may activate its own set at the same moment.

https://docs.aws.amazon.com/ses/latest/APIReference/API_SetActiveReceiptRuleSet.html
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.provisioning._activation_plan import (
    ActivationError,
    Request,
    Step,
    next_step,
    release,
)
from mailroom.provisioning._ledger import Ledger
from mailroom.provisioning._patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["ActivationError", "handler"]

# Seconds of waiting for one request; with botocore's own retries it stays below the function's
# five minutes.
_PATIENCE = 90.0
_MOST_STEPS = 6


class Account:
    """The account's active rule set."""

    __slots__ = ("_client", "_patience", "lost")

    def __init__(self, patience: Patience) -> None:
        self._client = _runtime.client("ses")
        self._patience = patience
        self.lost: set[str] = set()

    def active(self) -> str | None:
        """Return its name."""
        answer = self._patience.call(self._client.describe_active_receipt_rule_set)
        # SES leaves the metadata out if no set is active.
        return (answer.get("Metadata") or {}).get("Name") or None

    def activate(self, rule_set: str | None) -> bool:
        """Activate *rule_set* or none; false if it does not exist."""
        name = {} if rule_set is None else {"RuleSetName": rule_set}
        try:
            self._patience.call(self._client.set_active_receipt_rule_set, **name)
        except self._client.exceptions.RuleSetDoesNotExistException:
            self.lost.add(str(rule_set))
            return False
        return True


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Activate, join, replace or release a rule set.

    ``ResourceProperties``
        ``RuleSetName``
            The rule set, which exists.
        ``Mode``
            ``refuse`` (default), ``join`` or ``replace``.
        ``Ledger``
            The name of the stack's SSM parameter.
        ``Made``
            ``true`` if the stack makes the rule set, and so deletes it.
        ``Siblings``
            The logical ids of the other activations in the template.

    Returns ``Data.RuleSetName``, the set for the rules. Raises `ActivationError`.

    Mode changes: ``replace`` -> ``refuse`` keeps what is to be restored. ``replace`` -> ``join``
    activates it again and joins it. If somebody activated another set after ours, ``replace`` does
    not displace that one too, as two stacks would take the mail from each other in turn.

    A rollback does not fail because of a set that somebody activated meanwhile, nor does it
    displace that; then a warning in the log says that ours is not active.
    """
    request = Request(event)
    request.check()
    patience = Patience(_PATIENCE)
    account, ledger = Account(patience), Ledger(request.ledger, patience)
    if request.kind == "Delete":
        return _release(request, account, ledger)

    def rolling_back() -> bool:
        return _rolling_back(event, patience)

    for _ in range(_MOST_STEPS):
        active = account.active()
        entries = ledger.read()
        step = next_step(request, entries, active, lost=account.lost, rolling_back=rolling_back)
        if step.entries != entries:
            ledger.write(step.entries)
        _log(request, step, active)
        if not step.change:
            return {"Data": {"RuleSetName": step.rule_set}}
        if not account.activate(step.activate) and step.activate == request.name:
            raise ActivationError(
                f"receipt rule set {request.name!r} does not exist; it was deleted outside this "
                "stack: create it again with that name, or give the rule set another name"
            )
    raise ActivationError(
        f"{request.name!r} was activated, and somebody else changed the active receipt rule set, "
        "several times: find out who, then deploy again"
    )


def _release(request: Request, account: Account, ledger: Ledger) -> dict[str, Any]:
    active = account.active()
    entries = ledger.read()
    step = release(request, entries, active, account.lost)
    while step.change and not account.activate(step.activate):
        step = release(request, entries, active, account.lost)
    if step.entries != entries:
        ledger.write(step.entries)
    _log(request, step, active)
    return {}


def _rolling_back(event: Mapping[str, Any], patience: Patience) -> bool:
    """Whether an Update undoes one that failed, which the request itself does not say."""
    client = _runtime.client("cloudformation")
    answer = patience.call(client.describe_stacks, StackName=event["StackId"])
    return "ROLLBACK" in answer["Stacks"][0]["StackStatus"]


def _log(request: Request, step: Step, active: str | None) -> None:
    _runtime.log(
        "WARNING" if step.outcome == "left displaced" else "INFO",
        "mailroom.provisioning.activation",
        request=request.kind,
        resource=request.resource,
        rule_set=request.name,
        mode=request.mode,
        outcome=step.outcome,
        before=active,
        after=step.activate if step.change else active,
    )
