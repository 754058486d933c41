"""How a traffic policy decides about a recipient, and about the size of a message.

Every DENY statement comes first, then every ALLOW statement, then the default action.
https://docs.aws.amazon.com/ses/latest/dg/eb-filters.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mailroom_local.gateway.conditions import evaluate
from mailroom_local.gateway.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a traffic policy says about a recipient."""

    recipient: str
    accepted: bool
    evaluation: tuple[Mapping[str, Any], ...]
    """Each step, in the form of the traffic policy's log."""
    because: str
    """The statement and the conditions that decided, in words."""

    def record(self) -> dict[str, Any]:
        """The decision for the journal."""
        return {
            "recipient": self.recipient,
            "traffic_policy_evaluation": list(self.evaluation),
            "traffic_policy_verdict": "ACCEPT" if self.accepted else "REJECT",
            "because": self.because,
        }


def decide(policy: Mapping[str, Any], facts: Facts, recipient: str) -> Decision:
    """Decide about a recipient; no more is evaluated than that needs."""
    steps: list[Mapping[str, Any]] = []
    failed: list[str] = []
    statements = list(enumerate(policy.get("PolicyStatements") or (), start=1))
    ordered = sorted(statements, key=lambda each: each[1]["Action"] != "DENY")
    for number, statement in ordered:
        action, results = statement["Action"], []
        for condition in statement["Conditions"]:
            results.append(evaluate(condition, facts, recipient))
            if not results[-1].holds:
                break
        matched = all(result.holds for result in results)
        steps.append(
            {
                "action": action,
                "conditions": [result.record() for result in results],
                "policyStatementMatched": matched,
            }
        )
        name = f"statement {number} ({action})"
        if matched:
            words = " and ".join(result.text() for result in results)
            return _decision(recipient, action, steps, f"{name}: {words}")
        failed.append(f"{name}: {results[-1].text()}")
    action = policy["DefaultAction"]
    steps.append(
        {
            "action": action,
            "policyStatementMatched": True,
            "type": "DefaultAction",
            "scope": "Recipient",
        }
    )
    because = "; ".join([f"the default action is {action}", *failed])
    return _decision(recipient, action, steps, because)


def too_large(policy: Mapping[str, Any], size: int) -> dict[str, Any] | None:
    """The step of the log that refuses a message because of its size, if the policy does."""
    allowed = policy.get("MaxMessageSizeBytes")
    if not allowed or size <= allowed:
        return None
    return {
        "action": "DENY",
        "allowedMessageSize": int(allowed),
        "receivedMessageSize": size,
        "scope": "Data",
    }


def _decision(
    recipient: str, action: str, steps: list[Mapping[str, Any]], because: str
) -> Decision:
    return Decision(
        recipient=recipient,
        accepted=action == "ALLOW",
        evaluation=tuple(steps),
        because=because,
    )
