"""Checks that what works together is in one account or region, as far as synth knows."""

from __future__ import annotations

from aws_cdk import IResource, Reference, Stack, Tokenization
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from cdk_mailroom._checks import Problems, resolved

__all__ = ["check_arn_region", "check_region", "check_sending_place", "resource_of", "stack_of"]


def check_region(
    problems: Problems, argument: str, resource: object, stack: Stack, reason: str
) -> None:
    """Note that *resource* is in another region than *stack*; *reason* says who needs it there."""
    region = getattr(getattr(resource, "env", None), "region", None)
    if isinstance(resource, IConstruct | IResource) or region is not None:
        _compare(problems, argument, _path(resource), region, stack, reason)


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
        _compare(problems, argument, resource.node.path, Stack.of(resource).region, stack, reason)


def check_sending_place(
    problems: Problems, argument: str, configuration_set_name: str | None, function: object
) -> None:
    """Note that *function* is in another account or region than the configuration set's stack."""
    name = configuration_set_name
    owner = None if name is None or resolved(name) else resource_of(name)
    if owner is not None:
        check_sender_place(problems, argument, owner, function)


def check_sender_place(
    problems: Problems, argument: str, owner: Construct, grantee: object
) -> None:
    """Note that *grantee* cannot send with what *owner* makes."""
    if not isinstance(grantee, Construct):
        return
    here, there = Stack.of(grantee), Stack.of(owner)
    # IAM's users and roles are the same in every region.
    what = ("account",) if isinstance(grantee, iam.Role | iam.User | iam.Group) else _PLACE
    for name in what:
        own, other = getattr(here, name), getattr(there, name)
        if own != other and (resolved(own) or resolved(other)):
            problems.add(
                argument,
                grantee.node.path,
                f"its {name} is {_shown(own)}, that of {owner.node.path} is {_shown(other)}, and "
                "SES has identities and configuration sets for one account and region: create an "
                f"EventPublishing in {here.node.path} for it, or give both stacks the same env",
            )
            return


_PLACE = ("account", "region")


def resource_of(text: str) -> Construct | None:
    """Return the resource whose name or ARN the token *text* is, if it is made in this app."""
    for token in Tokenization.reverse_string(text).tokens:
        if isinstance(token, Reference) and isinstance(token.target, Construct):
            return token.target
    return None


def stack_of(text: str) -> Stack | None:
    """Return the stack of the resource whose name or ARN the token *text* is."""
    resource = None if resolved(text) else resource_of(text)
    return None if resource is None else Stack.of(resource)


def _compare(
    problems: Problems, argument: str, shown: str, region: str | None, stack: Stack, reason: str
) -> None:
    own = stack.region
    if region and resolved(region) and resolved(own) and region != own:
        problems.add(argument, shown, f"it is in {region}, and {reason}: pass one in {own}")


def _path(resource: object) -> str:
    return resource.node.path if isinstance(resource, Construct) else str(resource)


def _shown(value: str) -> str:
    return value if resolved(value) else "not known at synth"
