"""What happened to messages, as tables for people and as JSON's types for programs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from mailroom.ses import Disposition
from mailroom_cli import calls, timeline
from mailroom_cli.names import short_name
from mailroom_cli.terminal import text

if TYPE_CHECKING:
    from mailroom_local.control import (
        ActionRecord,
        EventRecord,
        HandlerOutcome,
        MessageRecord,
        RuleRecord,
    )

_BAD = frozenset({"failed", "bounced", *timeline.BAD})
_NOTABLE = frozenset(
    {
        *(Disposition.STOP_RULE, Disposition.STOP_RULE_SET),
        *("dropped", "recorded", "retrying", "skipped"),
        *timeline.NOTABLE,
    }
)
# What to show of each kind of action.
_DETAIL = {
    "AddHeader": ("headerName", "headerValue"),
    "Archive": ("targetArchive",),
    "Bounce": ("smtpReplyCode", "diagnosticMessage", "message"),
    "Connect": ("instanceARN",),
    "DeliverToMailbox": ("mailboxArn",),
    "Flow": ("recipients",),
    "InvokeLambda": ("functionArn",),
    "Lambda": ("functionArn",),
    "PublishToSns": ("topicArn",),
    "Relay": ("server", "notRelayed"),
    "ReplaceRecipient": ("replaceWith",),
    "S3": ("objectKey",),
    "SNS": ("topicArn",),
    "Stop": ("scope",),
    "WorkMail": ("organizationArn",),
    "WriteToS3": ("objectKey",),
}
_SHORT_ID = 12
# An outgoing message's id begins with its time, which all of a minute's messages share.
_SHORT_OUTGOING_ID = 25
_ERROR_LETTERS = 100
# The columns of several messages are aligned, but one long name must not squeeze the others' rest.
_WIDEST_ALIGNED = 20

_Row = tuple[Text, ...]
# A row, and what is shown below it in the whole width.
_Block = tuple[_Row, list[RenderableType]]


def messages(found: Sequence[MessageRecord], *, full: bool = False) -> RenderableType:
    """Return for each message a heading, a row for each action or event, and how it ended.

    Args:
        found: The messages.
        full: Whether to show ids and names whole, and the verdicts that each rule saw.
    """
    blocks = [(_event_rows if one.outgoing else _rows)(one, full=full) for one in found]
    widths = {
        outgoing: _widths(
            row
            for message, rows in zip(found, blocks, strict=True)
            if message.outgoing is outgoing
            for row, _ in rows
        )
        for outgoing in (False, True)
    }
    parts: list[RenderableType] = []
    for message, rows in zip(found, blocks, strict=True):
        parts += _heading(message, full=full)
        parts += _tables(rows, widths[message.outgoing], _ALIGNMENT[message.outgoing])
        for tries in _by_function(message.calls):
            parts += calls.lines(tries, full=full, named=True)
        if ending := _ending(message, full=full):
            parts.append(_indented(ending))
    return Group(*parts)


def story(message_id: str, found: Sequence[timeline.Entry]) -> RenderableType:
    """Return a sent message's timeline: a heading and a row for each event.

    Args:
        message_id: The message's id.
        found: Its events, at least one, as `timeline.entries` returns them.
    """
    begin = timeline.first(found)
    about = [f"from {begin.source}"] if begin.source else []
    about += [begin.configuration_set] if begin.configuration_set else []
    moment = begin.at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if begin.at else "an unknown time"
    rows = [
        _event_row(
            entry.at - begin.at if entry.at and begin.at else None,
            entry.kind,
            entry.recipient,
            entry.summary,
        )
        for entry in found
    ]
    return Group(
        Text.assemble(text(message_id, "bold"), text("".join(f"  {part}" for part in about))),
        _indented(text(f"{begin.kind} at {moment}", "dim")),
        _table(rows, _widths(rows), _ALIGNMENT[True]),
    )


def document(message: MessageRecord) -> dict[str, Any]:
    """Return everything that is known of a message in JSON's types, for programs."""
    found: dict[str, Any] = _plain(message)
    return found


def _plain(value: Any) -> Any:
    # Ten times as fast as dataclasses.asdict, which copies payloads, too.
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if dataclasses.is_dataclass(value):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value


# Of the columns of received and of sent messages; the last one takes the rest of the line.
_ALIGNMENT: dict[bool, tuple[str, ...]] = {
    False: ("left", "left", "left", "right", "left"),
    True: ("right", "left", "left", "left"),
}


def _widths(rows: Iterable[_Row]) -> list[int]:
    columns = zip(*rows, strict=True)
    widths = [max(cell.cell_len for cell in column) for column in columns]
    return [min(width, _WIDEST_ALIGNED) for width in widths[:-1]]


def _tables(
    blocks: Sequence[_Block], widths: Sequence[int], alignment: Sequence[str]
) -> Iterator[RenderableType]:
    """A table for each run of rows that nothing is shown below of."""
    rows: list[_Row] = []
    for row, below in blocks:
        rows.append(row)
        if below:
            yield _table(rows, widths, alignment)
            yield from below
            rows = []
    if rows:
        yield _table(rows, widths, alignment)


def _by_function(outcomes: Sequence[HandlerOutcome]) -> list[list[HandlerOutcome]]:
    found: dict[str, list[HandlerOutcome]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.function_arn, []).append(outcome)
    return list(found.values())


def _table(rows: Sequence[_Row], widths: Sequence[int], alignment: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    # It indents: `_indented` would measure the whole table a second time.
    table.add_column(width=0)
    for width, justify in zip([*widths, None], alignment, strict=True):
        table.add_column(
            min_width=width,
            justify="right" if justify == "right" else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row("", *row)
    return table


def _indented(thing: RenderableType) -> Padding:
    return Padding(thing, (0, 0, 0, 2), expand=False)


def _heading(message: MessageRecord, *, full: bool) -> list[RenderableType]:
    identifier = message.message_id or "refused"
    short = _SHORT_OUTGOING_ID if message.outgoing else _SHORT_ID
    shown = identifier if full else identifier[:short]
    at = message.at.astimezone()
    time = at.strftime("%H:%M:%S" if at.date() == datetime.now().date() else "%Y-%m-%d %H:%M:%S")
    sign = "↗ " if message.outgoing else ""
    to = ", ".join(message.rcpt_tos) or "(no recipient)"
    about = Text.assemble(text(shown, "bold"), text(f"  {sign}{message.mail_from or '<>'} → {to}"))
    if message.subject:
        about.append_text(text(f'  "{message.subject}"', "dim"))
    if message.configuration_set:
        about.append_text(text(f"  {_name(message.configuration_set, full=full)}", "cyan"))
    if message.gateway:
        about.append_text(text(f"  via {_name(message.gateway['name'], full=full)}", "cyan"))
    # Of two columns, so that a long heading goes on below its own beginning.
    heading = Table.grid(padding=(0, 2, 0, 0))
    heading.add_column(no_wrap=True)
    heading.add_column(overflow="fold")
    heading.add_row(time, about)
    parts: list[RenderableType] = [heading]
    if message.refused:
        refusal = Text.assemble(text(message.refused, "red"), text(f"  ({message.reason})"))
        parts.append(_indented(refusal))
    parts += [_indented(text(problem, "red")) for problem in message.problems]
    if full and not message.refused:
        policy = (message.gateway or {}).get("traffic_policy") or ""
        parts += [_indented(text(f"traffic policy {policy}: {one}")) for one in message.policy]
    # Why nothing was done with it must not have to be asked for.
    if message.gateway and (full or not _applied(message)):
        parts += [_indented(line) for rule in message.rules for line in _decided(rule, full=full)]
    elif full:
        for rule in message.rules:
            verdicts = "  ".join(f"{name} {verdict}" for name, verdict in rule.verdicts.items())
            parts.append(_indented(text(f"{rule.name}: {', '.join(rule.recipients)}  {verdicts}")))
    return parts


def _applied(message: MessageRecord) -> list[RuleRecord]:
    """The rules that applied; of a gateway, the record has all that were tried."""
    return [rule for rule in message.rules if rule.recipients or not message.gateway]


def _decided(rule: RuleRecord, *, full: bool) -> list[Text]:
    """Whether a gateway's rule applies, and why."""
    name = _name(rule.name, full=full)
    applies = f"applies to {', '.join(rule.recipients)}" if rule.recipients else "does not apply"
    return [
        text(f"{name} {applies}", "" if rule.recipients else "dim"),
        *(text(f"  {reason}", "dim") for reason in rule.because),
    ]


def _rows(message: MessageRecord, *, full: bool) -> list[_Block]:
    blocks: list[_Block] = []
    previous = None
    for action in message.actions:
        rule = _name(action.rule, full=full) if action.rule != previous else ""
        previous = action.rule
        row = (
            text(rule),
            text(action.kind),
            _outcome(action),
            text(f"{action.ms:.0f} ms"),
            text(_detail(action, full=full)),
        )
        blocks.append((row, calls.lines(action.handler, full=full)))
    reached = {action.rule for action in message.actions}
    idle = [rule.name for rule in _applied(message) if rule.name not in reached]
    none = Text("")
    blocks += [
        ((text(_name(name, full=full)), none, text("no actions"), none, none), []) for name in idle
    ]
    return blocks


def _outcome(action: ActionRecord) -> Text:
    """How an action ended: that a function failed matters more than that it was invoked."""
    last = action.handler[-1] if action.handler else None
    if last is None:
        return _coloured(action.outcome)
    if action.outcome == "accepted":
        return _coloured(last.outcome)
    return text(action.outcome, "red") if last.failed else _coloured(action.outcome)


def _event_rows(message: MessageRecord, *, full: bool) -> list[_Block]:
    blocks: list[_Block] = []
    for event in message.events:
        row = _event_row(
            event.at - message.at,
            event.kind,
            event.recipient or "",
            timeline.summary(event.payload),
            _destinations(event, full=full),
        )
        below: list[RenderableType] = []
        for tries in _by_function(event.handlers):
            # The bundled behaviours handle every event, and print nothing.
            if full or tries[-1].failed or tries[-1].output:
                below += calls.lines(tries, full=full, named=True)
        blocks.append((row, below))
    return blocks


def _event_row(after: Any, kind: str, recipient: str, *details: str) -> _Row:
    detail = "  ".join(detail for detail in details if detail)
    return text(timeline.since(after)), _coloured(kind), text(recipient), text(detail)


def _destinations(event: EventRecord, *, full: bool) -> str:
    shown = []
    for destination in event.destinations:
        name = f" {destination['name']}" if full else ""
        error = f" ({destination['error']})" if full and "error" in destination else ""
        failed = " failed" if destination["outcome"] == "failed" else ""
        shown.append(f"→ {destination['kind']}{name}{failed}{error}")
    return ", ".join(shown)


def _coloured(outcome: str) -> Text:
    return text(outcome, "red" if outcome in _BAD else "yellow" if outcome in _NOTABLE else "green")


def _ending(message: MessageRecord, *, full: bool) -> Text | None:
    if message.refused:
        return None
    if not message.finished:
        return text("in progress", "yellow")
    if message.relayed_to:
        return text(f"relayed to {message.relayed_to}", "dim")
    if message.outgoing:
        none = message.configuration_set is None
        return text("no configuration set, so no events", "yellow") if none else None
    if not _applied(message) and not message.actions:
        return text("no rule matched", "yellow")
    stopper = message.stopped_by and _name(message.stopped_by, full=full)
    stopped = f"; {stopper} stopped the rule set" if stopper else ""
    return text(f"finished in {message.ms or 0:.0f} ms{stopped}", "dim")


def _detail(action: ActionRecord, *, full: bool) -> str:
    shown = _DETAIL.get(action.kind, ())
    found = [action.detail[key] for key in shown if key in action.detail]
    known = [", ".join(one) if isinstance(one, list) else str(one) for one in found]
    if action.kind in ("S3", "WriteToS3"):
        bucket = action.detail.get("bucketName") or action.detail.get("s3Bucket", "")
        bucket = f"{bucket}/" if full else ""
        parts = [bucket + key if full else _shortened_key(key) for key in known]
    else:
        names = [part.rpartition(":")[2] if part.startswith("arn:") else part for part in known]
        parts = [_name(name, full=full) for name in names]
    if action.handler:
        ms = action.handler[-1].ms
        parts.append(f"in {ms:.0f} ms" if ms is not None else "")
    elif action.pending:
        parts.append("invocation accepted")
    # What a function raised is shown below.
    error = action.detail.get("error")
    if error and not (action.handler and action.handler[-1].failed):
        joined = " ".join(str(error).split())
        parts.append(joined if full else joined[:_ERROR_LETTERS])
    parts += [str(action.detail[key]) for key in ("again", "dropped") if key in action.detail]
    return "  ".join(part for part in parts if part)


def _name(name: str, *, full: bool) -> str:
    return name if full else short_name(name)


def _shortened_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    return f"{prefix}{slash}{name[:_SHORT_ID]}…" if len(name) > _SHORT_ID else key
