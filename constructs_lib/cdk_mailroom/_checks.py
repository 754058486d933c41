"""Checks at synth: every problem of one call together, each with argument, value and remedy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aws_cdk import Duration, Token
from constructs import Construct

from cdk_mailroom import _quotas

__all__ = [
    "ConfigurationError",
    "Problems",
    "check_address",
    "check_cidr",
    "check_configuration_set_name",
    "check_domain",
    "check_identities",
    "check_recipients",
    "check_rule_name",
    "resolved",
]

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
_LOCAL_PART = re.compile(rf"{_ATEXT}+(\.{_ATEXT}+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+")


class ConfigurationError(ValueError):
    """What was asked for cannot be deployed, or could be but would lose mail.

    The text has one line for each problem: the argument, its value, and what to do.
    """


class Problems:
    """Collects what is wrong with one call, so that one run shows all of it."""

    def __init__(self, subject: Construct | str) -> None:
        self._subject = subject if isinstance(subject, str) else subject.node.path
        self._problems: list[str] = []

    def add(self, argument: str, value: object, remedy: str) -> None:
        """Note that *argument* has a *value* that will not do."""
        self._problems.append(f"{argument} is {value!r}: {remedy}")

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Note what a `ConfigurationError` says instead of letting it out."""
        try:
            yield
        except ConfigurationError as error:
            self._problems.append(str(error).replace("\n  ", "\n    "))

    def raise_if_any(self) -> None:
        """Raise `ConfigurationError` with everything noted so far."""
        if self._problems:
            lines = "".join(f"\n  - {problem}" for problem in self._problems)
            raise ConfigurationError(f"{self._subject}:{lines}")


def resolved(value: object) -> bool:
    """Tell whether *value* is known at synth; a token is not, and is never judged."""
    return not Token.is_unresolved(value)


def check_rule_name(problems: Problems, argument: str, name: str | None) -> None:
    """SES: letters, digits, hyphen, underscore; a letter or digit at each end; under 64."""
    if name is None or not resolved(name):
        return
    if not re.fullmatch(_quotas.RULE_NAME, name):
        problems.add(
            argument,
            name,
            "use letters, digits, '-' and '_' only, begin and end with a letter or a digit, "
            "and stay under 64 characters",
        )


def check_configuration_set_name(problems: Problems, argument: str, name: str | None) -> None:
    """SES: 1 to 64 letters, digits, hyphens and underscores."""
    if name is None or not resolved(name):
        return
    if not re.fullmatch(_quotas.CONFIGURATION_SET_NAME, name):
        problems.add(argument, name, "use 1 to 64 letters, digits, '-' and '_'")


def check_recipients(problems: Problems, recipients: Sequence[str]) -> None:
    """SES: an address, a domain, or '.domain' for the domain's subdomains; at most 500."""
    if isinstance(recipients, str):
        problems.add("recipients", recipients, f"give a list, even of one: [{recipients!r}]")
        return
    # A list that CloudFormation will know is one element, which stands for all of them.
    if not resolved(recipients):
        return
    if not recipients:
        problems.add(
            "recipients",
            list(recipients),
            "name at least one address or domain; for a catch-all rule name EVERY_RECIPIENT",
        )
    if len(recipients) > _quotas.RECIPIENTS_PER_RULE:
        problems.add(
            "len(recipients)",
            len(recipients),
            f"SES allows {_quotas.RECIPIENTS_PER_RULE} a rule; name their domain, or add a rule "
            "with the same handler",
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
            problems.add(argument, recipient, "it is there already; name each recipient once")
        seen.add(str(recipient).lower())


def _is_recipient(recipient: object) -> bool:
    if not isinstance(recipient, str):
        return False
    local_part, at, domain = recipient.rpartition("@")
    if not at:
        return bool(_DOMAIN.fullmatch(domain.removeprefix(".")))
    return bool(_LOCAL_PART.fullmatch(local_part) and _DOMAIN.fullmatch(domain))


def check_address(problems: Problems, argument: str, address: object) -> None:
    """An addr-spec of RFC 5322 without quoting or comments, which is what SES takes."""
    if not resolved(address):
        return
    if not (isinstance(address, str) and "@" in address and _is_recipient(address)):
        problems.add(argument, address, "write one bare address, such as 'user@example.com'")


def check_domain(problems: Problems, argument: str, domain: object) -> None:
    """A domain of two or more labels (RFC 1035), in ASCII."""
    if not resolved(domain):
        return
    if not (isinstance(domain, str) and _DOMAIN.fullmatch(domain)):
        problems.add(argument, domain, "write a domain such as 'example.com'")


def check_addresses(problems: Problems, argument: str, addresses: Iterable[object]) -> None:
    """Each of *addresses* as `check_address` has it."""
    for position, address in enumerate(addresses):
        check_address(problems, f"{argument}[{position}]", address)


def check_identities(problems: Problems, argument: str, identities: Sequence[object]) -> None:
    """At least one, each a construct, or an address or a domain: none would not mean all."""
    if isinstance(identities, str):
        problems.add(argument, identities, f"give a list, even of one: [{identities!r}]")
        return
    if not identities:
        problems.add(argument, list(identities), "name at least one, or leave it out for all")
    for position, name in enumerate(identities):
        if not isinstance(name, str) or not resolved(name):
            continue
        if name.startswith(".") or not _is_recipient(name):
            problems.add(
                f"{argument}[{position}]", name, "write 'example.com' or 'user@example.com'"
            )


def check_cidr(problems: Problems, argument: str, cidr: object) -> None:
    """SES: one IP address or a range in CIDR notation."""
    if not resolved(cidr):
        return
    try:
        if not isinstance(cidr, str) or not re.fullmatch(r"[^/]+(/\d+)?", cidr):
            raise ValueError(cidr)
        ipaddress.ip_network(cidr)
    except ValueError:
        problems.add(argument, cidr, "write an address or a range such as '203.0.113.0/24'")


def check_prefix(problems: Problems, argument: str, prefix: str) -> None:
    """An S3 object name prefix that leaves room for a message id."""
    if not resolved(prefix):
        return
    if len(prefix.encode()) > _quotas.PREFIX_BYTES or prefix.startswith("/"):
        problems.add(
            argument, prefix, f"begin without '/' and stay within {_quotas.PREFIX_BYTES} bytes"
        )


def check_number(problems: Problems, argument: str, value: Any, allowed: range, unit: str) -> None:
    """A whole number within *allowed*."""
    if not resolved(value):
        return
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        problems.add(
            argument, value, f"give a whole number of {unit}, {allowed[0]} to {allowed[-1]}"
        )


def check_seconds(
    problems: Problems, argument: str, duration: Duration | None, allowed: range
) -> None:
    """A duration of whole seconds within *allowed*."""
    if duration is None or duration.is_unresolved():
        return
    seconds = duration.to_seconds(integral=False)
    # Not "in allowed": for a float, that would look at every number of the range.
    if seconds % 1 or not allowed[0] <= seconds <= allowed[-1]:
        problems.add(argument, f"{seconds} s", f"give whole seconds, {allowed[0]} to {allowed[-1]}")
