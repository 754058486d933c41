"""What policies allow an AWS service that acts for a resource of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom_local._emulator import internals


class Service:
    """A service principal, with the resource that policies' conditions are compared with."""

    def __init__(self, principal: str, source_arn: str | None, **context: str) -> None:
        self.account: str = internals.responses.get_account_id()
        self.region: str = internals.responses.get_region()
        self._principal = principal
        self._context = {
            "aws:sourceaccount": self.account,
            **({"aws:sourcearn": source_arn} if source_arn else {}),
            "aws:principalisawsservice": "true",
            "aws:principalservicename": principal,
            **context,
        }

    def decision(
        self, action: str, resource: str, policy: str | Mapping[str, Any] | None, **context: str
    ) -> str:
        """``Allow``, ``Deny`` or ``ImplicitDeny``: what a resource policy says."""
        found: str = internals.policies.evaluate_resource_policy(
            policy, self._asked(action, resource, **context), self._principal
        ).decision
        return found

    def may_assume(self, role_arn: str) -> bool:
        """Whether there is the role, and the service may assume it."""
        role = internals.iam.roles.get(role_arn.rsplit("/", 1)[-1])
        if role is None:
            return False
        trust = role.get("AssumeRolePolicyDocument")
        return self.decision("sts:AssumeRole", role_arn, trust) == "Allow"

    def may_as(self, role_arn: str, action: str, resource: str, **context: str) -> bool:
        """Whether the service may assume a role, and the role may do this."""
        if not self.may_assume(role_arn):
            return False
        name = role_arn.rsplit("/", 1)[-1]
        granted = internals.policies.gather_role_policies(name, self.account)
        found = internals.policies.evaluate(self._asked(action, resource, **context), granted)
        return bool(found.decision == "Allow")

    def _asked(self, action: str, resource: str, **context: str) -> Any:
        return internals.policies.EvalContext(
            principal_arn=self._principal,
            principal_type="Service",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={**self._context, **context},
        )
