"""Check that WorkMail may call the functions of deployed email flow rules, and that it did."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from mailroom_cli import account
from mailroom_cli.errors import UsageError

if TYPE_CHECKING:
    from mailroom_cli.workmail import Finding

_HOURS = 24


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser(
        "verify",
        help="check permissions, monitoring, and whether rules were applied",
        description=__doc__,
    )
    verify.add_argument(
        "--organization",
        required=True,
        metavar="ID",
        help="the organization: m- and 32 hexadecimal digits",
    )
    which = verify.add_mutually_exclusive_group()
    which.add_argument("--function", metavar="ARN", help="check the rule with this function only")
    which.add_argument(
        "--stack", metavar="NAME", help="check this stack's rules only (default: all stacks')"
    )
    verify.add_argument("--rule", metavar="NAME", help="with --function: the rule's name")
    verify.add_argument(
        "--hours",
        type=_hours,
        default=_HOURS,
        metavar="N",
        help=f"how far back to look for rules that were applied (default: {_HOURS})",
    )
    verify.add_argument("--json", action="store_true", help="write JSON")
    account.add_arguments(verify)


def run(options: argparse.Namespace) -> int:
    """Show what was found; the status is 1 when something is wrong."""
    if options.rule and not options.function:
        raise UsageError(
            f"--rule {options.rule} has no effect without --function: stacks name their rules",
            remedy="add --function ARN, or omit --rule",
        )
    chosen = account.resolve(options)
    from mailroom_cli.workmail import Rule, find_rules, verify

    with account.calls("cannot read the account"):
        rules = (
            [Rule(function=options.function, name=options.rule)]
            if options.function
            else find_rules(chosen.client("cloudformation"), options.organization, options.stack)
        )
        findings = list(verify(chosen.client, options.organization, rules, hours=options.hours))
    ok = all(finding.ok for finding in findings)
    if options.json:
        from mailroom_cli.terminal import say_json

        say_json(
            {
                "organization": options.organization,
                "ok": ok,
                "findings": [asdict(finding) for finding in findings],
            }
        )
    else:
        _show(findings)
    return 0 if ok else 1


def _show(findings: list[Finding]) -> None:
    from rich.padding import Padding
    from rich.table import Table

    from mailroom_cli.terminal import show, text

    width = max(len(finding.check) for finding in findings)
    for place, subject in enumerate(dict.fromkeys(finding.subject for finding in findings)):
        show(*([""] if place else []), text(subject, "bold"))
        for finding in findings:
            if finding.subject != subject:
                continue
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True)
            table.add_column(no_wrap=True, min_width=width)
            table.add_column(overflow="fold")
            sign = text("✓", "green") if finding.ok else text("✗", "red")
            table.add_row(sign, text(finding.check), text(finding.found))
            if finding.remedy:
                table.add_row("", "", text(finding.remedy, "yellow"))
            show(Padding(table, (0, 0, 0, 2), expand=False))
            for command in finding.commands:
                # Never wrapped by us, so that it can be copied from the terminal.
                show(text(command), whole_lines=True)


def _hours(value: str) -> float:
    try:
        hours = float(value)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a time: pass hours above 0")
    return hours
