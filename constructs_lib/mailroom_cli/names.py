"""Names that CloudFormation generated, as people know them."""

from __future__ import annotations

import re

# STACK-LOGICALID-SUFFIX is how CloudFormation names what the template does not; the CDK ends its
# logical ids in a hash of their path.
_GENERATED = re.compile(r"[A-Za-z][A-Za-z0-9-]*-([A-Za-z0-9]+?)(?:[0-9A-F]{8})?-[0-9A-Z]{12,13}")


def short_name(name: str) -> str:
    """Return the logical id of a name that CloudFormation generated, and any other name whole."""
    generated = _GENERATED.fullmatch(name)
    return generated[1] if generated else name
