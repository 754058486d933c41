"""Wait until a new IAM role is known everywhere: the handler of a custom resource.

SES assumes a role as soon as it is configured to publish to Firehose, and refuses (``Could not
assume IAM role``) a new one that IAM has not yet propagated. CloudFormation does not retry.
https://github.com/hashicorp/terraform-provider-aws/issues/33367

``ResourceProperties``
    ``Seconds``
        How long to wait when the resource is created or a property changes; at most 240.
    Anything else
        What the wait is for, such as the role; another value makes it wait again.

Needs no permission. Does not wait on a local AWS (``AWS_ENDPOINT_URL``), where nothing propagates.
"""

from __future__ import annotations

import os
import time

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["handler"]

# The function's timeout is five minutes.
_LONGEST = 240.0


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Wait, if there is something new to wait for; changes nothing, so it remembers nothing."""
    properties = dict(event.get("ResourceProperties") or {})
    kind = event.get("RequestType")
    seconds = 0.0
    unchanged = kind == "Update" and properties == dict(event.get("OldResourceProperties") or {})
    if kind in ("Create", "Update") and not unchanged and "AWS_ENDPOINT_URL" not in os.environ:
        seconds = min(float(properties.get("Seconds") or 0), _LONGEST)
    time.sleep(seconds)
    _runtime.log("INFO", "mailroom.provisioning.propagation", request=kind, waited=seconds)
    return {}
