"""What each bundled behaviour does with a mail, and what it leaves alone."""

from __future__ import annotations

import json
from email import message_from_bytes, policy
from email.message import EmailMessage
from importlib import import_module

import boto3
import pytest
from moto import mock_aws

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.handlers.workmail import block_sensitive, disclaimer, external_banner
from mailroom.workmail import MessageNotFound, NotReplaceable
from runtime.workmail.flow_events import content_of, fixed, flow_mail


@pytest.fixture
def behaviour(monkeypatch):
    """Run one behaviour with its settings on a mail."""

    def run(name, mail, **settings):
        monkeypatch.setenv("MAILROOM_FLOW_SETTINGS", json.dumps(settings))
        module = import_module(f"mailroom.handlers.workmail.{name}")
        for cached in ("_found", "_words"):
            if hasattr(module, cached):
                monkeypatch.setattr(module, cached, None)
        return module.on_flow(mail)

    return run


def parsed(mail) -> EmailMessage:
    found = message_from_bytes(content_of(mail), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def both(text: str = "Hello\n", html: str = "<html><body><p>Hello</p></body></html>\n") -> bytes:
    message = EmailMessage(policy=policy.SMTP)
    message["From"], message["Subject"] = "Jane <jane@example.com>", "Hi"
    message.set_content(text)
    message.add_alternative(html, subtype="html")
    message.add_attachment(b"\x00\x01", maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment("note\n", filename="note.txt")
    return fixed(message)


def text_of(mail, kind: str) -> str:
    content = parsed(mail).get_body(preferencelist=(kind,)).get_content()
    return content.replace("\r\n", "\n")


def attachments_of(mail) -> list[tuple[str, bytes]]:
    return [
        (part.get_filename(), part.get_payload(decode=True))
        for part in parsed(mail).iter_attachments()
    ]


# Disclaimer and banner.


def test_the_disclaimer_is_added_below_text_and_html(behaviour):
    """And nothing else is changed."""
    mail = flow_mail(both())
    before = attachments_of(mail)
    behaviour("disclaimer", mail, text="Confidential & private")
    assert text_of(mail, "plain") == "Hello\n\nConfidential & private\n"
    assert "Confidential &amp; private</p></div>\n</body>" in text_of(mail, "html")
    assert attachments_of(mail) == before


def test_the_disclaimer_is_added_only_once(behaviour):
    """However often WorkMail asks, and in a reply that quotes it."""
    mail = flow_mail(both())
    behaviour("disclaimer", mail, text="Confidential,\nreally")
    content = content_of(mail)
    behaviour("disclaimer", mail, text="Confidential,\nreally")
    assert content_of(mail) == content
    reply = b"Subject: Re\r\n\r\nYes\r\n> Hello\r\n> Confidential,\r\n> really\r\n"
    quoting = flow_mail(reply)
    behaviour("disclaimer", quoting, text="Confidential,\nreally")
    assert content_of(quoting) == reply


SEALED = {
    "signed": b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n"
    b"Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n",
    "encrypted": b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b--\r\n",
    "s-mime": b"Content-Type: application/pkcs7-mime; name=smime.p7m\r\n\r\nMIAG\r\n",
    "inline": b"Subject: a\r\n\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHi\r\n",
}


@pytest.mark.parametrize("content", SEALED.values(), ids=SEALED)
def test_sealed_mail_has_no_disclaimer(behaviour, content, capsys):
    """A word more would break the seal."""
    mail = flow_mail(content)
    behaviour("disclaimer", mail, text="words", domains=["example.net"])
    assert content_of(mail) == content
    assert json.loads(capsys.readouterr().out)["reason"] == "signed or encrypted"


@pytest.mark.parametrize("content", list(SEALED.values())[:3], ids=list(SEALED)[:3])
def test_sealed_mail_has_the_banner_in_its_subject(behaviour, content):
    """The seal is not broken, and a label that anyone can write keeps no banner away."""
    mail = flow_mail(b"Subject: Hi\r\n" + content)
    behaviour("external_banner", mail, text="From outside", domains=["example.net"])
    assert content_of(mail) == b"Subject: [From outside] Hi\r\n" + content
    behaviour("external_banner", mail, text="From outside", domains=["example.net"])
    assert content_of(mail) == b"Subject: [From outside] Hi\r\n" + content


def test_sealed_mail_without_a_subject_gets_one_for_the_banner(behaviour):
    mail = flow_mail(SEALED["signed"])
    behaviour("external_banner", mail, text="From outside", domains=["example.net"])
    assert content_of(mail) == b"Subject: [From outside]\r\n" + SEALED["signed"]


@pytest.mark.parametrize(("encoding", "stays"), [("8bit", True), ("binary", True), ("7bit", False)])
def test_an_encoding_that_takes_the_words_stays(behaviour, encoding, stays):
    """Whoever reads mail by hand finds less that was changed."""
    field = f"Content-Transfer-Encoding: {encoding}\r\n".encode()
    mail = flow_mail(b"Content-Type: text/plain; charset=utf-8\r\n" + field + b"\r\nHi\r\n")
    behaviour("disclaimer", mail, text="Grüße")
    assert (field in content_of(mail)) is stays
    assert ("Grüße".encode() in content_of(mail)) is stays


def test_the_log_says_where_a_banner_is_if_not_above_the_text(behaviour, capsys):
    mail = flow_mail(b"Subject: Hi\r\n" + SEALED["signed"])
    behaviour("external_banner", mail, text="From outside", domains=["example.net"])
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["outcome"]) == ("INFO", "banner in the subject")


UNREADABLE = [
    b"Content-Type: multipart/mixed\r\n\r\nHi\r\n",
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xff\r\n",
    b"Content-Transfer-Encoding: uuencode\r\n\r\nHi\r\n",
]


@pytest.mark.parametrize("content", [*UNREADABLE, b"Content-Type: application/pdf\r\n\r\nHi\r\n"])
def test_what_cannot_be_read_has_no_disclaimer(behaviour, content, capsys):
    """With a line in the log: the words are not worth the mail."""
    mail = flow_mail(content)
    behaviour("disclaimer", mail, text="words")
    assert content_of(mail) == content
    line = json.loads(capsys.readouterr().out)
    assert line["outcome"] == "unchanged"
    assert line["message_id"] == mail.message_id
    assert line["reason"]


@pytest.mark.parametrize("content", UNREADABLE)
def test_mail_without_a_disclaimer_can_be_bounced(behaviour, content):
    """Where the words matter more than the mail."""
    answer = behaviour("disclaimer", flow_mail(content), text="words", unreadable="bounce")
    assert answer.kinds == ["BOUNCE"]


@pytest.mark.parametrize("name", ["disclaimer", "external_banner", "strip_attachments"])
def test_an_action_that_does_not_exist_fails_at_init(behaviour, name):
    """Before any mail is taken."""
    with pytest.raises(NotConfigured, match="unreadable is 'no'"):
        behaviour(name, flow_mail(both()), text="a", domains=["a.example"], unreadable="no")


def test_what_workmail_refuses_passes(behaviour, capsys, monkeypatch):
    """The same, if another part has a line too long."""
    mail = flow_mail(both())

    def refuse(message):
        raise NotReplaceable("a line")

    monkeypatch.setattr(type(mail), "replace", lambda self, message: refuse(message))
    behaviour("disclaimer", mail, text="words")
    assert "NotReplaceable" in json.loads(capsys.readouterr().out)["reason"]


def test_a_missing_message_is_an_error(behaviour):
    """WorkMail may have it the next time."""
    mail = flow_mail(b"")
    mail._flow.messages.clear()
    with pytest.raises(MessageNotFound):
        behaviour("disclaimer", mail, text="words")


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "utf-8", None, "iso-2022-jp"])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64", None])
def test_a_charset_that_lacks_the_words_becomes_utf_8(behaviour, charset, encoding):
    """The part is relabelled, and the words arrive."""
    header = b"Subject: Hi\r\n"
    if charset:
        header += f"Content-Type: text/plain;\r\n charset={charset}; format=flowed\r\n".encode()
    if encoding:
        header += f"Content-Transfer-Encoding: {encoding}\r\n".encode()
    body = b"SGVsbG8NCg==\r\n" if encoding == "base64" else b"Hello\r\n"
    mail = flow_mail(header + b"\r\n" + body)
    behaviour("disclaimer", mail, text="vertraulich § 機密 €")
    message = parsed(mail)
    assert message.get_content().split() == ["Hello", "vertraulich", "§", "機密", "€"]
    assert [part.defects for part in message.walk()] == [[]]
    if charset:
        assert message["Content-Type"].params["format"] == "flowed"
    assert len(message.get_all("Content-Type")) == 1


def test_a_long_paragraph_is_wrapped(behaviour):
    """A disclaimer may be one long line, and WorkMail takes 998 characters."""
    mail = flow_mail(b"Subject: Hi\r\n\r\nHello\r\n")
    behaviour("disclaimer", mail, text="word " * 300)
    assert max(map(len, content_of(mail).splitlines())) <= 998
    assert parsed(mail).get_content().split()[1:] == ["word"] * 300


def test_html_without_a_body_gets_the_text_at_its_end(behaviour):
    """It is below all the same."""
    assert disclaimer.below("<p>Hi", "text/html", "no", "<b>no</b>").rstrip().endswith("</div>")
    assert external_banner.above("<p>Hi", "text/html", "no", None).endswith("<p>Hi")


def test_mail_from_outside_gets_a_banner_above_its_text(behaviour):
    """In both texts."""
    mail = flow_mail(both())
    behaviour("external_banner", mail, domains=["example.net"], text="From outside")
    assert text_of(mail, "plain").startswith("From outside\n\nHello")
    assert text_of(mail, "html").startswith("<div style=")
    content = content_of(mail)
    behaviour("external_banner", mail, domains=["example.net"], text="From outside")
    assert content_of(mail) == content


@pytest.mark.parametrize(
    ("source", "sender", "touched"),
    [
        ("a@example.com", "a@EXAMPLE.com", False),
        ("a@example.com", None, False),
        ("", "a@example.com", False),
        ("a@evil.example", "boss@example.com", True),
        ("a@example.com", "boss@evil.example", True),
        ("a@sub.example.com", "a@example.com", True),
        ("", None, True),
    ],
)
def test_one_external_sender_makes_mail_external(behaviour, source, sender, touched):
    """One foreign word about the sender suffices."""
    mail = flow_mail(both(), source=source, sender=sender)
    behaviour("external_banner", mail, domains=["example.com"], text="From outside")
    assert ("From outside" in text_of(mail, "plain")) is touched


def test_a_sender_cannot_prevent_the_banner():
    """A hidden copy of the banner's text does not count."""
    text = "From outside\r\n\r\n"
    assert external_banner.above(f"Hi\r\n{text}", "text/plain", "From outside", None)
    assert external_banner.above(f"{text}Hi\r\n", "text/plain", "From outside", None) is None


def test_outbound_mail_has_no_banner(behaviour):
    """It is our own."""
    mail = flow_mail(both(), direction="OUTBOUND")
    behaviour("external_banner", mail, domains=["example.net"], text="From outside")
    assert content_of(mail) == both()


# Blocking.

CARD = "4111 1111 1111 1111"
PATTERNS = [
    {"name": "card", "pattern": r"\b(?:\d[ -]?){12,18}\d\b", "check": "luhn"},
    {"name": "account", "pattern": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b", "check": "iban"},
    {"name": "codename", "pattern": "(?i)bluebird"},
]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"my card {CARD} ok", ["card"]),
        ("my card 4111 1111 1111 1112 ok", []),
        ("0000 0000 0000 0000", []),
        ("DE89 3704 0044 0532 0130 00", ["account"]),
        ("DE88 3704 0044 0532 0130 00", []),
        ("the BlueBird flies", ["codename"]),
        ("hello", []),
    ],
)
def test_sensitive_mail_is_blocked(behaviour, text, names, capsys):
    """A number with its check digit, or a configured word; matches are not logged."""
    mail = flow_mail(both(text=f"{text}\n"), direction="OUTBOUND")
    answer = behaviour("block_sensitive", mail, patterns=PATTERNS)
    if not names:
        assert answer is None
        return
    [action] = answer.payload()["actions"]
    assert action["action"]["parameters"]["bounceMessage"].endswith(f"({names[0]})")
    log = capsys.readouterr().out
    assert json.loads(log)["found"] == names
    assert CARD not in log + json.dumps(answer.payload())


@pytest.mark.parametrize(
    "content",
    [
        both(html=f"<p>{CARD.replace(' ', '<b> </b>')}</p>\n"),
        f"Subject: {CARD}\r\n\r\nHi\r\n".encode(),
        both().replace(b"note\r\n", CARD.encode() + b"\r\n"),
        b"Content-Transfer-Encoding: base64\r\n\r\nNDExMSAxMTExIDExMTEgMTExMQo=\r\n",
    ],
)
def test_every_text_is_searched(behaviour, content):
    """In all texts and the subject, tags and encodings aside."""
    assert behaviour("block_sensitive", flow_mail(content), patterns=PATTERNS)


def test_internal_recipients_get_the_mail(behaviour):
    """Only who is outside does not."""
    mail = flow_mail(both(text=CARD), recipients=["a@example.com", "b@example.org"])
    answer = behaviour(
        "block_sensitive", mail, patterns=PATTERNS, domains=["example.com"], action="drop"
    )
    assert [
        (one["action"]["type"], one.get("recipients")) for one in answer.payload()["actions"]
    ] in ([("DROP", None), ("DEFAULT", ["a@example.com"])],)


def test_mail_among_colleagues_is_not_read(behaviour):
    """There is no outside recipient to protect it from."""
    mail = flow_mail(recipients=["a@example.com"])
    assert behaviour("block_sensitive", mail, patterns=PATTERNS, domains=["example.com"]) is None


def test_what_cannot_be_read_is_blocked(behaviour, capsys):
    """It is, unless it is let through on request, with a line in the log."""
    mail = flow_mail(SEALED["encrypted"])
    assert behaviour("block_sensitive", mail, patterns=PATTERNS)
    capsys.readouterr()
    assert behaviour("block_sensitive", mail, patterns=PATTERNS, encrypted="pass") is None
    assert json.loads(capsys.readouterr().out)["outcome"] == "searched in part"


@pytest.mark.parametrize(
    "pattern", [{"name": "a", "pattern": "("}, {"name": "a", "pattern": "a", "check": "no"}]
)
def test_malformed_patterns_fail_at_init(behaviour, pattern):
    """Before any mail is taken."""
    with pytest.raises(NotConfigured):
        behaviour("block_sensitive", flow_mail(), patterns=[pattern])


def test_a_card_number_has_12_to_19_digits():
    """Shorter and longer ones only look like one."""
    assert block_sensitive.luhn("4111111111111111")
    assert not block_sensitive.luhn("18")
    assert not block_sensitive.iban("DE89")


# Attachments.


def test_an_attachment_is_removed(behaviour):
    """With a notice in its place; the others keep every byte."""
    mail = flow_mail(both())
    behaviour("strip_attachments", mail, extensions=["PDF"])
    assert text_of(mail, "plain") == "Hello\n"
    kinds = [(part.get_content_type(), part.get_filename()) for part in parsed(mail).walk()]
    assert ("text/plain", "note.txt") in kinds
    assert not [kind for kind in kinds if kind[1] == "a.pdf"]
    assert b"The attachment a.pdf was removed." in content_of(mail)
    content = content_of(mail)
    behaviour("strip_attachments", mail, extensions=["PDF"])
    assert content_of(mail) == content


def test_all_attachments_are_removed(behaviour):
    """If none are named."""
    mail = flow_mail(both())
    behaviour("strip_attachments", mail, notice="gone: {name}")
    texts = [part for part in parsed(mail).walk() if part.get_content_type() == "text/plain"]
    assert [part.get_content() for part in texts[1:]] == ["gone: a.pdf", "gone: note.txt"]


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Disposition: attachment; filename=run.exe",
        b"Content-Type: application/x-x; name=run.EXE",
        b'Content-Disposition: attachment; filename="run.exe. "',
        b"Content-Disposition: attachment; filename*=utf-8''r%C3%BCn.exe",
        b'Content-Disposition: attachment; filename="=?utf-8?q?run=2Eexe?="',
        b"Content-Type: text/plain; name=run.exe\r\nContent-Disposition: inline; filename=a.txt",
    ],
)
def test_no_name_hides_an_extension(behaviour, header):
    """Clients differ in which of the names they believe."""
    mail = flow_mail(b"Subject: Hi\r\n" + header + b"\r\n\r\nMZ\r\n")
    behaviour("strip_attachments", mail, extensions=["exe"])
    assert b"MZ" not in content_of(mail)
    assert parsed(mail)["Subject"] == "Hi"
    assert parsed(mail).get_content_type() == "text/plain"


def test_an_attachment_of_a_signed_mail_is_removed_too(behaviour):
    """A worthless one is easily made."""
    content = SEALED["signed"].replace(
        b"--b\r\n\r\nHi", b"--b\r\nContent-Disposition: attachment; filename=a.exe\r\n\r\nMZ"
    )
    mail = flow_mail(content)
    behaviour("strip_attachments", mail, extensions=["exe"])
    assert b"MZ" not in content_of(mail)


def test_a_large_attachment_is_removed(behaviour):
    """By its size alone."""
    mail = flow_mail(both().replace(b"note\r\n", b"x" * 500 + b"\r\n"))
    behaviour("strip_attachments", mail, max_bytes=400)
    assert b"note.txt was removed" in content_of(mail)
    assert b"a.pdf was removed" not in content_of(mail)


@pytest.mark.parametrize(
    ("action", "direction", "kind"),
    [
        (None, "INBOUND", "BOUNCE"),
        ("drop", "INBOUND", "DROP"),
        ("junk", "INBOUND", "MOVE_TO_JUNK"),
        ("junk", "OUTBOUND", "BOUNCE"),
    ],
)
def test_a_mail_in_which_attachments_may_be_left_is_stopped(behaviour, action, direction, kind):
    """It must not pass with what should be taken out; mail that leaves has no junk folder."""
    mail = flow_mail(b"Content-Type: multipart/mixed\r\n\r\nHi\r\n", direction=direction)
    answer = behaviour("strip_attachments", mail, extensions=["exe"], unreadable=action)
    assert answer.kinds == [kind]


def test_a_description_makes_no_attachment(behaviour):
    """Delivery reports describe their text; it is what a person reads."""
    content = b"Content-Type: text/plain\r\nContent-Description: Notification\r\n\r\nHi\r\n"
    mail = flow_mail(b"Subject: a\r\n" + content)
    behaviour("strip_attachments", mail)
    assert content_of(mail) == b"Subject: a\r\n" + content


# Groups, journal, metrics.


@pytest.mark.parametrize(
    ("source", "sender", "open_"),
    [
        ("a@example.com", "a@example.com", True),
        ("partner@example.org", "Partner@example.org", True),
        ("a@evil.example", "a@example.com", False),
        ("a@evil.example", None, False),
        ("", None, False),
    ],
)
def test_a_group_is_for_colleagues(behaviour, source, sender, open_):
    """And for whom is named; other recipients of the same mail get it."""
    mail = flow_mail(
        recipients=["All@example.com", "jane@example.com"], source=source, sender=sender
    )
    answer = behaviour(
        "restrict_recipients",
        mail,
        groups=["all@example.com"],
        domains=["example.com"],
        senders=["partner@example.org"],
    )
    if open_:
        assert answer is None
        return
    assert [
        (one["action"]["type"], one.get("recipients")) for one in answer.payload()["actions"]
    ] == [("DEFAULT", None), ("BOUNCE", ["All@example.com"])]


def test_a_truncated_recipient_list_is_reported(behaviour, capsys):
    """The group may be among those whom WorkMail did not name."""
    mail = flow_mail(truncated=True)
    behaviour("restrict_recipients", mail, groups=["g@example.net"], domains=["example.net"])
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message_id"]) == ("WARNING", mail.message_id)


def test_a_journal_entry_has_message_and_event(behaviour):
    """Whole, under names that a retry finds again."""
    with mock_aws():
        s3 = boto3.client("s3", region_name="eu-west-1")
        s3.create_bucket(
            Bucket="journal", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        _runtime._clients["s3"] = s3
        mail = flow_mail(both())
        for _ in range(2):
            assert behaviour("journal", mail, bucket="journal", prefix="j/") is None
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket="journal")["Contents"]]
        assert keys == [f"j/inbound/{mail.message_id}.{kind}" for kind in ("eml", "json")]
        content = s3.get_object(Bucket="journal", Key=keys[0])["Body"].read()
        assert content == both()
        assert json.loads(s3.get_object(Bucket="journal", Key=keys[1])["Body"].read()) == mail.raw


def test_metrics_are_log_lines(behaviour, capsys):
    """In CloudWatch's embedded metric format."""
    behaviour("flow_metrics", flow_mail(truncated=True))
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"]) for line in found] == [
        "FlowMessages",
        "FlowRecipients",
        "FlowTruncated",
    ]
    assert found[1]["FlowRecipients"] == 2


@pytest.mark.parametrize("settings", [{}, {"text": ""}])
def test_the_error_names_a_missing_setting(behaviour, settings):
    """Rather than guessed."""
    with pytest.raises(NotConfigured, match="text"):
        behaviour("disclaimer", flow_mail(both()), **settings)
