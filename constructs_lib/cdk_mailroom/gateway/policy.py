"""The traffic policy: which recipients are accepted, from whom, before a message is sent.

https://docs.aws.amazon.com/ses/latest/dg/eb-filters.html
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import (
    Problems,
    check_address,
    check_cidr,
    check_list,
    check_number,
    resolved,
)
from cdk_mailroom.gateway import limits
from cdk_mailroom.gateway.attributes import recipient, source_ip, tls_version
from cdk_mailroom.gateway.conditions import PolicyCondition, check_conditions
from cdk_mailroom.gateway.words import TlsVersion, TlsVersionWord
from mailroom.ses import DOMAIN

__all__ = [
    "ANY_RECIPIENT",
    "Allow",
    "AnyRecipient",
    "Deny",
    "Recipients",
    "TrafficPolicy",
    "check_traffic",
    "domains_of",
    "make_policy",
]

_Policy = ses.CfnMailManagerTrafficPolicy


class AnyRecipient(Enum):
    """The type of `ANY_RECIPIENT`."""

    ANY_RECIPIENT = "any recipient"
    """The one value."""


ANY_RECIPIENT: Final = AnyRecipient.ANY_RECIPIENT
"""As a gateway's recipients: every address, also of other domains, as a smart host needs."""

Recipients = Sequence[str] | AnyRecipient


@dataclass(frozen=True)
class Allow:
    """A statement that accepts a recipient if all of *when* hold, unless a `Deny` refuses it."""

    when: Sequence[PolicyCondition]
    """One to ten conditions."""


@dataclass(frozen=True)
class Deny:
    """A statement that refuses a recipient if all of *when* hold, whatever allows it."""

    when: Sequence[PolicyCondition]
    """One to ten conditions."""


@dataclass(frozen=True, kw_only=True)
class TrafficPolicy:
    """What a gateway accepts, besides its recipients.

    Mail Manager decides on each recipient by itself, when the client names it: every `Deny` comes
    before every `Allow`, and what neither decides is refused, unless the gateway takes
    `ANY_RECIPIENT` without a *minimum_tls*.
    """

    deny_from: Sequence[str] = ()
    """Addresses and ranges, IPv4 and IPv6, from which nothing is accepted."""
    minimum_tls: TlsVersionWord | None = None
    """The lowest version of TLS from which mail is accepted; any, also none, by default."""
    max_message_bytes: int | None = None
    """The largest message, up to 40 MB with its header; Mail Manager's own limit by default."""
    statements: Sequence[Allow | Deny] = ()
    """More statements. An `Allow` accepts recipients besides those of the gateway."""


def check_traffic(problems: Problems, traffic: TrafficPolicy, recipients: Recipients) -> None:
    """Note what Mail Manager would refuse, or what would let other mail in than meant."""
    before = problems.count
    check_recipients(problems, recipients)
    _check_ranges(problems, traffic.deny_from)
    if traffic.minimum_tls is not None and traffic.minimum_tls not in list(TlsVersion):
        words = [str(one) for one in TlsVersion]
        problems.add("traffic.minimum_tls", traffic.minimum_tls, f"use one of {words}")
    if traffic.max_message_bytes is not None:
        allowed = range(1, limits.MESSAGE_BYTES + 1)
        argument = "traffic.max_message_bytes"
        check_number(problems, argument, traffic.max_message_bytes, allowed, "bytes")
    most = limits.CONDITIONS_PER_STATEMENT
    if check_list(problems, "traffic.statements", traffic.statements):
        for position, statement in enumerate(traffic.statements):
            # One is added to what allows.
            added = isinstance(statement, Allow) and traffic.minimum_tls is not None
            argument = f"traffic.statements[{position}]"
            _check_statement(problems, argument, statement, most - added)
            if isinstance(statement, Allow) and _is_open(traffic, recipients):
                problems.add(
                    argument,
                    "Allow",
                    "omit it, or limit the recipients: with ANY_RECIPIENT everything is allowed",
                )
    if problems.count > before:
        return
    count = len(_all_statements(traffic, recipients))
    if count > limits.STATEMENTS_PER_POLICY:
        problems.add(
            "len(traffic.statements)",
            count,
            f"Mail Manager takes {limits.STATEMENTS_PER_POLICY}, with those for recipients and "
            "ranges, of which each has ten; use wider ranges, an AddressList, or whole domains",
        )


def make_policy(
    scope: Construct, traffic: TrafficPolicy, recipients: Recipients, name: str
) -> ses.CfnMailManagerTrafficPolicy:
    """Create the policy below *scope*."""
    return _Policy(
        scope,
        "TrafficPolicy",
        traffic_policy_name=name,
        default_action="ALLOW" if _is_open(traffic, recipients) else "DENY",
        max_message_size_bytes=traffic.max_message_bytes,
        policy_statements=[
            _Policy.PolicyStatementProperty(
                action="DENY" if isinstance(statement, Deny) else "ALLOW",
                conditions=[one.in_policy for one in statement.when],
            )
            for statement in _all_statements(traffic, recipients)
        ],
    )


def _is_open(traffic: TrafficPolicy, recipients: Recipients) -> bool:
    """Tell whether everything is accepted that no `Deny` refuses."""
    return isinstance(recipients, AnyRecipient) and traffic.minimum_tls is None


def _all_statements(traffic: TrafficPolicy, recipients: Recipients) -> list[Allow | Deny]:
    """Return all statements, those for the recipients and ranges included."""
    minimum: list[PolicyCondition] = (
        [] if traffic.minimum_tls is None else [tls_version.at_least(traffic.minimum_tls)]
    )
    allowed: list[Allow | Deny] = []
    if not isinstance(recipients, AnyRecipient):
        allowed = [Allow([condition, *minimum]) for condition in _conditions(recipients)]
    elif minimum:
        allowed = [Allow(minimum)]
    own: list[Allow | Deny] = [
        Allow([*one.when, *minimum]) if isinstance(one, Allow) else one
        for one in traffic.statements
    ]
    return [*(Deny([one]) for one in _ranges(traffic.deny_from)), *own, *allowed]


def _check_ranges(problems: Problems, ranges: Sequence[str]) -> None:
    if not check_list(problems, "traffic.deny_from", ranges):
        return
    for position, one in enumerate(ranges):
        argument = f"traffic.deny_from[{position}]"
        check_cidr(problems, argument, one)
        if not resolved(one):
            problems.add(
                argument,
                one,
                "pass text, as IPv4 and IPv6 go into different conditions; pass an IPv4 range "
                "that only CloudFormation knows as Deny([source_ip.in_range(…)])",
            )


def _check_statement(problems: Problems, argument: str, statement: object, most: int) -> None:
    if not isinstance(statement, Allow | Deny):
        problems.add(argument, statement, "pass Allow([…]) or Deny([…])")
        return
    argument = f"{argument}.when"
    if not check_conditions(problems, argument, statement.when, PolicyCondition, most):
        return
    if not statement.when:
        problems.add(argument, [], "pass at least one condition: it would decide on nothing")
    for one in statement.when if isinstance(statement, Deny) else ():
        if one.text.startswith("tls_version.at_least"):
            problems.add(
                argument,
                one.text,
                "use minimum_tls, or the condition in an Allow: it matches this version "
                "and later ones, so a Deny would refuse the better ones",
            )


def check_recipients(problems: Problems, recipients: Recipients) -> None:
    """Check what a gateway accepts: addresses, ``@domain``, or ``.domain`` for its subdomains."""
    if isinstance(recipients, AnyRecipient):
        return
    if not check_list(problems, "recipients", recipients):
        return
    if not recipients:
        problems.add(
            "recipients",
            list(recipients),
            "name at least one address, or '@example.com' for all of a domain; to accept every "
            "recipient of every domain, pass gateway.ANY_RECIPIENT",
        )
    seen: set[str] = set()
    for position, one in enumerate(recipients):
        argument = f"recipients[{position}]"
        if not resolved(one):
            continue
        if not isinstance(one, str) or not re.fullmatch(rf"[@.]?{DOMAIN}", one):
            check_address(problems, argument, one)
        elif one[0] not in "@.":
            problems.add(
                argument,
                one,
                f"write '@{one}' for every address of the domain, or '.{one}' for its subdomains: "
                f"the policy compares ends, and 'a@not{one}' ends in it too",
            )
        if one in seen:
            problems.add(argument, one, "remove the duplicate")
        seen.add(one)


def domains_of(recipients: Sequence[str]) -> list[str]:
    """Return addresses as they are, and domains without what is before them."""
    return [one.removeprefix("@").removeprefix(".") for one in recipients]


def _conditions(recipients: Sequence[str]) -> Iterator[PolicyCondition]:
    # What only CloudFormation knows is taken for the end of an address, which a whole address is.
    ends = [one for one in recipients if one[0] in "@." or not resolved(one)]
    for part in _tens(ends):
        yield recipient.ends_with(*part)
    for part in _tens([one for one in recipients if one not in ends]):
        yield recipient.is_(*part)


def _ranges(ranges: Sequence[str]) -> Iterator[PolicyCondition]:
    networks = [ipaddress.ip_network(one) for one in ranges]
    for version in (4, 6):
        for part in _tens([str(one) for one in networks if one.version == version]):
            yield source_ip.in_range(*part)


def _tens(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), limits.VALUES_PER_CONDITION):
        yield values[start : start + limits.VALUES_PER_CONDITION]
