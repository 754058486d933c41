"""Ingress points: what decides about mail that reaches them, in the shapes of the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressPoint:
    """An ingress point as it is now.

    https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_GetIngressPoint.html
    """

    account: str
    """The account that it belongs to."""
    region: str
    """The region that it is in."""
    id: str
    """Its id, which is also the user name of an authenticated one."""
    arn: str
    """Its ARN."""
    name: str
    """Its name."""
    kind: str
    """``OPEN``, ``AUTH`` or ``MTLS``."""
    status: str
    """Its status, such as ``ACTIVE`` or ``CLOSED``."""
    tls_policy: str
    """``REQUIRED``, ``OPTIONAL`` or ``FIPS``."""
    policy: Mapping[str, Any]
    """Its traffic policy, as GetTrafficPolicy returns it."""
    rule_set: Mapping[str, Any]
    """Its rule set, as GetRuleSet returns it."""
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """The passwords that an authenticated one accepts, the current one first."""
    trust_store: str | None = None
    """The PEM text of the authorities that sign the client certificates of a mutual TLS one."""
    network: Mapping[str, Any]
    """Its network configuration."""
