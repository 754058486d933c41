"""Checks at synth: all problems of one call together, each with argument, value and remedy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from aws_cdk import Duration, Token
from constructs import Construct

from cdk_mailroom import _quotas
from cdk_mailroom._asked import node_of
from cdk_mailroom._problems import ConfigurationError, Problems
from mailroom import ses

__all__ = [
    "ConfigurationError",
    "Problems",
    "Retention",
    "check_address",
    "check_addresses",
    "check_cidr",
    "check_configuration_set_name",
    "check_domain",
    "check_identities",
    "check_list",
    "check_number",
    "check_prefix",
    "check_recipients",
    "check_retention",
    "check_rule_name",
    "check_seconds",
    "check_unit",
    "leaving_nothing",
    "resolved",
]

Retention = Duration | Literal["forever"]
"""How long something is kept: whole days, or ``"forever"``."""

_LOCAL_PART = re.compile(ses.LOCAL_PART)
_DOMAIN = re.compile(ses.DOMAIN)


@contextmanager
def leaving_nothing(scope: Construct, construct_id: str) -> Iterator[None]:
    """Remove the child *construct_id* of *scope* if what creates it fails.

    A call that was refused can then be corrected and repeated with the same id. What the block
    changed elsewhere stays, such as a statement in the policy of a bucket, because aws-cdk-lib
    cannot remove that: check first what can be checked, and grant last.
    """
    node = node_of(scope)
    taken = node.try_find_child(construct_id) is not None
    try:
        yield
    except BaseException:
        if not taken:
            node.try_remove_child(construct_id)
        raise


def resolved(value: object) -> bool:
    """Tell whether *value* is known at synth; a token is not, and is never checked.

    The common types are looked at here, as aws-cdk-lib marks its tokens in them; asking
    aws-cdk-lib takes a call into Node for each value.
    """
    match value:
        case None | bool():
            return True
        case str():
            return "${Token[" not in value and "#{Token[" not in value
        case int() | float():
            return value > _LARGEST_TOKEN
        case list() | tuple():
            return not any(isinstance(item, str) and "#{Token[" in item for item in value)
    if callable(value):  # jsii refuses functions with its own error
        return True
    try:
        return not Token.is_unresolved(value)
    except (AttributeError, TypeError):  # not a type of jsii, so not a token
        return True


# Numbers are encoded as doubles with a fixed upper half, all of them near -1.88e+289.
_LARGEST_TOKEN = -1e288


def check_list(problems: Problems, argument: str, values: object, *, tokens: bool = False) -> bool:
    """Check that *values* is a list; tell whether each of its values can be looked at.

    A list that only CloudFormation knows, such as a parameter of type CommaDelimitedList or what
    ``Fn.split`` returns, is one element at synth, which stands for all of them: it can be passed
    on as a whole if *tokens*, but never beside other elements.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        problems.add(argument, values, f"pass a list, even of one: [{values!r}]")
        return False
    if not any(isinstance(value, str) and "#{Token[" in value for value in values):
        return True
    if not tokens:
        problems.add(
            argument,
            values,
            "only CloudFormation knows how many values this list has: pass single values, such as "
            "[Fn.select(0, values), Fn.select(1, values)]",
        )
    elif len(values) > 1:
        problems.add(
            argument,
            values,
            "a list that only CloudFormation knows cannot be part of another: pass it alone, or "
            "its single values, such as [Fn.select(0, values), …]",
        )
    return False


def check_rule_name(problems: Problems, argument: str, name: str | None) -> None:
    """Check a receipt rule's or a rule set's name."""
    if name is None or not resolved(name):
        return
    if not re.fullmatch(ses.RULE_NAME, name):
        problems.add(
            argument,
            name,
            "use letters, digits, '-' and '_' only, begin and end with a letter or a digit, "
            "and stay under 64 characters",
        )


def check_configuration_set_name(problems: Problems, argument: str, name: str | None) -> None:
    """Check a configuration set's name."""
    if name is None or not resolved(name):
        return
    if not re.fullmatch(ses.CONFIGURATION_SET_NAME, name):
        problems.add(argument, name, "use 1 to 64 letters, digits, '-' and '_'")


def check_recipients(problems: Problems, recipients: Sequence[str]) -> None:
    """Check a rule's recipients: addresses, domains, or '.domain' for a domain's subdomains."""
    if not check_list(problems, "recipients", recipients, tokens=True):
        return
    if not recipients:
        problems.add(
            "recipients",
            list(recipients),
            "name at least one address or domain; for a catch-all rule pass EVERY_RECIPIENT",
        )
    if len(recipients) > ses.RECIPIENTS_PER_RULE:
        problems.add(
            "len(recipients)",
            len(recipients),
            f"SES allows {ses.RECIPIENTS_PER_RULE} per rule; name their domain, or add a second "
            "rule with the same handler",
        )
    seen: set[str] = set()
    for position, recipient in enumerate(recipients):
        if not resolved(recipient):
            continue
        argument = f"recipients[{position}]"
        if not _is_recipient(recipient):
            problems.add(
                argument,
                recipient,
                "write 'user@example.com', 'example.com', or '.example.com' for its subdomains",
            )
        elif recipient.lower() in seen:
            problems.add(argument, recipient, "remove the duplicate")
        seen.add(str(recipient).lower())


def _is_recipient(recipient: object) -> bool:
    if not isinstance(recipient, str):
        return False
    local_part, at, domain = recipient.rpartition("@")
    if not at:
        return bool(_DOMAIN.fullmatch(domain.removeprefix(".")))
    return bool(_LOCAL_PART.fullmatch(local_part) and _DOMAIN.fullmatch(domain))


def check_address(problems: Problems, argument: str, address: object) -> None:
    """Check an addr-spec of RFC 5322 without quoting or comments, which is what SES takes."""
    if not resolved(address):
        return
    if not (isinstance(address, str) and "@" in address and _is_recipient(address)):
        problems.add(argument, address, "write one bare address, such as 'user@example.com'")


def check_domain(problems: Problems, argument: str, domain: object) -> None:
    """Check a domain of two or more labels (RFC 1035), in ASCII."""
    if not resolved(domain):
        return
    if not (isinstance(domain, str) and _DOMAIN.fullmatch(domain)):
        problems.add(argument, domain, "write a domain such as 'example.com'")


def check_addresses(problems: Problems, argument: str, addresses: Iterable[object]) -> None:
    """Check each of *addresses*."""
    for position, address in enumerate(addresses):
        check_address(problems, f"{argument}[{position}]", address)


def check_identities(problems: Problems, argument: str, identities: Sequence[object]) -> None:
    """Check a list of one or more constructs, addresses or domains."""
    if not check_list(problems, argument, identities):
        return
    if not identities:
        problems.add(
            argument, list(identities), "name at least one; omit the argument for all identities"
        )
    for position, name in enumerate(identities):
        if not isinstance(name, str) or not resolved(name):
            continue
        if name.startswith(".") or not _is_recipient(name):
            problems.add(
                f"{argument}[{position}]", name, "write 'example.com' or 'user@example.com'"
            )


def check_cidr(problems: Problems, argument: str, cidr: object) -> None:
    """Check one IP address, or a range in CIDR notation."""
    if not resolved(cidr):
        return
    try:
        if not isinstance(cidr, str) or not re.fullmatch(r"[^/]+(/\d+)?", cidr):
            raise ValueError(cidr)
        ipaddress.ip_network(cidr)
    except ValueError:
        problems.add(argument, cidr, "write an address or a range such as '203.0.113.0/24'")


def check_prefix(problems: Problems, argument: str, prefix: str) -> None:
    """Check an S3 object name prefix, which must leave room for a message id."""
    if not resolved(prefix):
        return
    if len(prefix.encode()) > _quotas.PREFIX_BYTES or prefix.startswith("/"):
        problems.add(
            argument, prefix, f"begin without '/' and stay within {_quotas.PREFIX_BYTES} bytes"
        )


def check_number(problems: Problems, argument: str, value: Any, allowed: range, unit: str) -> None:
    """Check a whole number."""
    if not resolved(value):
        return
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        problems.add(
            argument, value, f"pass a whole number of {unit}, {allowed[0]} to {allowed[-1]}"
        )


def check_seconds(
    problems: Problems, argument: str, duration: Duration | None, allowed: range
) -> None:
    """Check a duration of whole seconds."""
    if duration is None:
        return
    if duration.is_unresolved():
        check_unit(problems, argument, duration.to_seconds, "Duration.seconds(…)")
        return
    seconds = duration.to_seconds(integral=False)
    # Not "in allowed": for a float, that would look at every number of the range.
    if seconds % 1 or not allowed[0] <= seconds <= allowed[-1]:
        problems.add(
            argument, f"{seconds:g} s", f"pass whole seconds, {allowed[0]} to {allowed[-1]}"
        )


def check_retention(problems: Problems, argument: str, retention: Retention | None) -> None:
    """Check how long something is kept: one or more whole days, or ``"forever"``."""
    if retention is None or retention == "forever":
        return
    if not isinstance(retention, Duration):
        problems.add(argument, retention, "pass a Duration of whole days, or 'forever'")
    elif retention.is_unresolved():
        check_unit(problems, argument, retention.to_days, "Duration.days(…)")
    else:
        days = retention.to_days(integral=False)
        if days < 1 or days % 1:
            problems.add(argument, f"{days:g} days", "pass whole days, at least one, or 'forever'")


def check_unit(
    problems: Problems, argument: str, converted: Callable[[], float], remedy: str
) -> None:
    """Check that a duration, which only CloudFormation knows, has the unit that is needed."""
    try:
        converted()
    except RuntimeError:  # what JavaScript's errors become
        problems.add(
            argument,
            "<token>",
            f"make it with {remedy}: a number that only CloudFormation knows cannot be converted",
        )
