"""What a person means by a mail: its text, who wrote it, what is attached, and what it answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mail_corpus
from mailroom.receiving import Address, ReceivedMail
from mailroom.testing import MemoryStore, automatic_message, message, received_mail


def mail_of(*fields: str, body: str = "Hello\r\n", **event: Any) -> ReceivedMail:
    return received_mail("\r\n".join([*fields, "", body]).encode(), **event)


class CountingStore(MemoryStore):
    """Counts how often a message is fetched."""

    fetched = 0

    def open(self, message_id: str) -> Any:
        self.fetched += 1
        return super().open(message_id)


# Text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gmail_plain_and_html", mail_corpus.TEXT.replace("\r\n", "\n")),
        ("gmail_inline_image_and_attachment", mail_corpus.TEXT.replace("\r\n", "\n")),
        ("google_calendar_invitation", mail_corpus.TEXT.replace("\r\n", "\n")),
        ("outlook_winmail", "Hello"),
        ("outlook_html_with_image", "Grüße\nx"),
        ("smime_signed", "Grüße aus Köln\n\noffer write"),
        ("delivery_status", "It could not be delivered."),
        ("digest", ""),
        ("html_in_a_small_charset", "Привет\n\nx"),
        ("pgp_encrypted", ""),
        ("header_without_a_body", ""),
    ],
)
def test_text_is_what_a_reader_sees(name: str, text: str) -> None:
    """Of each structure; from HTML where there is nothing else."""
    found = received_mail(mail_corpus.RECEIVED[name]).text
    assert found.rstrip("\n") == text.rstrip("\n")
    assert "\r" not in found


def test_text_parts_of_one_mail_are_joined() -> None:
    """Apple Mail writes text, image, text; list software appends a footer."""
    parts = [
        mail_corpus.part("text/plain", "Above"),
        mail_corpus.encoded("image/png", mail_corpus.PNG, "Content-Disposition: inline"),
        mail_corpus.part("text/plain", "Below"),
    ]
    raw = mail_corpus.mail(mail_corpus.multipart("multipart/mixed", "b1", *parts))
    assert received_mail(raw).text == "Above\n\nBelow"


def test_an_empty_text_gives_way_to_html() -> None:
    """Some programs send a blank text beside their HTML."""
    parts = [mail_corpus.part("text/plain", "\r\n"), mail_corpus.part("text/html", "<p>Hi</p>")]
    raw = mail_corpus.mail(mail_corpus.multipart("multipart/alternative", "b1", *parts))
    assert received_mail(raw).text == "Hi"


def test_flowed_paragraphs_are_joined() -> None:
    """By RFC 3676: at a blank, but not at a signature, nor between depths of quotes."""
    body = "A long \r\nline.\r\n> old \r\n> text\r\n new\r\n-- \r\nJane\r\n"
    mail = mail_of("Content-Type: text/plain; format=flowed", body=body)
    assert mail.text == "A long line.\n> old text\nnew\n-- \nJane\n"
    assert (mail.new_text, mail.signature) == ("A long line.\n\nnew", "--\nJane")


def test_html_is_what_the_sender_wrote() -> None:
    """Decoded, and nothing of the text."""
    mail = received_mail(mail_corpus.RECEIVED["gmail_plain_and_html"])
    assert mail.html is not None
    assert mail.html.strip() == mail_corpus.HTML
    assert received_mail().html is None


def test_styles_scripts_and_what_is_hidden_are_not_text() -> None:
    """What no reader sees, and the lines as one sees them."""
    html = (
        "<head><title>t</title><style>p {}</style></head><script>if (a </b) x</script>"
        '<div style="display:none">preview</div><p>One<br>two &amp; 3</p><ul><li>a<li>b</ul>'
        "<table><tr><td>x</td></tr></table><!-- no --><pre>  kept\n as is</pre>"
    )
    found = mail_of("Content-Type: text/html", body=html).text
    assert found == "One\ntwo & 3\n\na\nb\n\nx\n\n  kept\n as is"


@pytest.mark.parametrize(
    "html",
    [
        "<html><head><meta a=b><body>Hi",
        "<head><style>p {}</style><p>Hi",
        "Hi<script>x",
        "<p>Hi<!-- x",
    ],
)
def test_broken_html_is_read_as_browsers_do(html: str) -> None:
    """Elements that are never closed hide no more than they do there."""
    assert mail_of("Content-Type: text/html", body=html).text == "Hi"


def test_marks_in_html_count_where_there_is_only_html() -> None:
    """They say more than the text that is made of it."""
    html = (
        '<div>Fine.</div><div class="gmail_quote"><div class="gmail_attr">Jane skribis:</div>'
        "<blockquote>Is it on?</blockquote></div>"
    )
    mail = mail_of("Content-Type: text/html", body=html)
    assert (mail.new_text, mail.quoted_text) == ("Fine.", "Jane skribis:\n>\n> Is it on?")


def test_the_mail_is_loaded_once() -> None:
    """However much of it is asked for; and not for what the event says."""
    event = received_mail(message(attachments={"a.txt": b"x"}))
    store = CountingStore({event.message_id: message().as_bytes()})
    mail = ReceivedMail(event.raw, store=store)
    assert mail.sender
    assert not mail.is_automatic
    assert (mail.thread_id, mail.label, mail.token(key="k" * 16)) == (
        "<0123456789@example.com>",
        None,
        None,
    )
    assert store.fetched == 0
    assert (mail.text, mail.html, mail.new_text, mail.attachments) == ("Hello\n", None, "Hello", [])
    mail.read()
    assert store.fetched == 1


def test_each_read_gives_a_message_of_its_own() -> None:
    """Changing one changes neither the next nor the text."""
    mail = received_mail()
    mail.read().set_content("changed")
    assert mail.read().get_content() == "Hello\r\n"
    assert mail.text == "Hello\n"


# Addresses


@pytest.mark.parametrize(
    ("value", "name", "address", "domain"),
    [
        ("Jane Doe <jane@example.com>", "Jane Doe", "jane@example.com", "example.com"),
        ('"Doe, Jane" <jane@Example.COM>', "Doe, Jane", "jane@example.com", "example.com"),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.com>", "Jörg", "j@example.com", "example.com"),
        ("jane@example.com (Jane Doe)", "Jane Doe", "jane@example.com", "example.com"),
        ("j@xn--bcher-kva.example", "", "j@bücher.example", "bücher.example"),
        ("j@xn--strae-oqa.example", "", "j@straße.example", "straße.example"),
        ("j@bücher.example", "", "j@bücher.example", "bücher.example"),
        ("<jane>", "", "jane", ""),
        # These decode to the domain of someone else, or to nothing sound.
        ("j@xn--paypal-.example", "", "j@xn--paypal-.example", "xn--paypal-.example"),
        ("j@xn--a-ecp.example", "", "j@xn--a-ecp.example", "xn--a-ecp.example"),
    ],
)
def test_an_address_is_read_as_a_person_reads_it(
    value: str, name: str, address: str, domain: str
) -> None:
    """Names and domains decoded, domains in lower case."""
    mail = received_mail()
    mail.raw["mail"]["headers"] = [{"name": "From", "value": value}]
    found = mail.sender
    assert found is not None
    assert (found.name, found.address, found.domain) == (name, address, domain)
    assert found.local_part == address.partition("@")[0]


@pytest.mark.parametrize("domain", ["xn--bcher-kva.example", "bücher.example"])
def test_an_international_address_can_be_written_to(domain: str) -> None:
    """Its A-labels are what is sent to."""
    assert Address(f"j@{domain}").ascii_address == "j@xn--bcher-kva.example"


def test_half_a_surrogate_pair_has_no_a_label() -> None:
    """SES's JSON may have one, and no address with a question mark is sent to."""
    assert Address("j@b\ud800cher.example").ascii_address == "j@b?cher.example"


def test_an_address_is_a_value_that_prints_without_personal_data() -> None:
    """Equal by name and address; `str` is for header fields and people."""
    jane = Address("jane@example.com", "Doe, Jane")
    assert jane == Address("jane@EXAMPLE.com", "Doe, Jane")
    assert len({jane, Address("jane@example.com", "Doe, Jane")}) == 1
    assert jane != Address("jane@example.com")
    assert str(jane) == '"Doe, Jane" <jane@example.com>'
    assert "jane" not in repr(jane).lower()


def test_groups_and_several_authors_are_read() -> None:
    """RFC 5322 §3.4 and §3.6.2."""
    mail = mail_of(
        "From: a@example.com, B <b@example.com>",
        "To: Team: c@example.com, d@example.com;, e@example.com",
        "Cc: undisclosed-recipients:;",
        "Reply-To: f@example.com",
    )
    assert [one.address for one in mail.senders] == ["a@example.com", "b@example.com"]
    assert [(one.group, one.address) for one in mail.to_addresses] == [
        ("Team", "c@example.com"),
        ("Team", "d@example.com"),
        (None, "e@example.com"),
    ]
    assert mail.cc_addresses == []
    assert [one.address for one in mail.reply_to_addresses] == ["f@example.com"]


@pytest.mark.parametrize(
    ("fields", "source", "address"),
    [
        (["From: a@example.com", "Sender: b@example.com"], "c@example.com", "a@example.com"),
        (["Sender: b@example.com"], "c@example.com", "b@example.com"),
        (["From: nobody"], "c@example.com", "nobody"),
        ([], "c@example.com", "c@example.com"),
        ([], "", None),
    ],
)
def test_the_sender_is_who_wrote_the_mail(
    fields: list[str], source: str, address: str | None
) -> None:
    """The author, else who sent it, else the envelope."""
    found = mail_of(*fields, source=source).sender
    assert (found and found.address) == address


@pytest.mark.parametrize(
    ("recipients", "label"),
    [
        (["support@example.com"], None),
        (["support+sales@example.com"], "sales"),
        (["a@example.com", "support+a+b@example.com"], "a+b"),
        (["support+@example.com"], None),
    ],
)
def test_the_label_is_what_follows_the_plus(recipients: list[str], label: str | None) -> None:
    """Of the first recipient that has one."""
    assert received_mail(recipients=recipients).label == label


# Attachments


def test_attachments_are_all_that_is_not_text() -> None:
    """Files, images in HTML, signatures, invitations."""
    mail = received_mail(mail_corpus.RECEIVED["gmail_inline_image_and_attachment"])
    image, pdf = mail.attachments
    assert (image.name, image.content_type, image.inline) == ("logo.png", "image/png", True)
    assert (image.content_id, image.read()) == ("ii_1", mail_corpus.PNG)
    assert (pdf.name, pdf.inline) == ("Rechnung für Köln.pdf", False)
    assert pdf.size == len(mail_corpus.PDF)
    with pdf.open() as stream:
        assert stream.read() == mail_corpus.PDF
    assert pdf.content_id is None
    assert "Rechnung" not in repr(pdf)


def test_an_attached_message_is_one_attachment() -> None:
    """Its own are in the message that it gives."""
    mail = received_mail(mail_corpus.RECEIVED["gmail_forwarded_message"])
    (attached,) = mail.attachments
    assert (attached.name, attached.content_type) == ("a.eml", "message/rfc822")
    assert attached.message is not None
    assert attached.message["Subject"] == "The one before"
    assert mail.text == mail_corpus.TEXT.replace("\r\n", "\n").rstrip("\n")


@pytest.mark.parametrize("name", mail_corpus.RECEIVED)
def test_every_part_is_text_or_an_attachment(name: str) -> None:
    """Nothing of a mail is lost between the two, and looking at it never raises."""
    mail = received_mail(mail_corpus.RECEIVED[name])
    texts = [mail.text, mail.html or "", mail.new_text, mail.quoted_text, mail.signature]
    for one in mail.attachments:
        assert one.size == len(one.read())
        assert (one.message is None) == (one.content_type != "message/rfc822")
        _ = one.name, one.content_id, one.inline
    assert any(texts) or mail.attachments or name == "header_without_a_body"


# Conversations


def test_all_mails_of_a_conversation_have_the_same_thread_id() -> None:
    """From the first one, by the references of those that follow."""
    first = mail_of("Message-ID: <1@example.org>")
    second = mail_of("Message-ID: <2@x>", "In-Reply-To: <1@example.org>")
    third = mail_of(
        "Message-ID: <3@x>", "In-Reply-To: <2@x>", "References: <1@example.org>\r\n\t<2@x>"
    )
    assert first.thread_id == second.thread_id == third.thread_id == "<1@example.org>"
    assert third.in_reply_to == "<2@x>"
    assert third.references == ["<1@example.org>", "<2@x>"]


@pytest.mark.parametrize(
    "fields",
    [[], ["Message-ID: x"], ["References: a b <", "In-Reply-To: your mail of Monday"]],
)
def test_mails_without_message_ids_are_conversations_of_their_own(fields: list[str]) -> None:
    """By SES's id, so that no two are mixed up."""
    one, two = mail_of(*fields, message_id="m1"), mail_of(*fields, message_id="m2")
    assert one.thread_id == mail_of(*fields, message_id="m1").thread_id
    assert one.thread_id != two.thread_id


def test_a_header_that_ses_cut_is_read_from_the_stored_mail() -> None:
    """The fields that say what the mail answers may be in the missing part."""
    mail = mail_of(
        "From: a@example.org", "References: <1@x>", "List-Id: <l.x>", headers_truncated=True
    )
    mail.raw["mail"]["headers"] = []
    assert mail.thread_id == "<1@x>"
    assert mail.automatic_reason == "list"


@pytest.mark.parametrize("reason", ["auto-submitted", "bounce", "list", "loop", "out of office"])
def test_automatic_mail_says_why(reason: str) -> None:
    """As the builder makes it."""
    mail = received_mail(automatic_message(reason))
    assert mail.is_automatic
    assert mail.automatic_reason == reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"Auto-Submitted": "no"}, None),
        ({"Precedence": "first-class"}, None),
        ({"Subject": "Automatic reply: how do I set one?"}, None),
        ({"From": "Jane <postmaster@example.org>"}, None),
        ({"X-Auto-Response-Suppress": "DR, RN"}, None),
        ({"X-Mailroom-Loop": "of another rule"}, None),
        ({"Auto-Submitted": "auto-replied"}, "auto-submitted"),
        ({"From": "Shop <no-reply@example.org>"}, "auto-submitted"),
        ({"X-Auto-Response-Suppress": "All"}, "auto-submitted"),
        ({"Auto-Submitted": "auto-replied (vacation)"}, "out of office"),
        ({"X-Autoreply": "yes", "Precedence": "bulk"}, "out of office"),
        ({"Subject": "Abwesenheit: Anna", "X-Auto-Response-Suppress": "All"}, "out of office"),
        ({"Content-Type": "multipart/report; report-type=delivery-status"}, "bounce"),
        ({"Precedence": "bulk"}, "list"),
        ({"List-Unsubscribe": "<https://example.org/>"}, "list"),
    ],
)
def test_programs_are_told_from_people(fields: dict[str, str], reason: str | None) -> None:
    """By what they write in the header; a word in a subject alone proves nothing."""
    mail = received_mail()
    kept = [one for one in mail.raw["mail"]["headers"] if one["name"] not in fields]
    new = [{"name": name, "value": value} for name, value in fields.items()]
    mail.raw["mail"]["headers"] = kept + new
    assert mail.automatic_reason == reason


def test_mail_in_a_loop_is_automatic() -> None:
    """By a null sender, our own address, or too many servers."""
    assert received_mail(source="").automatic_reason == "bounce"
    assert received_mail(source="Support@example.com").automatic_reason == "loop"
    hops = mail_of("From: jane@example.org", *["Received: from a by b"] * 51)
    assert hops.automatic_reason == "loop"


# Whatever anyone writes

_field = st.sampled_from(
    ["From", "To", "Cc", "Reply-To", "References", "In-Reply-To", "Subject", "Content-Type"]
)
_hostile = st.text(max_size=60) | st.sampled_from(
    ["(" * 3000, "<" * 3000, '"' * 3001, "a@" * 3000, "=?utf-8?b?a?=", "j@xn--" + "a" * 3000, ","]
)


@given(st.lists(st.tuples(_field, _hostile), max_size=6), st.text(max_size=30))
def test_no_header_makes_it_raise(fields: list[tuple[str, str]], recipient: str) -> None:
    """Every attribute is read, of the event and of the stored mail."""
    mail = received_mail(recipients=[recipient])
    mail.raw["mail"]["headers"] = [{"name": name, "value": value} for name, value in fields]
    for one in (*mail.senders, *mail.to_addresses, *mail.cc_addresses, *mail.reply_to_addresses):
        assert str(one)
        assert one.ascii_address.isascii() or not one.local_part.isascii()
    _ = mail.sender, mail.label, mail.references, mail.in_reply_to, mail.automatic_reason
    assert mail.thread_id
    assert mail.token(key="k" * 16) is None


@given(st.binary(max_size=200), st.sampled_from(sorted(mail_corpus.RECEIVED)), st.integers(0, 400))
def test_no_bytes_make_it_raise(piece: bytes, name: str, place: int) -> None:
    """Noise in the middle of real mail is read as far as possible."""
    raw = mail_corpus.RECEIVED[name]
    mail = received_mail()
    store = MemoryStore({mail.message_id: raw[:place] + piece + raw[place:]})
    mail = ReceivedMail(mail.raw, store=store)
    _ = mail.text, mail.html, mail.new_text
    for one in mail.attachments:
        _ = one.name, one.size, one.content_id, one.inline, one.message
