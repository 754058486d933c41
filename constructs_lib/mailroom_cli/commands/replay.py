"""Send events to their handlers again, from a dead-letter queue, the lake, or its errors."""

from __future__ import annotations

import argparse
import datetime
import sys
from typing import TYPE_CHECKING, Any

from mailroom_cli import account
from mailroom_cli.errors import UsageError

if TYPE_CHECKING:
    from mailroom_cli.replay import Result

_INTERRUPTED = 130
_REASONS = 5


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
        help="the queue or function of the handlers by URL, ARN or name, or stream:NAME for a "
        "Firehose stream (optional with --dry-run)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="send nothing; count the events by type and day"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    which = parser.add_argument_group("which events, and how fast")
    which.add_argument(
        "--from", dest="first", type=_day, metavar="DAY", help="the first day (UTC, YYYY-MM-DD)"
    )
    which.add_argument(
        "--until", dest="last", type=_day, metavar="DAY", help="the last day, inclusive"
    )
    which.add_argument(
        "--type",
        dest="types",
        action="append",
        default=[],
        metavar="TYPE",
        help="only this type, such as bounce or rendering_failure; can be repeated",
    )
    which.add_argument("--limit", type=_count, metavar="N", help="stop after N events")
    which.add_argument("--rate", type=_rate, metavar="N", help="at most N events a second")
    which.add_argument(
        "--resume", metavar="TOKEN", help="resume where an earlier replay says that it stopped"
    )
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Replay; the status is 1 when something did not arrive, 130 after Ctrl-C."""
    if not options.to and not options.dry_run:
        raise UsageError("no destination: pass --to TARGET", remedy="or --dry-run to send nothing")
    if options.first and options.last and options.first > options.last:
        raise UsageError(
            f"--from {options.first} is after --until {options.last}", remedy="swap them"
        )
    chosen = account.resolve(options)
    from mailroom_cli import replay
    from mailroom_cli.progress import Meter

    selection = replay.Selection(
        types=frozenset(map(replay.slug, options.types)), first=options.first, last=options.last
    )
    with account.calls("the replay stopped; repeating it is safe"):
        plan = replay.plan(
            chosen.client,
            source=options.source,
            target=None if options.dry_run else options.to,
            selection=selection,
            after=options.resume,
        )
        result = replay.Replay(
            plan,
            limit=options.limit,
            limiter=replay.Limiter(options.rate),
            meter=Meter(sys.stderr),
        ).run()
    # A token after a complete replay would suggest that something is missing.
    resume = result.resume if result.failed or result.interrupted or options.limit else None
    if options.json:
        from mailroom_cli.terminal import say_json

        say_json(_document(result, options, resume))
    else:
        _show(result, options, resume)
    if result.interrupted:
        return _INTERRUPTED
    return 1 if result.failed else 0


def _document(result: Result, options: argparse.Namespace, resume: str | None) -> dict[str, Any]:
    by_type: dict[str, dict[str, int]] = {}
    for (kind, day), count in sorted(result.counts.items()):
        by_type.setdefault(kind, {})[day] = count
    return {
        "source": options.source,
        "target": options.to,
        "dry_run": options.dry_run,
        "sent": result.sent,
        "failed": result.failed,
        "not_selected": result.other,
        "unreadable": result.unreadable,
        "pseudonymised": result.pseudonymised,
        "interrupted": result.interrupted,
        "resume": resume,
        "counts": by_type,
        "reasons": dict(result.reasons),
    }


def _show(result: Result, options: argparse.Namespace, resume: str | None) -> None:
    from rich.table import Table

    from mailroom_cli.terminal import show, text

    table = Table.grid(padding=(0, 2, 0, 0))
    for justify in ("left", "left", "right"):
        table.add_column(justify="right" if justify == "right" else "left")
    for (kind, day), count in sorted(result.counts.items()):
        table.add_row(text(kind), text(day), text(f"{count:,}"))
    if result.counts:
        show(table)
    total = sum(result.counts.values())
    show(f"{total:,} would be sent" if options.dry_run else f"{result.sent:,} sent")
    for count, what in (
        (result.other, "not selected"),
        (result.unreadable, "unreadable: contains no event, left in place"),
        (result.pseudonymised, "with pseudonyms instead of addresses: never sent"),
        (result.failed, "not accepted: left in place"),
    ):
        if count:
            show(f"{count:,} {what}")
    for reason, count in result.reasons.most_common(_REASONS):
        show(f"  {count:,} x {reason}", stream=sys.stderr)
    if resume is not None:
        show(f"to resume, add --resume '{resume}'; repeating everything is safe as well")


def _day(value: str) -> str:
    try:
        return datetime.date.fromisoformat(value).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a date: pass YYYY-MM-DD") from None


def _rate(value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a rate: pass a number above 0")
    return rate


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value)):
        raise argparse.ArgumentTypeError(f"{value!r} is not a count: pass a whole number above 0")
    return int(value)
