"""The whole message in the mail bucket, and the marks of handled ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

import mailroom
from mailroom import _runtime, errors
from mailroom.entry import receiving as entry
from mailroom.receiving import ReceivedMail
from mailroom.receiving.bucket import open_object
from mailroom.testing import MemoryStore, message
from runtime.receiving.mail_samples import (
    BUCKET,
    CONTEXT,
    MESSAGE_ID,
    PAYLOADS,
    sample,
    ses,
)


@pytest.fixture
def bucket(mail_bucket: None) -> Any:
    """The mail bucket's client."""
    return boto3.client("s3")


def handled_by(
    deploy: Callable[..., None],
    function: Callable[[ReceivedMail], object],
    **settings: str,
) -> list[object]:
    """Run *function* through the entry point, and return what it returned."""
    answers: list[object] = []
    deploy(lambda mail: answers.append(function(mail)), bucket=BUCKET, **settings)
    entry.handler(sample(), CONTEXT)
    return answers


def test_read_gives_the_parsed_message(bucket: Any, deploy: Callable[..., None]) -> None:
    """`read` fetches the object named by prefix and id, and parses it with modern policy."""
    stored = message(subject="Grüße", attachments={"a.bin": b"\0\1"})
    bucket.put_object(Bucket=BUCKET, Key=f"inbox/{MESSAGE_ID}", Body=stored.as_bytes())
    (found,) = handled_by(deploy, ReceivedMail.read, prefix="inbox/")
    assert isinstance(found, EmailMessage)
    assert found["Subject"] == "Grüße"
    assert [part.get_content() for part in found.iter_attachments()] == [b"\0\1"]


def test_open_gives_the_bytes_unchanged(bucket: Any, deploy: Callable[..., None]) -> None:
    """`open` is a binary stream that reads, iterates lines, and closes."""
    body = b"Subject: x\r\n\r\n" + bytes(range(256)) * 1000
    bucket.put_object(Bucket=BUCKET, Key=MESSAGE_ID, Body=body)

    streams: list[Any] = []

    def function(mail: ReceivedMail) -> bytes:
        with mail.open() as stream:
            streams.append(stream)
            return stream.readline() + stream.read()

    assert handled_by(deploy, function) == [body]
    # botocore's body always reports itself open; the connection below it is what counts.
    assert streams[0].raw._raw_stream.closed


def test_a_missing_message_is_named_with_its_bucket(
    bucket: Any, deploy: Callable[..., None]
) -> None:
    """`MessageNotStored` names bucket and object; it is the handler's to catch or let go."""
    deploy(ReceivedMail.read, bucket=BUCKET, prefix="inbox/")
    with pytest.raises(
        errors.MessageNotStored, match=rf"'{BUCKET}' has no object 'inbox/{MESSAGE_ID}'"
    ):
        entry.handler(sample(), CONTEXT)


def test_stored_at_is_none_without_a_bucket(deploy: Callable[..., None]) -> None:
    """A function without a mail bucket has nothing to point to."""
    seen: list[object] = []
    deploy(lambda mail: seen.append(mail.stored_at))
    entry.handler(sample(), CONTEXT)
    assert seen == [None]


@pytest.mark.parametrize(
    ("prefix", "key"),
    [
        ("", MESSAGE_ID),
        ("mail", f"mail/{MESSAGE_ID}"),
        ("inbox/", f"inbox/{MESSAGE_ID}"),
        ("a/b", f"a/b/{MESSAGE_ID}"),
        ("a//", f"a//{MESSAGE_ID}"),
    ],
)
def test_mail_is_read_where_ses_stores_it(
    bucket: Any, deploy: Callable[..., None], prefix: str, key: str
) -> None:
    """SES puts a slash between prefix and message id unless the prefix ends with one."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"Subject: found\r\n\r\n")
    seen: list[object] = []
    deploy(
        lambda mail: seen.append((mail.stored_at, mail.read()["Subject"])),
        bucket=BUCKET,
        prefix=prefix,
    )
    entry.handler(sample(), CONTEXT)
    assert seen == [((BUCKET, key), "found")]


def test_without_a_bucket_the_remedy_is_named(deploy: Callable[..., None]) -> None:
    """Reading, opening and recognising repeats need the bucket, and say so."""
    for function in (ReceivedMail.read, ReceivedMail.open, lambda mail: mail.already_handled):
        deploy(function)
        with pytest.raises(errors.NotConfigured, match="MAILROOM_BUCKET is not set"):
            entry.handler(sample(), CONTEXT)


def test_other_s3_errors_propagate(mail_bucket: None, deploy: Callable[..., None]) -> None:
    """Only a missing object is translated; a missing bucket stays botocore's error."""
    deploy(ReceivedMail.read, bucket="no-such-bucket")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        entry.handler(sample(), CONTEXT)


def test_a_connection_that_fails_is_not_taken_for_a_missing_message() -> None:
    """The mail may be there, so that another try can succeed."""

    def get_object(**_: object) -> None:
        raise ConnectionError("reset")

    exceptions = SimpleNamespace(ClientError=ClientError)
    with pytest.raises(ConnectionError):
        open_object("mail", "a", SimpleNamespace(get_object=get_object, exceptions=exceptions))


def test_the_client_is_made_at_init(mail_bucket: None, deploy: Callable[..., None]) -> None:
    """A function with a bucket has its client before the first mail; one without has none."""
    deploy(lambda _: None)
    entry._Settings()
    assert _runtime._clients == {}
    deploy(lambda _: None, bucket=BUCKET)
    entry._Settings()
    assert list(_runtime._clients) == ["s3"]


def test_parsing_needs_about_three_times_the_message() -> None:
    """`read` of a large mail stays under four times its size, as its docstring says."""
    body = message(attachments={"a.bin": os.urandom(2**20)}).as_bytes()
    view = ReceivedMail(ses(sample()), store=MemoryStore({MESSAGE_ID: body}))
    view.read()
    tracemalloc.start()
    try:
        view.read()
        assert tracemalloc.get_traced_memory()[1] < 4 * len(body)
    finally:
        tracemalloc.stop()


def test_a_repeat_is_recognised_once_the_first_has_finished(
    mail_bucket: None, deploy: Callable[..., None]
) -> None:
    """The mark is left after the handler returned, so that only finished work counts."""
    seen: list[bool] = []

    def function(mail: ReceivedMail) -> None:
        seen.append(mail.already_handled)
        if len(seen) == 1:
            raise RuntimeError("half-way")

    deploy(function, bucket=BUCKET, mark_prefix="handled/")
    with pytest.raises(RuntimeError, match="half-way"):
        entry.handler(sample(), CONTEXT)
    entry.handler(sample(), CONTEXT)
    entry.handler(sample(), CONTEXT)
    assert seen == [False, False, True]


def test_an_id_with_the_same_beginning_is_another_message(
    mail_bucket: None, deploy: Callable[..., None]
) -> None:
    """A mark counts for its own id only, not for an id that is its beginning."""
    seen: list[bool] = []
    deploy(lambda mail: seen.append(mail.already_handled), bucket=BUCKET, mark_prefix="handled/")
    longer = sample()
    ses(longer)["mail"]["messageId"] = MESSAGE_ID + "0"
    entry.handler(longer, CONTEXT)
    entry.handler(sample(), CONTEXT)
    assert seen == [False, False]


@pytest.mark.parametrize("prefix", [None, ""])
def test_without_marks_the_remedy_is_named(
    mail_bucket: None, deploy: Callable[..., None], prefix: str | None
) -> None:
    """Unset or empty, no mark is written, least of all over the message itself."""
    boto3.client("s3").put_object(Bucket=BUCKET, Key=MESSAGE_ID, Body=b"Subject: x\r\n\r\n")
    marks = {} if prefix is None else {"mark_prefix": prefix}
    deploy(lambda mail: mail.already_handled, bucket=BUCKET, **marks)
    with pytest.raises(errors.NotConfigured, match="remember_handled=True"):
        entry.handler(sample(), CONTEXT)
    deploy(lambda _: None, bucket=BUCKET, **marks)
    entry.handler(sample(), CONTEXT)
    stored = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [(found["Key"], found["Size"]) for found in stored] == [(MESSAGE_ID, 14)]


def test_a_mail_that_cannot_be_marked_is_refused_before_it_is_handled(
    mail_bucket: None, deploy: Callable[..., None]
) -> None:
    """An event without message id fails before the user's work, not after it."""
    ran: list[object] = []
    deploy(ran.append, bucket=BUCKET, mark_prefix="handled/")
    event = sample()
    del ses(event)["mail"]["messageId"]
    with pytest.raises(errors.MissingField, match=r"mail\.messageId"):
        entry.handler(event, CONTEXT)
    assert ran == []


STREAM_SIZE = 40 * 1024 * 1024

STREAM = """
import json, os, resource, tracemalloc
from mailroom.entry import receiving
event = json.load(open(EVENT))
grown = []
def on_mail(mail):
    tracemalloc.start()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    size = 0
    with mail.open() as stream:
        while chunk := stream.read(65536):
            size += len(chunk)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown.extend([size, tracemalloc.get_traced_memory()[1], (after - before) * 1024])
os.environ["MAILROOM_HANDLER"] = "__main__:on_mail"
receiving.handler(event)
print(json.dumps(grown))
"""


class _FortyMegabytes(BaseHTTPRequestHandler):
    """S3's answer to GetObject, 40 MB long."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(STREAM_SIZE))
        self.end_headers()
        block = b"x" * 65536
        for _ in range(STREAM_SIZE // len(block)):
            self.wfile.write(block)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_forty_megabytes_pass_through_bounded_memory(tmp_path: Path) -> None:
    """SES's largest mail is streamed over a real connection within 8 MB of additional memory."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _FortyMegabytes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        done = subprocess.run(
            [sys.executable, "-c", f"EVENT = {str(PAYLOADS / 'received_mail.json')!r}\n{STREAM}"],
            env={
                "PYTHONPATH": str(Path(mailroom.__file__).parents[1]),
                "MAILROOM_BUCKET": BUCKET,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == 0, done.stderr
    size, traced, resident = json.loads(done.stdout.splitlines()[-1])
    assert size == STREAM_SIZE
    assert traced < 4 * 2**20
    assert resident < 8 * 2**20
