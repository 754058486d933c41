"""What the ingress points ask of the account beside Mail Manager: roles and identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailroom_local._emulator import internals
from mailroom_local._emulator.policies import Service
from mailroom_local._emulator.receiving import in_force


def identities(account: str, region: str) -> Sequence[str]:
    """The verified identities."""
    return in_force(account, region).identities


def refusal_of_role(
    role_arn: str,
    asked: Sequence[tuple[str, str]],
    *,
    source_arn: str,
    account: str,
    region: str,
    context: Mapping[str, str],
) -> str | None:
    """Why SES may not do this as the role; actions, each with its resource."""
    with internals.responses.request_scope(account, region):
        if role_arn.rpartition("/")[2] not in internals.iam.roles:
            return f"the role {role_arn} does not exist"
        ses = Service("ses.amazonaws.com", source_arn)
        if not ses.may_assume(role_arn):
            return f"{role_arn} does not let ses.amazonaws.com assume it for {source_arn}"
        for action, resource in asked:
            if not ses.may_as(role_arn, action, resource, **context):
                return f"{role_arn} does not allow {action} on {resource}"
    return None
