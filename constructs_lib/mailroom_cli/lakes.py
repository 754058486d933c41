"""Finds the event lake of an app, and turns what its queries raise into messages."""

from __future__ import annotations

import argparse
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from mailroom_cli.account import everywhere
from mailroom_cli.errors import CommandError, UsageError

if TYPE_CHECKING:
    from mailroom.lake import Lake
    from mailroom_cli.account import Account

_WORKGROUP = "AWS::Athena::WorkGroup"
_MOST_SECONDS = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options that choose the lake, and how long its queries may take."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--workgroup",
        metavar="NAME",
        help="the lake's Athena workgroup (default: the only one that cdk-mailroom made)",
    )
    which.add_argument("--stack", metavar="NAME", help="the lake of this stack")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=300,
        metavar="SECONDS",
        help="stop a query that takes longer (default: 300)",
    )


def find(account: Account, *, workgroup: str | None, stack: str | None) -> Lake:
    """Find the lake of an account by its workgroup.

    Args:
        account: Where to look.
        workgroup: The workgroup's name. Default: the only one that an `EventLake` made.
        stack: The stack that made it. Default: any.

    Raises:
        CommandError: There is none, or more than one.
    """
    from mailroom.lake import Lake

    places = everywhere(account)
    if workgroup is not None and len(places) == 1:
        # Whoever may only query need not be allowed to list workgroups.
        return _opened(Lake, workgroup, places[0][1])
    found = [
        (f"{where}  {name}".strip(), name, client)
        for where, client in places
        for name in _workgroups(client, workgroup, stack)
    ]
    if not found:
        what = f"workgroup {workgroup}" if workgroup else "event lake"
        raise CommandError(
            f"{account.where} has no {what}" + (f" in the stack {stack}" if stack else ""),
            remedy="deploy an app with an EventLake, or pass its workgroup with --workgroup NAME",
        )
    if len(found) > 1:
        listed = ", ".join(shown for shown, _, _ in found)
        raise CommandError(
            f"{account.where} has {len(found)} event lakes: {listed}",
            remedy="pass one of them with --workgroup NAME, or its stack with --stack NAME",
        )
    _, name, client = found[0]
    return _opened(Lake, name, client)


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turn what a query raises into a message for the user: Athena's words, and the remedy.

    Raises:
        UsageError: An argument cannot be used.
        CommandError: The query failed.
    """
    from mailroom.errors import InvalidQuery, QueryFailed

    try:
        yield
    except InvalidQuery as error:
        raise UsageError(
            str(error), remedy="`mailroom query` lists the saved queries and their parameters"
        ) from error
    except QueryFailed as error:
        query = f" [query {error.query_id}]" if error.query_id else ""
        raise CommandError(f"{error.text}{query}", remedy=error.remedy) from error


def _opened(kind: type[Lake], workgroup: str, client: Callable[[str], Any]) -> Lake:
    athena = client("athena")
    saved = kind(workgroup=workgroup, client=athena).saved()
    databases = Counter(query.database for query in saved.values() if query.database)
    if not databases:
        raise CommandError(
            f"the workgroup {workgroup} has no saved queries, which would name the lake's database",
            remedy="pass the workgroup of an EventLake",
        )
    (database, _), *_ = databases.most_common(1)
    return kind(workgroup=workgroup, database=database, client=athena)


def _workgroups(
    client: Callable[[str], Any], workgroup: str | None, stack: str | None
) -> Iterator[str]:
    from mailroom.lake import WORKGROUP_DESCRIPTION

    if stack is not None:
        yield from _of_stack(client("cloudformation"), stack)
        return
    arguments: dict[str, str] = {}
    while True:
        page = client("athena").list_work_groups(**arguments)
        for one in page["WorkGroups"]:
            ours = one.get("Description") == WORKGROUP_DESCRIPTION
            if one["Name"] == workgroup if workgroup else ours:
                yield one["Name"]
        if not page.get("NextToken"):
            return
        arguments = {"NextToken": page["NextToken"]}


def _of_stack(cloudformation: Any, stack: str) -> Iterator[str]:
    from botocore.exceptions import ClientError

    pages = cloudformation.get_paginator("list_stack_resources")
    try:
        for page in pages.paginate(StackName=stack):
            for one in page["StackResourceSummaries"]:
                if one["ResourceType"] == _WORKGROUP:
                    yield one["PhysicalResourceId"]
    except ClientError as error:
        # The stack is in another account or region of the local AWS, or does not exist.
        if error.response["Error"]["Code"] != "ValidationError":
            raise


def _seconds(value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= _MOST_SECONDS):
        raise argparse.ArgumentTypeError(
            f"{value!r} is not a number of seconds: pass 1 to {_MOST_SECONDS}"
        )
    return int(value)
