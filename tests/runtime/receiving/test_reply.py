"""Answers: to whom, in which conversation, with what quoted; and never to a program by mistake."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom import mime
from mailroom.receiving import ReceivedMail
from mailroom.sending import NO_CONFIGURATION_SET, AutomaticMail, InvalidMessage, Sender
from mailroom.testing import automatic_message, message, received_mail, reply_message


class Client:
    """SES API v2 in memory."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(region_name="eu-west-1", config=None)
        self.calls: list[dict[str, Any]] = []

    def send_email(self, **arguments: Any) -> dict[str, str]:
        self.calls.append(arguments)
        return {"MessageId": f"0102-{len(self.calls)}"}

    @property
    def raw(self) -> bytes:
        data: bytes = self.calls[-1]["Content"]["Raw"]["Data"]
        return data


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def sender(client: Client) -> Sender:
    return Sender(configuration_set=NO_CONFIGURATION_SET, client=client)


def parsed(message: EmailMessage) -> EmailMessage:
    """The message as its recipient reads it."""
    return mime.read(message.as_bytes())


def texts(message: EmailMessage) -> tuple[str, str]:
    text, html = parsed(message).iter_parts()
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def mail_of(*fields: str, **event: Any) -> ReceivedMail:
    header = ["From: Jane Doe <jane@example.org>", "To: support@example.com", *fields]
    return received_mail("\r\n".join([*header, "", "Hello\r\n"]).encode(), **event)


def test_an_answer_has_the_header_of_one() -> None:
    """From whom it was written to, to whom it is from, and marked as a program's."""
    mail = mail_of("Subject: Printer", "Message-ID: <1@example.org>")
    answer = parsed(mail.reply(text="We look into it."))
    assert dict(answer.items()) | {"Content-Type": "", "Content-Transfer-Encoding": ""} == {
        "From": "support@example.com",
        "To": "Jane Doe <jane@example.org>",
        "Subject": "Re: Printer",
        "In-Reply-To": "<1@example.org>",
        "References": "<1@example.org>",
        "Auto-Submitted": "auto-replied",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
        "MIME-Version": "1.0",
        "Content-Type": "",
        "Content-Transfer-Encoding": "",
    }


def test_an_answer_of_a_person_is_not_marked() -> None:
    """So that the recipient's own programs treat it as any mail."""
    answer = mail_of().reply(text="Hello", automatic=False)
    assert answer["Auto-Submitted"] is None
    assert answer["X-Auto-Response-Suppress"] is None


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Printer", "Re: Printer"),
        ("Re: Printer", "Re: Printer"),
        ("RE: AW: Re[2]: Printer", "Re: Printer"),
        ("回复: 打印机", "Re: 打印机"),
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Re: Grüße"),
        ("Regarding: Printer", "Re: Regarding: Printer"),
        ("=?utf-8?q?a=0D=0ABcc=3A_v=40example=2Eorg?=", "Re: a Bcc: v@example.org"),
        ("", "Re:"),
    ],
)
def test_the_subject_gets_one_prefix(subject: str, answer: str) -> None:
    """Whatever the prefix of the other program was."""
    assert parsed(mail_of(f"Subject: {subject}").reply(text="x"))["Subject"] == answer


def test_the_text_is_quoted_below() -> None:
    """Signs deepen, and the sender's HTML stays out of ours."""
    mail = received_mail(
        message(from_="Jane <j@example.org>", text="Is it <b>on</b>?\n\n> It was.\n")
    )
    text, html = texts(mail.reply(text="Yes.", html="<html><body><p>Yes.</p></body></html>"))
    assert text == (
        "Yes.\n\nOn Fri, 02 Jan 2026 at 03:04, Jane wrote:\n> Is it <b>on</b>?\n>\n>> It was.\n>\n"
    )
    assert html.startswith("<html><body><p>Yes.</p><br><div")
    assert "On Fri, 02 Jan 2026 at 03:04, Jane wrote:" in html
    assert "Is it &lt;b&gt;on&lt;/b&gt;?" in html
    assert html.rstrip().endswith("</blockquote></div>\n</body></html>")


@pytest.mark.parametrize("end", ["\x0b", "\x85", "\u2028", "\r"])
@pytest.mark.parametrize("begin", ["", "\t"])
def test_no_line_of_a_stranger_goes_on_without_a_sign(begin: str, end: str) -> None:
    """It would look like ours, in a message that we sign."""
    mail = received_mail(message(text=f"{begin}Hello{end}We agree to pay.\n"))
    lines = bytes(mail.reply(text="Yes")).decode().splitlines()
    assert all(line.startswith("> ") for line in lines if "Hello" in line or "agree" in line)


def test_an_answer_without_a_quote_does_not_load_the_mail() -> None:
    """So a function that may not read mail can answer."""
    mail = ReceivedMail(mail_of().raw)
    assert mail.reply(text="Yes.", quote=False).get_content() == "Yes.\n"


def test_text_is_made_of_html() -> None:
    """So that every answer has one."""
    text, html = texts(mail_of().reply(html="<p>Yes &amp; no</p>", quote=False))
    assert (text, html) == ("Yes & no\n", "<p>Yes &amp; no</p>\n")


@pytest.mark.parametrize(
    ("fields", "recipients"),
    [
        (["Reply-To: office@example.org"], ["office@example.org"]),
        (["Reply-To: a@example.org, B <b@example.org>"], ["a@example.org", "b@example.org"]),
        (["Reply-To: nobody"], ["source@example.org"]),
        ([f"Reply-To: {', '.join(f'x{n}@example.org' for n in range(90))}"],
         [f"x{n}@example.org" for n in range(5)]),
    ],
)  # fmt: skip
def test_it_goes_where_answers_are_wanted(fields: list[str], recipients: list[str]) -> None:
    """At most to five, so that nobody can make us write to many."""
    answer = mail_of(*fields, source="source@example.org").reply(text="x")
    assert [one.addr_spec for one in answer["To"].addresses] == recipients


def test_international_domains_are_written_as_a_labels() -> None:
    """As SES takes them."""
    mail = mail_of()
    mail.raw["mail"]["headers"] = [{"name": "From", "value": "Jörg <j@bücher.example>"}]
    assert parsed(mail.reply(text="x"))["To"] == "Jörg <j@xn--bcher-kva.example>"


def test_the_author_is_the_recipient_without_its_label() -> None:
    """The one that the sender wrote to, of several."""
    recipients = ["a@example.com", "support+TOKEN@example.com"]
    mail = mail_of("Cc: support+token@example.com", recipients=recipients)
    assert mail.reply(text="x")["From"] == "support@example.com"
    given = mail.reply(text="x", from_address="Help Desk <desk@example.com>", reply_to="r@x.org")
    assert given["From"] == "Help Desk <desk@example.com>"
    assert given["Reply-To"] == "r@x.org"


def test_references_keep_the_first_and_the_last() -> None:
    """Bounded, and each whole, however long it is."""
    ids = [f"<{'x' * 200}{n}@example.org>" for n in range(60)]
    mail = mail_of(f"References: {' '.join(ids)}", "Message-ID: <last@example.org>")
    answer = mail.reply(text="x", earlier=["<ours@email.amazonses.com>"])
    expected = [ids[0], *ids[-17:], "<last@example.org>", "<ours@email.amazonses.com>"]
    assert answer["References"].split() == expected
    raw = message_from_bytes(answer.as_bytes(), policy=policy.compat32)
    assert str(raw["References"]).split() == expected


@pytest.mark.parametrize("reason", ["auto-submitted", "bounce", "list", "loop", "out of office"])
def test_automatic_mail_is_not_answered(sender: Sender, client: Client, reason: str) -> None:
    """The error names the reason; asked for, it is answered."""
    mail = received_mail(automatic_message(reason))
    with pytest.raises(AutomaticMail, match=reason) as raised:
        sender.reply(mail, text="x")
    assert raised.value.reason == reason
    assert not client.calls
    assert mail.reply(text="x", to_automatic=True)["To"]


@pytest.mark.parametrize(
    "address", ["no-reply@example.org", "bounces+1@example.org", "support@example.com"]
)
def test_an_address_that_nobody_reads_is_not_answered(address: str) -> None:
    """Where answers are to go counts, not only who wrote."""
    with pytest.raises(AutomaticMail):
        mail_of(f"Reply-To: {address}").reply(text="x")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"text": 1},
        {"text": "\ud800"},
        {"text": "x", "subject": "a\r\nBcc: v@example.org"},
        {"text": "x", "from_address": "a@example.com\nBcc: v@example.org"},
        {"text": "x", "from_address": "a@example.com, b@example.com"},
        {"text": "x", "from_address": "nobody"},
        {"text": "x", "reply_to": "x@y\u2028"},
    ],
)
def test_an_argument_that_cannot_be_sent_is_refused(arguments: dict[str, Any]) -> None:
    """Before anything is sent, with the name of the argument."""
    with pytest.raises(InvalidMessage, match=r"text|subject|from_address|reply_to"):
        mail_of().reply(**arguments)


def test_a_mail_without_an_address_cannot_be_answered() -> None:
    """As SES could not send it."""
    mail = received_mail(b"From: nobody\r\n\r\n", source="nobody")
    with pytest.raises(InvalidMessage, match="no address"):
        mail.reply(text="x")


# Conversations


def test_a_sender_answers_with_its_own_author_and_tags(sender: Sender, client: Client) -> None:
    """What it sends is the answer, to the person alone."""
    desk = Sender(
        configuration_set=NO_CONFIGURATION_SET,
        client=client,
        from_address="Désk <desk@example.com>",
        tags={"kind": "answer"},
    )
    sent = desk.reply(mail_of("Message-ID: <1@x>"), text="Yes.", tags={"ticket": "47"})
    assert sent.recipients == ("jane@example.org",)
    assert sent.tags == {"kind": "answer", "ticket": "47"}
    read = mime.read(client.raw)
    assert read["From"] == "Désk <desk@example.com>"
    assert read["In-Reply-To"] == "<1@x>"
    sender.reply(mail_of(), text="Yes.")
    assert mime.read(client.raw)["From"] == "support@example.com"


@pytest.mark.parametrize("program", ["apple", "gmail", "outlook", "thunderbird"])
@pytest.mark.parametrize("own_id", ["<first@example.org>", None])
def test_a_conversation_is_one_thread_from_end_to_end(
    sender: Sender, client: Client, program: str, own_id: str | None
) -> None:
    """Over three rounds, although SES replaces our message ids; each time the new text is new."""
    fields = {"Message-ID": own_id} if own_id else {}
    first = message(from_="Jane Doe <jane@example.org>", text="It is stuck.\n", headers=fields)
    if own_id is None:
        del first["Message-ID"]
    mail = received_mail(first)
    thread, ids = mail.thread_id, set()
    for round_ in range(3):
        sent = sender.reply(mail, text=f"Try number {round_}.", html=f"<p>Try number {round_}.</p>")
        assert sent.thread_id == thread
        assert sent.header_message_id == f"<0102-{round_ + 1}@eu-west-1.amazonses.com>"
        answer = reply_message(
            mime.read(client.raw),
            text=f"Still stuck after {round_}.\n",
            program=program,
            message_id=sent.header_message_id,
        )
        mail = received_mail(answer.as_bytes())
        assert mail.thread_id == thread
        assert mail.in_reply_to == sent.header_message_id
        assert mail.new_text == f"Still stuck after {round_}."
        assert f"Try number {round_}." in mail.quoted_text
        ids.add(mail.in_reply_to)
    assert len(ids) == 3


def test_a_conversation_that_we_begin_is_one_thread(sender: Sender, client: Client) -> None:
    """Its first message id is SES's, whatever the region's domain is."""
    first = message(from_="support@example.com", to="jane@example.org")
    sent = sender.send(first)
    answer = reply_message(mime.read(client.raw), message_id=sent.header_message_id)
    mail = received_mail(answer)
    assert mail.thread_id == sent.thread_id
    assert sender.reply(mail, text="Fine.").thread_id == sent.thread_id
    other = reply_message(first, message_id="<0102-1@email.amazonses.com>")
    assert received_mail(other).thread_id == sent.thread_id


_hostile = st.text(max_size=60) | st.sampled_from(
    ["=?utf-8?q?a=0D=0ABcc=3A_b?=", "<a@x>\r\nBcc: v@x", "a\x00b", "\u2028", "x" * 3000]
)


@given(_hostile, _hostile, _hostile, _hostile)
def test_no_sender_adds_a_field(subject: str, name: str, own: str, references: str) -> None:
    """Whatever is in the mail, the answer has its own fields once, in ASCII, in short lines."""
    mail = received_mail(source="jane@example.org")
    mail.raw["mail"]["commonHeaders"].update(subject=subject, messageId=f"<{own}>", date=name)
    mail.raw["mail"]["headers"] = [
        {"name": "From", "value": f'"{name}" <jane@example.org>'},
        {"name": "References", "value": references},
    ]
    try:
        answer = mail.reply(text="Yes.")
    except AutomaticMail:
        return
    data = answer.as_bytes(policy=answer.policy.clone(cte_type="7bit"))
    header = data.partition(b"\r\n\r\n")[0]
    assert header.isascii()
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))
    names = [
        line.partition(b":")[0].lower() for line in header.split(b"\r\n") if line[:1] not in b" \t"
    ]
    assert len(names) == len(set(names))
    assert set(names) <= {
        b"from", b"to", b"subject", b"in-reply-to", b"references", b"auto-submitted",
        b"x-auto-response-suppress", b"mime-version", b"content-type", b"content-transfer-encoding",
    }  # fmt: skip
