"""`mailroom send`: what it sends, and how it reports the reply."""

import io
import json
import sys
from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from mailroom_local import LocalAws

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def send(mailroom: Run, local_aws: LocalAws) -> Run:
    return lambda *arguments: mailroom("send", *arguments, "--state", str(local_aws.state.root))


def stored(aws: LocalAws, bucket: str, message_id: str) -> Any:
    aws.wait(message_id, seconds=10, handlers=False)
    raw = aws.client("s3").get_object(Bucket=bucket, Key=message_id)["Body"].read()
    return message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=default)


def test_a_composed_message_arrives_with_its_attachment(
    send: Run, rules: Any, local_aws: LocalAws, tmp_path: Path
) -> None:
    bucket = rules.bucket()
    rules.take("example.com", {"S3Action": {"BucketName": bucket}})
    (tmp_path / "log.txt").write_text("12:00 fire\n")
    status, printed, _ = send(
        "--from", "Jane <jane@example.net>", "--to", "Support <b@example.com>",
        "--subject", "Grüße", "--body", "Hello", "--attach", str(tmp_path / "log.txt"),
    )  # fmt: skip
    assert status == 0
    assert printed.startswith("250 ")
    message_id = printed.split()[-1]
    message = stored(local_aws, bucket, message_id)
    record = local_aws.message(message_id)
    assert (record.mail_from, record.rcpt_tos) == ("jane@example.net", ["b@example.com"])
    assert record.tls
    assert (message["Subject"], message["To"]) == ("Grüße", "Support <b@example.com>")
    body, attachment = message.iter_parts()
    assert body.get_content() == "Hello\n"
    assert attachment.get_content_type() == "text/plain"
    assert attachment.get_filename() == "log.txt"
    assert attachment.get_content() == "12:00 fire\n"


def test_the_envelope_of_a_file_is_its_headers(
    send: Run, rules: Any, local_aws: LocalAws, tmp_path: Path
) -> None:
    rules.take("example.com")
    eml = tmp_path / "mail.eml"
    eml.write_text(
        "From: Jane <jane@example.net>\nTo: A <a@example.com>, b@example.com\n"
        "Cc: c@example.com\nSubject: x\n\nHi\n"
    )
    status, printed, _ = send(str(eml), "--no-tls")
    record = local_aws.message(printed.split()[-1])
    assert status == 0
    assert record.mail_from == "jane@example.net"
    assert record.rcpt_tos == ["a@example.com", "b@example.com", "c@example.com"]
    assert not record.tls


def test_a_message_from_stdin_goes_to_the_given_envelope(
    send: Run, rules: Any, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules.take("example.com")
    raw = io.TextIOWrapper(io.BytesIO(b"Subject: x\r\n\r\nHi\r\n"))
    monkeypatch.setattr(sys, "stdin", raw)
    status, printed, _ = send("-", "--to", "a@example.com", "--client-address", "203.0.113.9")
    assert status == 0
    assert local_aws.message(printed.split()[-1]).mail_from == "sender@example.net"


def test_a_body_is_read_from_stdin(
    send: Run, rules: Any, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = rules.bucket()
    rules.take("example.com", {"S3Action": {"BucketName": bucket}})
    monkeypatch.setattr(sys, "stdin", io.StringIO("From a pipe\n"))
    _, printed, _ = send("--to", "a@example.com", "--body", "-")
    message = stored(local_aws, bucket, printed.split()[-1])
    assert message.get_content() == "From a pipe\n"
    assert message["Subject"] == "A test message"


def test_a_refusal_is_status_1_with_the_servers_answer_and_its_reason(
    send: Run, rules: Any
) -> None:
    rules.take("example.com")
    rules.take("unverified.example")
    to = ("--to", "a@else.example", "--to", "a@unverified.example")
    status, printed, _ = send(*to)
    assert status == 1
    reply = "550 5.1.1 Requested action not taken: mailbox unavailable"
    reason = "no enabled rule of the active rule set matches this recipient"
    remedy = "verify it with --identity unverified.example"
    assert printed.splitlines() == [
        f"a@else.example: {reply} ({reason})",
        f"a@unverified.example: {reply} (unverified.example is not a verified identity: {remedy})",
    ]


def test_one_refused_recipient_of_two_is_named_and_the_message_is_sent(
    send: Run, rules: Any
) -> None:
    rules.take("example.com")
    status, printed, _ = send("--to", "a@else.example", "--to", "a@example.com")
    refusal, reply = printed.splitlines()
    assert status == 0
    assert refusal.startswith("a@else.example: 550 ")
    assert reply.startswith("250 ")


def test_json_has_the_id_the_reply_and_who_was_refused(send: Run, rules: Any) -> None:
    rules.take("example.com")
    status, printed, _ = send("--json", "--to", "a@else.example", "--to", "a@example.com")
    document = json.loads(printed)
    assert status == 0
    assert document["reply"].endswith(document["message_id"])
    assert document["refused"]["a@else.example"].startswith("550 5.1")
    status, printed, _ = send("--json", "--to", "a@else.example")
    document = json.loads(printed)
    assert (status, document["message_id"]) == (1, None)
    assert document["reply"].startswith("550 5.1")


@pytest.mark.parametrize(
    ("arguments", "status", "message", "remedy"),
    [
        ([], 2, "no message: pass a file, or --to and --body", "mailroom send FILE.eml"),
        (["none.eml"], 1, "cannot read none.eml: No such file or directory", "check the path"),
        (
            ["--to", "a@example.com", "--attach", "none.log"],
            1,
            "cannot read none.log: No such file or directory",
            "check the path",
        ),
        (
            ["x.eml", "--body", "y", "--subject", "z"],
            2,
            "--subject, --body cannot be combined with a whole message (x.eml)",
            "omit the file",
        ),
        (["nobody.eml"], 2, "no recipient: the message has neither To nor Cc", "pass --to ADDRESS"),
    ],
)
def test_a_mistake_is_reported_with_its_remedy(
    send: Run,
    arguments: list[str],
    status: int,
    message: str,
    remedy: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nobody.eml").write_text("Subject: x\n\nHi\n")
    ended, printed, complaint = send(*arguments)
    assert (ended, printed) == (status, "")
    first, second = complaint.splitlines()
    assert first == f"mailroom: {message}"
    assert remedy in second


def test_without_a_local_aws_nothing_is_sent(mailroom: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"
    status, _, complaint = mailroom("send", "--to", "a@example.com", "--state", str(state))
    assert status == 1
    assert complaint.startswith(f"mailroom: no local AWS runs with the state directory {state}\n")
    assert "mailroom up" in complaint
