"""The ingress points of a local AWS, and how to send to one."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailroom_local.control import requests
from mailroom_local.control.credentials import Credentials
from mailroom_local.control.errors import MailroomError
from mailroom_local.control.state import Server

INGRESS_PATH = "/_mailroom/ingress-points"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressPoint:
    """An ingress point of SES Mail Manager, and where it listens."""

    id: str
    """Its id, which is the user name of one with passwords."""
    name: str
    """Its name."""
    account: str
    """The account that it belongs to."""
    region: str
    """The region that it is in."""
    kind: str
    """`OPEN`, `AUTH` or `MTLS`."""
    status: str
    """`ACTIVE`, `CLOSED` and so on."""
    tls_policy: str
    """`REQUIRED`, `OPTIONAL` or `FIPS`."""
    traffic_policy: str
    """The name of its traffic policy."""
    rule_set: str
    """The name of its rule set."""
    host: str
    """The host to connect to: this machine."""
    port: int
    """The port to connect to."""


def listed(server: Server) -> list[IngressPoint]:
    """Every ingress point, in every account and region."""
    return [IngressPoint(**found) for found in requests.get(server, INGRESS_PATH)]


def chosen(points: Sequence[IngressPoint], name: str) -> IngressPoint:
    """The ingress point with this name or id, or the only one with this in its name.

    Raises:
        MailroomError: If there is none, or more than one.
    """
    found = [point for point in points if name in (point.id, point.name)]
    # A name may be long: MailGateway makes it of the construct's path and a hash.
    found = found or [point for point in points if name.lower() in point.name.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(f"{point.id} in {point.account}/{point.region}" for point in found)
        raise MailroomError(
            f"{len(found)} ingress points have {name!r} in their name", remedy=f"pass {ids}"
        )
    known = ", ".join(point.name for point in points)
    raise MailroomError(
        f"no ingress point is named {name!r}",
        remedy=f"pass one of {known}" if known else "deploy a MailGateway first",
    )


def credentials_of(point: IngressPoint, client: Callable[..., Any]) -> Credentials:
    """The user and the current password of an ingress point, from its secret.

    Raises:
        MailroomError: If its password is not in a secret.
    """
    place = {"account": point.account, "region": point.region}
    found = client("mailmanager", **place).get_ingress_point(IngressPointId=point.id)
    arn = (found.get("IngressPointAuthConfiguration") or {}).get("SecretArn")
    if arn is None:
        raise MailroomError(
            f"the password of {point.name} cannot be read: it is not in a secret",
            remedy="pass credentials",
        )
    secret = client("secretsmanager", **place).get_secret_value(SecretId=arn)
    return Credentials(user=point.id, password=json.loads(secret["SecretString"])["password"])
