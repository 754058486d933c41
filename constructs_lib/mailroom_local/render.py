"""Shows what happened to messages as text that people read."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from datetime import datetime

from mailroom_local import timeline
from mailroom_local.journal import ActionRecord, EventRecord, HandlerOutcome, MessageRecord

_GREEN, _YELLOW, _RED, _BOLD, _DIM, _PLAIN = (
    f"\x1b[{code}m" for code in ("32", "33", "31", "1", "2", "0")
)
_BAD = frozenset({"failed", "bounced", *timeline.BAD})
_NOTABLE = frozenset({"STOP_RULE", "STOP_RULE_SET", "skipped", "recorded", *timeline.NOTABLE})
_DETAIL = {
    "AddHeader": ("headerName", "headerValue"),
    "Bounce": ("smtpReplyCode", "message"),
    "Connect": ("instanceARN",),
    "Flow": ("recipients",),
    "Lambda": ("functionArn",),
    "S3": ("objectKey",),
    "SNS": ("topicArn",),
    "Stop": ("scope",),
    "WorkMail": ("organizationArn",),
}
_SHORT_ID = 12
# The beginning of an outgoing message's id is its time, which a minute's messages share.
_SHORT_OUTGOING_ID = 25
# STACK-LOGICALID-SUFFIX, as CloudFormation names what the template leaves unnamed; the CDK ends
# its logical ids in a hash of their path.
_GENERATED = re.compile(r"[A-Za-z][A-Za-z0-9-]*-([A-Za-z0-9]+?)(?:[0-9A-F]{8})?-[0-9A-Z]{12,13}")
_ERROR_LETTERS = 100

Row = tuple[str, str, str, str, str]


def table(messages: Sequence[MessageRecord], *, colour: bool, full: bool = False) -> str:
    """One heading for each message, and below it one aligned row for each action or event.

    ``full`` shows ids and names whole, and what each rule was told of the verdicts.
    """
    rows = {id(message): _rows(message, full=full) for message in messages}
    everything = [row for block in rows.values() for row in block]
    widths = [max((len(row[column]) for row in everything), default=0) for column in range(4)]
    lines: list[str] = []
    for message in messages:
        lines += _heading(message, colour=colour, full=full)
        lines += [_row(row, widths, colour=colour) for row in rows[id(message)]]
        lines += _ending(message, colour=colour, full=full)
    return "\n".join(lines)


def as_json(messages: Sequence[MessageRecord]) -> str:
    """The same as a JSON document, for programs."""
    return json.dumps(
        [dataclasses.asdict(message) for message in messages],
        indent=2,
        default=datetime.isoformat,
    )


def _heading(message: MessageRecord, *, colour: bool, full: bool) -> list[str]:
    identifier = message.message_id or "refused"
    shown = identifier if full else identifier[: _short(message)]
    time = message.at.astimezone().strftime("%H:%M:%S")
    sign = "↗ " if message.outgoing else ""
    to = ", ".join(message.rcpt_tos) or "(no recipient)"
    way = f"{sign}{message.mail_from or '<>'} → {to}"
    subject = f"  {message.subject!r}" if message.subject else ""
    lines = [f"{time}  {_paint(shown, _BOLD, colour)}  {way}{_paint(subject, _DIM, colour)}"]
    if message.refused:
        refusal = _paint(message.refused, _RED, colour)
        lines.append(f"  {refusal}  ({message.reason})")
    if message.unverified and full:
        note = f"not verified, so SES would refuse: {', '.join(message.unverified)}"
        lines.append("  " + _paint(note, _YELLOW, colour))
    if full:
        for rule in message.rules:
            verdicts = "  ".join(f"{name} {verdict}" for name, verdict in rule.verdicts.items())
            lines.append(f"  {rule.name}: {', '.join(rule.recipients)}  {verdicts}")
    return lines


def _rows(message: MessageRecord, *, full: bool) -> list[Row]:
    if message.outgoing:
        return _event_rows(message, full=full)
    rows: list[Row] = []
    previous = None
    for action in message.actions:
        rule = _name(action.rule, full=full) if action.rule != previous else ""
        previous = action.rule
        detail = _detail(action, full=full)
        rows.append((rule, action.kind, action.outcome, f"{action.ms:.0f} ms", detail))
    reached = {action.rule for action in message.actions}
    idle = [rule.name for rule in message.rules if rule.name not in reached]
    rows += [(_name(name, full=full), "", "no actions", "", "") for name in idle]
    return rows


def _event_rows(message: MessageRecord, *, full: bool) -> list[Row]:
    rows: list[Row] = []
    for event in message.events:
        since = timeline.since(event.at - message.at)
        detail = [event.recipient or "", timeline.summary(event.payload), _taken(event, full=full)]
        rows.append(
            (
                _name(message.configuration_set or "", full=full) if not rows else "",
                "Event",
                event.kind,
                since,
                "  ".join(part for part in detail if part),
            )
        )
    return rows


def _taken(event: EventRecord, *, full: bool) -> str:
    told = []
    for destination in event.destinations:
        name = f" {destination['name']}" if full else ""
        error = f" ({destination['error']})" if full and "error" in destination else ""
        failed = " failed" if destination["outcome"] == "failed" else ""
        told.append(f"→ {destination['kind']}{name}{failed}{error}")
    return ", ".join(told)


def _short(message: MessageRecord) -> int:
    return _SHORT_OUTGOING_ID if message.outgoing else _SHORT_ID


def _row(row: Row, widths: Sequence[int], *, colour: bool) -> str:
    rule, kind, outcome, ms, detail = row
    paint = _RED if outcome in _BAD else _YELLOW if outcome in _NOTABLE else _GREEN
    cells = (
        rule.ljust(widths[0]),
        kind.ljust(widths[1]),
        # Painted after it is padded: escape sequences have no width.
        _paint(outcome.ljust(widths[2]), paint, colour),
        ms.rjust(widths[3]),
        detail,
    )
    return "  " + "  ".join(cells).rstrip()


def _ending(message: MessageRecord, *, colour: bool, full: bool) -> list[str]:
    if message.refused:
        return []
    if not message.finished:
        return ["  " + _paint("under way", _YELLOW, colour)]
    if message.outgoing:
        if message.configuration_set is None:
            return ["  " + _paint("no configuration set, so no events", _YELLOW, colour)]
        return []
    if not message.rules and not message.actions:
        return ["  " + _paint("no rule took it", _YELLOW, colour)]
    stopper = message.stopped_by and _name(message.stopped_by, full=full)
    stopped = f", the rule set stopped by {stopper}" if stopper else ""
    return ["  " + _paint(f"finished in {message.ms:.0f} ms{stopped}", _DIM, colour)]


def _detail(action: ActionRecord, *, full: bool) -> str:
    shown = _DETAIL.get(action.kind, ())
    known = [str(action.detail[key]) for key in shown if key in action.detail]
    if action.kind == "S3":
        bucket = f"{action.detail.get('bucketName', '')}/" if full else ""
        parts = [bucket + key if full else _shortened_key(key) for key in known]
    else:
        names = [part.rpartition(":")[2] if part.startswith("arn:") else part for part in known]
        parts = [_name(name, full=full) for name in names]
    parts += [_handler(outcome) for outcome in action.handler]
    if action.pending:
        parts.append("invocation accepted")
    if error := action.detail.get("error"):
        text = " ".join(str(error).split())
        parts.append(text if full else text[:_ERROR_LETTERS])
    return "  ".join(parts)


def _name(name: str, *, full: bool) -> str:
    generated = None if full else _GENERATED.fullmatch(name)
    return generated[1] if generated else name


def _shortened_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    return f"{prefix}{slash}{name[:_SHORT_ID]}…" if len(name) > _SHORT_ID else key


def _handler(outcome: HandlerOutcome) -> str:
    error = f" ({outcome.error})" if outcome.error else ""
    ms = f" in {outcome.ms:.0f} ms" if outcome.ms is not None else ""
    return f"{outcome.outcome}{error}{ms}"


def _paint(text: str, code: str, colour: bool) -> str:
    return f"{code}{text}{_PLAIN}" if colour and text else text
