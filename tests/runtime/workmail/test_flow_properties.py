"""Whatever comes, and whatever is answered, no documented limit is broken and no part is lost."""

from __future__ import annotations

import json
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import InvalidAnswer, MissingField
from mailroom.handlers.workmail import _message, disclaimer, external_banner, strip_attachments
from mailroom.mime.parts import Part
from mailroom.workmail import FlowMail, NotReplaceable, checked_content
from runtime.workmail.flow_events import documented, fixed, flow_mail

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ATTRIBUTES = [name for name, value in vars(FlowMail).items() if isinstance(value, property)]


@given(st.dictionaries(st.sampled_from(sorted(documented())), JSON))
def test_any_event_is_viewed_or_refused_by_name(changes):
    """No attribute raises anything but `MissingField`."""
    mail = FlowMail({**documented(), **changes})
    for name in ATTRIBUTES:
        with suppress(MissingField):
            getattr(mail, name)


RECIPIENTS = [f"user{number}@example.com" for number in range(14)]
KINDS = ["default", "drop", "move_to_junk", "bypass_spam_check"]
CALLS = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "bounce", "deliver_also"]),
        st.none()
        | st.lists(st.sampled_from([*RECIPIENTS, "User1@Example.com", "new@example.org"])),
        st.text(min_size=1, max_size=4) | st.integers(0, 300_000).map("é".__mul__),
    ),
    max_size=14,
)


@given(
    calls=CALLS,
    direction=st.sampled_from(["INBOUND", "OUTBOUND"]),
    truncated=st.booleans(),
    count=st.integers(1, 14),
)
def test_accepted_input_stays_within_the_limits(calls, direction, truncated, count):
    """Whatever is called in whatever order; each recipient gets what was last said of it."""
    mail = flow_mail(recipients=RECIPIENTS[:count], direction=direction, truncated=truncated)
    answer = mail.answer()
    wanted: dict[str | None, str] = {}
    try:
        for name, recipients, text in calls:
            method = getattr(answer, name)
            if name == "deliver_also":
                method(recipients or [])
            elif name == "bounce":
                method(text, recipients=recipients)
            else:
                method(recipients=recipients)
            kind = "DEFAULT" if name == "deliver_also" else name.upper()
            for one in recipients if recipients is not None else [None]:
                wanted[one if one is None else one.casefold()] = kind
        payload = answer.payload()
    except InvalidAnswer:
        return
    actions = payload["actions"]
    assert 1 <= len(actions) <= 10
    assert len(json.dumps(payload, ensure_ascii=False).encode()) <= 256 * 1024
    allowed = {"DEFAULT", "BOUNCE", "DROP"}
    if direction == "INBOUND":
        allowed |= {"MOVE_TO_JUNK", "BYPASS_SPAM_CHECK"}
    named = [one.casefold() for action in actions for one in action.get("recipients", ())]
    assert len(named) == len(set(named))
    for action in actions:
        assert action["action"]["type"] in allowed
        assert ("parameters" in action["action"]) == (action["action"]["type"] == "BOUNCE")
        assert action.get("allRecipients", True) is True
        assert ("recipients" in action) != ("allRecipients" in action)
    got = {
        one.casefold(): action["action"]["type"]
        for action in actions
        for one in action.get("recipients", ())
    }
    everybody = [a["action"]["type"] for a in actions if "allRecipients" in a]
    assert len(everybody) <= 1
    for one in mail.recipients:
        assert got.get(one, *everybody) == wanted.get(one, wanted.get(None))


# Messages.

NAMES = st.sampled_from(["a.pdf", "b.exe", "ünï.EXE", "no extension", "c.exe.txt"])
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80
)


@st.composite
def messages(draw) -> bytes:
    """Return a message as the ``email`` package writes it, in one of many shapes."""
    message = EmailMessage(policy=policy.SMTP if draw(st.booleans()) else policy.default)
    message["Subject"] = draw(TEXTS.filter(str.isprintable))
    message["X-Odd"] = "a,\t b;  c"
    encoding = draw(st.sampled_from([None, "base64", "quoted-printable", "8bit"]))
    body = f"{draw(TEXTS)}\n{draw(TEXTS)}\n"
    if draw(st.booleans()):
        message.set_content(body, cte=encoding)
    else:
        message.set_content(f"<html><body>{body}</body></html>", subtype="html", cte=encoding)
    if draw(st.booleans()) and message.get_content_subtype() == "plain":
        message.add_alternative(f"<p>{draw(TEXTS)}</p>\n", subtype="html")
        if draw(st.booleans()):
            html = message.get_payload()[-1]
            html.add_related(draw(st.binary(max_size=90)), "image", "png", cid="<a>")
    for content in draw(st.lists(st.binary(max_size=90), max_size=3)):
        message.add_attachment(content, maintype="application", subtype="x", filename=draw(NAMES))
    if draw(st.booleans()):
        inner = EmailMessage()
        inner.set_content("inner\n")
        message.add_attachment(inner)
    return fixed(message)


def leaves(data: bytes) -> list[bytes]:
    """Return the bytes of each part that has none in it, an attached message as one."""
    return [data[part.start : part.end] for part in files(data)]


def files(data: bytes) -> list[Part]:
    found = _message.read(data).walk(into_messages=False)
    return [part for part in found if part.is_message or not part.children]


def parses(data: bytes) -> EmailMessage:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


@given(messages())
def test_parts_are_those_of_the_email_package(data):
    """Same types, same contents; and no edit is no change."""
    ours = list(_message.read(data).walk(into_messages=False))
    theirs = []

    def walk(part):
        theirs.append(part)
        if part.get_content_maintype() == "multipart":
            for child in part.iter_parts():
                walk(child)

    walk(parses(data))
    assert [one.content_type for one in ours] == [one.get_content_type() for one in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if mine.content_type == "text/plain":
            charset = other.get_content_charset("utf-8")
            assert mine.text() == (other.get_payload(decode=True).decode(charset), None)
    assert _message.apply(data, []) == data


@given(messages(), st.sampled_from([disclaimer.below, external_banner.above]), TEXTS)
def test_added_words_change_only_the_texts(data, change, words):
    """Every other part keeps every byte, the texts keep every word, and it is done once."""
    words = f"DISCLAIMER {words} END"
    bodies = _message.bodies(_message.read(data))
    edits = [
        edit
        for part in bodies
        if (text := change(part.text()[0], part.content_type, words, None)) is not None
        for edit in _message.rewritten(part, text)
    ]
    changed = _message.apply(data, edits)
    checked_content(changed)
    before, after = leaves(data), leaves(changed)
    places = {data[part.start : part.end] for part in bodies}
    assert len(before) == len(after)
    assert [new for old, new in zip(before, after, strict=True) if old not in places] == [
        old for old in before if old not in places
    ]
    for old, new in zip(bodies, _message.bodies(_message.read(changed)), strict=True):
        text, _ = new.text()
        assert change(text, new.content_type, words, None) is None
        if new.content_type == "text/plain":
            rest = text.split()
            for word in words.split():
                rest.remove(word)
            assert sorted(rest) == sorted(old.text()[0].split())
    assert parses(changed)["Subject"] == parses(data)["Subject"]


@given(messages(), st.sampled_from([["exe"], ["exe", "pdf"], []]))
def test_only_unwanted_attachments_are_stripped(data, extensions):
    """Every other part keeps every byte."""
    choice = strip_attachments.Settings.__new__(strip_attachments.Settings)
    choice.extensions, choice.max_bytes = frozenset(extensions), 0
    choice.notice = "The attachment {name} was removed."
    unwanted = [strip_attachments.unwanted(part, choice) for part in files(data)]
    changed, names = strip_attachments.stripped(data, choice)
    checked_content(changed)
    before, after = leaves(data), leaves(changed)
    assert len(before) == len(after)
    for old, new, gone in zip(before, after, unwanted, strict=True):
        assert gone or old == new
    assert sum(unwanted) == len(names)
    assert strip_attachments.stripped(changed, choice) == (changed, [])
    parses(changed)


@given(st.binary(max_size=300) | st.text('ab-:;/=\r\n \t"', max_size=200).map(str.encode))
def test_any_bytes_are_refused_or_stay_within_the_limits(data):
    """What passes has no line too long, no stray carriage return, and a structure."""
    try:
        checked = checked_content(data)
    except NotReplaceable:
        return
    assert checked == data
    assert b"\x00" not in data
    assert b"\r" not in data.replace(b"\r\n", b"")
