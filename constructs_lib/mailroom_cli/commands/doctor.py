"""Look at this machine and an account, and say what is wrong and what to do about it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailroom_cli import account, local
from mailroom_cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from mailroom_cli.account import Account
    from mailroom_cli.doctor.findings import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--identity",
        action="append",
        default=[],
        metavar="DOMAIN",
        help="with --aws: look at the DNS records of this domain, not of the first 25; can be "
        "repeated",
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.add_argument(
        "--strict", action="store_true", help="exit with status 1 for warnings, too"
    )
    parser.add_argument(
        "--policy",
        action="store_true",
        help="only write the IAM policy that --aws needs; every action of it only reads",
    )
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show what was found; the status is 1 when there is a problem."""
    from mailroom_cli.doctor import run as looking
    from mailroom_cli.doctor import show
    from mailroom_cli.doctor.findings import Level
    from mailroom_cli.terminal import say_json

    if options.policy:
        say_json(looking.policy())
        return 0
    if options.identity and not options.aws:
        raise UsageError(
            f"--identity {options.identity[0]} has no effect without --aws: the local AWS has no "
            "DNS",
            remedy="add --aws, or omit --identity",
        )
    findings = list(_findings(options))
    if options.json:
        say_json(show.document(findings))
    else:
        show.in_terminal(findings)
    bad = {Level.PROBLEM, *([Level.WARNING] if options.strict else [])}
    return 1 if any(one.level in bad for one in findings) else 0


def _findings(options: argparse.Namespace) -> Iterator[Finding]:
    from mailroom_cli.doctor import machine
    from mailroom_local.control import State

    now = datetime.now(UTC)
    chosen = _chosen(options)
    yield from machine.look(State(options.state), folder=Path.cwd(), today=now.date())
    if chosen is None:
        yield _no_account()
        return
    for where in _places(chosen, options):
        yield from _of_account(*where, options=options, now=now)


def _chosen(options: argparse.Namespace) -> Account | None:
    """The account; none if no local AWS runs, and no real account is wanted."""
    from mailroom_local.control import NotRunning

    wanted = options.aws or options.profile or options.region
    if not wanted and not local.is_installed():
        return None
    try:
        return account.resolve(options, impatient=True)
    except CommandError as error:
        if isinstance(error.__cause__, NotRunning):
            return None
        raise
    except (TypeError, ValueError):
        # The state directory is of another version, which is a finding of its own.
        return None


def _places(
    chosen: Account, options: argparse.Namespace
) -> Iterator[tuple[Callable[[str], Any], str]]:
    """What makes clients, and the endpoint, of each account and region."""
    endpoint = chosen.local.server.endpoint if chosen.local else ""
    for _, client in account.everywhere(chosen):
        yield client, endpoint


def _of_account(
    client: Callable[[str], Any],
    endpoint: str,
    *,
    options: argparse.Namespace,
    now: datetime,
) -> Iterator[Finding]:
    from mailroom_cli.doctor import run as looking
    from mailroom_cli.doctor.findings import Finding, Level
    from mailroom_cli.doctor.place import Place
    from mailroom_cli.doctor.reading import Reader, require_account
    from mailroom_cli.doctor.resolving import resolver

    reader = Reader(client)
    try:
        who, region = require_account(reader), reader.region()
    except CommandError as error:
        yield Finding(
            subject="account",
            check="unreachable",
            level=Level.PROBLEM,
            found=error.message,
            remedy=error.remedy or "",
        )
        return
    place = Place(
        subject="account",
        reader=reader,
        account=who["Account"],
        region=region,
        now=now,
        resolver=None if endpoint else resolver(),
        partition=who["Arn"].split(":")[1],
        endpoint=endpoint,
        state=options.state or "",
        profile=options.profile or "",
        domains=[one.lower() for one in options.identity],
    )
    kind = "the local AWS, " if endpoint else ""
    yield place.ok("account", f"{kind}account {place.account}, {region}, as {who['Arn']}")
    yield from looking.look(place)


def _no_account() -> Finding:
    from mailroom_cli.doctor.findings import Finding, Level

    return Finding(
        subject="account",
        check="none",
        level=Level.NOTE,
        found="no account was looked at: no local AWS runs here",
        remedy="`mailroom up` starts one; for a real account: mailroom doctor --aws",
    )
