"""Multi-region endpoints, which ministack does not have.

Both regions of an endpoint are this one machine, so a message that goes through one is sent here.
https://docs.aws.amazon.com/ses/latest/dg/global-endpoints.html
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import ENDPOINT_NAME
from mailroom_local._emulator import internals
from mailroom_local._emulator.cloudformation import CloudFormationErrors
from mailroom_local._emulator.query import Response, answer
from mailroom_local._ses_error import SesError

_endpoints: Any = internals.responses.AccountRegionScopedDict()


def reset() -> None:
    """Forget everything."""
    _endpoints.clear()


def check(endpoint_id: str | None) -> None:
    """Refuse a message through an endpoint that does not exist."""
    known = [each["EndpointId"] for each in _endpoints.values()]
    if endpoint_id and endpoint_id not in known:
        raise SesError("NotFound", f"Multi-region endpoint <{endpoint_id}> does not exist.")


def _create(data: Mapping[str, Any]) -> Response:
    made = _make(
        str(data.get("EndpointName") or ""),
        [each.get("Region") for each in (data.get("Details") or {}).get("RoutesDetails") or ()],
    )
    return answer({"Status": made["Status"], "EndpointId": made["EndpointId"]})


def _get(data: Mapping[str, Any], name: str) -> Response:
    found = _found(name)
    routes = [{"Region": region} for region in found["Regions"]]
    return answer({**{k: v for k, v in found.items() if k != "Regions"}, "Routes": routes})


def _list(data: Mapping[str, Any]) -> Response:
    return answer({"MultiRegionEndpoints": list(_endpoints.values())})


def _delete(data: Mapping[str, Any], name: str) -> Response:
    _found(name)
    del _endpoints[name]
    return answer({"Status": "DELETING"})


ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", r"/multi-region-endpoints"): _create,
    ("GET", r"/multi-region-endpoints"): _list,
    ("GET", r"/multi-region-endpoints/([^/]+)"): _get,
    ("DELETE", r"/multi-region-endpoints/([^/]+)"): _delete,
}


def _provision(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = str(properties.get("EndpointName") or "")
    routes = (properties.get("Details") or {}).get("RouteDetails") or ()
    with CloudFormationErrors():
        _make(name, [each.get("Region") for each in routes])
    return name, {}


def _update(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    return physical_id, {}


def _remove(physical_id: str, properties: Mapping[str, Any]) -> None:
    _endpoints.pop(physical_id, None)


_TYPE = "AWS::SES::MultiRegionEndpoint"
REPLACING: Mapping[str, tuple[str, ...]] = {_TYPE: ("EndpointName", "Details")}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    _TYPE: {"create": _provision, "update": _update, "delete": _remove}
}


def _make(name: str, regions: list[str | None]) -> dict[str, Any]:
    primary = internals.responses.get_region()
    if not re.fullmatch(ENDPOINT_NAME, name):
        raise SesError("InvalidParameterValue", f"Invalid endpoint name <{name}>.")
    if len(regions) != 1 or not regions[0]:
        raise SesError("InvalidParameterValue", "Exactly one secondary region must be given.")
    if regions[0] == primary:
        raise SesError("InvalidParameterValue", "The secondary region must be another region.")
    if name in _endpoints:
        raise SesError("AlreadyExists", f"Multi-region endpoint <{name}> already exists.")
    now = int(time.time())
    digits = uuid.uuid4().hex
    made = {
        "EndpointName": name,
        "EndpointId": f"{digits[:10]}.{digits[10:13]}",
        "Status": "READY",
        "Regions": [primary, regions[0]],
        "CreatedTimestamp": now,
        "LastUpdatedTimestamp": now,
    }
    _endpoints[name] = made
    return made


def _found(name: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _endpoints.get(name)
    if found is None:
        raise SesError("NotFound", f"Multi-region endpoint <{name}> does not exist.")
    return found
