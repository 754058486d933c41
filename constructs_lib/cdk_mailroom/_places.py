"""Checks that what works together is in one account or region, as far as synth knows."""

from __future__ import annotations

from collections.abc import Callable

from aws_cdk import IResource, Reference, Stack, Tokenization
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import Problems, resolved

__all__ = [
    "check_arn_region",
    "check_query_place",
    "check_region",
    "check_sender_place",
    "check_sending_place",
    "resource_of",
]


def check_region(
    problems: Problems, argument: str, resource: IResource | None, stack: Stack, reason: str
) -> None:
    """Note that *resource* is in another region than *stack*; *reason* says who needs it there."""
    if resource is not None:
        _compare(problems, argument, resource.node.path, resource.env.region, stack, reason)


def check_arn_region(
    problems: Problems, argument: str, arn: str | None, stack: Stack, reason: str
) -> None:
    """Note that what has *arn* is in another region than *stack*."""
    if arn is None:
        return
    if resolved(arn):
        parts = arn.split(":")
        _compare(problems, argument, arn, parts[3] if len(parts) > 3 else None, stack, reason)
        return
    resource = resource_of(arn)
    if resource is not None:
        _compare(problems, argument, resource.node.path, region_of(resource), stack, reason)


def check_sending_place(
    problems: Problems, argument: str, configuration_set_name: str | None, grantee: object
) -> None:
    """Note that *grantee* cannot use a configuration set that is made elsewhere in this app."""
    name = configuration_set_name
    owner = None if name is None or resolved(name) else resource_of(name)
    if owner is not None:
        check_sender_place(problems, argument, owner, grantee, shown=owner)


def check_sender_place(
    problems: Problems,
    argument: str,
    owner: Construct,
    grantee: object,
    *,
    shown: Construct | None = None,
) -> None:
    """Note that *grantee* cannot send with what *owner* makes."""
    _check_grantee(
        problems,
        argument,
        owner,
        grantee,
        shown or grantee,
        lambda here: (
            "SES has identities and configuration sets for one account and region: create "
            f"an EventPublishing in {here} for this sender, or give both stacks the same env"
        ),
    )


def check_query_place(problems: Problems, argument: str, lake: Construct, grantee: object) -> None:
    """Note that *grantee* cannot query *lake* from where it is."""
    _check_grantee(
        problems,
        argument,
        lake,
        grantee,
        grantee,
        lambda here: (
            "a workgroup is in one account and region: query from a function there, or "
            f"give {here} the lake's env"
        ),
    )


def _check_grantee(
    problems: Problems,
    argument: str,
    owner: Construct,
    grantee: object,
    shown: object,
    remedy: Callable[[str], str],
) -> None:
    if not isinstance(grantee, Construct) or not isinstance(shown, Construct):
        return
    here, there = stack_of(grantee), stack_of(owner)
    # IAM's users and roles are the same in every region.
    places = ("account",) if isinstance(grantee, iam.Role | iam.User | iam.Group) else _PLACES
    for place in places:
        own, other = getattr(here, place), getattr(there, place)
        if own != other and (resolved(own) or resolved(other)):
            problems.add(
                argument,
                shown.node.path,
                f"the {place} of {here.node.path} is {_shown(own)}, that of {there.node.path} is "
                f"{_shown(other)}, and {remedy(here.node.path)}",
            )
            return


_PLACES = ("account", "region")


def resource_of(text: str) -> Construct | None:
    """Return the resource whose name or ARN the token *text* is, if it is made in this app."""
    for token in Tokenization.reverse_string(text).tokens:
        if isinstance(token, Reference) and isinstance(token.target, Construct):
            return token.target
    return None


def _compare(
    problems: Problems, argument: str, shown: str, region: str | None, stack: Stack, reason: str
) -> None:
    own = stack.region
    if region and resolved(region) and resolved(own) and region != own:
        problems.add(argument, shown, f"it is in {region}, and {reason}: pass one in {own}")


def _shown(value: str) -> str:
    return value if resolved(value) else "not known at synth"
