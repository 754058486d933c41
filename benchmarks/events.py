"""What one event costs, and what a batch does.

Each candidate decodes the event and reads the same six fields of it; what they read is compared.
"""

from __future__ import annotations

import binascii
import contextlib
import io
import json
import os
import warnings
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes import SESEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.parser.models import (
    SesModel,
    SnsNotificationModel,
    SqsRecordModel,
)
from pydantic import BaseModel, Json

from benchmarks.measuring import (
    ROOT,
    Comparison,
    Costs,
    Growth,
    Report,
    in_turns,
    median,
    ratio,
    repeated,
    table,
)
from mailroom import lake
from mailroom.entry import events as entry
from mailroom.entry.lake import handler as lake_handler
from mailroom.events import SendingEvent, records
from mailroom.receiving import ReceivedMail
from mailroom.testing import event_invocation

_PAYLOADS = ROOT / "tests" / "payloads"
_BASE = "json.loads"
_BY_HAND = "json.loads, read by hand"
_DATA_CLASS = "Powertools, data class"
_MODEL = "Powertools, parser model"
_LOGGED = "Powertools, data class and Logger"
_VIEWS = "cdk-mailroom, views"
_HANDLER = "cdk-mailroom, handler"
_SIZES = (10, 100, 1000)
_LIMIT = 1.5
_WHY = (
    "A view checks the type of each field that is read: a few microseconds a mail, which is why "
    "the limit is not lower."
)

Fields = tuple[Any, ...]
Work = dict[str, Callable[[], object]]


def measure(*, quick: bool = False) -> Report:
    """Compare one received mail, batches of sending events, and the lake's transformation."""
    rounds = 5 if quick else 15
    one = in_turns(repeated(_received(), 300), rounds)
    report = Report(tables=[table("One received mail, six fields", one, _BASE)])
    report.comparisons = [
        _compared("One event", "six fields of a received mail", one, peer, **more)
        for peer, more in (
            (_BASE, {"is_floor": True, "limit": _LIMIT, "why": _WHY}),
            (_BY_HAND, {"is_floor": True}),
            (_DATA_CLASS, {}),
            (_MODEL, {}),
        )
    ]
    batches = {size: _batches(size, rounds=3 if quick else 7) for size in _SIZES}
    names = list(batches[_SIZES[0]])
    report.growth.append(
        Growth(
            title="A batch out of SQS and SNS",
            unit="events",
            sizes=_SIZES,
            costs={name: [median(batches[size][name], "cpu") for size in _SIZES] for name in names},
        )
    )
    report.tables.append(table("A batch of 100 events out of SQS and SNS", batches[100], _BY_HAND))
    for ours, peer, is_floor in (
        (_VIEWS, _BY_HAND, True),
        (_HANDLER, _BY_HAND, True),
        (_HANDLER, _DATA_CLASS, False),
        (_HANDLER, _MODEL, False),
        (_HANDLER, _LOGGED, False),
    ):
        what = "views" if ours == _VIEWS else "the handler"
        report.comparisons.append(
            _compared(
                "Batch",
                f"100 events, {what}",
                batches[100],
                peer,
                ours=ours,
                is_floor=is_floor,
                limit=1.3 if ours == _VIEWS else None,
                why=""
                if ours == _VIEWS
                else "It writes a line of log for each event and guards each against hanging and "
                "against ending the process, which the peer does not.",
            )
        )
    lakes = in_turns(repeated(_lake(), 20), rounds)
    report.tables.append(table("Ten records of Firehose for the event lake", lakes, _BASE))
    return report


def _compared(
    subject: str, what: str, costs: Costs, peer: str, *, ours: str = _VIEWS, **more: Any
) -> Comparison:
    return Comparison(
        subject=subject, what=what, peer=peer, ratio=ratio(costs[ours], costs[peer]), **more
    )


def _same(work: Work) -> Work:
    """Refuse to compare candidates that do not read the same."""
    answers = {name: do() for name, do in work.items()}
    if len({repr(answer) for answer in answers.values()}) > 1:
        raise RuntimeError(f"the candidates do not read the same fields: {answers!r:.2000}")
    return work


def _received() -> Work:
    event = json.loads((_PAYLOADS / "received_mail.json").read_text())
    # AWS leaves it out of its own sample, and Powertools' model refuses an event without it.
    event["Records"][0]["ses"]["receipt"]["dmarcVerdict"] = {"status": "PASS"}
    text = json.dumps(event)

    def by_hand() -> Fields:
        ses = json.loads(text)["Records"][0]["ses"]
        mail, receipt = ses["mail"], ses["receipt"]
        common = mail["commonHeaders"]
        return (
            *(mail["messageId"], mail["source"], common["subject"], common["from"]),
            *(receipt["recipients"], receipt["spamVerdict"]["status"]),
        )

    def views() -> Fields:
        mail = ReceivedMail(json.loads(text)["Records"][0]["ses"])
        return (
            *(mail.message_id, mail.source, mail.subject, mail.from_),
            *(mail.recipients, mail.spam.status),
        )

    def data_class() -> Fields:
        event = SESEvent(json.loads(text))
        mail, receipt = event.mail, event.receipt
        common = mail.common_headers
        return (
            *(mail.message_id, mail.source, common.subject, common.get_from),
            *(list(receipt.recipients), receipt.spam_verdict.status),
        )

    def model() -> Fields:
        ses = SesModel.model_validate(json.loads(text)).Records[0].ses
        mail, receipt = ses.mail, ses.receipt
        common = mail.commonHeaders
        return (
            *(mail.messageId, mail.source, common.subject, common.header_from),
            *(receipt.recipients, receipt.spamVerdict.status),
        )

    work = _same({_BY_HAND: by_hand, _VIEWS: views, _DATA_CLASS: data_class, _MODEL: model})
    return {_BASE: lambda: json.loads(text), **work}


class _Mail(BaseModel):
    messageId: str  # noqa: N815 (as SES writes it)
    source: str
    destination: list[str]
    tags: dict[str, list[str]]


class _Event(BaseModel):
    """What a user of Powertools writes, which has no model of sending events."""

    eventType: str  # noqa: N815
    mail: _Mail


class _Notification(SnsNotificationModel):
    Message: Json[_Event]


class _Record(SqsRecordModel):
    body: Json[_Notification]


def _texts() -> list[str]:
    """AWS's sample of each sending event, minified, as SES publishes it."""
    found = sorted((_PAYLOADS / "sending_events").glob("*.json"))
    return [json.dumps(json.loads(path.read_text()), separators=(",", ":")) for path in found]


def _batches(size: int, *, rounds: int) -> Costs:
    texts = _texts()
    chosen = [texts[number % len(texts)] for number in range(size)]
    batch = event_invocation(chosen, "sqs-sns")
    read: list[Fields] = []

    def by_hand() -> list[Fields]:
        return [
            _by_hand(json.loads(json.loads(one["body"])["Message"])) for one in batch["Records"]
        ]

    def views() -> list[Fields]:
        return [_viewed(event) for _, event in records(batch) if isinstance(event, SendingEvent)]

    def handled() -> list[Fields]:
        read.clear()
        with _silent():
            assert entry.handler(batch) == {"batchItemFailures": []}
        return read

    def data_class_record(record: SQSRecord) -> None:
        read.append(_by_hand(json.loads(record.decoded_nested_sns_event.message)))

    logger = Logger(service="bench", stream=_nowhere)

    def logged_record(record: SQSRecord) -> None:
        data_class_record(record)
        kind, message_id = read[-1][:2]
        logger.info("handled", type=kind, message_id=message_id)

    def model_record(record: _Record) -> None:
        event = record.body.Message
        mail = event.mail
        read.append(
            (
                *(event.eventType, mail.messageId, mail.source, mail.destination),
                mail.tags["ses:configuration-set"][0],
            )
        )

    def processed(record_handler: Callable[..., None], model: Any = None) -> list[Fields]:
        read.clear()
        answer = process_partial_response(
            event=batch,
            record_handler=record_handler,
            processor=BatchProcessor(event_type=EventType.SQS, model=model),
            context=None,
        )
        assert answer == {"batchItemFailures": []}
        return read

    _set_handler(lambda event: read.append(_viewed(event)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        work = _same(
            {
                _BY_HAND: by_hand,
                _VIEWS: views,
                _HANDLER: handled,
                _DATA_CLASS: lambda: processed(data_class_record),
                _MODEL: lambda: processed(model_record, _Record),
                _LOGGED: lambda: processed(logged_record),
            }
        )
        return in_turns(repeated(work, max(1, 1000 // size)), rounds)


def _by_hand(event: dict[str, Any]) -> Fields:
    mail = event["mail"]
    return (
        *(event["eventType"], mail["messageId"], mail["source"], mail["destination"]),
        mail["tags"]["ses:configuration-set"][0],
    )


def _viewed(event: SendingEvent) -> Fields:
    mail = event.mail
    return (
        *(event.type, mail.message_id, mail.source, mail.destination),
        mail.configuration_set,
    )


_current: Callable[[SendingEvent], None]


def on_event(event: SendingEvent) -> None:
    """The user's function."""
    _current(event)


def _set_handler(do: Callable[[SendingEvent], None]) -> None:
    global _current
    _current = do
    os.environ["MAILROOM_HANDLERS"] = json.dumps({"*": [f"{__name__}:on_event"]})


def _silent() -> contextlib.AbstractContextManager[object]:
    """What is logged goes where it takes no time."""
    return contextlib.redirect_stdout(_nowhere)


class _Nowhere(io.TextIOBase):
    """Takes what is logged, in no time."""

    def write(self, text: str) -> int:
        return len(text)


_nowhere = _Nowhere()


def _lake() -> Work:
    batch = event_invocation(_texts(), "firehose")

    def bare() -> object:
        return [json.loads(binascii.a2b_base64(one["data"])) for one in batch["records"]]

    def copied() -> object:
        answers = []
        for one in batch["records"]:
            text = binascii.a2b_base64(one["data"])
            made = {"type": json.loads(text)["eventType"], "raw": text.decode()}
            line = (json.dumps(made) + "\n").encode()
            answers.append(binascii.b2a_base64(line, newline=False).decode())
        return answers

    def whole() -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            return lake_handler(batch)

    return {
        _BASE: bare,
        "cdk-mailroom, read": lambda: [event for _, event in records(batch)],
        "cdk-mailroom, read and made a row": lambda: [
            lake.row(event) for _, event in records(batch) if isinstance(event, SendingEvent)
        ],
        "a line of JSON each, by hand": copied,
        "cdk-mailroom, transformation": whole,
    }
