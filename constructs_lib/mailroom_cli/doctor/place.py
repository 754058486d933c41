"""An account and region that is looked at, and what a subject's look is made of."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from mailroom_cli.doctor.findings import Finding, Level
from mailroom_cli.doctor.reading import Reader, Unseen
from mailroom_cli.doctor.resolving import Resolver

T = TypeVar("T")

_AT_A_TIME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An account and region, as one subject sees it."""

    subject: str
    """The subject."""
    reader: Reader
    """Calls the account's APIs."""
    account: str
    """The account's id."""
    region: str
    """The region."""
    now: datetime
    """The time of the look."""
    resolver: Resolver | None
    """Asks the DNS, if it can be asked."""
    partition: str = "aws"
    """The partition of the region."""
    endpoint: str = ""
    """The URL of the local AWS; empty for a real account."""
    state: str = ""
    """The state directory of the local AWS, if one was named."""
    profile: str = ""
    """The profile of the credentials, if one was named."""
    domains: Sequence[str] = ()
    """The domains whose DNS records to look at; the first that are found by default."""

    @property
    def saw_all(self) -> bool:
        """Whether nothing was denied so far, so that what was not found is not there."""
        return not self.reader.unseen

    @property
    def is_local(self) -> bool:
        """Whether it belongs to the local AWS."""
        return bool(self.endpoint)

    def ok(self, check: str, found: str) -> Finding:
        """Return a finding that all is well."""
        return self._finding(check, Level.OK, found)

    def note(self, check: str, found: str, **more: str) -> Finding:
        """Return a finding to know about."""
        return self._finding(check, Level.NOTE, found, **more)

    def warning(self, check: str, found: str, **more: str) -> Finding:
        """Return a finding that something is likely to go wrong."""
        return self._finding(check, Level.WARNING, found, **more)

    def problem(self, check: str, found: str, **more: str) -> Finding:
        """Return a finding that something does not work."""
        return self._finding(check, Level.PROBLEM, found, **more)

    def aws(self, service: str, operation: str, **options: Any) -> str:
        """Return a command of the AWS CLI for this account and region, to be copied.

        Args:
            service: Its name in the CLI.
            operation: The command.
            options: The options; one that is ``True`` is a flag.
        """
        words = ["aws", service, operation]
        for name, value in options.items():
            words.append(f"--{name.replace('_', '-')}")
            if value is not True:
                words.append(shlex.quote(str(value)))
        words += ["--region", self.region]
        if self.profile:
            words += ["--profile", shlex.quote(self.profile)]
        if self.endpoint:
            words += ["--endpoint-url", self.endpoint]
            # The emulator takes an access key of twelve digits for the account.
            key = [f"AWS_ACCESS_KEY_ID={self.account}", "AWS_SECRET_ACCESS_KEY=local"]
            words = [*key, *words]
        return " ".join(words)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def _finding(self, check: str, level: Level, found: str, **more: str) -> Finding:
        return Finding(
            subject=self.subject,
            check=check,
            level=level,
            found=found,
            account=self.account,
            region=self.region,
            **more,
        )


def several(look: Callable[[T], Iterable[Finding]], things: Sequence[T]) -> Iterator[list[Finding]]:
    """Look at several things at a time; yield what is found about each, in their order.

    What cannot be seen of one does not hide the others; the reader has noted why.
    """

    def seen(one: T) -> list[Finding]:
        found: list[Finding] = []
        with suppress(Unseen):
            found.extend(look(one))
        return found

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        yield from pool.map(seen, things)


def named(names: Sequence[str], *, most: int = 5) -> str:
    """Return names as text, and how many more there are: ``a, b and 3 more``."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def counted(count: int, singular: str, plural: str = "") -> str:
    """Return a number and what it counts: ``1 rule``, ``2 rules``."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
