"""Send events to their handlers again: from a dead-letter queue, the lake, or its errors."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mailroom_local import replay
from mailroom_local.errors import MailroomError, NotRunning
from mailroom_local.local import LocalAws
from mailroom_local.terminal import say

_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="s3://BUCKET/ERRORS/ (what Firehose could not deliver), lake:BUCKET/PREFIX (rows), "
        "or a dead-letter queue by URL, ARN or name",
    )
    parser.add_argument(
        "--to",
        metavar="TARGET",
        help="the handlers' queue or function, by URL, ARN or name; stream:NAME for a Firehose "
        "stream (may be left out with --dry-run)",
    )
    parser.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="from this day on (UTC, YYYY-MM-DD)"
    )
    parser.add_argument(
        "--until", dest="last", type=_day, metavar="DAY", help="until this day, inclusive"
    )
    parser.add_argument(
        "--type",
        dest="types",
        action="append",
        default=[],
        metavar="T",
        help="only this type, such as bounce or rendering_failure; may be repeated",
    )
    parser.add_argument("--rate", type=_positive, metavar="N", help="at most N events a second")
    parser.add_argument("--limit", type=_whole, metavar="N", help="stop after N events")
    parser.add_argument(
        "--resume", metavar="TOKEN", help="go on where an earlier replay says that it stopped"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="send nothing, count the events by type and day"
    )
    parser.add_argument("--json", action="store_true", help="as a JSON document")
    parser.add_argument(
        "--aws", action="store_true", help="in a real account, with your usual credentials"
    )
    parser.add_argument("--region", help="of the real account (default: the one configured)")


def run(options: argparse.Namespace) -> int:
    """Replay; the status is 1 when something did not arrive, 130 after Ctrl-C."""
    if options.region and not options.aws:
        raise MailroomError(
            "--region is for a real account", remedy="add --aws, or leave out --region"
        )
    if not options.to and not options.dry_run:
        raise MailroomError(
            "it is not said where the events go to", remedy="add --to TARGET, or --dry-run"
        )
    if options.first and options.last and options.first > options.last:
        raise MailroomError(
            f"--from {options.first} is after --until {options.last}", remedy="swap them"
        )
    choice = replay.Choice(
        types=frozenset(map(replay.slug, options.types)), first=options.first, last=options.last
    )
    client = _client(options)
    try:
        origin = replay.source(client, options.source, choice=choice, after=options.resume)
        goal = None if options.dry_run else replay.target(client, options.to)
        _refuse_circle(client, options, goal)
        done = replay.Replay(
            origin,
            goal,
            choice=choice,
            limit=options.limit,
            limiter=replay.Limiter(options.rate),
            meter=replay.Meter(sys.stderr),
        ).run()
    except (ClientError, BotoCoreError) as error:
        raise MailroomError(
            f"the replay stopped: {error}",
            remedy="check credentials, region and names; what has arrived may come again safely",
        ) from error
    _report(done, options)
    if done.interrupted:
        return _INTERRUPTED
    return 1 if done.failed else 0


def _client(options: argparse.Namespace) -> Callable[[str], Any]:
    if options.aws:
        # The overloads of boto3-stubs need a literal service name.
        factory: Any = boto3.Session(region_name=options.region).client
        made: dict[str, Any] = {}

        def client(service: str) -> Any:
            if service not in made:
                made[service] = factory(service)
            return made[service]

        return client
    try:
        return LocalAws.attach(state=options.state).client
    except NotRunning as error:
        raise NotRunning(
            str(error.args[0]), remedy=f"{error.remedy}; a real account is meant with --aws"
        ) from error


def _refuse_circle(
    client: Callable[[str], Any], options: argparse.Namespace, goal: replay.Target | None
) -> None:
    if not isinstance(goal, replay.ToQueue) or options.source.startswith(("s3://", "lake:")):
        return
    name = options.source.removeprefix("queue:")
    if replay.queue_url(client("sqs"), name) == goal.url:
        raise MailroomError(
            "source and target are the same queue", remedy="name the handlers' queue with --to"
        )


def _report(done: replay.Result, options: argparse.Namespace) -> None:
    resume = done.resume if done.failed or done.interrupted or options.limit else None
    if options.json:
        by_type: dict[str, dict[str, int]] = {}
        for (kind, day), count in sorted(done.counts.items()):
            by_type.setdefault(kind, {})[day] = count
        document = {
            "source": options.source,
            "target": options.to,
            "dry_run": options.dry_run,
            "sent": done.sent,
            "failed": done.failed,
            "not_meant": done.other,
            "unreadable": done.unreadable,
            "pseudonymised": done.pseudonymised,
            "interrupted": done.interrupted,
            "resume": resume,
            "counts": by_type,
            "reasons": dict(done.reasons),
        }
        say(json.dumps(document, indent=2))
        return
    width = max((len(kind) for kind, _ in done.counts), default=0)
    for (kind, day), count in sorted(done.counts.items()):
        say(f"{kind:{width}}  {day}  {count:>9,}")
    total = sum(done.counts.values())
    say(f"{total:,} would be sent" if options.dry_run else f"{done.sent:,} sent")
    for count, text in (
        (done.other, "of other types or days"),
        (done.unreadable, "that hold no event: left where they are"),
        (done.pseudonymised, "with pseudonyms instead of addresses, which no handler may see"),
        (done.failed, "not taken: left where they are"),
    ):
        if count:
            say(f"{count:,} {text}")
    for reason, count in done.reasons.most_common(5):
        say(f"  {count:,} x {reason}", stream=sys.stderr)
    if resume is not None:
        say(f"go on with --resume '{resume}', or repeat everything: both are safe")


def _day(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write YYYY-MM-DD") from None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)
