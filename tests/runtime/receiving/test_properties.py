"""Whatever SES sends, a mail is handled or the failure is seen; hypothesis bends the samples."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from io import BytesIO, StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.entry import receiving
from mailroom.errors import InvalidAnswer, MailroomError, UnknownInvocation
from mailroom.receiving import (
    Address,
    Attachment,
    Disposition,
    Headers,
    ReceivedMail,
    Verdict,
)
from mailroom.testing import MemoryStore

PAYLOADS = Path(__file__).parents[2] / "payloads"
SAMPLES = [
    json.loads((PAYLOADS / name).read_text())
    for name in ("received_mail.json", "received_mail_verdicts.json")
]
ATTRIBUTES = sorted(
    name
    for name in dir(ReceivedMail)
    if isinstance(getattr(ReceivedMail, name), property)
    and not name.startswith("_")
    and name != "already_handled"
)


class AnyId(MemoryStore):
    """A store that has the same message for every id."""

    def open(self, message_id: str) -> BytesIO:
        return BytesIO(b"From: a@b\nContent-Type: text/html\n\n<p>Hello\n")


STORE = AnyId()

# Lone surrogates included, as JSON can carry them; and one text beyond any limit.
texts = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.sampled_from(["", "PASS", "RequestResponse", "Event", "x" * 300_000, "\ud800", "ü\0\n"]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of everything inside *value*."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, child in inner:
        yield (*path, key)
        yield from paths(child, (*path, key))


def change(draw: st.DrawFn, event: Any) -> None:
    """Remove, replace or add one thing anywhere in *event*."""
    path = draw(st.sampled_from(list(paths(event)) or [()]))
    if not path:
        return
    part = event
    for key in path[:-1]:
        part = part[key]
    action = draw(st.sampled_from(["remove", "null", "replace", "add"]))
    if action == "remove":
        del part[path[-1]]
    elif action == "add" and isinstance(part, dict):
        part[draw(st.text(max_size=5))] = draw(values)
    else:
        part[path[-1]] = None if action == "null" else draw(values)


@st.composite
def bent_events(draw: st.DrawFn) -> Any:
    """Draw one of the samples with up to four changes."""
    event = copy.deepcopy(draw(st.sampled_from(SAMPLES)))
    for _ in range(draw(st.integers(0, 4))):
        change(draw, event)
    return event


@st.composite
def bent_mails(draw: st.DrawFn) -> dict[str, Any]:
    """Draw the mapping of a view, ``mail`` and ``receipt`` possibly damaged inside."""
    raw: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(SAMPLES)))["Records"][0]["ses"]
    for _ in range(draw(st.integers(1, 4))):
        change(draw, raw)
    return raw


def waits(event: Any) -> bool:
    """Return whether *event* says, where SES says it, that SES waits for the answer."""
    try:
        action = event["Records"][0]["ses"]["receipt"]["action"]
        return bool(action["invocationType"] == "RequestResponse")
    except (LookupError, TypeError):
        return False


def invoke(
    function: Callable[[ReceivedMail], object], event: Any, on_error: str
) -> tuple[Any, BaseException | None, list[dict[str, Any]]]:
    """Run the entry point; return its answer, what it raised, and the lines it logged."""
    module = ModuleType("user_app")
    module.on_mail = function  # type: ignore[attr-defined]
    output = StringIO()
    answer: Any = None
    raised: BaseException | None = None
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(output):
        patch.setitem(sys.modules, "user_app", module)
        patch.setenv("MAILROOM_HANDLER", "user_app:on_mail")
        patch.setenv("MAILROOM_ON_ERROR", on_error)
        patch.setenv("MAILROOM_LOG_ADDRESSES", "1")
        patch.delenv("MAILROOM_FAILURE_QUEUE", raising=False)
        patch.delenv("MAILROOM_BUCKET", raising=False)
        patch.setattr(receiving, "_settings", None)
        try:
            answer = receiving.handler(event)
        except Exception as error:  # what it is, the tests judge
            raised = error
    return answer, raised, [json.loads(line) for line in output.getvalue().splitlines()]


def read_all(mail: ReceivedMail) -> None:
    """Read every attribute; the first damage that matters raises."""
    for name in ATTRIBUTES:
        getattr(mail, name)
    list(mail.headers.items())


policies = st.sampled_from(["continue", "stop_rule", "stop_rule_set", "raise"])


@given(bent_events(), policies)
def test_no_mail_is_dropped_silently(event: Any, on_error: str) -> None:
    """Either the handler was given this event's own mapping, or an error or policy says otherwise.

    Asynchronously the answer is nothing and every failure raises, so that Lambda retries; while
    SES waits the answer is a disposition or an error. Errors are ours, never Python's. A control
    runs in another process, where it saw the event if its own answer came back.
    """
    seen: list[ReceivedMail] = []
    answer, raised, lines = invoke(seen.append, event, on_error)
    if raised is not None:
        assert isinstance(raised, MailroomError)
        assert not seen
        assert answer is None
    elif waits(event):
        assert answer["disposition"] in set(Disposition)
        answered = on_error.startswith("stop") and answer["disposition"] == Disposition.CONTINUE
        assert seen or answered or lines[-1]["outcome"] == "failed"
    else:
        assert answer is None
        assert seen
    for mail in seen:
        assert mail.raw is event["Records"][0]["ses"]
    assert len(lines) == 1 or isinstance(raised, MailroomError)


@given(bent_events(), policies)
def test_damage_that_the_handler_meets_is_never_hidden(event: Any, on_error: str) -> None:
    """Damage met inside the handler raises our own error, or is answered by the policy."""
    finished: list[bool] = []

    def function(mail: ReceivedMail) -> None:
        read_all(mail)
        finished.append(True)

    answer, raised, _ = invoke(function, event, on_error)
    if raised is not None:
        assert isinstance(raised, MailroomError)
    elif waits(event):
        policy = on_error.upper()
        assert answer["disposition"] == ("CONTINUE" if finished else policy)
    else:
        assert finished


@given(values)
def test_anything_that_is_not_an_event_is_refused(event: Any) -> None:
    """No JSON value but an SES event reaches the handler."""
    seen: list[ReceivedMail] = []
    _, raised, _ = invoke(seen.append, event, "continue")
    assert isinstance(raised, UnknownInvocation)
    assert not seen


@given(values)
def test_an_answer_is_a_disposition_or_refused(answer: Any) -> None:
    """While SES waits, any answer but a disposition or ``None`` raises `InvalidAnswer`."""
    told, raised, _ = invoke(lambda _: answer, SAMPLES[1], "raise")
    if answer is None or (isinstance(answer, str) and answer in set(Disposition)):
        assert told == {"disposition": answer or "CONTINUE"}
    else:
        assert isinstance(raised, InvalidAnswer)


def _declared(name: str) -> Callable[[Any], bool]:
    annotation = getattr(ReceivedMail, name).fget.__annotations__["return"]
    checks: dict[str, Callable[[Any], bool]] = {
        "str": lambda value: isinstance(value, str),
        "str | None": lambda value: value is None or isinstance(value, str),
        "int | None": lambda value: value is None or isinstance(value, int),
        "bool": lambda value: isinstance(value, bool),
        "list[str]": lambda value: isinstance(value, list),
        "list[Address]": lambda value: all(isinstance(one, Address) for one in value),
        "list[Attachment]": lambda value: all(isinstance(one, Attachment) for one in value),
        "Address | None": lambda value: value is None or isinstance(value, Address),
        "Verdict": lambda value: isinstance(value, Verdict),
        "Headers": lambda value: isinstance(value, Headers),
        "Mapping[str, Any]": lambda value: isinstance(value, Mapping),
        "Mapping[str, Any] | None": lambda value: value is None or isinstance(value, Mapping),
        "tuple[str, str] | None": lambda value: value is None or isinstance(value, tuple),
        "datetime": lambda value: value.utcoffset().total_seconds() == 0,
    }
    return checks[annotation]


@given(bent_mails())
def test_every_attribute_has_its_declared_type_or_raises_ours(raw: dict[str, Any]) -> None:
    """An attribute is of the type that its signature declares, or raises a `MailroomError`."""
    for name in ATTRIBUTES:
        try:
            value = getattr(ReceivedMail(raw, store=STORE), name)
        except MailroomError:
            continue
        assert _declared(name)(value), (name, value)


@given(bent_mails())
def test_reading_changes_nothing(raw: dict[str, Any]) -> None:
    """Views neither change nor copy: ``raw`` stays equal, and is the very object given."""
    before = repr(raw)
    for name in ATTRIBUTES:
        try:
            mail = ReceivedMail(raw)
            assert mail.raw is raw
            getattr(mail, name)
            list(mail.headers)
        except MailroomError:
            pass
    assert repr(raw) == before


@given(
    st.lists(st.fixed_dictionaries({"name": st.text(max_size=4), "value": texts}), max_size=6),
)
def test_headers_keep_every_field(fields: list[dict[str, str]]) -> None:
    """No field is lost or reordered, and every spelling of a name finds all its values."""
    headers = Headers(fields)
    assert list(headers.items()) == [(field["name"], field["value"]) for field in fields]
    for field in fields:
        name = field["name"]
        same = [other["value"] for other in fields if other["name"].lower() == name.lower()]
        assert headers.get_all(name) == headers.get_all(name.lower()) == same
        assert headers[name] == same[0]


@given(
    st.sampled_from(SAMPLES),
    st.dictionaries(st.text(max_size=5).map("new{}".format), values, max_size=4),
)
def test_unknown_keys_pass_through(event: Any, extra: dict[str, Any]) -> None:
    """Keys that AWS adds later change no attribute, and are there in ``raw``."""
    plain = event["Records"][0]["ses"]
    raw = copy.deepcopy(plain)
    for part in (raw, raw["mail"], raw["receipt"], raw["mail"]["commonHeaders"]):
        part.update(extra)
    for name in ATTRIBUTES:
        if name not in {"headers", "common_headers"}:
            mail = ReceivedMail(raw, store=STORE)
            assert getattr(mail, name) == getattr(ReceivedMail(plain, store=STORE), name)
    assert set(extra) <= set(ReceivedMail(raw).raw["receipt"])
