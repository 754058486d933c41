"""What each answer of SES proves: real botocore over real HTTP; and what importing costs."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

import mailroom
from mailroom.sending import (
    NotSent,
    OutcomeUnknown,
    Sender,
)


def a_message(**fields: str) -> EmailMessage:
    message = EmailMessage()
    defaults = {"From": "shop@example.com", "To": "jane@example.com", "Subject": "Hello"}
    for name, value in {**defaults, **fields}.items():
        message[name.replace("_", "-")] = value
    message.set_content("Hi.\n")
    return message


@pytest.fixture
def over_http(ses: Any, make_client: Callable[..., Any], clock: Any) -> Sender:
    return Sender(
        configuration_set="outbound",
        from_address="shop@example.com",
        client=make_client(ses.url),
        clock=clock,
        sleep=clock.sleep,
    )


def throttled(text: str = "Maximum sending rate exceeded.") -> tuple[int, dict[str, str]]:
    return 429, {"__type": "TooManyRequestsException", "message": text}


def test_a_sent_message_knows_its_region(over_http: Sender) -> None:
    """By which its `Message-ID` is known."""
    assert over_http.send(a_message()).region == "us-east-1"


def test_throttling_is_retried(over_http: Sender, ses: Any, clock: Any) -> None:
    """With growing waits, until SES takes it."""
    ses.script = [throttled(), throttled()]
    assert over_http.send(a_message()).message_id == "id"
    assert len(ses.requests) == 3
    assert len(clock.slept) == 2


def test_throttling_is_retried_a_limited_number_of_times(over_http: Sender, ses: Any) -> None:
    """Then it is known not to have been sent."""
    ses.script = [throttled()] * 9
    with pytest.raises(NotSent) as caught:
        over_http.send(a_message())
    assert caught.value.code == "TooManyRequestsException"
    assert len(ses.requests) == 5


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_is_final(over_http: Sender, ses: Any, status: int) -> None:
    """4xx: not sent, asked once, with SES's words."""
    ses.script = [(status, {"__type": "MessageRejected", "message": "not verified"})]
    with pytest.raises(NotSent, match="MessageRejected: not verified"):
        over_http.send(a_message())
    assert len(ses.requests) == 1


def test_access_denied_names_both_permissions(over_http: Sender, ses: Any) -> None:
    """The configuration set's ARN is what people forget."""
    ses.script = [(403, {"__type": "AccessDeniedException", "message": "no"})]
    with pytest.raises(NotSent, match="configuration set"):
        over_http.send(a_message())


@pytest.mark.parametrize("step", ["drop", "hang", (500, {}), (503, {})])
def test_no_clear_answer_is_unknown_and_never_repeated(
    over_http: Sender, ses: Any, step: Any
) -> None:
    """The request went out once; whether SES accepted it is unknown."""
    ses.script = [step]
    with pytest.raises(OutcomeUnknown):
        over_http.send(a_message())
    assert len(ses.requests) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"<html>Welcome</html>", b"[]", b'{"MessageId": ""}', b'{"MessageId": " "}'],
)
def test_a_200_without_a_message_id_is_unknown(over_http: Sender, ses: Any, body: bytes) -> None:
    """A proxy's page is no proof that SES accepted anything, and none that it did not."""
    ses.script = [(200, body), (200, body)]
    with pytest.raises(OutcomeUnknown):
        over_http.send(a_message())
    with pytest.raises(OutcomeUnknown):
        over_http.send_verification("jane@example.com", template="welcome")
    assert len(ses.requests) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"BulkEmailEntryResults": []}',
        b'{"BulkEmailEntryResults": [{}]}',
        b'{"BulkEmailEntryResults": [{"Error": "what?"}]}',
        b'{"BulkEmailEntryResults": [{"Status": "SUCCESS"}]}',
        b'{"BulkEmailEntryResults": [{"Status": "SUCCESS", "MessageId": ""}]}',
        b'{"BulkEmailEntryResults": [{"Status": "PARKED", "MessageId": "1"}]}',
        b'{"BulkEmailEntryResults": [null]}',
    ],
)
def test_a_bulk_result_without_proof_is_unknown(over_http: Sender, ses: Any, body: bytes) -> None:
    """A status that is missing or new is not a failure, so `retry` does not send it again."""
    ses.script = [(200, {"SendQuota": {"MaxSendRate": 50}}), (200, body)]
    result = over_http.send_bulk(["a@example.com"], template="news")
    assert len(result.unknown) == 1
    assert list(result.retry()) == []
    assert len(ses.requests) == 2


def test_a_refused_connection_is_retried(make_client: Callable[..., Any], clock: Any) -> None:
    """Nothing can have been sent over a connection that was never made."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        sender = Sender(configuration_set="s", client=make_client(url), sleep=clock.sleep)
        with pytest.raises(NotSent) as caught:
            sender.send(a_message())
    assert caught.value.code == "EndpointConnectionError"
    assert len(clock.slept) == 4


def test_missing_credentials_are_not_an_unknown_outcome(
    make_client: Callable[..., Any], ses: Any, clock: Any
) -> None:
    """What fails before the request is a plain refusal."""
    client = make_client(ses.url)
    client._request_signer._credentials = None
    with pytest.raises(NotSent):
        Sender(configuration_set="s", client=client, sleep=clock.sleep).send(a_message())
    assert not ses.requests


def test_bulk_over_http_accounts_for_a_timeout(over_http: Sender, ses: Any) -> None:
    """A call that hangs leaves its entries unknown; it is not sent again."""
    ses.script = [(200, {"SendQuota": {"MaxSendRate": 50}}), "hang"]
    result = over_http.send_bulk(["a@example.com", "b@example.com"], template="news")
    assert len(result.unknown) == 2
    assert [path for path, _ in ses.requests].count("/v2/email/outbound-bulk-emails") == 1


def test_the_default_client_never_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even if the environment says so."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    sender = Sender(configuration_set="s")
    assert sender._api.client.meta.config.retries["total_max_attempts"] == 1


# Cost.

LOADED = """
import json, sys
import awslambdaric.bootstrap
import awslambdaric.lambda_runtime_client
before = set(sys.modules)
import mailroom.sending
added = set(sys.modules) - before
from mailroom.sending import publishing_headers
publishing_headers("s", {"a": "b"})
print(json.dumps([sorted(added), sorted(set(sys.modules) - before)]))
"""


def test_importing_loads_nothing_but_the_runtimes_own_modules() -> None:
    """Everything else is imported by what needs it: boto3, for example, when a Sender is made."""
    package = Path(mailroom.__file__).parent
    paths = [str(package.parent), *(path for path in sys.path if path.endswith("site-packages"))]
    done = subprocess.run(
        [sys.executable, "-S", "-c", LOADED],
        env={"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    added, later = json.loads(done.stdout)
    costly = {"boto3", "botocore", "dataclasses", "email", "smtplib", "ssl", "typing", "datetime"}
    assert not costly & {*added, *later}
    assert [name for name in added if name.partition(".")[0] != "mailroom"] == []
