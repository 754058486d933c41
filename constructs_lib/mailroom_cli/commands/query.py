"""Query the event lake: list its saved queries, or run one of them or your own."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mailroom_cli import account, lakes
from mailroom_cli.errors import UsageError

if TYPE_CHECKING:
    from mailroom.lake import Answer, Lake

_INTERRUPTED = 130
_ROWS = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a saved query (default: list the saved queries)"
    )
    parser.add_argument("--sql", metavar="TEXT", help="the text of a query, instead of NAME")
    parser.add_argument("--show", action="store_true", help="show the text of NAME; run nothing")
    parser.add_argument(
        "--param",
        action="append",
        default=[],
        type=_parameter,
        metavar="NAME=VALUE",
        help="the value of a question mark in the query, by the column that it is compared with, "
        "or by its number; NAME:=VALUE for a number, true or false; can be repeated",
    )
    parser.add_argument(
        "--days",
        type=_count,
        metavar="N",
        help="read the last N days and today (default: what the query says, mostly 30)",
    )
    parser.add_argument(
        "--limit", type=_count, metavar="N", help=f"show at most N rows (default: {_ROWS})"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="write JSON")
    form.add_argument("--csv", action="store_true", help="write CSV")
    lakes.add_arguments(parser)
    account.add_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Show the saved queries or an answer; the status is 130 after Ctrl-C."""
    _check(options)
    chosen = account.resolve(options)
    local = chosen.local is not None
    with account.calls("cannot query the lake"), lakes.failures():
        lake = lakes.find(chosen, workgroup=options.workgroup, stack=options.stack)
        if options.name is None and options.sql is None:
            return _list(lake, as_json=options.json)
        if options.show:
            return _show_text(lake, options.name)
        try:
            answer = _ask(lake, options)
        except KeyboardInterrupt:
            from mailroom_cli.terminal import show

            show("stopped the query", stream=sys.stderr)
            return _INTERRUPTED
    _show(answer, options, local=local)
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.name is not None and options.sql is not None:
        raise UsageError(
            f"{options.name} and --sql are two queries", remedy="omit the name or --sql"
        )
    runs = (options.name is not None or options.sql is not None) and not options.show
    if options.show and options.name is None:
        raise UsageError("--show needs the name of a saved query", remedy="pass NAME")
    given = {
        "--param": options.param,
        "--days": options.days,
        "--limit": options.limit,
        "--csv": options.csv,
        "--json": options.json and options.show,
    }
    for option, value in given.items():
        if value and not runs:
            raise UsageError(
                f"{option} has no effect: no query is run",
                remedy=f"pass NAME or --sql TEXT without --show, or omit {option}",
            )
    names = [name for name, _ in options.param]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"--param {name} is given twice", remedy="pass it once")


def _list(lake: Lake, *, as_json: bool) -> int:
    from mailroom_cli import answers
    from mailroom_cli.terminal import say_json, show

    saved = lake.saved()
    if as_json:
        say_json(
            [
                {
                    "name": query.name,
                    "parameters": query.parameters,
                    "description": query.description,
                    "sql": query.sql,
                }
                for query in saved.values()
            ]
        )
    else:
        show(answers.saved(saved))
    return 0


def _show_text(lake: Lake, name: str) -> int:
    from mailroom.errors import InvalidQuery
    from mailroom_cli.terminal import show

    saved = lake.saved()
    if name not in saved:
        raise InvalidQuery(f"no saved query is named {name!r}: there are {', '.join(saved)}")
    show(saved[name].sql, whole_lines=True)
    return 0


def _ask(lake: Lake, options: argparse.Namespace) -> Answer:
    from mailroom_cli.answers import size
    from mailroom_cli.progress import Steps

    with Steps().step(options.name or "the query") as report:
        return lake.query(
            options.name,
            sql=options.sql,
            parameters=dict(options.param),
            days=options.days,
            timeout=options.timeout,
            max_rows=options.limit or _ROWS,
            progress=lambda state, read: report(
                f"{state.lower()}{f', {size(read)} read' if read else ''}"
            ),
        )


def _show(answer: Answer, options: argparse.Namespace, *, local: bool) -> None:
    from mailroom_cli import answers
    from mailroom_cli.terminal import console_of, say, say_json, show

    if options.json:
        say_json(answers.document(options.name, answer, local=local))
        return
    if options.csv:
        say(answers.csv_lines(answer, harmless=sys.stdout.isatty()))
    elif answer.rows:
        show(answers.table(answer, console_of().width))
    count = len(answer.rows)
    more = "; there are more: pass a larger --limit" if answer.truncated else ""
    cost = answers.cost([answer], local=local)
    show(f"{count:,} row{'' if count == 1 else 's'}{more}; {cost}", stream=sys.stderr)


def _parameter(value: str) -> tuple[str, Any]:
    """Return the name and the value, in the type of the lake's column of that name."""
    name, equals, text = value.partition("=")
    as_json = name.endswith(":")
    name = name.removesuffix(":").strip().lower()
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{value!r} is not a parameter: pass NAME=VALUE")
    from mailroom.lake import SCHEMA

    kind = next((column.type for column in SCHEMA if column.name == name), "string")
    if not as_json and kind not in ("bigint", "boolean"):
        return name, text
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, bool) if kind == "boolean" else isinstance(found, int | float):
        return name, found
    wanted = "true or false" if kind == "boolean" else "a number, true or false"
    raise argparse.ArgumentTypeError(f"{value!r}: pass {wanted} for {name}")


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value)):
        raise argparse.ArgumentTypeError(f"{value!r} is not a count: pass a whole number above 0")
    return int(value)
