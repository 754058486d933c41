"""What has to be true of each invocation, for nothing to be lost. This is the proof.

Every record ends in exactly one of these, by evidence that does not come from the code that decided
it. Anything else is *lost*, and the torture fails:

``handled``
    The user's function was called with it and returned, or, for a bundled behaviour, AWS accepted
    its request, a metric was printed, or the log has a line of the behaviour that says why there
    is none. The entry point logged ``handled``, and did not report the record.
``failed``
    It is reported to whoever delivers it again: by its own id among ``batchItemFailures`` (SQS),
    by an exception (Lambda's retries, then the dead-letter queue; SNS, S3, EventBridge, WorkMail),
    as ``ProcessingFailed`` with its data unchanged (Firehose). The user's function did not return,
    and the exception is one that is documented: of ``mailroom.errors``, or the user's own.
``dead-lettered``
    SES waits for an answer, so it cannot be told to come again: the whole event is on the failure
    queue, and the answer is the one that ``on_error`` names.
``skipped``
    It is a control message, by a second reading of the record that knows nothing of the entry
    point's: SES's validation text, a topic's greeting, S3's test event, the setup notification.
``unhandled``
    No function takes its type, and the metric ``Unhandled`` was printed.

No record suffers for another, and none is blamed for another:

- a record that was not mutated is handled exactly once, whatever else is in its batch;
- only ids of the batch are reported, no record is reported that was handled, and each record's
  outcome is logged once;
- an invocation with several records never raises, and answers Firehose's in their order, each once,
  in less than 6 MB;
- a row of the lake has every column and, in ``raw``, the event that came in.

SQS itself writes an id, a body and a source into every record. Where the torture spoils those too,
it is enough that the record is reported by some name: Lambda then retries the whole batch.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from typing import Any

from torture.ledger import Account, Ledger

COLUMNS: list[str] = []
"""The columns of a row, by the first good one."""
_MOST_ANSWER_BYTES = 6_291_556
_ENVELOPE_BYTES = 250
DISPOSITIONS = ("CONTINUE", "STOP_RULE", "STOP_RULE_SET")


class Record:
    """One record of an invocation.

    Attributes:
        index: The number of the mutation; ``None`` if it was not mutated.
        transport_id: The id by which it is reported.
        control: Whether it may be skipped, by our own reading.
        spoiled: Whether even what the transport writes is mutated.
    """

    __slots__ = ("control", "index", "spoiled", "text", "transport_id")

    def __init__(
        self,
        index: int | None,
        transport_id: str | None,
        *,
        text: object = None,
        control: bool = False,
        spoiled: bool = False,
    ) -> None:
        self.index = index
        self.transport_id = transport_id
        self.text = text
        self.control = control
        self.spoiled = spoiled


class Verdicts:
    """What became of the records of one function.

    Attributes:
        outcomes: How many records had which outcome.
        faults: Index and explanation of each violation.
    """

    def __init__(self, documented: frozenset[str]) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: list[tuple[int | None, str]] = []
        self._documented = documented

    def fault(self, record: Record | None, text: str) -> None:
        """Note a violation."""
        self.faults.append((None if record is None else record.index, text[:600]))

    def count(self, record: Record, outcome: str) -> None:
        """Note what became of a mutated record."""
        if record.index is not None:
            self.outcomes[outcome] += 1

    def check_error(self, record: Record, name: str, where: object) -> None:
        """Note a fault unless an exception of that *name* is documented."""
        if name not in self._documented:
            self.fault(record, f"undocumented {name} at {where}")

    def of_sqs(
        self,
        records: list[Record],
        answer: Any,
        error: BaseException | None,
        ledger: Ledger,
        *,
        entry: str,
        own: bool,
    ) -> None:
        """Judge a batch of SQS."""
        if error is not None:
            spoiled = all(record.spoiled for record in records)
            if not spoiled:
                self.fault(records[0], f"the batch raised {type(error).__name__}: {error}")
            for record in records:
                self.count(record, "failed" if spoiled else "lost")
            return
        try:
            reported = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
            json.dumps(answer)
        except (TypeError, KeyError, ValueError):
            self.fault(records[0], f"not an answer for SQS: {answer!r:.200}")
            return
        failed = sum("failed" in account.outcomes(entry) for account in ledger.accounts)
        known = {record.transport_id for record in records}
        strange = [name for name in reported if name not in known]
        if len(reported) != failed or (strange and not any(one.spoiled for one in records)):
            self.fault(records[0], f"{failed} failed, and {reported!r:.200} are blamed")
        for record, account in zip(records, ledger.accounts, strict=True):
            named = record.transport_id in reported
            if record.transport_id is None:  # by a name that Lambda does not know
                named = "failed" in account.outcomes(entry)
            self._of_one(record, account, named, entry, own)

    def _of_one(self, record: Record, account: Account, named: bool, entry: str, own: bool) -> None:
        logged = account.outcomes(entry)
        if record.index is None:
            done = account.calls == ["handled"] if own else _evident(account)
            if named or logged != ["handled"] or not done:
                self.fault(record, f"a good record: {logged}, reported {named}, {account.calls}")
            return
        if named:
            for line in account.lines:
                if line.get("outcome") == "failed":
                    self.check_error(record, line["error"], line.get("at"))
            if not record.spoiled and logged[-1:] != ["failed"]:
                self.fault(record, f"reported, but the log says {logged}")
            if own and account.calls == ["handled"] and len(logged) == 1:
                self.fault(record, "reported, although it was handled")
            self.count(record, "failed")
        elif logged == ["skipped"]:
            if not record.control or account.calls:
                self.fault(record, f"skipped: {record.text!r:.300}")
            self.count(record, "skipped")
        elif logged == ["unhandled"]:
            if not account.metrics() or account.calls:
                self.fault(record, "unhandled without the metric")
            self.count(record, "unhandled")
        elif logged and set(logged) == {"handled"}:
            done = account.calls == ["handled"] * len(logged) if own else _evident(account)
            if not done:
                self.fault(record, f"handled, without evidence: {account.calls}")
            self.count(record, "handled" if done else "lost")
        else:
            self.fault(record, f"lost: not reported, and the log says {logged}")
            self.count(record, "lost")

    def of_delivery(
        self,
        records: list[Record],
        error: BaseException | None,
        ledger: Ledger,
        *,
        entry: str,
        own: bool,
    ) -> None:
        """Judge what SNS, S3 or EventBridge brings: an exception brings all of it again."""
        account = ledger.whole
        logged = account.outcomes(entry)
        mutated = [record for record in records if record.index is not None]
        if error is not None:
            for record in mutated:
                self.check_error(record, type(error).__name__, _place(error))
                self.count(record, "failed")
            return
        good = len(records) - len(mutated)
        handled = account.calls.count("handled") if own else logged.count("handled")
        others = len(logged) - logged.count("handled")
        controls = sum(record.control for record in mutated)
        if logged.count("skipped") > controls or "failed" in logged or handled < good:
            self.fault(mutated[0], f"{logged}, {account.calls}: {mutated[0].text!r:.300}")
        if logged.count("handled") > handled or len(logged) < len(records):
            self.fault(mutated[0], f"lost: {logged}, {account.calls}")
        for record in mutated:
            self.count(record, "skipped" if others and record.control else "handled")

    def of_mail(
        self,
        record: Record,
        event: Any,
        answer: Any,
        error: BaseException | None,
        account: Account,
        *,
        own: bool,
        on_error: str | None,
    ) -> str:
        """Judge one mail that SES or Mail Manager brings; return what became of it.

        Args:
            record: The mail.
            event: The event.
            answer: What the function returned.
            error: What it raised.
            account: What it did.
            own: Whether it is a user's function.
            on_error: What a failure has to answer, if SES waits for an answer.
        """
        logged = account.outcomes("mailroom.receiving")
        if error is not None:
            self.check_error(record, type(error).__name__, _place(error))
            if on_error is not None:
                self.fault(record, f"SES got no answer: {type(error).__name__}: {error}")
            if account.calls == ["handled"]:
                self.fault(record, "raised, although it was handled")
            return "failed"
        if logged == ["skipped"]:
            if not record.control or account.calls:
                self.fault(record, f"skipped: {record.text!r:.300}")
            return "skipped"
        if on_error is not None:
            return self._of_answer(record, event, answer, account, own, on_error)
        done = account.calls == ["handled"] if own else _evident(account)
        if logged != ["handled"] or not done:
            self.fault(record, f"lost: {logged}, {account.calls}, {_said(account)}")
            return "lost"
        return "handled"

    def _of_answer(
        self, record: Record, event: Any, answer: Any, account: Account, own: bool, on_error: str
    ) -> str:
        given = answer.get("disposition") if isinstance(answer, dict) else None
        if given not in DISPOSITIONS:
            self.fault(record, f"SES does not know the answer {answer!r:.100}")
        logged = account.outcomes("mailroom.receiving")
        kept = [asked for _, name, asked in account.effects if name == "SendMessage"]
        # A control runs in a child, whose calls are not seen here: the answer is its own, not that
        # of a failure.
        in_child = on_error != "CONTINUE" and given == "CONTINUE"
        handled = not own or account.calls == ["handled"] or in_child
        if not kept and logged == [given] and handled:
            return "handled"
        if len(kept) != 1 or given != on_error or logged != ["failed"]:
            self.fault(record, f"lost: {logged}, answered {given}, {len(kept)} dead-lettered")
            return "lost"
        payload = json.loads(kept[0]["MessageBody"])["requestPayload"]
        if json.dumps(payload) != json.dumps(event):
            self.fault(record, "the dead letter is not the event")
        for line in account.lines:
            if line.get("outcome") == "failed":
                self.check_error(record, line["error"], line.get("at"))
        return "dead-lettered"

    def of_firehose(
        self, records: list[Record], event: Any, answer: Any, error: BaseException | None
    ) -> None:
        """Judge a batch of Firehose."""
        if error is not None:
            self.fault(records[0], f"the batch raised {type(error).__name__}: {error}")
            for record in records:
                self.count(record, "lost")
            return
        answers = answer["records"]
        if sum(len(one.get("data", "")) + _ENVELOPE_BYTES for one in answers) > _MOST_ANSWER_BYTES:
            self.fault(records[0], "the answer is too large for Lambda")
        if len(answers) != len(records):
            self.fault(records[0], f"{len(answers)} answers to {len(records)} records")
            return
        for record, asked, given in zip(records, event["records"], answers, strict=True):
            self._of_row(record, asked, given)

    def _of_row(self, record: Record, asked: Any, given: Any) -> None:
        result = given["result"]
        if not record.spoiled and given["recordId"] != record.transport_id:
            self.fault(record, f"answered for {given['recordId']!r:.60}")
        if record.index is None and result != "Ok":
            self.fault(record, f"a good record is {result}")
        if result == "Ok":
            self._of_line(record, given)
        elif result == "Dropped":
            if not record.control:
                self.fault(record, f"dropped: {record.text!r:.300}")
        elif result != "ProcessingFailed":
            self.fault(record, f"Firehose does not know {result!r:.60}")
        elif _data(asked) is not None and given.get("data") != _data(asked):
            self.fault(record, "failed, and its data are not what came in")
        self.count(record, {"Ok": "handled", "Dropped": "skipped"}.get(result, "failed"))

    def _of_line(self, record: Record, given: Any) -> None:
        try:
            line = base64.b64decode(given["data"]).decode()
            row = json.loads(line)
            plain = isinstance(record.text, str) and row["raw"] == record.text.strip()
            raw = None if plain else json.loads(row["raw"])
        except (KeyError, ValueError) as error:
            self.fault(record, f"not a row: {error}")
            return
        if not COLUMNS:
            COLUMNS.extend(row)
        keys = given["metadata"]["partitionKeys"]
        if list(row) != COLUMNS or line.count("\n") != 1 or set(keys) != {"event_type", "day"}:
            self.fault(record, f"a row of another form: {sorted(keys)}")
        if not all(isinstance(key, str) and key for key in keys.values()):
            self.fault(record, f"empty partition keys: {keys!r:.100}")
        if not plain and not any(_same(raw, text) for text in _inside(record.text)):
            self.fault(record, f"its raw is {row['raw']!r:.150}, of {record.text!r:.150}")


def _data(asked: Any) -> str | None:
    data = asked.get("data") if isinstance(asked, dict) else None
    return data if isinstance(data, str) else None


def _same(raw: Any, text: Any) -> bool:
    # Halves of surrogate pairs cannot be written, unless they are escaped.
    return any(
        _written(raw, ending) == _written(text, ending) for ending in ("surrogatepass", "replace")
    )


def _written(value: Any, halves: str) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", halves)


def _inside(value: object) -> Any:
    """Yield *value*, and each event that is wrapped in it."""
    for _ in range(5):
        if isinstance(value, (str, bytes)):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return
        if not isinstance(value, dict):
            return
        yield value
        value = value.get("Message") or value.get("detail")


def _evident(account: Account) -> bool:
    """Return whether AWS or the log has evidence of a bundled behaviour's work."""
    said = [line for line in account.lines if str(line.get("event", "")).startswith(_BEHAVIOURS)]
    return bool(account.effects or said or account.metrics())


_BEHAVIOURS = ("mailroom.handlers.", "mailroom.receiving.read")


def _said(account: Account) -> str:
    return "; ".join(json.dumps(line)[:200] for line in account.lines[-3:])


def _place(error: BaseException) -> str:
    trace, place = error.__traceback__, "?"
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place
