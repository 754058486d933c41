"""Find the id of a multi-region endpoint: the handler of a custom resource.

CloudFormation creates the endpoint and does not know the id by which senders name it.

``ResourceProperties``
    ``EndpointName``
        The endpoint, which exists already.
    Anything else
        Of which the endpoint is made; another value makes it ask again.

``Data``
    ``EndpointId``

Permissions
    ``ses:GetMultiRegionEndpoint`` on the endpoint. Changes nothing, so it remembers nothing.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetMultiRegionEndpoint.html
"""

from __future__ import annotations

from mailroom import _runtime
from mailroom.provisioning._patience import Patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["handler"]

_PATIENCE = 60.0


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Return the id of the endpoint; a deletion needs nothing."""
    if event.get("RequestType") == "Delete":
        return {}
    client = _runtime.client("sesv2")
    # The policy that allows it was attached a moment ago, and IAM may not know it yet.
    patience = Patience(_PATIENCE, also=frozenset({"AccessDenied", "AccessDeniedException"}))
    found = patience.call(
        client.get_multi_region_endpoint,
        EndpointName=event["ResourceProperties"]["EndpointName"],
    )
    _runtime.log("INFO", "mailroom.provisioning.multi_region_endpoint", status=found.get("Status"))
    return {"Data": {"EndpointId": found["EndpointId"]}}
