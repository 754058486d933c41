"""The account that a command works on: the local AWS, or with ``--aws`` a real one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailroom_cli import local
from mailroom_cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    import argparse

    from mailroom_local.control import LocalAws


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account and how to call it."""

    where: str
    """What to call it in a message."""
    client: Callable[[str], Any]
    """Return the boto3 client of a service, the same one each time."""
    local: LocalAws | None = None
    """The local AWS, if it is that."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose the account."""
    group = parser.add_argument_group("account")
    group.add_argument(
        "--aws",
        action="store_true",
        help="use a real account, with your usual AWS credentials (default: the local AWS)",
    )
    group.add_argument("--profile", metavar="NAME", help="with --aws: the AWS profile")
    group.add_argument(
        "--region", metavar="REGION", help="with --aws: the region (default: the profile's)"
    )
    local.add_state_argument(group)


def resolve(options: argparse.Namespace, *, impatient: bool = False) -> Account:
    """Return the account that the options choose.

    Args:
        options: The parsed options that `add_arguments` declared.
        impatient: Whether calls of a real account give up within a minute, not within several.

    Raises:
        UsageError: An option has no effect in this combination, the profile does not exist, or the
            local AWS is not installed.
        CommandError: The local AWS is not running.
    """
    if options.aws:
        if options.state:
            raise UsageError(
                f"--state {options.state} has no effect on a real account",
                remedy="omit --state or --aws",
            )
        return _real(profile=options.profile, region=options.region, impatient=impatient)
    for name in ("profile", "region"):
        if value := getattr(options, name):
            raise UsageError(
                f"--{name} {value} has no effect on the local AWS",
                remedy=f"add --aws to use a real account, or omit --{name}",
            )
    return _local(options.state)


def everywhere(account: Account) -> list[tuple[str, Callable[[str], Any]]]:
    """Return what makes clients, for each account and region of a local AWS, and what to call it.

    Args:
        account: The account; a real one is a single place without a name.
    """
    if account.local is None:
        return [("", account.client)]
    places = account.local.environments
    return [
        (
            f"{place.account}/{place.region}" if len(places) > 1 else "",
            functools.partial(account.local.client, account=place.account, region=place.region),
        )
        for place in places
    ]


@contextlib.contextmanager
def calls(
    failure: str, *, remedy: str = "check the credentials, the region and the names"
) -> Iterator[None]:
    """Turn an error of AWS inside the context into a message for the user.

    Args:
        failure: What a failed call means, such as ``cannot read the event table``.
        remedy: What to do then.

    Raises:
        CommandError: A call failed, or could not be made.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"{failure}: {error}", remedy=remedy) from error


def _real(*, profile: str | None, region: str | None, impatient: bool) -> Account:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import ProfileNotFound

    try:
        session = boto3.Session(profile_name=profile, region_name=region)
    except ProfileNotFound as error:
        raise UsageError(
            f"no AWS profile is named {error.kwargs['profile']!r}",
            remedy="`aws configure list-profiles` lists the profiles",
        ) from error
    # The overloads of boto3-stubs need a literal service name.
    factory: Any = session.client
    if impatient:
        config = Config(
            connect_timeout=5,
            read_timeout=15,
            # SES answers many calls once a second; this mode waits for that.
            retries={"total_max_attempts": 5, "mode": "adaptive"},
        )
        factory = functools.partial(factory, config=config)
    where = f"the account of profile {profile}" if profile else "the account of your credentials"
    return Account(where=where, client=functools.cache(factory))


def _local(state: str | None) -> Account:
    local.require(alternative=", or add --aws to use a real account")
    from mailroom_local.control import LocalAws, NotRunning

    try:
        aws = LocalAws.attach(state=state)
    except NotRunning as error:
        raise CommandError(
            str(error.args[0]), remedy=f"{error.remedy}; to use a real account, add --aws"
        ) from error
    return Account(where="the local AWS", client=aws.client, local=aws)
