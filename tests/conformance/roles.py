"""Calls as somebody who may do only what a check allows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3

from conformance.check import NotRun
from conformance.place import Place

# What `acting` does.
ACTING = (
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:PutRolePolicy",
    "sts:AssumeRole",
)
ROLE = "a role that you assume"


def allow(action: str | list[str], resource: str, **condition: Any) -> dict[str, Any]:
    """A statement of a role's policy."""
    found = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**found, "Condition": condition} if condition else found


def enforced(place: Place) -> contextlib.AbstractContextManager[None]:
    """IAM is enforced meanwhile, as it always is on AWS."""
    local = place.site.local
    return contextlib.nullcontext() if local is None else local.permissions_enforced()


@contextlib.contextmanager
def acting(place: Place, *statements: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """Clients by service, with the permissions of a new role; IAM is enforced meanwhile.

    Raises:
        NotRun: The role cannot be assumed after a minute.
    """
    iam, name = place.client("iam"), place.name("role")
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{place.account}:root"},
        "Action": "sts:AssumeRole",
    }
    # The last statement is asked for until IAM knows the policy everywhere.
    known = allow("ses:GetAccount", "*")
    place.cleanup.add(f"role {name}", iam.delete_role, RoleName=name)
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))["Role"]["Arn"]
    place.cleanup.add(
        f"policy of role {name}", iam.delete_role_policy, RoleName=name, PolicyName="inline"
    )
    iam.put_role_policy(
        RoleName=name, PolicyName="inline", PolicyDocument=_policy(*statements, known)
    )
    given: dict[str, Any] = {}

    def assumed() -> bool:
        answer = place.error(
            lambda: given.update(
                place.client("sts").assume_role(RoleArn=arn, RoleSessionName="conformance")
            )
        )
        return bool(answer == "accepted")

    if not place.until(assumed, seconds=60):
        raise NotRun(f"the role {name} cannot be assumed after a minute")
    credentials = given["Credentials"]
    session = boto3.Session(
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        region_name=place.region,
    )
    # The overloads of boto3-stubs need a literal service name.
    factory: Any = session.client

    def client(service: str) -> Any:
        meta = place.client(service).meta
        return factory(service, endpoint_url=meta.endpoint_url, config=meta.config)

    with enforced(place):
        ses = client("sesv2")
        place.until(lambda: place.error(ses.get_account) == "accepted", seconds=60)
        yield client


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
