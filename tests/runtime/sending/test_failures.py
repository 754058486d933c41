"""What an exception of a sending call proves, and how long to wait after it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)

from mailroom._failures import backoff, classify


def answer(
    status: int, code: str = "Code", text: str = "text", operation: str = "SendEmail"
) -> Any:
    return ClientError(
        {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        operation,
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer(400), "refused"),
        (answer(499), "refused"),
        (answer(408), "unknown"),
        (answer(399), "unknown"),
        (answer(500), "unknown"),
        (answer(0), "unknown"),
        (answer(429), "again"),
        (answer(400, "ThrottlingException"), "again"),
        (answer(400, "ThrottlingException", "Daily message quota exceeded."), "refused"),
        (answer(500, operation="AssumeRole"), "refused"),
        (ConnectTimeoutError(endpoint_url="u"), "again"),
        (EndpointConnectionError(endpoint_url="u"), "again"),
        (ReadTimeoutError(endpoint_url="u"), "unknown"),
        (NoCredentialsError(), "refused"),
        (SSLError(endpoint_url="u", error="[SSL: CERTIFICATE_VERIFY_FAILED]"), "refused"),
        (SSLError(endpoint_url="u", error="EOF"), "unknown"),
        (ValueError("anything"), "unknown"),
    ],
)
def test_only_errors_that_prove_nothing_was_sent_are_retried(error: Any, kind: str) -> None:
    """In doubt the outcome is unknown."""
    assert classify(error, "SendEmail").kind == kind


@contextmanager
def proxy(*, listens: bool) -> Iterator[str]:
    """A proxy that reads a request and hangs up, or one that is not there."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listens:
            server.listen()

            def hang_up() -> None:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)

            threading.Thread(target=hang_up, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(("listens", "kind"), [(True, "unknown"), (False, "again")])
def test_a_proxy_that_hangs_up_may_have_passed_the_message_on(listens: bool, kind: str) -> None:
    """botocore raises ``ProxyConnectionError`` then too; only one that is not there proves that."""
    with proxy(listens=listens) as url:
        client = boto3.client(
            "sesv2",
            region_name="us-east-1",
            endpoint_url="http://ses.invalid",
            aws_access_key_id="none",
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}, proxies={"http": url}),
        )
        with pytest.raises(ProxyConnectionError) as caught:
            client.send_email(Content={"Raw": {"Data": b"x"}})
    assert classify(caught.value, "SendEmail").kind == kind


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (6, 16.0), (7, 20.0), (50, 20.0)]
)
def test_waits_double_up_to_twenty_seconds(attempt: int, longest: float) -> None:
    """Less up to half of it, so that many senders do not come back together."""
    waits = [backoff(attempt) for _ in range(200)]
    assert longest / 2 <= min(waits) < max(waits) <= longest
    assert max(waits) > longest * 0.8
