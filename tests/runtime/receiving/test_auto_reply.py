"""Automatic replies: who gets one, who never does, and never twice (RFC 3834)."""

from __future__ import annotations

import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from mailroom import _runtime
from mailroom.errors import NotConfigured, NotSent
from mailroom.handlers.receiving import auto_reply
from mailroom.testing import message, received_mail

if TYPE_CHECKING:
    from .conftest import Outbox

ENVIRONMENT = {
    "MAILROOM_REPLY_FROM": "Help Desk <desk@example.com>",
    "MAILROOM_REPLY_TEXT": "Thank you, we will be in touch. Grüße",
    "MAILROOM_REPLY_TABLE": "Replies",
}
OPTIONAL = (
    "MAILROOM_REPLY_HTML",
    "MAILROOM_REPLY_SUBJECT",
    "MAILROOM_REPLY_WINDOW_SECONDS",
    "MAILROOM_CONFIGURATION_SET",
    "MAILROOM_RULE",
)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    for name in OPTIONAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(auto_reply, "_settings", None)


@pytest.fixture
def table(aws: None) -> Any:
    """Make the table as the construct does."""
    client = _runtime.client("dynamodb")
    client.create_table(
        TableName="Replies",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return client


def items(table: Any) -> list[dict[str, Any]]:
    return list(table.scan(TableName="Replies")["Items"])


def reply_to(mail: Any) -> EmailMessage:
    raw = auto_reply.reply(mail, auto_reply.Settings())
    parsed = message_from_bytes(raw, policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


# The reply


def test_a_reply_has_the_configuration_set(
    outbox: Outbox, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bounces would not be seen otherwise."""
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "events")
    auto_reply.on_mail(received_mail())
    assert outbox.sent[0]["ConfigurationSetName"] == "events"


def test_mail_from_a_person_gets_a_reply(outbox: Outbox, table: Any) -> None:
    """Ordinary mail is answered, to the envelope sender only."""
    auto_reply.on_mail(received_mail(message(from_="j@example.org"), source="ret@example.org"))
    assert outbox.recipients == [["ret@example.org"]]
    sent = message_from_bytes(outbox.raw[0], policy=policy.default)
    assert (sent["From"], sent["To"]) == ("Help Desk <desk@example.com>", "ret@example.org")


def test_reply_is_marked_as_automatic() -> None:
    """The reply says what it is in every way that other responders look for."""
    sent = reply_to(received_mail())
    assert sent["Auto-Submitted"] == "auto-replied"
    assert sent["Precedence"] == "bulk"
    assert sent["X-Auto-Response-Suppress"] == "All"


def test_reply_belongs_to_the_thread() -> None:
    """In-Reply-To and References name the mail that is answered (RFC 5322 §3.6.4)."""
    sent = reply_to(received_mail(message(headers={"References": "<a@x> <b@x>"})))
    assert sent["In-Reply-To"] == "<0123456789@example.com>"
    assert sent["References"].split() == ["<a@x>", "<b@x>", "<0123456789@example.com>"]


def test_long_message_ids_stay_readable() -> None:
    """A message id too long for one line is not encoded, which would break the thread."""
    long = f"<{'x' * 120}@example.org>"
    raw = auto_reply.reply(
        received_mail(message(headers={"Message-ID": long})), auto_reply.Settings()
    )
    assert f"In-Reply-To: {long}\r\n".encode() in raw


def test_malformed_message_id_is_left_out() -> None:
    """A Message-ID that is none is not repeated."""
    mail = received_mail()
    mail.raw["mail"]["commonHeaders"]["messageId"] = "<a@x>\r\nBcc: <v@x"
    assert reply_to(mail)["In-Reply-To"] == "<a@x>"
    mail.raw["mail"]["commonHeaders"]["messageId"] = "a@x"
    assert reply_to(mail)["In-Reply-To"] is None


def test_subject_defaults_to_the_mails_own() -> None:
    """Without a setting the subject is the mail's, marked as RFC 3834 suggests."""
    assert reply_to(received_mail(message(subject="Où ?")))["Subject"] == "Auto: Où ?"
    assert reply_to(received_mail(message(subject=None)))["Subject"] == "Auto:"


def test_subject_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """A given subject is encoded and leaves as ASCII."""
    monkeypatch.setenv("MAILROOM_REPLY_SUBJECT", "Danke für Ihre Nachricht " + "ü" * 90)
    raw = auto_reply.reply(received_mail(), auto_reply.Settings())
    assert raw.isascii()
    sent = message_from_bytes(raw, policy=policy.default)
    assert sent["Subject"] == "Danke für Ihre Nachricht " + "ü" * 90


def test_a_reply_has_the_text_and_the_html_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """With HTML set, both go out as alternatives."""
    monkeypatch.setenv("MAILROOM_REPLY_HTML", "<p>Grüße</p>")
    sent = reply_to(received_mail())
    text, html = sent.iter_parts()
    assert text.get_content().strip() == ENVIRONMENT["MAILROOM_REPLY_TEXT"]
    assert html.get_content().strip() == "<p>Grüße</p>"


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=40))
def test_the_sender_cannot_add_a_field(subject: str, ident: str, earlier: str) -> None:
    """Whatever stands in the mail, the reply has the same fields, once each."""
    mail = received_mail()
    mail.raw["mail"]["commonHeaders"].update(subject=subject, messageId=f"<{ident}>")
    mail.raw["mail"]["headers"].append({"name": "References", "value": earlier})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        raw = auto_reply.reply(mail, auto_reply.Settings())
    names = message_from_bytes(raw).keys()
    assert len(names) == len(set(names))
    assert set(names) <= {
        "From",
        "To",
        "Subject",
        "Auto-Submitted",
        "Precedence",
        "X-Auto-Response-Suppress",
        "X-Mailroom-Loop",
        "In-Reply-To",
        "References",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
    }


# Who gets none


def refused(mail: Any) -> str | None:
    return auto_reply.decide(mail, auto_reply.Settings())


def test_ordinary_mail_gets_a_reply() -> None:
    """The mail that the following tests vary would be answered."""
    assert refused(received_mail()) is None


@pytest.mark.parametrize("source", ["", "<>"])
def test_a_null_reverse_path_gets_no_reply(source: str) -> None:
    """A bounce is never answered."""
    assert refused(received_mail(source=source)) == "automatic mail: bounce"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("auto-replied", "automatic mail: auto-submitted"),
        ("auto-generated; type=x", "automatic mail: auto-submitted"),
        ("Auto-Notified (by a robot)", "automatic mail: auto-submitted"),
        ("something-new", "automatic mail: auto-submitted"),
        ("no", None),
        ("NO (a person)", None),
    ],
)
def test_auto_submitted_mail_gets_no_reply(value: str, reason: str | None) -> None:
    """Auto-Submitted other than ``no`` is never answered."""
    assert refused(received_mail(message(headers={"Auto-Submitted": value}))) == reason


@pytest.mark.parametrize(
    ("name", "value", "answered"),
    [
        ("Precedence", "bulk", False),
        ("Precedence", " List ", False),
        ("Precedence", "junk", False),
        ("Precedence", "first-class", True),
        ("Precedence", "auto_reply", False),
        ("Precedence", "auto-reply", False),
        ("Precedence", "AutoReply (vacation)", False),
        ("Preference", "auto_reply", False),
        ("X-Precedence", "auto_reply", False),
        ("X-AutoReply-From", "a@example.org", False),
        ("X-Mail-Autoreply", "x", False),
        ("X-FC-MachineGenerated", "true", False),
        ("X-POST-MessageClass", "9; Autoresponder", False),
        ("Delivered-To", "Autoresponder", False),
        ("Delivered-To", "autoresponder@example.org", True),
        ("List-Id", "<l.example.org>", False),
        ("LIST-UNSUBSCRIBE", "<mailto:x@example.org>", False),
        ("List-Anything", "x", False),
        ("X-Auto-Response-Suppress", "DR, OOF, AutoReply", False),
        ("X-Auto-Response-Suppress", "All", False),
        ("X-Auto-Response-Suppress", "DR, RN", True),
        ("X-Auto-Response-Suppress", "None", True),
        ("X-Autoreply", "yes", False),
        ("X-Autorespond", "x", False),
        ("Content-Type", "multipart/report; report-type=delivery-status", False),
    ],
)
def test_each_field_of_automatic_mail_prevents_a_reply(
    name: str, value: str, answered: bool
) -> None:
    """Bulk mail, lists, reports, and mail that asks for no automatic reply get none."""
    mail = received_mail()
    mail.raw["mail"]["headers"] = [
        field for field in mail.raw["mail"]["headers"] if field["name"] != name
    ] + [{"name": name, "value": value}]
    assert (refused(mail) is None) == answered


@pytest.mark.parametrize(
    ("local", "answered"),
    [
        ("MAILER-DAEMON", False),
        ("postmaster", False),
        ("owner-list", False),
        ("list-owner", False),
        ("list-request", False),
        ("list-bounces", False),
        ("bounces+123-abc", False),
        ("bounce", False),
        ("noreply", False),
        ("No-Reply", False),
        ("do_not_reply", False),
        ("donotreply+x", False),
        ("shop.no-reply", False),
        ("nobody", False),
        ("jane", True),
        ("norely", True),
        ("request", True),
        ("bouncer", True),
        ("jane.owner", True),
    ],
)
def test_role_senders_get_no_reply(local: str, answered: bool) -> None:
    """Role addresses of mail software get no reply, people with similar names do."""
    assert (refused(received_mail(source=f"{local}@example.org")) is None) == answered


def test_the_envelope_senders_of_ses_get_no_reply() -> None:
    """SES's own envelope senders are no people."""
    mail = received_mail(source="0100018a-0000@eu-west-1.amazonses.com")
    assert refused(mail) == "envelope sender that nobody reads"


@pytest.mark.parametrize(
    "source", ["ü@example.org", "a b@example.org", "jane", "j@example.org>\r\nBcc: <v@example.org"]
)
def test_a_sender_that_ses_cannot_send_to_gets_no_reply(source: str) -> None:
    """An envelope sender that does not fit a field or SES is not answered, nor retried forever."""
    assert refused(received_mail(source=source)) == "envelope sender that SES cannot send to"


@pytest.mark.parametrize(
    "event",
    [
        {"source": "Desk@example.com"},
        {"source": "support@example.com"},
        {"content": message(from_="Desk <desk@Example.com>"), "source": "x@example.org"},
    ],
)
def test_our_own_mail_gets_no_reply(event: dict[str, Any]) -> None:
    """Mail from our own addresses, envelope or From, is not answered."""
    assert refused(received_mail(**event)) == "automatic mail: loop"


def test_our_own_reply_is_known() -> None:
    """A reply that comes back under another sender is known by its mark."""
    sent = reply_to(received_mail())
    mark = {"X-Mailroom-Loop": str(sent["X-Mailroom-Loop"])}
    assert refused(received_mail(message(headers=mark))) == "automatic mail: loop"


@pytest.mark.parametrize(
    ("fields", "answered"),
    [
        ({"To": "other@example.com"}, False),
        ({"To": "undisclosed-recipients:;"}, False),
        ({"To": "other@example.com", "Cc": "X <SUPPORT@example.com>"}, True),
        ({"To": "other@example.com", "Resent-To": "support@example.com"}, True),
    ],
)
def test_a_blind_copy_gets_no_reply(fields: dict[str, str], answered: bool) -> None:
    """Blind copies and list mail name no recipient of ours and get no reply (RFC 3834 §2)."""
    assert (refused(received_mail(message(headers=fields))) is None) == answered


@pytest.mark.parametrize(
    ("verdicts", "answered"),
    [
        ({"spam": "FAIL"}, False),
        ({"virus": "FAIL"}, False),
        ({"dmarc": "FAIL"}, False),
        ({"spf": "FAIL", "dmarc": None}, False),
        ({"spf": "FAIL", "dmarc": "PASS"}, True),
        ({"spam": "GRAY", "dmarc": None}, True),
        ({"spf": None, "dmarc": None}, False),
        ({"spf": None, "dmarc": "GRAY"}, False),
        ({"spf": None, "dmarc": "PASS"}, True),
        ({"spam": None, "virus": None}, True),
    ],
)
def test_mail_that_fails_a_check_gets_no_reply(verdicts: dict[str, Any], answered: bool) -> None:
    """Mail that failed a check is not answered: the sender is likely to be someone else."""
    assert (refused(received_mail(**verdicts)) is None) == answered


def test_mail_whose_header_was_cut_gets_no_reply() -> None:
    """Where SES cut the header, the warning may be in the missing part."""
    assert refused(received_mail(headers_truncated=True)) == "the event has not all of the header"


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=40)), max_size=6), st.text())
def test_deciding_never_raises(fields: list[tuple[str, str]], source: str) -> None:
    """No header and no envelope sender makes the decision fail."""
    names = ["To", "From", "Auto-Submitted", "Precedence"]
    mail = received_mail(source=source)
    mail.raw["mail"]["headers"] = [
        {"name": names[len(n) % 4] if len(n) % 2 else n, "value": v} for n, v in fields
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        refused(mail)


# Once per window


def test_second_mail_gets_no_second_reply(outbox: Outbox, table: Any) -> None:
    """Within the window a sender is answered once, whatever the letter case or BATV tag."""
    for number, source in enumerate(["j@example.org", "J@Example.org", "prvs=12ab=j@example.org"]):
        auto_reply.on_mail(received_mail(source=source, message_id=f"m{number}"))
    assert len(outbox.sent) == 1


def test_other_senders_are_answered(outbox: Outbox, table: Any) -> None:
    """The window is each sender's own."""
    auto_reply.on_mail(received_mail(source="a@example.org"))
    auto_reply.on_mail(received_mail(source="b@example.org"))
    assert outbox.recipients == [["a@example.org"], ["b@example.org"]]


def test_other_rules_have_their_own_answer(
    outbox: Outbox, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rules that share the table are two responders."""
    for rule in ("Support", "Sales"):
        monkeypatch.setenv("MAILROOM_RULE", rule)
        monkeypatch.setattr(auto_reply, "_settings", None)
        auto_reply.on_mail(received_mail())
    assert len(outbox.sent) == 2


def test_the_sender_gets_another_reply_after_the_window(
    outbox: Outbox, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired claim counts for nothing, even before DynamoDB has deleted it."""
    monkeypatch.setenv("MAILROOM_REPLY_WINDOW_SECONDS", "60")
    now = time.time()
    for later, count in ((0, 1), (59, 1), (61, 2)):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        auto_reply.on_mail(received_mail(message_id=f"m{later}"))
        assert len(outbox.sent) == count


def test_window_is_seven_days(outbox: Outbox, table: Any) -> None:
    """Without a setting a sender is remembered for a week."""
    auto_reply.on_mail(received_mail())
    (item,) = items(table)
    assert abs(int(item["expires_at"]["N"]) - time.time() - 7 * 86400) < 5


def test_table_holds_no_address(outbox: Outbox, table: Any) -> None:
    """The sender is remembered by a hash; nothing in the table is an address."""
    auto_reply.on_mail(received_mail(source="jane@example.org"))
    assert "example.org" not in str(items(table))
    assert "@" not in str(items(table))


def test_refused_mail_leaves_no_claim(outbox: Outbox, table: Any) -> None:
    """Who is not answered is not remembered."""
    auto_reply.on_mail(received_mail(spam="FAIL"))
    assert (outbox.attempts, items(table)) == (0, [])


# Failures


def test_throttled_sending_releases_the_claim(outbox: Outbox, table: Any) -> None:
    """The error propagates and gives the claim back, so that the retry replies."""
    outbox.refuse = lambda number: (429, "TooManyRequestsException", "slow")
    with pytest.raises(NotSent, match="TooManyRequestsException"):
        auto_reply.on_mail(received_mail())
    assert items(table) == []
    outbox.refuse = lambda number: None
    auto_reply.on_mail(received_mail())
    assert len(outbox.sent) == 1


def test_a_reply_that_ses_refuses_for_good_is_logged_and_not_tried_again(
    outbox: Outbox, table: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda has nothing to retry, and the sender's next mail is replied to."""
    outbox.refuse = lambda number: (400, "MessageRejected", "not verified")
    auto_reply.on_mail(received_mail())
    assert "refused by SES: MessageRejected: not verified" in capsys.readouterr().out
    assert outbox.attempts == 1
    assert items(table) == []


def test_failed_release_does_not_hide_the_refusal(
    outbox: Outbox, table: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the release fails as well, SES's error is the one that is raised."""

    def fail(*_: object) -> None:
        raise RuntimeError("no table")

    monkeypatch.setattr(auto_reply, "_release", fail)
    outbox.refuse = lambda number: (429, "TooManyRequestsException", "slow")
    with pytest.raises(NotSent, match="TooManyRequests"):
        auto_reply.on_mail(received_mail())


def test_release_leaves_a_claim_of_others(outbox: Outbox, table: Any) -> None:
    """A claim that another delivery took over meanwhile stays."""
    wanted = auto_reply.Settings()
    first, second = received_mail(message_id="m1"), received_mail(message_id="m2")
    key = auto_reply.claim_id(first, wanted)
    assert auto_reply._claim(key, second, wanted)
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        auto_reply._release(key, first, wanted)
    assert len(items(table)) == 1


def test_throttled_table_propagates(outbox: Outbox) -> None:
    """Without a claim nothing is sent, and the error reaches Lambda's retry."""
    client = _runtime.client("dynamodb")
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ProvisionedThroughputExceededException")
        with pytest.raises(ClientError, match="ProvisionedThroughput"):
            auto_reply.on_mail(received_mail())
    assert outbox.attempts == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILROOM_REPLY_FROM", "nobody"),
        ("MAILROOM_REPLY_TEXT", ""),
        ("MAILROOM_REPLY_TABLE", ""),
        ("MAILROOM_REPLY_WINDOW_SECONDS", "7d"),
        ("MAILROOM_REPLY_WINDOW_SECONDS", "0"),
    ],
)
def test_the_error_names_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A setting that cannot work is refused by name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        auto_reply.Settings()
