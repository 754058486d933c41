"""Rules of what may go out: tags, addresses, header fields, sizes; injection in all of them."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.sending import InvalidMessage, Sender, publishing_headers
from mailroom.sending.addresses import Mailbox, mailboxes
from mailroom.sending.checks import checked_fields, checked_tags, template_data
from mailroom.sending.message import Outgoing

BREAKS = ["\r", "\n", "\r\n", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\x1b"]
WORDS = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)


def a_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "shop@example.com"
    message["To"] = "jane@example.com"
    message.set_content("Hi.\n")
    return message


# Tags.


@given(st.dictionaries(WORDS, WORDS, max_size=60))
def test_good_tags_pass_unchanged(tags: dict[str, str]) -> None:
    """As a mapping and as pairs."""
    assert checked_tags(tags) == tags == checked_tags(list(tags.items()))


@given(st.text(max_size=300), st.booleans())
def test_other_tags_are_refused_by_name(text: str, as_name: bool) -> None:
    """Whatever SES would refuse, or drop from a header field, never leaves."""
    allowed = "_-" if as_name else "_-.@"
    good = 1 <= len(text) <= 255 and all(
        c.isascii() and (c.isalnum() or c in allowed) for c in text
    )
    tags = {text: "v"} if as_name else {"name": text}
    if good:
        assert checked_tags(tags) == tags
        return
    with pytest.raises(InvalidMessage) as caught:
        checked_tags(tags)
    assert ("name" in str(caught.value)) or repr(text)[:40] in str(caught.value)


@pytest.mark.parametrize(
    ("tags", "accepted"),
    [
        ({"user": "jane@example.com"}, True),
        ({"v": "1.2"}, True),
        ({"n" * 255: "v" * 255}, True),
        ({"n" * 256: "v"}, False),
        ({"n": "v" * 256}, False),
        ({"n.m": "v"}, False),
        ({"ses:feedback-id-a": "camp1", "ses:feedback-id-b": "b.2"}, True),
        ({"ses:feedback-id-c": "x"}, False),
        ({"SES:feedback-id-a": "x"}, False),
        ({"ses:configuration-set": "x"}, False),
    ],
)
def test_tags_are_what_ses_was_seen_to_accept(tags: dict[str, str], accepted: bool) -> None:
    """Recorded from AWS in 2024; the API reference says otherwise."""
    if accepted:
        assert checked_tags(tags) == tags
        return
    with pytest.raises(InvalidMessage):
        checked_tags(tags)


def test_all_problems_are_reported_together() -> None:
    """One look is enough to mend them."""
    with pytest.raises(InvalidMessage) as caught:
        checked_tags([("a b", "c"), ("d", "é"), ("e", "f"), ("e", "g"), ("ses:x", "y")])
    text = str(caught.value)
    assert all(part in text for part in ("'a b'", "'d'", "'e' is given twice", "'ses:x'"))


@pytest.mark.parametrize("name", ["ses:feedback-id-c", "SES:caller-identity"])
def test_a_prefix_that_ses_reserves_is_named(name: str) -> None:
    with pytest.raises(InvalidMessage, match="reserves for itself"):
        checked_tags({name: "x"})


@pytest.mark.parametrize("tags", [{"a": 1}, {"a": None}, {1: "a"}, "a=b", [("a",)], ["ab"]])
def test_tags_are_text(tags: Any) -> None:
    """Nothing is converted in silence."""
    with pytest.raises(InvalidMessage):
        checked_tags(tags)


@given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=5))
def test_tags_in_a_field_are_read_back_as_they_were(tags: dict[str, str]) -> None:
    """A separator can be in no name and no value."""
    value = publishing_headers("s", tags)["X-SES-MESSAGE-TAGS"]
    assert dict(pair.strip().split("=") for pair in value.split(",")) == tags


# Addresses.


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)
)
def test_any_name_comes_back_as_it_was(name: str) -> None:
    """Unicode, quotes, commas: encoded for the wire, and what the reader sees is the name."""
    try:
        box = (
            Mailbox("", "a@example.com")
            if not name
            else Mailbox.parse(
                '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '" <a@example.com>', "to"
            )
        )
    except InvalidMessage:
        assert any(char in name for char in "\u202a\u202b\u202c\u202d\u202e<>") or any(
            "\u2066" <= char <= "\u2069" for char in name
        )
        return
    wire = str(box)
    assert wire.isascii()
    assert "\n" not in wire
    if "=?" not in name and '"' not in name and "\\" not in name:
        # Not the newer parser, which keeps blanks between encoded words that it should drop.
        shown = str(make_header(decode_header(parseaddr(wire)[0])))
        assert " ".join(shown.split()) == " ".join(name.split())


@pytest.mark.parametrize("text", ["Jörg <j@example.com>", "=?utf-8?q?J=C3=B6rg?= <j@example.com>"])
def test_a_name_may_come_encoded_or_not(text: str) -> None:
    """The wire has it encoded once."""
    assert Mailbox.parse(text, "to").name == "Jörg"
    assert str(Mailbox.parse(text, "to")) == "=?utf-8?b?SsO2cmc=?= <j@example.com>"


def test_an_empty_quoted_name_counts_as_none() -> None:
    """Programs write it for want of a name."""
    assert str(Mailbox.parse('"" <j@example.com>', "to")) == "j@example.com"
    assert str(Mailbox.parse('" <j@example.com>', "to")) == '"\\"" <j@example.com>'


def test_international_domains_become_a_labels() -> None:
    """SES takes nothing else."""
    assert Mailbox.parse("a@Bücher.example", "to").address == "a@xn--bcher-kva.example"


def test_domains_that_two_standards_read_differently_are_refused() -> None:
    """The standard library would turn such a domain into a different one."""
    with pytest.raises(InvalidMessage, match="xn--"):
        Mailbox.parse("a@straße.example", "to")


def test_local_parts_that_are_not_ascii_are_refused() -> None:
    """SES has no SMTPUTF8; the error says so."""
    with pytest.raises(InvalidMessage, match="SMTPUTF8"):
        Mailbox.parse("jörg@example.com", "to")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "jane",
        "@example.com",
        "jane@",
        "a@b@c.example",
        "a b@example.com",
        '"a b"@example.com',
        "a@example.com, b@example.com",
        "a@exa mple.com",
        "a@-x.example",
        "a@x-.example",
        "jane@localhost",
        "jane@example.",
        ".jane@example.com",
        "jane.@example.com",
        "jane..doe@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b.' * 130}example",
        "<<a@example.com>>",
        "a@example.com>",
        "a@ex\u2100mple.com",
        None,
        7,
    ],
)
def test_anything_but_an_address_is_refused(text: Any) -> None:
    """Among it what would be two."""
    with pytest.raises(InvalidMessage):
        mailboxes([text], "to")


@pytest.mark.parametrize(
    "address",
    [
        f"{'a' * 64}@example.com",
        f"a@{'b' * 63}.example",
        "o'brien.jane+news@mail.example.com",
        f"{'a' * 60}@{'b' * 63}.{'c' * 63}.{'d' * 57}.example",
        "a@x-1.xn--p1ai",
    ],
)
def test_the_longest_and_oddest_addresses_are_accepted(address: str) -> None:
    """64 characters before the @, 63 in a label, 254 in all."""
    assert Mailbox.parse(address, "to").address == address
    assert Mailbox.parse(f"Jane <{address}>", "to").address == address


def test_an_address_of_255_characters_is_refused() -> None:
    """RFC 5321 has a path of 256 with its brackets."""
    address = f"{'a' * 61}@{'b' * 63}.{'c' * 63}.{'d' * 57}.example"
    assert len(address) == 255
    with pytest.raises(InvalidMessage, match="254"):
        Mailbox.parse(address, "to")


# Injection.


@pytest.mark.parametrize("char", BREAKS)
@pytest.mark.parametrize(
    "arguments",
    [
        {"subject": "Hello{}Bcc: x@evil.example"},
        {"to": "jane{}@example.com"},
        {"to": "Jane{}Bcc: x@evil.example <jane@example.com>"},
        {"cc": ["a@example.com{}"]},
        {"reply_to": "a@example.com{}Bcc: x@evil.example"},
        {"from_address": "Shop{}X: y <shop@example.com>"},
        {"headers": {"X-A": "b{}Bcc: x@evil.example"}},
        {"headers": {"X-A{}Bcc": "x@evil.example"}},
        {"tags": {"a": "b{}c"}},
        {"tags": {"a{}b": "c"}},
    ],
)
def test_no_line_break_gets_into_a_header(
    sender: Sender, client: Any, arguments: dict[str, Any], char: str
) -> None:
    """Through whichever argument it comes, SES is not even asked."""

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{}", char)
        if isinstance(value, list):
            return [fill(one) for one in value]
        return {fill(name): fill(one) for name, one in value.items()}

    given_ = {"to": "jane@example.com", "subject": "s", "text": "t"}
    with pytest.raises(InvalidMessage):
        sender.send_simple(**{**given_, **{name: fill(v) for name, v in arguments.items()}})
    assert not client.calls


def test_a_break_hidden_in_an_encoded_name_is_found(sender: Sender) -> None:
    """A reader decodes it, and so do we."""
    with pytest.raises(InvalidMessage):
        sender.send_simple(
            to="=?utf-8?q?Jane=0D=0ABcc=3A_x=40evil.example?= <jane@example.com>",
            subject="s",
            text="t",
        )


@pytest.mark.parametrize("name", ["a b", "a\n", "ü", "", None])
def test_template_names_are_one_word(sender: Sender, client: Any, name: Any) -> None:
    """For every kind of template."""
    with pytest.raises(InvalidMessage):
        sender.send_template(to="a@example.com", template=name)
    with pytest.raises(InvalidMessage):
        sender.send_bulk(["a@example.com"], template=name)
    with pytest.raises(InvalidMessage):
        sender.send_verification("a@example.com", template=name)
    assert not client.calls


@pytest.mark.parametrize("field", ["Subject", "To", "X-Any", "X-SES-MESSAGE-TAGS"])
def test_old_style_messages_cannot_smuggle_fields(sender: Sender, client: Any, field: str) -> None:
    """`email.message.Message` takes any text at all as a value."""
    message = Message()
    message["From"] = "shop@example.com"
    message["To"] = "jane@example.com"
    del message[field]
    message[field] = "jane@example.com\r\nBcc: x@evil.example"
    message.set_payload("x")
    with pytest.raises(InvalidMessage):
        sender.send(message)
    assert not client.calls


def test_a_break_that_is_encoded_in_a_messages_field_is_refused(sender: Sender) -> None:
    """Some Pythons write it out when they fold the field anew (CVE-2024-6923)."""
    data = b"From: a@example.com\nTo: b@example.com\nSubject: =?utf-8?q?x=0ABcc=3Ac?=\n\nhi"
    with pytest.raises(InvalidMessage):
        sender.send(message_from_bytes(data, policy=policy.default))


@given(st.text(max_size=80), st.sampled_from(["Subject", "X-Any", "To", "Comments"]))
def test_a_sent_message_has_the_fields_that_were_set(text: str, field: str) -> None:
    """Any text in any field: refused, or the message has exactly those fields."""
    message = Message()
    message["From"] = "shop@example.com"
    message["Subject" if field == "X-Any" else "X-Any"] = "there"
    message[field] = text
    message.set_payload("body")
    try:
        data = Outgoing(message, recipients=["jane@example.com"]).data(10_000, "test")
    except InvalidMessage:
        return
    found = message_from_bytes(data)
    assert sorted(found.keys()) == sorted(message.keys())
    assert found.get_payload() == "body"


def test_folding_is_not_a_line_break(sender: Sender, client: Any) -> None:
    """A long field that came folded goes out."""
    data = b"From: a@example.com\nTo: b@example.com\nReferences: <a@b>\n <c@d>\n\nhi"
    sender.send(message_from_bytes(data))
    assert client.calls


@pytest.mark.parametrize("name", ["Bcc", "from", "Content-Type", "X-SES-MESSAGE-TAGS", "Subject"])
def test_fields_that_ses_sets_are_refused(name: str) -> None:
    """SES refuses them; the error says what to do instead."""
    with pytest.raises(InvalidMessage, match="set by SES"):
        checked_fields({name: "x"})


def test_headers_beyond_what_ses_accepts_are_refused() -> None:
    """Fifteen, beyond which the message has to be raw."""
    with pytest.raises(InvalidMessage, match="has 16 fields"):
        checked_fields({f"X-{number}": "a" for number in range(16)})


# Whole messages.


def test_international_recipients_get_a_labels_and_keep_their_names(
    sender: Sender, client: Any
) -> None:
    """Header and envelope have the A-label; the name stays readable."""
    message = a_message()
    message.replace_header("To", "Jörg Größe <j@bücher.example>")
    sender.send(message)
    (call,) = client.calls
    assert call["Destination"] == {"ToAddresses": ["j@xn--bcher-kva.example"]}
    found = message_from_bytes(call["Content"]["Raw"]["Data"], policy=policy.default)
    assert found["To"].addresses[0].addr_spec == "j@xn--bcher-kva.example"
    assert found["To"].addresses[0].display_name == "Jörg Größe"


def test_an_international_local_part_in_a_message_is_refused(sender: Sender) -> None:
    """`email` would encode it into an address that does not exist."""
    message = a_message()
    message.replace_header("To", "jörg@example.com")
    with pytest.raises(InvalidMessage, match=r"To.*SMTPUTF8"):
        sender.send(message)


def test_eight_bit_text_is_encoded(sender: Sender, client: Any) -> None:
    """What goes out is ASCII, whatever the message's policy."""
    message = EmailMessage(policy=policy.SMTPUTF8)
    message["From"] = "shop@example.com"
    message["To"] = "Zoë <zoe@example.com>"
    message["Subject"] = "Größe"
    message.set_content("Grüße\n", cte="8bit")
    sender.send(message)
    assert client.calls[0]["Content"]["Raw"]["Data"].isascii()


@pytest.mark.parametrize(("count", "fits"), [(50, True), (51, False)])
def test_a_message_has_at_most_fifty_recipients(
    sender: Sender, client: Any, count: int, fits: bool
) -> None:
    """To, Cc and Bcc together."""
    everybody = [f"p{number}@example.com" for number in range(count)]
    call = {"to": everybody[:20], "cc": everybody[20:30], "bcc": everybody[30:]}
    if fits:
        sender.send_simple(**call, subject="s", text="t")
        return
    with pytest.raises(InvalidMessage, match=r"51 recipients.*send_bulk"):
        sender.send_simple(**call, subject="s", text="t")


@pytest.mark.parametrize("slack", [-1, 0, 1, 77])
def test_the_size_is_that_of_the_encoded_message(slack: int) -> None:
    """Attachments count as base64, fields as well; the error has the numbers and the remedy."""
    message = a_message()
    message.add_attachment(b"\xff" * 5_000, maintype="application", subtype="pdf")
    size = len(Outgoing(message).data(10**9, "test"))
    assert size > 5_000 * 4 / 3
    if slack >= 0:
        assert len(Outgoing(message).data(size + slack, "test")) == size
        return
    with pytest.raises(InvalidMessage, match=f"{size} bytes.*accepts {size + slack}.*link"):
        Outgoing(message).data(size + slack, "test")


@pytest.mark.parametrize(("parts", "fits"), [(499, True), (500, False)])
def test_a_message_has_at_most_five_hundred_parts(sender: Sender, parts: int, fits: bool) -> None:
    """The whole counts as one."""
    message = a_message()
    message.make_mixed()
    for _ in range(parts - 1):
        part = EmailMessage()
        part.set_payload("x")
        message.attach(part)
    if fits:
        sender.send(message)
    else:
        with pytest.raises(InvalidMessage, match="501 MIME parts"):
            sender.send(message)


def test_lines_that_are_too_long_are_refused(sender: Sender) -> None:
    """SES would refuse them, or a later server would cut them."""
    message = Message()
    message["From"] = "a@example.com"
    message["To"] = "b@example.com"
    message.set_payload("x" * 1500)
    with pytest.raises(InvalidMessage, match=r"1500 bytes.*quoted-printable"):
        sender.send(message)


@pytest.mark.parametrize("data", [{"a": object()}, {"a": float("nan")}, "{}", {"a": "x" * 262_144}])
def test_template_data_is_json_of_a_certain_size(sender: Sender, data: Any) -> None:
    """SES would report it only later, as a Rendering Failure."""
    with pytest.raises(InvalidMessage, match="data"):
        sender.send_template(to="a@example.com", template="t", data=data)


def test_null_in_template_data_is_refused_by_the_path_of_its_key() -> None:
    """SES accepts such a message and never sends it."""
    data = {"order": {"items": [{"name": "Tea"}, {"name": None}], "note": None}, "total": 0}
    with pytest.raises(InvalidMessage, match=r"^data\.order\.items\[1\]\.name, data\.order\.note "):
        template_data(data)
    assert template_data({"order": {"items": [{"name": ""}]}, "paid": False})


@pytest.mark.parametrize("value", ["", "Größe", "x" * 993])
def test_a_header_field_that_ses_refuses_is_refused_before(value: str) -> None:
    """Name and value together have up to 996 characters, of printable ASCII."""
    with pytest.raises(InvalidMessage, match="'X-Id' has the value"):
        checked_fields({"X-Id": value})
    checked_fields({"X-Id": "x" * 992, "X-Name": "=?utf-8?q?Gr=C3=B6=C3=9Fe?="})
