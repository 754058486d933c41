"""An SES that answers what a test wants, over HTTP or in memory, and a clock that never runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config

from mailroom.sending import Sender
from runtime.sending.smtp_server import certificate, context, server, smtp

__all__ = ["certificate", "context", "server", "smtp"]


class Clock:
    """Time that passes only while the code sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.now += seconds


class FakeClient:
    """API v2 in memory: `calls` is what it was asked, `answers` are given or raised in turn."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.rate = 14.0

    def _answer(self, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(arguments)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        return {"MessageId": f"id-{len(self.calls)}"}

    def send_email(self, **arguments: Any) -> dict[str, Any]:
        return self._answer(arguments)

    def send_custom_verification_email(self, **arguments: Any) -> dict[str, Any]:
        return self._answer(arguments)

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": self.rate}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def sender(client: FakeClient, clock: Clock) -> Sender:
    return Sender(
        configuration_set="outbound",
        tags={"app": "shop"},
        from_address="Shop <shop@example.com>",
        client=client,
        clock=clock,
        sleep=clock.sleep,
    )


class HttpSes:
    """SES as a server on loopback; `script` has (status, body) or what to do with the socket."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.script: list[Any] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                outer.requests.append((self.path, json.loads(body or b"{}")))
                step = outer.script.pop(0) if outer.script else (200, {"MessageId": "id"})
                if step == "drop":
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                if step == "hang":
                    outer.release.wait(5)
                    self.close_connection = True
                    return
                status, answer = step
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                if isinstance(answer, dict) and "__type" in answer:
                    self.send_header("x-amzn-ErrorType", answer["__type"])
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST  # noqa: N815

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def ses() -> Iterator[HttpSes]:
    server = HttpSes()
    yield server
    server.close()


@pytest.fixture(scope="session")
def make_client() -> Callable[..., Any]:
    """boto3 clients as `Sender` makes them, for an endpoint; impatient."""

    def make(url: str) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            read_timeout=0.3,
            connect_timeout=0.3,
        )
        return boto3.client("sesv2", endpoint_url=url, region_name="us-east-1", config=config)

    return make


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIGURATION_SET", "TAGS", "SMTP_SECRET", "SMTP_HOST", "SMTP_PORT"):
        monkeypatch.delenv(f"MAILROOM_{name}", raising=False)
