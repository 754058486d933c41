"""An HTTP proxy on loopback between the functions and the AWS API, which lets some calls go wrong.

Only functions call AWS through it: their variable ``HTTP_PROXY`` names it. The code that runs, and
what it signs, is what AWS would get.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_SCOPE = re.compile(r"Credential=[^/]+/\d+/[^/]*/([^/]+)/aws4_request")
_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}


@dataclass(kw_only=True)
class Wrong:
    """What is wrong with the calls of one operation.

    Without any of the answers, a call passes through unchanged.
    """

    service: str
    """The service's signing name, such as ``s3``."""
    operation: str
    """The operation, such as ``GetObject``."""
    text: str = ""
    """What the path or the body contains; any by default."""
    times: int | None = None
    """How many calls it concerns; all by default."""
    status: int = 0
    """The HTTP status of the answer, instead of passing the call on."""
    code: str = ""
    """The error code of that answer."""
    seconds: float = 0.0
    """How long the call waits before it is passed on."""
    lose: bool = False
    """Pass the call on, and close the connection without an answer."""
    before: Callable[[], object] | None = None
    """Runs before the call is passed on."""
    after: Callable[[], object] | None = None
    """Runs after the call was executed, before its answer goes back."""
    hits: int = field(default=0, init=False)
    """How many calls it has concerned."""


class Proxy:
    """Passes calls on to the local AWS, except those that are to go wrong."""

    def __init__(self) -> None:
        self._wrongs: list[Wrong] = []
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                # A client that was killed leaves its connection in any state.
                with contextlib.suppress(OSError):
                    super().handle_one_request()

            def __getattr__(self, name: str) -> Callable[[], None]:
                if not name.startswith("do_"):
                    raise AttributeError(name)
                return lambda: proxy._answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer no more calls."""
        self._server.shutdown()
        self._server.server_close()

    @contextlib.contextmanager
    def wrong(self, *wrongs: Wrong) -> Iterator[None]:
        """Let calls go wrong while the context is open.

        Raises:
            RuntimeError: If no call was concerned, so that nothing was shown.
        """
        with self._lock:
            self._wrongs.extend(wrongs)
        try:
            yield
        finally:
            with self._lock:
                self._wrongs = [one for one in self._wrongs if one not in wrongs]
        missed = [one.operation for one in wrongs if not one.hits]
        if missed:
            raise RuntimeError(f"no call of {', '.join(missed)} came, so nothing went wrong")

    def _chosen(self, service: str, operation: str, content: bytes) -> Wrong | None:
        with self._lock:
            for one in self._wrongs:
                called = (one.service, one.operation) == (service, operation)
                if called and one.text.encode() in content:
                    if one.times is not None and one.hits >= one.times:
                        continue
                    one.hits += 1
                    return one
        return None

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        body = _body(request)
        service, operation = called(request.command, request.path, dict(request.headers), body)
        wrong = self._chosen(service, operation, request.path.encode() + body)
        if wrong is None:
            _give(request, *_passed_on(request, body))
            return
        if wrong.before:
            wrong.before()
        time.sleep(wrong.seconds)
        if wrong.status:
            _give(request, *_error(service, wrong))
            return
        answer = _passed_on(request, body)
        if wrong.after:
            wrong.after()
        if wrong.lose:
            _hang_up(request)
            return
        _give(request, *answer)


def _passed_on(
    request: BaseHTTPRequestHandler, body: bytes
) -> tuple[int, list[tuple[str, str]], bytes]:
    url = urlsplit(request.path)
    headers = {name: text for name, text in request.headers.items() if name.lower() not in _HOP}
    connection = http.client.HTTPConnection(str(url.hostname), int(url.port or 80), timeout=60)
    with contextlib.closing(connection):
        connection.request(
            request.command,
            url._replace(scheme="", netloc="").geturl(),
            body=body or None,
            headers={**headers, "Host": url.netloc, "Content-Length": str(len(body))},
        )
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()


def called(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[str, str]:
    """Return the service and the operation of a signed request; the operation may be empty."""
    lower = {name.lower(): text for name, text in headers.items()}
    found = _SCOPE.search(lower.get("authorization", ""))
    service = found[1] if found else ""
    if target := lower.get("x-amz-target"):
        return service, target.rpartition(".")[2]
    url = urlsplit(path)
    if service == "s3":
        return service, _of_s3(method, url.path, url.query)
    if service == "ses" and url.path == "/v2/email/outbound-emails":
        return service, "SendEmail"
    action = parse_qs(body[:100_000].decode("latin-1")).get("Action", [""])
    return service, action[0]


def _of_s3(method: str, path: str, query: str) -> str:
    if "/" not in path.strip("/"):
        return "ListObjectsV2" if method == "GET" else ""
    return {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject"}.get(method, "")


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Expect", "").lower() == "100-continue":
        request.send_response_only(100)
        request.end_headers()
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    parts = []
    while size := int(request.rfile.readline().split(b";")[0], 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


def _error(service: str, wrong: Wrong) -> tuple[int, list[tuple[str, str]], bytes]:
    text = "This call goes wrong on purpose"
    if service == "s3":
        xml = f"<Error><Code>{wrong.code}</Code><Message>{text}</Message></Error>"
        return wrong.status, [("Content-Type", "application/xml")], xml.encode()
    if service in ("sns", "iam"):
        xml = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{wrong.code}</Code>"
            f"<Message>{text}</Message></Error><RequestId>none</RequestId></ErrorResponse>"
        )
        return wrong.status, [("Content-Type", "text/xml")], xml.encode()
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-ErrorType", wrong.code)]
    json = f'{{"__type": "{wrong.code}", "message": "{text}"}}'
    return wrong.status, headers, json.encode()


def _give(
    request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], body: bytes
) -> None:
    request.send_response_only(status)
    for name, text in headers:
        if name.lower() not in _HOP:
            request.send_header(name, text)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def _hang_up(request: BaseHTTPRequestHandler) -> None:
    # A reset, as of a network that fails.
    request.close_connection = True
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    with contextlib.suppress(OSError):
        request.connection.shutdown(socket.SHUT_RDWR)
