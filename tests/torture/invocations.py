"""Invocations as AWS makes them, with mutated records among good ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from torture.accounting import Record
from torture.ledger import Batch, Datum, Ledger
from torture.records import Sample, damaged_text, mutated

__all__ = ["BATCH", "KINDS", "Invocation", "generator"]

BATCH = 10
"""Mutated records in one invocation, at most; good ones come on top."""

_VALIDATION = "Successfully validated SNS topic for Amazon SES event publishing"
_GREETING = "Amazon SES Email Receipt Subscription Notification"
_TEXTS = ("", " ", _VALIDATION, f"{_VALIDATION}.\n", "null", "[]", '"{}"', "{}", "\0", "x" * 300)


class Invocation:
    """An event, and the records in it.

    Attributes:
        way: How it comes: ``sqs``, ``delivery``, ``firehose``, or ``mail``.
        event: The event.
        records: Its records, in order.
    """

    __slots__ = ("event", "records", "way")

    def __init__(self, way: str, event: Any, records: list[Record]) -> None:
        self.way = way
        self.event = event
        self.records = records


def generator(seed: int, name: str, number: int) -> Random:
    """Return the random numbers of one input, which are the same wherever it is made."""
    return Random(f"{seed}/{name}/{number}")


Samples = list[Sample]
Kind = Callable[[int, str, int, int, Samples, Ledger], Invocation]


def _places(random: Random, first: int, count: int) -> list[int | None]:
    """Return the indexes of an invocation's records, with ``None`` for a good one."""
    found: list[int | None] = list(range(first, first + count))
    for _ in range(9 if count == 1 else 1):
        found.insert(random.randint(0, len(found)), None)
    return found


def events_by_sqs(
    seed: int, name: str, first: int, count: int, samples: Samples, ledger: Ledger
) -> Invocation:
    """Return sending events, most by SQS, with good ones among them."""
    shape = generator(seed, name, -first - 1)
    choice = shape.random()
    if count == BATCH and choice < 0.06:
        return _events_otherwise(seed, name, first, count, samples, choice)
    records, found = [], []
    for position, index in enumerate(_places(shape, first, count)):
        identity = f"{first}-{position}"
        if index is None:
            body = _good(shape, samples, identity)
            record = Record(None, identity, text=body)
        else:
            random = generator(seed, name, index)
            body = _body(random, samples, _around_event)
            record = Record(index, identity, text=body, control=_is_control_event(body))
        raw = _sqs_record(identity, body)
        if index is not None and random.random() < 0.03:
            raw = _spoiled(random, raw, record)
        records.append(record)
        found.append(raw)
    return Invocation("sqs", {"Records": Batch(found, ledger)}, records)


def _events_otherwise(
    seed: int, name: str, first: int, count: int, samples: Samples, choice: float
) -> Invocation:
    """Return one event by SNS, EventBridge, or bare; the other indexes are not used."""
    random = generator(seed, name, first)
    body = _body(random, samples, lambda random, text: text)
    record = Record(first, "0", text=body, control=_is_control_event(body))
    if choice < 0.03:
        event: Any = {"Records": [{"EventSource": "aws:sns", "Sns": _notification(body)}]}
    else:
        try:
            event = json.loads(_bridged(body) if choice < 0.05 else body)
        except (ValueError, RecursionError):
            event = {"detail": body}
        record.control = record.control or _is_control_event(event)
    return Invocation("delivery", event, [record])


def arrivals(
    seed: int, name: str, first: int, count: int, samples: Samples, ledger: Ledger
) -> Invocation:
    """Return mail that a topic, a queue or a bucket brings."""
    shape = generator(seed, name, -first - 1)
    random = generator(seed, name, first)
    choice = shape.random()
    if count == BATCH and choice < 0.1:
        return _arrival_otherwise(random, first, samples, choice)
    records, found = [], []
    for position, index in enumerate(_places(shape, first, count)):
        identity = f"{first}-{position}"
        if index is None:
            body = shape.choice(samples).text
            record = Record(None, identity, text=body)
        else:
            random = generator(seed, name, index)
            body = _body(random, samples, _around_event)
            record = Record(index, identity, text=body, control=_is_control_arrival(body))
        records.append(record)
        found.append(_sqs_record(identity, body))
    return Invocation("sqs", {"Records": Batch(found, ledger)}, records)


def _arrival_otherwise(random: Random, first: int, samples: Samples, choice: float) -> Invocation:
    sample = random.choice(samples)
    body = sample.text if random.random() < 0.1 else json.dumps(mutated(random, sample))
    record = Record(first, "0", text=body, control=_is_control_arrival(body))
    if choice < 0.05:
        event: Any = {"Records": [{"EventSource": "aws:sns", "Sns": _notification(body)}]}
    else:
        event = json.loads(body)
    return Invocation("delivery", event, [record])


def received(
    seed: int, name: str, first: int, count: int, samples: Samples, ledger: Ledger
) -> Invocation:
    """Return one mail, as SES and Mail Manager invoke a function with it."""
    random = generator(seed, name, first)
    sample = random.choice(samples)
    raw: Any = mutated(random, sample)
    if random.random() < 0.3:
        with suppress(ValueError, RecursionError):
            raw = json.loads(damaged_text(random, sample, deepest=400))
    event = raw
    if random.random() < 0.8:
        event = {"Records": [{"eventSource": "aws:ses", "eventVersion": "1.0", "ses": raw}]}
        if random.random() < 0.1:
            event = _changed_envelope(random, event)
    return Invocation("mail", event, [Record(first, None, text=event)])


def _changed_envelope(random: Random, event: Any) -> Any:
    record = event["Records"][0]
    return random.choice(
        (
            {"Records": []},
            {"Records": [record, record]},
            {"Records": None},
            {"Records": [None]},
            {"Records": [[record]]},
            {"Records": {"0": record}},
            {"records": [record]},
            {"Records": [{**record, "ses": None}]},
            {"Records": [{**record, "ses": [record["ses"]]}]},
            [record],
            json.dumps(event)[:500],
            None,
            7,
            {},
        )
    )


# Firehose takes records of 1,000 KiB, and Lambda a call of 6 MB, the rest of which is its envelope.
_MOST_RECORD = 1_000 * 1024
_MOST_CALL_BYTES = 6_000_000


def firehose(
    seed: int, name: str, first: int, count: int, samples: Samples, ledger: Ledger
) -> Invocation:
    """Return a batch of Firehose, with good events among the others."""
    shape = generator(seed, name, -first - 1)
    own = name == "lake-transform"
    records, found = [], []
    room = _MOST_CALL_BYTES
    for position, index in enumerate(_places(shape, first, count)):
        identity = f"{first}{position:012}"
        if index is None:
            body = _good(shape, samples, identity)
            record = Record(None, identity, text=body)
        else:
            random = generator(seed, name, index)
            body = _body(random, samples, _around_event)[: min(_MOST_RECORD, room // 8)]
            control = _is_control_event(body) or (own and '"drop"' in body)
            record = Record(index, identity, text=body, control=control)
        data = base64.b64encode(f"{body}\n".encode("utf-8", "surrogatepass")).decode()
        room -= len(data)
        raw: Any = {"recordId": identity, "approximateArrivalTimestamp": 1, "data": data}
        if index is not None and random.random() < 0.03:
            raw = _spoiled_data(random, raw, record)
        plain = own or not isinstance(raw, dict)  # what goes to another process must be plain
        records.append(record)
        found.append(raw if plain else Datum(raw, ledger, position))
    return Invocation("firehose", {"invocationId": "1", "records": found}, records)


def _spoiled_data(random: Random, raw: dict[str, Any], record: Record) -> Any:
    record.spoiled = True
    choice = random.randrange(5)
    if choice == 0:
        return random.choice((None, 1, "x", [], {}))
    if choice == 1:
        return {"recordId": raw["recordId"]}
    if choice == 2:
        return {"recordId": raw["recordId"], "data": random.choice((None, 7, [], {}, "%%%", "é"))}
    if choice == 3:
        return {**raw, "data": raw["data"][: random.randrange(len(raw["data"]))]}
    return {**raw, "data": base64.b64encode(random.randbytes(300)).decode()}


def _good(random: Random, samples: Samples, identity: str) -> str:
    """Return the text of an unchanged event, with a message id of its own."""
    payload = random.choice(samples).payload
    return json.dumps({**payload, "mail": {**payload["mail"], "messageId": f"good-{identity}"}})


def _body(random: Random, samples: Samples, around: Callable[[Random, str], str]) -> str:
    sample = samples[int(random.random() * len(samples))]
    choice = random.random()
    if choice < 0.68:
        return around(random, json.dumps(mutated(random, sample)))
    if choice < 0.93:
        return around(random, damaged_text(random, sample))
    if choice < 0.96:
        return around(random, random.choice(_TEXTS))
    return _mixed_up(random, sample.text)


def _around_event(random: Random, text: str) -> str:
    choice = random.random()
    if choice < 0.6:
        return text
    if choice < 0.8:
        return json.dumps({**_notification(text), "Type": "Notification"})
    if choice < 0.9:
        return _bridged(text)
    changed = mutated(random, _NOTIFICATION)
    if isinstance(changed.get("Message"), str) and random.random() < 0.9:
        changed["Message"] = text
    return json.dumps(changed)


def _notification(text: str) -> dict[str, Any]:
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-east-1:111122223333:topic",
        "Subject": "Amazon SES Email Event Notification",
        "Message": text,
        "Timestamp": "2026-11-27T10:00:00.000Z",
    }


_NOTIFICATION = Sample(_notification("{}"))


def _bridged(text: str) -> str:
    start = json.dumps({"version": "0", "id": "1", "detail-type": "x", "source": "aws.ses"})
    return f'{start[:-1]}, "detail": {text}}}'


def _mixed_up(random: Random, text: str) -> str:
    """Return what belongs to another service or another function."""
    notification = json.dumps(_notification(text))
    return random.choice(
        (
            json.dumps(_notification(json.dumps(_notification(notification)))),
            json.dumps({"Records": [_sqs_record("1", text)]}),
            json.dumps({"records": [{"recordId": "1", "data": "e30="}]}),
            json.dumps({"Records": [{"eventSource": "aws:s3", "s3": {}}]}),
            json.dumps({"Type": "SubscriptionConfirmation", "Token": "x", "Message": "You"}),
            json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "x"}),
            json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}),
            json.dumps({"Message": "x", "Subject": _GREETING}),
            json.dumps({"summaryVersion": "2018-10-10", "messageId": "1", "envelope": {}}),
            json.dumps([json.loads(text)]),
            json.dumps(text),
            base64.b64encode(text.encode()).decode(),
            text + text,
            f"{text}\n{text}\n",
        )
    )


def _sqs_record(identity: str, body: str) -> dict[str, Any]:
    return {
        "messageId": identity,
        "receiptHandle": "AQEB",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:queue",
    }


def _spoiled(random: Random, raw: dict[str, Any], record: Record) -> Any:
    record.spoiled = True
    choice = random.randrange(7)
    if choice == 0:
        record.transport_id = None
        return random.choice((None, 1, "x", [], [raw]))
    if choice == 1:
        record.transport_id = None
        return {key: value for key, value in raw.items() if key != "messageId"}
    if choice == 2:
        record.transport_id = None
        return {**raw, "messageId": random.choice((None, 5, "", [], {}))}
    if choice == 3:
        return {**raw, "body": random.choice((None, 5, [], {}, b"\xff"))}
    if choice == 4:
        return {key: value for key, value in raw.items() if key != "body"}
    if choice == 5:
        return {**raw, "Sns": {"Message": raw["body"]}, "eventSource": "aws:sqs"}
    return {**raw, "attributes": None, "eventSourceARN": None}


def _layers(value: Any) -> Any:
    """Yield *value* as read, and what is wrapped in it; nothing once it cannot be read."""
    for _ in range(6):
        if isinstance(value, (str, bytes)):
            yield value
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return
        if not isinstance(value, dict):
            return
        yield value
        inner = value.get("Message")
        value = inner if inner is not None else value.get("detail")


def _is_control_event(body: object) -> bool:
    """Return whether *body* is a control message of SES, read by rules of our own."""
    for one in _layers(body):
        if isinstance(one, str):
            text = one.strip()
            if text in (_VALIDATION, f"{_VALIDATION}."):
                return True
        elif one.get("notificationType") == "AmazonSnsSubscriptionSucceeded":
            return "mail" not in one
    return False


def _is_control_arrival(body: object) -> bool:
    """Return whether *body* brings no mail, read by rules of our own."""
    for one in _layers(body):
        if isinstance(one, str):
            continue
        if one.get("notificationType") == "AmazonSnsSubscriptionSucceeded":
            return True
        if one.get("Event") == "s3:TestEvent" or one.get("Subject") == _GREETING:
            return True
        if one.get("Records") == []:
            return True
    return False


KINDS: dict[str, Kind] = {
    "arrivals": arrivals,
    "events": events_by_sqs,
    "lake": firehose,
    "receiving": received,
}
