"""The address that a bundled behaviour sends from, and the permission for it."""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_iam as iam

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._places import check_sending_place
from cdk_mailroom.actions.base import RuleFacts

__all__ = ["check_sender", "grant_send_as", "sender_of"]


def check_sender(
    problems: Problems,
    facts: RuleFacts,
    from_address: str | None,
    configuration_set_name: str | None,
) -> None:
    """Note that nothing yields a sender, or that the configuration set is elsewhere."""
    check_sending_place(problems, "configuration_set_name", configuration_set_name, facts.stack)
    if from_address is not None:
        return
    if not facts.recipients or not resolved(facts.recipients[0]):
        problems.add(
            "from_address",
            None,
            "pass an address of a verified identity: the rule's recipients do not name one",
        )


def sender_of(facts: RuleFacts, local_part: str) -> str:
    """Return the rule's first recipient, or *local_part* at it if it is a domain."""
    first = facts.recipients[0]
    return first if "@" in first else f"{local_part}@{first.removeprefix('.')}"


def grant_send_as(
    grantee: iam.IGrantable, sender: str, configuration_set_name: str | None = None
) -> iam.Grant:
    """Let *grantee* send as *sender* only.

    SES authorises against the identity that is verified, which may be the address, its domain or
    a domain above that, and against the configuration set too.
    https://docs.aws.amazon.com/ses/latest/dg/control-user-access.html
    """
    stack = stack_of(grantee.grant_principal)  # type: ignore[arg-type]

    def arn(resource: str, name: str) -> str:
        return stack.format_arn(service="ses", resource=resource, resource_name=name)

    resources = [arn("identity", name) for name in (sender, *_domains_of(sender))]
    if configuration_set_name is not None:
        resources.append(arn("configuration-set", configuration_set_name))
    return iam.Grant.add_to_principal(
        grantee=grantee,
        actions=["ses:SendEmail", "ses:SendRawEmail"],
        resource_arns=resources,
        conditions={"StringEquals": {"ses:FromAddress": sender}},
    )


def _domains_of(sender: str) -> list[str]:
    if not resolved(sender):
        return [Fn.select(1, Fn.split("@", sender))]
    labels = sender.rpartition("@")[2].split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]
