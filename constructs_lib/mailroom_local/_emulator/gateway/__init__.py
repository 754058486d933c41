"""Mail Manager, which ministack does not have: its API, its CloudFormation types, its state.

https://docs.aws.amazon.com/ses/latest/dg/eb.html

The functions here are what the SMTP listeners and the engine ask; they may be called from any
thread, for any account and region.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import (
    addons,
    address_lists,
    archives,
    cloudformation,
    import_jobs,
    links,
    points,
    relays,
    removal,
    rule_sets,
    searches,
    serving,
    traffic_policies,
)
from mailroom_local._emulator.gateway.asked import identities, refusal_of_role
from mailroom_local._emulator.gateway.links import with_links
from mailroom_local._emulator.gateway.model import Refused
from mailroom_local._emulator.gateway.serving import answer, target
from mailroom_local._emulator.log_deliveries import publish as publish_log
from mailroom_local._emulator.receiving import remember_received
from mailroom_local.gateway.points import IngressPoint

__all__ = [
    "addon_name",
    "answer",
    "cloudformation",
    "identities",
    "ingress_points",
    "keep_in_archive",
    "members",
    "on_change",
    "publish_log",
    "refusal_of_role",
    "relay",
    "remember_received",
    "reset",
    "target",
    "with_links",
]


def on_change(called: Callable[[], None]) -> None:
    """Call this whenever an ingress point is made, changed or deleted."""
    points.changes.add(called)


def ingress_points() -> list[IngressPoint]:
    """The ingress points of all accounts and regions, as they are now."""
    return [
        _point(account, region, resource)
        for (account, region), resource in list(points.everywhere())
    ]


def members(arn: str, account: str, region: str) -> Collection[str]:
    """The addresses of an address list, as they were registered; none if it does not exist."""
    with internals.responses.request_scope(account, region):
        found = address_lists.table.find(arn)
        kept = address_lists.members(found).values() if found else ()
        return [address for address, _ in list(kept)]


def relay(relay_id: str, account: str, region: str) -> dict[str, Any] | None:
    """A relay by its id or ARN, as GetRelay returns it, with ``Login`` if it authenticates.

    ``Login`` is the user and the password. None if there is no such relay, or if SES may no longer
    read its secret.
    """
    with internals.responses.request_scope(account, region):
        found = relays.table.find(relay_id)
        if found is None:
            return None
        try:
            login = relays.login(found)
        except Refused:
            return None
        return {**found.fields, **({"Login": login} if login else {})}


def keep_in_archive(
    archive_id: str,
    raw: bytes,
    *,
    mail_from: str,
    rcpt_tos: Sequence[str],
    message_id: str,
    account: str,
    region: str,
    helo: str = "",
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Put a message into an archive, by the archive's id or ARN.

    Args:
        archive_id: The archive.
        raw: The message as it is at this action.
        mail_from: The envelope sender.
        rcpt_tos: The envelope recipients.
        message_id: The id that SES gave it.
        account: The account of the rule set.
        region: Its region.
        helo: What the client called itself.
        metadata: What GetArchiveMessage returns as ``Metadata``, such as ``IngressPointId`` and
            ``SenderIpAddress``; the time is added.

    Returns:
        The message's id in the archive.

    Raises:
        LookupError: The archive does not exist, or is being deleted.
    """
    with internals.responses.request_scope(account, region):
        try:
            return archives.keep(
                archive_id,
                raw,
                mail_from=mail_from,
                rcpt_tos=rcpt_tos,
                message_id=message_id,
                helo=helo,
                metadata=metadata,
            )
        except Refused as error:
            raise LookupError(error.message) from error


def addon_name(instance_arn: str) -> str:
    """The add-on of an instance, such as ``TRENDMICRO_VSAPI``; empty if there is none."""
    for _, instance in addons.instances.everywhere():
        if instance.arn == instance_arn:
            return str(instance.fields["AddonName"])
    return ""


def reset() -> None:
    """Forget everything."""
    forgetting: list[Any] = [*removal.TABLES, archives, import_jobs, links, searches, serving]
    for part in forgetting:
        part.clear()
    points.changes.call()


def _point(account: str, region: str, resource: Any) -> IngressPoint:
    fields = resource.fields
    with internals.responses.request_scope(account, region):
        policy = traffic_policies.table.find(fields["TrafficPolicyId"])
        rule_set = rule_sets.table.find(fields["RuleSetId"])
        passwords = points.passwords(resource) if fields["Type"] == "AUTH" else ()
    return IngressPoint(
        account=account,
        region=region,
        id=resource.id,
        arn=resource.arn,
        name=fields["IngressPointName"],
        kind=fields["Type"],
        status=fields["Status"],
        tls_policy=fields["TlsPolicy"],
        # Neither can be deleted as long as it is in use.
        policy=policy.fields if policy else {},
        rule_set=rule_set.fields if rule_set else {},
        passwords=passwords,
        trust_store=_trust_store(resource),
        network=fields["NetworkConfiguration"],
    )


def _trust_store(resource: Any) -> str | None:
    """Certificates and revocation lists, each in PEM."""
    kept = resource.private.get("TrustStore")
    if kept is None:
        return None
    return "\n".join((kept["CAContent"], kept.get("CrlContent") or ""))
