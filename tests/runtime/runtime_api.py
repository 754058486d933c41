"""A Lambda Runtime API on loopback, for the real runtime client to talk to."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FUNCTION_ARN = "arn:aws:lambda:us-east-1:111122223333:function:Example"
"""The identity that the runtime client is given."""


@dataclass
class Outcome:
    """What the runtime client reported, and what the process wrote."""

    results: list[Any] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    init_error: dict[str, Any] | None = None
    output: str = ""

    def lines(self) -> list[dict[str, Any]]:
        """Return the JSON lines among the output."""
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, events: tuple[Any, ...]) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.events = events
        self.given = 0
        self.outcome = Outcome()
        self.finished = threading.Event()

    def finished_with(self) -> int:
        return len(self.outcome.results) + len(self.outcome.errors)


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _RuntimeApi

    def do_GET(self) -> None:
        number = self.server.given
        if number == len(self.server.events):
            self.server.finished.wait(60)
            return
        self.server.given += 1
        headers = {
            "Lambda-Runtime-Aws-Request-Id": f"request-{number}",
            "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
            "Content-Type": "application/json",
        }
        self._answer(200, json.dumps(self.server.events[number]).encode(), headers)

    def do_POST(self) -> None:
        outcome = self.server.outcome
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/init/error"):
            outcome.init_error = body
        elif self.path.endswith("/error"):
            outcome.errors.append(body)
        else:
            outcome.results.append(body)
        self._answer(202, b"{}", {})
        if outcome.init_error or self.server.finished_with() == len(self.server.events):
            self.server.finished.set()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def invoke(
    *events: Any, handler: str, folder: Path, env: dict[str, str], timeout: float = 20
) -> Outcome:
    """Give *events* one by one to *handler*, run by awslambdaric as Lambda does in *folder*.

    Ends when every event is answered or the initialisation failed; the process is always gone
    then. Raises `TimeoutError` with what the process wrote if it takes longer than *timeout*.
    """
    with _RuntimeApi(events) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=folder,
            env={
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
                "LAMBDA_TASK_ROOT": str(folder),
                "PYTHONPATH": str(folder),
                "PYTHONDONTWRITEBYTECODE": "1",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            in_time = server.finished.wait(timeout)
        finally:
            process.kill()
            server.outcome.output = process.communicate(timeout=10)[0]
            server.shutdown()
    if not in_time:
        raise TimeoutError(f"no answer within {timeout} s; output: {server.outcome.output}")
    return server.outcome
