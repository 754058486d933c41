"""What the person wrote, apart from what their program quoted and from the signature."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.conversation import Split, split, split_html
from runtime.conversation.replies import (
    APPLE,
    GMAIL,
    GREETING,
    OUTLOOK,
    PHONE,
    THUNDERBIRD,
    outlook_header,
)

NEW = "The light is on, but nobody prints.\n\nWhat now?"
OLD = "Is the light on?\n\nYour help desk"
SIGNED = "\n".join(f"> {line}".rstrip() for line in OLD.split("\n"))


def by_language(samples: dict[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("line", samples.values(), ids=list(samples))


@by_language(GMAIL | THUNDERBIRD)
def test_an_introduction_above_a_quote_is_quoted_too(line: str) -> None:
    """As Gmail and Thunderbird write."""
    found = split(f"{NEW}\n\n{line}\n\n{SIGNED}\n")
    assert found == Split(NEW, f"{line}\n\n{SIGNED}", "")


@pytest.mark.parametrize(("blank", "quoted"), [(0, True), (3, True), (4, False)])
def test_an_introduction_is_near_its_quote(blank: int, quoted: bool) -> None:
    """At most three blank lines above it."""
    text = f"{NEW}\n\n{GMAIL['en']}\n" + "\n" * blank + f"{SIGNED}\n"
    assert (split(text).new == NEW) is quoted


@by_language(GMAIL | THUNDERBIRD)
def test_an_introduction_may_be_wrapped(line: str) -> None:
    """Programs wrap it where it gets too long, within an address as well."""
    words = line.replace("<", "<\n", 1) if "<" in line else line.replace(", ", ",\n", 1)
    assert split(f"{NEW}\n\n{words}\n{SIGNED}\n").new == NEW


@by_language(GMAIL | {name: line for name, line in THUNDERBIRD.items() if name != "fi"})
def test_all_below_an_introduction_is_quoted_even_without_signs(line: str) -> None:
    """As some web mail does."""
    assert split(f"{NEW}\n\n{line}\n\n{OLD}\n").new == NEW


@by_language(APPLE)
def test_an_introduction_may_have_the_sign_itself(line: str) -> None:
    """As on an iPhone."""
    assert split(f"{NEW}\n\n{line}\n> \n{SIGNED}\n").new == NEW


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("fields", OUTLOOK.values(), ids=list(OUTLOOK))
def test_all_below_outlooks_header_is_quoted(fields: tuple[str, str, str, str], bold: bool) -> None:
    """Plain and with stars for bold, with and without a line above it."""
    header = outlook_header(fields, bold=bold)
    assert split(f"{NEW}\n\n{header}\n\n{OLD}\n").new == NEW
    assert split(f"{NEW}\n\n{'_' * 32}\n{header}\n\n{OLD}\n") == Split(
        NEW, f"{'_' * 32}\n{header}\n\n{OLD}".replace("\u00a0", "\u00a0"), ""
    )


@pytest.mark.parametrize(
    "line",
    [
        "-----Original Message-----",
        "-----Ursprüngliche Nachricht-----",
        "-----Message d'origine-----",
        "-----Mensaje original-----",
        "-----Messaggio originale-----",
        "-----Mensagem original-----",
        "-----Oorspronkelijk bericht-----",
        "-----Wiadomość oryginalna-----",
        "-----Ursprungligt meddelande-----",
        "-----Oprindelig meddelelse-----",
        "-----Opprinnelig melding-----",
        "-----Alkuperäinen viesti-----",
        "-----Původní zpráva-----",
        "-----Исходное сообщение-----",
        "-----Оригінальне повідомлення-----",
        "-----Özgün İleti-----",
        "-----元のメッセージ-----",
        "------------------ 原始邮件 ------------------",
        "-----원본 메시지-----",
        "-----الرسالة الأصلية-----",
        "-----הודעה מקורית-----",
        "-------- Original message --------",
        "---------- Forwarded message ---------",
        "Begin forwarded message:",
        "Anfang der weitergeleiteten Nachricht:",
        "---- On Fri, 02 Jan 2026 10:00:00 +0000 Jane Doe <jane@example.com> wrote ----",
        "##- Please type your reply above this line -##",
    ],
)
def test_all_below_a_separator_is_quoted(line: str) -> None:
    """In the words of the program."""
    assert split(f"{NEW}\n\n{line}\n{OLD}\n").new == NEW


@by_language(PHONE)
def test_what_a_phone_adds_is_signature(line: str) -> None:
    """With and without a quote below."""
    assert split(f"{NEW}\n\n{line}\n") == Split(NEW, "", line)
    assert split(f"{NEW}\n\n{line}\n\n{APPLE['en']}\n>\n{SIGNED}\n").signature == line


@by_language(GREETING)
def test_a_greeting_and_what_follows_is_signature(line: str) -> None:
    """Names, numbers and addresses, as long as they are short."""
    signature = f"{line}\nJane Doe\nExample Ltd\n+49 30 123456\nwww.example.com"
    assert split(f"{NEW}\n\n{signature}\n") == Split(NEW, "", signature)


@pytest.mark.parametrize("thanks", ["Thanks,", "Vielen Dank!", "Many thanks"])
def test_thanks_above_a_name_begin_a_signature(thanks: str) -> None:
    """With up to three lines more, as an address has them."""
    signature = f"{thanks}\nJane Doe\nExample Ltd\n1 Main Street\nSpringfield"
    assert split(f"{NEW}\n\n{signature}\n") == Split(NEW, "", signature)
    longer = f"{signature}\nand this is the fifth line"
    assert split(f"{NEW}\n\n{longer}\n").signature == ""


def test_a_sentence_that_begins_with_thanks_stays() -> None:
    """Though a name is below it."""
    text = f"{NEW}\n\nThanks again for everything\nJane"
    assert split(text) == Split(text, "", "")


def test_a_name_behind_a_dash_is_a_signature_at_the_end_only() -> None:
    """What is above other lines is an item of a list."""
    assert split(f"{NEW}\n\n- Jane Doe\n") == Split(NEW, "", "- Jane Doe")
    assert split(f"{NEW}\n\n- Jane Doe\nand others\n").signature == ""


def test_a_greeting_far_above_the_end_begins_no_signature() -> None:
    """More than 12 lines below it are text."""
    below = [f"line {number}" for number in range(13)]
    assert split("\n".join([NEW, "Kind regards", *below])).signature == ""
    assert split("\n".join([NEW, "Kind regards", *below[1:]])).new == NEW


@pytest.mark.parametrize("delimiter", ["-- ", "--", "—", "__"])
def test_a_delimiter_begins_a_signature(delimiter: str) -> None:
    """The standard one, and those that lost their blank or are almost it."""
    found = split(f"{NEW}\n\n{delimiter}\nJane Doe\n\n{GMAIL['en']}\n{SIGNED}\n")
    assert (found.new, found.signature) == (NEW, f"{delimiter}\nJane Doe".replace("-- ", "--"))


def test_a_delimiter_far_above_the_end_begins_no_signature() -> None:
    """More than 25 lines with words below it are text."""
    below = [f"line {number}" for number in range(25)]
    assert split("\n".join([NEW, "-- ", *below])).new.endswith(below[-1])
    assert split("\n".join([NEW, "-- ", *below[1:]])).new == NEW


def test_answers_between_quotes_are_new() -> None:
    """Whoever answers point by point wrote all of it."""
    text = "> Is it on?\n\nYes.\n\n> Does it print?\nNo.\n\nJane\n"
    assert split(text).new == "Yes.\n\nNo.\n\nJane"


def test_an_answer_below_the_quote_is_new() -> None:
    """As on mailing lists."""
    found = split(f"{GMAIL['en']}\n{SIGNED}\n\n{NEW}\n\n-- \nJane\n")
    assert found == Split(NEW, f"{GMAIL['en']}\n{SIGNED}", "--\nJane")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thanks!",
        "Kind regards,\nJane",
        "As Jane wrote:\n\nthe light is on.",
        "On Friday I wrote you a letter:\n\nno answer came.",
        "On your remote host you can run:\n\n  telnet 127.0.0.1\n\nand it works.",
        "From: Berlin\nTo: Munich\nDate: 2 January 2026\n\nPlease book it.",
        "Name: Jane Doe\nFrom: jane@example.com\nSubject: Printer\n\nIt is stuck.",
        "Sent from my desk, which is easier than from my phone.",
        "- paper\n- toner\n- stapler",
        "Two things:\n\n1. paper\n2. toner",
        "Costs:\n\nThe printer -- a new one -- costs more.",
        "Please write to: jane@example.com",
        "On 3 May 2024 did it break? Jane <jane@example.com> wrote:\n\nIt broke.",
        "On 3 May 2024 at 10:00 it broke!\nJane <jane@example.com> wrote:\n\nIt broke.",
        "The meeting is at 10:00 and John wrote the minutes. Who wrote: nobody?\n\nWe will see.",
    ],
)
def test_what_only_resembles_a_quote_stays(text: str) -> None:
    """A quote too many can be read over, a sentence too few cannot."""
    assert split(text) == Split(text, "", "")


def test_a_line_that_begins_like_an_introduction_stays() -> None:
    """The introduction is the last such line above the quote."""
    text = f"Am heutigen Tag\n{GMAIL['de']}\n\n{OLD}\n"
    assert split(text).new == "Am heutigen Tag"
    assert split(f"On your machine:\n{GMAIL['en']}\n{SIGNED}\n").new == "On your machine:"


@pytest.mark.parametrize("between", [" ", "--- "])
def test_an_introduction_may_share_a_line_with_the_answer(between: str) -> None:
    """As some phones write it."""
    found = split(f"{NEW}{between}{GMAIL['en']}\n{SIGNED}\n")
    assert found.new == NEW
    assert found.quoted == f"{between}{GMAIL['en']}\n{SIGNED}".lstrip()


@pytest.mark.parametrize("day", ["3 May 2024", "Mon, May 13, 2024 at 10:00 AM"])
@pytest.mark.parametrize(
    "answer",
    [
        "Yes, please.",
        "\u200bYes, \u200e\ufeffplease.",  # marks that nobody sees
        "I think that this is a really good idea, and we should do it soon.",
        "No problem. On my side, yes.",
    ],
)
def test_an_answer_before_the_introduction_is_whole(answer: str, day: str) -> None:
    """However long it is, and whatever is in it."""
    found = split(f"{answer} On {day}, Jane <jane@example.com> wrote:\n> Well?")
    assert found.new == answer
    assert found.quoted.startswith(f"On {day}")


def test_a_quoted_line_that_was_wrapped_is_quoted() -> None:
    """Some programs wrap long lines of a quote, and give a sign to the first part only."""
    long = "> a line of the quoted letter that has more words than the program shows in one"
    link = "> see http://example.com/manuals/printers/laser/5/when-nothing-prints/"
    text = f"{NEW}\n\n{GMAIL['en']}\n{long}\nrow of the letter\n>\n{link}\nindex.html)\n> Bye\n"
    assert split(text).new == NEW


def test_a_footer_of_a_list_is_signature() -> None:
    """Below a rule of underscores, as list software writes it."""
    footer = f"{'_' * 47}\nprinters mailing list\nprinters@lists.example.com"
    assert split(f"{NEW}\n\n{footer}\n") == Split(NEW, "", footer)


def test_a_text_of_quotes_alone_is_not_new() -> None:
    """Whoever only forwards wrote nothing."""
    assert split(f"{GMAIL['en']}\n\n{SIGNED}\n").new == ""


# HTML

GMAIL_HTML = (
    '<div dir="ltr">Still stuck.<div><br></div><div>And now?</div></div><br>'
    '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">{} <br></div>'
    '<blockquote class="gmail_quote" style="margin:0 0 0 .8ex"><p>Is it on?</p></blockquote></div>'
)
OUTLOOK_HTML = (
    "<div class=WordSection1><p class=MsoNormal>Still stuck.<o:p></o:p></p>"
    "<p class=MsoNormal><o:p>&nbsp;</o:p></p><p class=MsoNormal>And now?</p>"
    "<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    "<p class=MsoNormal><b>Xyz:</b> Support<br><b>Abc:</b> Friday</p></div>"
    "<p class=MsoNormal>Is it on?</p></div>"
)
OUTLOOK_WEB_HTML = (
    '<div style="font-family:Aptos">Still stuck.</div><div><br></div><div>And now?</div>'
    '<div id="Signature"><p>Jane Doe</p></div><div id="appendonsend"></div>'
    '<hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr">'
    "<b>Xyz:</b> Support</div><div>Is it on?</div>"
)
APPLE_HTML = (
    "Still stuck.<div><br></div><div>And now?<br><div>"
    '<blockquote type="cite"><div>Kiel 2.1.2026 10:00, Jane skribis:</div><div>Is it on?</div>'
    "</blockquote></div></div>"
)
THUNDERBIRD_HTML = (
    '<p>Still stuck.</p><p>And now?</p><div class="moz-cite-prefix">Je la 2-a Jane skribis:<br>'
    '</div><blockquote type="cite" cite="mid:1@example.com"><p>Is it on?</p></blockquote>'
    '<pre class="moz-signature">-- \nJane</pre>'
)
YAHOO_HTML = (
    "<div>Still stuck.</div><div><br></div><div>And now?</div>"
    '<div id="yahoo_quoted_1" class="yahoo_quoted"><div>Je la 2-a Jane skribis:</div>'
    "<div>Is it on?</div></div>"
)
PROTON_HTML = (
    "<div>Still stuck.</div><div><br></div><div>And now?</div>"
    '<div class="protonmail_signature_block"><div>Sent with Proton Mail secure email.</div></div>'
    '<div class="protonmail_quote">Je la 2-a Jane skribis:<br>'
    "<blockquote>Is it on?</blockquote></div>"
)


@pytest.mark.parametrize(
    "html",
    [
        *(GMAIL_HTML.format(line.replace("<", "&lt;")) for line in GMAIL.values()),
        GMAIL_HTML.format("Je la 2-a Jane skribis:"),
        OUTLOOK_HTML,
        OUTLOOK_WEB_HTML,
        APPLE_HTML,
        THUNDERBIRD_HTML,
        YAHOO_HTML,
        PROTON_HTML,
    ],
)
def test_marks_in_html_show_quotes_in_any_language(html: str) -> None:
    """By the classes and styles of each program, whatever the words are."""
    assert split_html(html).new == "Still stuck.\n\nAnd now?"
    assert "Is it on?" in split_html(html).quoted


@pytest.mark.parametrize(
    "mark",
    [
        "id=appendonsend",
        "id=divRplyFwdMsg",
        "id=mail-editor-reference-message-container",
        "id=OLK_SRC_BODY_SECTION",
        "id=replySplit",
        "id=stopSpelling",
        "class=gmail_attr",
        "class=moz-cite-prefix",
        "class=ms-outlook-mobile-reference-message",
        "class=protonmail_quote",
        "class=tutanota_quote",
        "class=yahoo_quoted",
        "class=zmail_extra",
    ],
)
def test_each_mark_of_a_program_begins_a_quote(mark: str) -> None:
    found = split_html(f"<div>Fine.</div><div {mark}>Is it on?</div>")
    assert (found.new, "Is it on?" in found.quoted) == ("Fine.", True)


def test_html_helps_where_the_text_shows_no_quote() -> None:
    """As in a language that is not known here."""
    text = "Still stuck.\n\nAnd now?\n\nXyz: Support\nAbc: Friday\n\nIs it on?\n"
    assert split(text).new != "Still stuck.\n\nAnd now?"
    assert split(text, OUTLOOK_HTML).new == "Still stuck.\n\nAnd now?"


# Whatever anyone writes


def test_a_text_of_many_lines_is_whole() -> None:
    """Beyond 50,000 lines nothing is looked at, and nothing is lost."""
    text = "a\n" * 60_000 + GMAIL["en"]
    assert split(text).new == text
    page = text.replace("<", "&lt;")
    assert split_html(f"<pre>{page}").new == text


@given(
    st.lists(
        st.sampled_from(
            [*GMAIL.values(), *PHONE.values(), SIGNED, "--", "-- ", "a", "", "From: a@b.c"]
        )
        | st.text(max_size=40),
        max_size=12,
    )
)
def test_no_line_is_lost_or_made_up(lines: list[str]) -> None:
    """Each line with words is in exactly one of the three."""
    text = "\n".join(lines)
    found = split(text)
    kept = f"{found.new}\n{found.quoted}\n{found.signature}"
    expected = [line.rstrip() for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    assert sorted(line for line in kept.split("\n") if line.strip()) == sorted(expected)


_HTML = ["<", ">", "a", "div", "<div class=gmail_quote>", "</div>", "&#", "'", '"', "<!--", "-->"]
_HTML += ["<style>", "</style>", "\n", "&nbsp;"]


@given(st.lists(st.sampled_from(_HTML) | st.text(max_size=5)).map("".join))
def test_any_html_can_be_split(html: str) -> None:
    """It is read as far as possible."""
    split_html(html)


@pytest.mark.parametrize("work", [split, split_html], ids=["text", "HTML"])
@pytest.mark.parametrize(
    "piece",
    [">\n", "-- \n", "\n", "wrote:\n", "x 10:00 wrote:\n>\n", "Best regards\n", "- a\n", "> a\nb\n",
     "From: a@bcd\n", "Sent from my a\n", "<", "<a \"'>", "<div>", "</div>", "<!--",
     "<blockquote>a", "<script></", "&#", "<div style='", "On 10:00 "],
)  # fmt: skip
def test_time_is_linear(work: Callable[[str], Split], piece: str) -> None:
    """Four times the text takes about four times as long; a square would take sixteen times."""
    times = []
    for size in (8_000, 32_000):
        text = piece * (size // len(piece))
        tries = []
        for _ in range(2):
            started = time.process_time()
            work(text)
            tries.append(time.process_time() - started)
        times.append(min(tries))
    assert times[1] < times[0] * 10 + 0.02
