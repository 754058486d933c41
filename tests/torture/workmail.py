"""WorkMail's flow under torture: what has to be true of it, for nothing to pass in silence.

A synchronous function answers by WorkMail's own rules, or raises a documented exception, and then
WorkMail asks again. A security control never lets a message pass unchanged without a trace:

``banner``
    The content was replaced, or another answer than the default was given, or the log says why.
``strip``
    If the standard library's ``email`` sees a name that ends in ``.exe``: the same.
``block``
    If that ``email`` sees a card number in a text: the mail is stopped.
"""

from __future__ import annotations

import email
import json
import re
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from torture.accounting import Record, _place
from torture.invocations import Invocation, generator
from torture.ledger import Account, Ledger
from torture.records import Sample, damaged_text, mutated

if TYPE_CHECKING:
    from torture.worker import Tortured

_KINDS = {
    "INBOUND": ("DEFAULT", "BOUNCE", "DROP", "BYPASS_SPAM_CHECK", "MOVE_TO_JUNK"),
    "OUTBOUND": ("DEFAULT", "BOUNCE", "DROP"),
}
_CARD = re.compile(r"4111 1111 1111 1111(?![ -]?\d)")
_INTERNAL = "@example.com"


def invocation(
    seed: int, name: str, first: int, count: int, samples: list[Sample], ledger: Ledger
) -> Invocation:
    """Return one event of WorkMail's flow."""
    random = generator(seed, name, first)
    sample = random.choice(samples)
    event: Any = mutated(random, sample)
    if random.random() < 0.3:
        with suppress(ValueError, RecursionError):
            event = json.loads(damaged_text(random, sample, deepest=400))
    if random.random() < 0.02:
        event = random.choice((None, [], 3, "x", [event], {"Records": [event]}))
    return Invocation("flow", event, [Record(first, None, text=event)])


def judge(tortured: Tortured, batch: Invocation, answer: Any, error: BaseException | None) -> None:
    """Judge one mutated event."""
    record = batch.records[0]
    outcome = _judged(tortured, record, batch.event, answer, error)
    tortured.verdicts.count(record, outcome)


_OUTBOUND = ("workmail-block", "workmail-disclaimer", "workmail-journal")


def event_of(random: Random, name: str) -> dict[str, Any]:
    """Return WorkMail's event about a message, in the direction of the function's rule."""
    recipients = [{"address": "team@example.org"}, {"address": "other@example.net"}]
    return {
        "summaryVersion": "2018-10-10",
        "envelope": {"mailFrom": {"address": "jane@example.net"}, "recipients": recipients},
        "sender": {"address": "jane@example.net"},
        "subject": "x",
        "messageId": f"00000000-0000-0000-0000-{random.getrandbits(40):012}",
        "invocationId": "00000000000000000000000000000000",
        "flowDirection": "OUTBOUND" if name in _OUTBOUND else "INBOUND",
        "truncated": False,
    }


def judge_message(
    tortured: Tortured,
    record: Record,
    data: bytes,
    event: Any,
    answer: Any,
    error: BaseException | None,
) -> str:
    """Judge one mutated message."""
    outcome = _judged(tortured, record, event, answer, error)
    if error is not None:
        return outcome
    account = tortured.ledger.whole
    stopped = {one["action"]["type"] for one in (answer or {}).get("actions", ())} - {"DEFAULT"}
    told = any(line.get("event") != "mailroom.workmail" for line in account.lines)
    replaced = tortured.aws.put
    name = tortured.name
    if name == "workmail-banner" and not stopped and not told and replaced is None:
        tortured.verdicts.fault(record, "no banner, and no trace of it")
        return "lost"
    if name == "workmail-strip" and not stopped and not told and _has_program(data):
        tortured.verdicts.fault(record, "a program passed without a trace")
        return "lost"
    if name == "workmail-strip" and replaced is not None and _has_program(replaced):
        tortured.verdicts.fault(record, "a program is still there")
        return "lost"
    if name == "workmail-block" and not stopped and _has_card(data):
        tortured.verdicts.fault(record, "a card number passed")
        return "lost"
    return outcome


def _judged(
    tortured: Tortured, record: Record, event: Any, answer: Any, error: BaseException | None
) -> str:
    account = tortured.ledger.whole
    if error is not None:
        tortured.verdicts.check_error(record, type(error).__name__, _place(error))
        # The answer that the function gave may be refused, for example for its recipients.
        refused = type(error).__name__ in ("InvalidAnswer", "MissingField")
        if account.calls == ["handled"] and not refused:
            tortured.verdicts.fault(record, f"raised after it was handled: {error!r:.100}")
        return "failed"
    logged = account.outcomes("mailroom.workmail")
    synchronous = tortured.function["environment"].get("MAILROOM_FLOW_MODE") != "asynchronous"
    if len(logged) != 1 or logged == ["failed"] or (tortured.own and account.calls != ["handled"]):
        tortured.verdicts.fault(record, f"lost: {logged}, {account.calls}")
        return "lost"
    if synchronous:
        _check_answer(tortured, record, event, answer)
    elif not _evident(account):
        tortured.verdicts.fault(record, "handled, without evidence")
        return "lost"
    return "handled"


def _check_answer(tortured: Tortured, record: Record, event: Any, answer: Any) -> None:
    try:
        text = json.dumps(answer)
        allowed = _KINDS.get(event["flowDirection"], _KINDS["OUTBOUND"])
        actions = answer["actions"]
        kinds = [one["action"]["type"] for one in actions]
        named = [address for one in actions for address in one.get("recipients", ())]
        fine = all(
            isinstance(one["allRecipients"], bool)
            and set(one) <= {"action", "allRecipients", "recipients"}
            for one in actions
        )
    except (KeyError, TypeError, ValueError) as error:
        tortured.verdicts.fault(record, f"not an answer for WorkMail ({error!r}): {answer!r:.200}")
        return
    if not (
        fine
        and actions
        and set(kinds) <= set(allowed)
        and len(actions) <= 10
        and len(text) < 256_000
    ):
        tortured.verdicts.fault(record, f"WorkMail would refuse {text[:200]}")
    if not any(one["allRecipients"] for one in actions):
        known = {one["address"] for one in event["envelope"]["recipients"]}
        if known - set(named):
            tortured.verdicts.fault(record, "recipients without an action")


def _evident(account: Account) -> bool:
    others = [line for line in account.lines if line.get("event") != "mailroom.workmail"]
    return bool(account.effects or others)


def _parts(data: bytes) -> Any:
    try:
        found = email.message_from_bytes(data)
        yield from found.walk()
    except Exception:  # our witness cannot read it, and then says nothing
        return


def _has_program(data: bytes) -> bool:
    for part in _parts(data):
        try:
            name = part.get_filename()
        except Exception:
            continue
        if isinstance(name, str) and name.lower().endswith(".exe"):
            return True
    return False


def _has_card(data: bytes) -> bool:
    for part in _parts(data):
        try:
            if part.get_content_type() != "text/plain" or part.is_multipart():
                continue
            content = part.get_payload(decode=True).decode("latin-1")
        except Exception:
            continue
        if _CARD.search(content):
            return True
    return False
