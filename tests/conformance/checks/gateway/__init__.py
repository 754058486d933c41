"""Checks of SES Mail Manager; all that need an ingress point share one."""

from conformance.checks.gateway import (
    gateway_address_lists,
    gateway_logs,
    gateway_policy,
    gateway_rules,
)

__all__ = ["gateway_address_lists", "gateway_logs", "gateway_policy", "gateway_rules"]
