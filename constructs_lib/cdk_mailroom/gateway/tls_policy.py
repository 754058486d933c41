"""Which TLS policy an ingress point can have, by its region, kind and network."""

from __future__ import annotations

from enum import StrEnum

from cdk_mailroom._checks import Problems, resolved

__all__ = ["Tls", "check_tls", "default_tls", "has_fips"]


class Tls(StrEnum):
    """Whether clients must encrypt, with STARTTLS in any case.

    https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
    """

    REQUIRED = "REQUIRED"
    """They must. A server that cannot is refused, as is its mail."""
    OPTIONAL = "OPTIONAL"
    """They may."""
    FIPS = "FIPS"
    """They must, with modules that fulfil FIPS 140-3; in the United States and Canada only, and
    never to be changed to another policy."""


def default_tls(region: str, *, chosen_by_aws: bool) -> Tls:
    """Return the policy of a point whose app says nothing; AWS chooses where it offers only one."""
    return Tls.FIPS if chosen_by_aws and has_fips(region) else Tls.REQUIRED


def check_tls(
    problems: Problems, tls: Tls | str | None, region: str, *, chosen_by_aws: bool
) -> None:
    """Note a policy that Mail Manager does not offer here."""
    if tls is None:
        return
    if tls not in list(Tls):
        problems.add("access.tls", tls, f"use one of {[str(one) for one in Tls]}")
    elif chosen_by_aws and tls == Tls.OPTIONAL:
        problems.add(
            "access.tls",
            str(tls),
            "omit it: points with MutualTls, and public ones with Authenticated, require TLS",
        )
    elif not resolved(region):
        return
    elif tls == Tls.FIPS and not has_fips(region):
        problems.add(
            "access.tls",
            str(tls),
            f"pass Tls.REQUIRED: {region} is not in the United States or Canada",
        )
    elif chosen_by_aws and tls == Tls.REQUIRED and has_fips(region):
        problems.add(
            "access.tls",
            str(tls),
            f"omit it, or pass Tls.FIPS: in {region}, points with MutualTls and public ones with "
            "Authenticated have no other",
        )


def has_fips(region: str) -> bool:
    """Tell whether *region* is in the United States or Canada."""
    return region.startswith(("us-", "ca-"))
