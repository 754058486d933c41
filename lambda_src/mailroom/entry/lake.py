"""What Firehose calls to fill the event lake: answers each record with a row.

Settings
    ``MAILROOM_TRANSFORM``
        The user's function, ``module:function``: ``transform(event) -> dict | None``. ``None``
        drops the event. A key that is a column replaces its value; any other goes into the map
        ``extra``, as text. It runs in a process of its own, which stays for the next batch. An
        exception, an exit, a crash, and a call that does not return within the invocation's time
        fail that record only, the last one also those behind it that find no time. Default: none.
    ``MAILROOM_PSEUDONYM_SECRET``
        ARN or name of the secret whose text is the key of the recipients' pseudonyms
        (`mailroom.lake.pseudonymiser`). Read once in the life of a process, so a new key takes
        effect with new processes. A record that fails keeps its addresses. Default: addresses
        are kept.

Permissions
    ``secretsmanager:GetSecretValue`` on that secret, and ``kms:Decrypt`` if it has a key of its
    own.

Metrics
    ``LakeFailed``: records that are kept under the error prefix instead of the table;
    ``LakeOverflow``: those among them that did not fit into the answer.

Size
    Lambda returns at most 6 MB. AWS's samples grow to 2.9 to 5.2 times their size, so a buffer of
    1 MB leaves room even if it holds nothing but the smallest ones. If the answer would be too
    large nonetheless, its last records become ``ProcessingFailed``: they are kept whole, raise an
    alarm, and can be replayed, whereas rows without ``raw`` would lose data for good.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html,
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
import os
import time

from mailroom import _runtime
from mailroom.entry._deadline import answer_due, deadline, time_until
from mailroom.entry._function import resolve, survivable
from mailroom.errors import HandlerDied, MalformedEvent, OutOfTime, UnknownInvocation
from mailroom.events import SkippedRecord, parse, records
from mailroom.lake.pseudonyms import pseudonymised, pseudonymiser
from mailroom.lake.rows import encode, fill, import_rest, partition
from mailroom.lake.transform import extend

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from mailroom.entry._child import Child
    from mailroom.events import SendingEvent

    _Outcome = tuple[dict[str, Any], str | None, str | None]

__all__ = ["MAX_ANSWER_BYTES", "handler"]


MAX_ANSWER_BYTES = 6_000_000
"""The largest answer of `handler`; Lambda's own limit is 6,291,556 bytes."""


_RESERVE = 1.0
"""Seconds that are kept for the answer."""
_SHORTEST = 0.1
"""Seconds for which the child is waited for, however little time is left."""


class _Settings:
    """The environment, read once per process."""

    __slots__ = ("_child", "pseudonymise", "transform")

    def __init__(self) -> None:
        spec = os.environ.get("MAILROOM_TRANSFORM")
        self.transform = resolve(spec) if spec else None
        secret = os.environ.get("MAILROOM_PSEUDONYM_SECRET")
        self.pseudonymise = pseudonymiser(_secret(secret)) if secret else None
        self._child: Child | None = None
        import_rest()

    @property
    def child(self) -> Child:
        """The process of the user's transform."""
        if self._child is None:
            from mailroom.entry._child import Child

            self._child = Child(self.outcome)
        return self._child

    def outcome(self, question: tuple[Any, int, float | None]) -> _Outcome:
        """Return the answer to a record, and the error and its place if it failed."""
        record, position, end = question
        try:
            return _answer(record, self, end), None, None
        except BaseException as caught:  # raised by the user's transform, or by a malformed event
            error = survivable(caught)
            answer = _untouched(record, "ProcessingFailed", position)
            return answer, type(error).__name__, _runtime.where(error)


def _secret(name: str) -> bytes:
    found = _runtime.client("secretsmanager").get_secret_value(SecretId=name)
    value = found.get("SecretString") or found.get("SecretBinary") or b""
    return value.encode() if isinstance(value, str) else bytes(value)


_settings: _Settings | None = None
_decode = json.JSONDecoder().decode


def handler(event: Mapping[str, Any], context: Any = None) -> dict[str, Any]:
    """Answer each of Firehose's records, in order, with a row and its partition keys.

    A row is one line of JSON with a value for every column. SES's validation text is ``Dropped``,
    and so is an event for which the transform returns ``None``. A record that cannot be read, that
    the transform fails on, or that does not fit into the answer is ``ProcessingFailed`` without
    affecting the others, and Firehose keeps it, unchanged, under its error prefix. Logs one line,
    and metrics if something failed.

    Args:
        event: What Firehose invokes a transformation with.
        context: Lambda's context object, which has the remaining time.

    Returns:
        The answer that Firehose expects of a transformation.

    Raises:
        UnknownInvocation: *event* does not come from Firehose.
    """
    global _settings
    if _settings is None:
        _settings = _Settings()
    found = event.get("records") if isinstance(event, dict) else None
    if not isinstance(found, list):
        raise UnknownInvocation("expected an invocation by Firehose, with a list of records")
    started = time.perf_counter()
    errors: dict[str, int] = {}
    first: str | None = None
    answers = []
    remaining = time_until(answer_due(context), reserve=_RESERVE)
    end = None if remaining is None else time.monotonic() + remaining
    for answer, error, at in _outcomes(found, _settings, end):
        answers.append(answer)
        if error is not None:
            errors[error] = errors.get(error, 0) + 1
            first = first or at
    overflow = _fit(found, answers)
    if overflow:
        errors["Overflow"] = overflow
    results = [answer["result"] for answer in answers]
    failed = results.count("ProcessingFailed")
    _runtime.log(
        "ERROR" if failed else "INFO",
        "mailroom.lake",
        ok=results.count("Ok"),
        dropped=results.count("Dropped"),
        failed=failed,
        errors=errors or None,
        at=first,
        ms=round((time.perf_counter() - started) * 1000, 1),
    )
    if failed:
        _runtime.metric("LakeFailed", failed)
    if overflow:
        _runtime.metric("LakeOverflow", overflow)
    return {"records": answers}


def _outcomes(found: list[Any], settings: _Settings, end: float | None) -> Iterator[_Outcome]:
    """Yield the outcome of each record, whatever the user's transform does to its process."""
    questions = [(record, position, end) for position, record in enumerate(found)]
    if settings.transform is None:
        yield from map(settings.outcome, questions)
        return
    for (record, position, _), answer in zip(
        questions, settings.child.ask(questions, lambda: _limit(end)), strict=True
    ):
        if isinstance(answer, HandlerDied | OutOfTime):
            untouched = _untouched(record, "ProcessingFailed", position)
            yield untouched, type(answer).__name__, str(answer)
        else:
            yield answer


def _limit(end: float | None) -> float | None:
    # Later than the child interrupts the transform itself, if it can.
    return None if end is None else max((end - time.monotonic()) * 0.75, _SHORTEST)


def _answer(record: Any, settings: _Settings, end: float | None) -> dict[str, Any]:
    from binascii import a2b_base64, b2a_base64

    item: SendingEvent | SkippedRecord
    raw = None
    try:
        text = a2b_base64(record["data"]).decode().strip()
        raw = _decode(text)
        # A string has the word in it too.
        plain = isinstance(raw, dict) and "eventType" in raw
        item = parse(raw) if plain else _unwrapped(record)
    except (KeyError, TypeError, ValueError, RecursionError):
        item = _unwrapped(record)
    if isinstance(item, SkippedRecord):
        if item.control:
            return _untouched(record, "Dropped")
        raise MalformedEvent(item.reason)
    if settings.pseudonymise is not None:
        item = parse(pseudonymised(item.raw, settings.pseudonymise))
        text = encode(item.raw)
    elif item.raw is not raw:
        text = encode(item.raw)
    made = fill(item, text)
    if settings.transform is not None:
        with deadline(_share(end), "the transform did not return in time"):
            answer = settings.transform(item)
        if answer is None:
            return _untouched(record, "Dropped")
        extend(made, answer)
    # JSON can hold half a surrogate pair, which UTF-8 cannot.
    line = (encode(made) + "\n").encode("utf-8", "replace")
    return {
        "recordId": record["recordId"],
        "result": "Ok",
        "data": b2a_base64(line, newline=False).decode("ascii"),
        "metadata": {"partitionKeys": partition(item, made)},
    }


def _share(end: float | None) -> float | None:
    # Half of what is left, so that one that hangs leaves time for the rows of the others.
    return None if end is None else (end - time.monotonic()) / 2


def _unwrapped(record: Any) -> SendingEvent | SkippedRecord:
    return next(item for _, item in records({"records": [record]}))


def _untouched(record: Any, result: str, position: int = 0) -> dict[str, Any]:
    if not isinstance(record, dict):
        return {"recordId": str(position), "result": result}
    answer = {"recordId": record.get("recordId", str(position)), "result": result}
    if isinstance(record.get("data"), str):
        answer["data"] = record["data"]
    return answer


_ENVELOPE_BYTES = 160
"""The size of an answer without its id and data."""


def _fit(found: list[Any], answers: list[dict[str, Any]]) -> int:
    """Fail, in place, the answers that do not fit, and return how many."""
    sizes = [_size(answer) for answer in answers]
    room = MAX_ANSWER_BYTES - sum(sizes)
    if room >= 0:
        return 0
    failed = 0
    # From the end, so that the first records become rows.
    for position in reversed(range(len(answers))):
        if answers[position]["result"] == "Ok":
            answer = _untouched(found[position], "ProcessingFailed")
            saved = sizes[position] - _size(answer)
            if saved > 0:
                answers[position] = answer
                failed += 1
                room += saved
                if room >= 0:
                    break
    return failed


def _size(answer: Mapping[str, Any]) -> int:
    return len(str(answer["recordId"])) + len(answer.get("data", "")) + _ENVELOPE_BYTES


# While Lambda initialises, where it gives a whole core: a wrong name fails before any event, and
# the key is fetched once.
if os.environ.get("_HANDLER") == "mailroom.entry.lake.handler":
    _settings = _Settings()
