"""What a call of API v2 may choose beside its message: tenant, endpoint and tracking."""

from __future__ import annotations

import os
import re

from mailroom import ses
from mailroom.errors import NotConfigured
from mailroom.sending.checks import InvalidMessage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Route", "Tracking"]


class Tracking:
    """Whether SES tracks opens and clicks of one message, whatever its configuration set says.

    The configuration set and the account decide what is not given here. ``True`` has an effect
    only if the configuration set publishes some event, and Open and Click events come only to
    destinations that take them.
    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_TrackingConfigurationOverrides.html

    Args:
        opens: Whether to add the picture that reports opens. Default: not decided here.
        clicks: Whether to replace the links by ones that report clicks. Default: not decided here.

    Raises:
        InvalidMessage: Neither is given, or one is not a bool.
    """

    __slots__ = ("clicks", "opens")

    def __init__(self, *, opens: bool | None = None, clicks: bool | None = None) -> None:
        for name, value in (("opens", opens), ("clicks", clicks)):
            if value is not None and not isinstance(value, bool):
                raise InvalidMessage(f"{name} is {value!r:.80}: pass True, False or None")
        if opens is None and clicks is None:
            raise InvalidMessage("neither opens nor clicks is given: pass one, or no tracking")
        self.opens = opens
        self.clicks = clicks


class Route:
    """The tenant and the multi-region endpoint that a sender's mail goes through."""

    __slots__ = ("endpoint_id", "tenant")

    def __init__(self, tenant: str | None, endpoint_id: str | None) -> None:
        tenant = tenant if tenant is not None else os.environ.get("MAILROOM_TENANT") or None
        if endpoint_id is None:
            endpoint_id = os.environ.get("MAILROOM_ENDPOINT_ID") or None
        if tenant is not None and not _fits(ses.TENANT_NAME, tenant):
            raise InvalidMessage(
                f"tenant is {tenant!r:.80}: pass a name of 1 to 64 of A-Z a-z 0-9 _ -"
            )
        if endpoint_id is not None and not _fits(ses.ENDPOINT_ID, endpoint_id):
            raise InvalidMessage(
                f"endpoint_id is {endpoint_id!r:.80}: pass the id of a multi-region endpoint, "
                "such as abcdef12.g3h, not its name or URL"
            )
        self.tenant = tenant
        self.endpoint_id = endpoint_id

    def check_signing(self) -> None:
        """Raise `NotConfigured` if boto3 could not sign a call to the endpoint."""
        from importlib.util import find_spec

        if self.endpoint_id and find_spec("awscrt") is None:
            raise NotConfigured(
                "endpoint_id is given, and calls to a multi-region endpoint are signed by awscrt, "
                "which is not installed: add botocore[crt] to the function's requirements"
            )

    def arguments(self, tracking: Tracking | None) -> dict[str, Any]:
        """Return what a call of API v2 says about them and about *tracking*."""
        found: dict[str, Any] = {}
        if self.tenant:
            found["TenantName"] = self.tenant
        if self.endpoint_id:
            found["EndpointId"] = self.endpoint_id
        if tracking:
            chosen = {
                "OpenTrackingEnabled": tracking.opens,
                "ClickTrackingEnabled": tracking.clicks,
            }
            found["ConfigurationOverrides"] = {
                "Tracking": {
                    name: "ENABLED" if value else "DISABLED"
                    for name, value in chosen.items()
                    if value is not None
                }
            }
        return found


def _fits(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value) is not None
