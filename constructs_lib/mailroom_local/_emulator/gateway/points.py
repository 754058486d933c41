"""Ingress points, and the rules of their TLS policies.

https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailroom_local._emulator import internals
from mailroom_local._emulator.gateway import readable, rule_sets, traffic_policies
from mailroom_local._emulator.gateway.changes import changed
from mailroom_local._emulator.gateway.model import Refused, invalid
from mailroom_local._emulator.gateway.store import Place, Resource, Table, now, page

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html
QUOTAS: Mapping[str, int] = {"OPEN": 10, "AUTH": 50, "MTLS": 10}
PREVIOUS_PASSWORD_SECONDS = 14 * 24 * 3600
# AWS takes a minute or two; here just long enough that a caller who does not wait finds out.
SETTLE_SECONDS = 0.1
_LABEL = string.ascii_lowercase + string.digits
_PUBLIC: Mapping[str, Any] = {"PublicNetworkConfiguration": {"IpType": "IPV4"}}

table = Table(
    "ingress point",
    id_name="IngressPointId",
    arn_name="IngressPointArn",
    name="IngressPointName",
    resource="mailmanager-ingress-point",
    prefix="inp-",
    digits=24,
)


class _Listeners:
    """Who is called when ingress points change."""

    def __init__(self) -> None:
        self._listening: list[Callable[[], None]] = []

    def add(self, called: Callable[[], None]) -> None:
        self._listening.append(called)

    def call(self) -> None:
        for each in self._listening:
            each()


changes = _Listeners()


def create(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_CreateIngressPoint.html"""
    kind = given["Type"]
    network = given.get("NetworkConfiguration") or _PUBLIC
    tls = given.get("TlsPolicy") or ("FIPS" if _has_fips() else "REQUIRED")
    _check_targets(given)
    _check_tls(tls, kind=kind, private="PrivateNetworkConfiguration" in network)
    _check_network(network)
    if sum(each.fields["Type"] == kind for each in table.all()) >= QUOTAS[kind]:
        raise Refused(
            "ServiceQuotaExceededException",
            f"The maximum number of {kind} ingress points of this account and region is "
            f"{QUOTAS[kind]}.",
        )
    at = now()
    fields = {
        "IngressPointName": given["IngressPointName"],
        "Type": kind,
        "RuleSetId": given["RuleSetId"],
        "TrafficPolicyId": given["TrafficPolicyId"],
        "NetworkConfiguration": network,
        "TlsPolicy": tls,
        "Status": "ACTIVE",
        "CreatedTimestamp": at,
        "LastUpdatedTimestamp": at,
    }
    if "PublicNetworkConfiguration" in network:
        fields["ARecord"] = _host(fips=tls == "FIPS")
    made = table.new(fields, tags=given.get("Tags"))
    private = _authentication(made, given.get("IngressPointConfiguration"), {})
    table.put(changed(made, made.fields, {**private, **_settling("PROVISIONING")}))
    changes.call()
    return {"IngressPointId": made.id}


def update(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_UpdateIngressPoint.html"""
    found = table.get(given["IngressPointId"])
    fields, private = dict(found.fields), dict(found.private)
    table.check_name(found, given)
    _check_targets(given)
    tls = given.get("TlsPolicy")
    if tls is not None:
        _check_tls_change(fields, tls)
        fields["TlsPolicy"] = tls
    if given.get("IngressPointConfiguration") is not None:
        private = _authentication(found, given["IngressPointConfiguration"], private)
    for name in ("IngressPointName", "RuleSetId", "TrafficPolicyId"):
        if given.get(name) is not None:
            fields[name] = given[name]
    if given.get("StatusToUpdate") is not None:
        fields["Status"] = given["StatusToUpdate"]
    fields["LastUpdatedTimestamp"] = now()
    table.put(changed(found, fields, {**private, **_settling("UPDATING")}))
    changes.call()
    return {}


def get(given: Mapping[str, Any]) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_GetIngressPoint.html"""
    found = table.get(given["IngressPointId"])
    answer = {**found.fields, "Status": status(found)}
    configured: dict[str, Any] = {}
    if "SecretArn" in found.private:
        configured["SecretArn"] = found.private["SecretArn"]
    if found.private.get("passwords"):
        configured["IngressPointPasswordConfiguration"] = _password_versions(found)
    if "TrustStore" in found.private:
        kept = found.private["TrustStore"]
        if given.get("IncludeTrustStoreContents") != "INCLUDE":
            kept = {key: value for key, value in kept.items() if key == "KmsKeyArn"}
        configured["TlsAuthConfiguration"] = {"TrustStore": kept}
    return {**answer, "IngressPointAuthConfiguration": configured} if configured else answer


def status(resource: Resource) -> str:
    """Its status: for a moment after each change, that it is being changed."""
    until, during = resource.private["settling"]
    settled: str = resource.fields["Status"]
    return during if time.monotonic() < until else settled


def settle(point_id: str) -> None:
    """Let the status be the one that the last change leads to."""
    found = table.get(point_id)
    _, during = found.private["settling"]
    table.put(changed(found, found.fields, {**found.private, "settling": (0.0, during)}))


def passwords(resource: Resource) -> tuple[str, ...]:
    """The passwords that it accepts now, the current one first.

    Empty if SES may no longer read the secret.
    """
    if "SecretArn" in resource.private:
        try:
            values = readable.secret_values(resource.private["SecretArn"], source=resource.arn)
        except Refused:
            return ()
        found = [value.get("password") for value in values]
        return tuple(each for each in found if isinstance(each, str) and each)
    kept = resource.private.get("passwords") or ()
    return tuple(
        password
        for number, (password, _, replaced) in enumerate(kept)
        if number == 0 or time.time() < replaced + PREVIOUS_PASSWORD_SECONDS
    )


def everywhere() -> Iterator[tuple[Place, Resource]]:
    """Those of all accounts and regions."""
    return table.everywhere()


def _authentication(
    resource: Resource, given: Mapping[str, Any] | None, before: Mapping[str, Any]
) -> dict[str, Any]:
    """What it keeps of how clients authenticate."""
    kind = resource.fields["Type"]
    if kind == "OPEN":
        if given:
            raise invalid("An open ingress point has no IngressPointConfiguration.")
        return {}
    given = given or {}
    if kind == "MTLS":
        trust_store = (given.get("TlsAuthConfiguration") or {}).get("TrustStore")
        if not trust_store:
            raise invalid("An ingress point of type MTLS needs TlsAuthConfiguration.TrustStore.")
        if key := trust_store.get("KmsKeyArn"):
            readable.check_trust_store_key(key, source=resource.arn)
        return {"TrustStore": dict(trust_store)}
    if password := given.get("SmtpPassword"):
        kept = [(password, secrets.token_hex(8), 0.0)]
        for previous, version, _ in (before.get("passwords") or ())[:1]:
            kept.append((previous, version, time.time()))
        return {"passwords": kept}
    if arn := given.get("SecretArn"):
        values = readable.secret_values(arn, source=resource.arn)
        if not values or set(values[0]) != {"password"}:
            raise invalid(f"The secret {arn} must be a JSON object with the one key password.")
        return {"SecretArn": arn}
    raise invalid("An ingress point of type AUTH needs SmtpPassword or SecretArn.")


def _password_versions(resource: Resource) -> dict[str, Any]:
    kept = resource.private["passwords"]
    answer: dict[str, Any] = {"SmtpPasswordVersion": kept[0][1]}
    if len(kept) > 1:
        answer["PreviousSmtpPasswordVersion"] = kept[1][1]
        answer["PreviousSmtpPasswordExpiryTimestamp"] = kept[1][2] + PREVIOUS_PASSWORD_SECONDS
    return answer


def _check_targets(given: Mapping[str, Any]) -> None:
    for name, targets in (("RuleSetId", rule_sets), ("TrafficPolicyId", traffic_policies)):
        target_id = given.get(name)
        if target_id is not None and not targets.table.has(target_id):
            raise invalid(f"The {targets.table.noun} {target_id} does not exist.")


def _check_network(network: Mapping[str, Any]) -> None:
    endpoint = (network.get("PrivateNetworkConfiguration") or {}).get("VpcEndpointId")
    for each in table.all() if endpoint else ():
        if each.fields["NetworkConfiguration"] == network:
            raise Refused(
                "ConflictException",
                f"The VPC endpoint {endpoint} already belongs to the ingress point {each.id}.",
            )


def _check_tls(tls: str, *, kind: str, private: bool) -> None:
    if tls == "FIPS" and not _has_fips():
        raise invalid(
            f"The TLS policy FIPS is available in the United States and Canada only, not in "
            f"{internals.responses.get_region()}."
        )
    if tls == "OPTIONAL" and not (kind == "OPEN" or (kind == "AUTH" and private)):
        where = "private" if private else "public"
        raise invalid(f"The TLS policy of a {where} ingress point of type {kind} is not OPTIONAL.")
    if tls == "REQUIRED" and kind != "OPEN" and not private and _has_fips():
        raise invalid(
            f"The TLS policy of a public ingress point of type {kind} is FIPS in this region."
        )


def _check_tls_change(fields: Mapping[str, Any], tls: str) -> None:
    kind, private = fields["Type"], "PrivateNetworkConfiguration" in fields["NetworkConfiguration"]
    changeable = kind == "OPEN" or (kind == "AUTH" and private) or tls == fields["TlsPolicy"]
    if not changeable or "FIPS" in (tls, fields["TlsPolicy"]):
        raise invalid(
            f"The TLS policy of this ingress point cannot change from {fields['TlsPolicy']} to "
            f"{tls}: create another ingress point."
        )


def _has_fips() -> bool:
    # The United States, with GovCloud, and Canada.
    return str(internals.responses.get_region()).startswith(("us-", "ca-"))


def _host(*, fips: bool) -> str:
    first, second = ("".join(secrets.choice(_LABEL) for _ in range(size)) for size in (12, 4))
    labels = (first, *(("fips",) if fips else ()), second)
    return f"{'.'.join(labels)}.mail-manager-smtp.amazonaws.com"


def _settling(during: str) -> dict[str, Any]:
    return {"settling": (time.monotonic() + SETTLE_SECONDS, during)}


def _list(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("IngressPointName", "IngressPointId", "Type", "ARecord")

    def summary(resource: Resource) -> dict[str, Any]:
        listed = {name: resource.fields[name] for name in names if name in resource.fields}
        return {**listed, "Status": status(resource)}

    return page(given, "IngressPoints", table.all(), each=summary)


OPERATIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "CreateIngressPoint": create,
    "GetIngressPoint": get,
    "ListIngressPoints": _list,
    "UpdateIngressPoint": update,
}
