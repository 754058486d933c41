"""The custom resources of receiving, which share one function in each stack."""

from __future__ import annotations

from mailroom.provisioning import activation, rule_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["handler"]


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Carry out a request for the resource type that it names."""
    if event["ResourceType"] == "Custom::SesReceiptRuleOrder":
        return rule_order.handler(event, context)
    return activation.handler(event, context)
