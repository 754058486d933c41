"""The server's own requests to the gateway, without a socket."""

import asyncio
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from mailroom_local.control import clients
from mailroom_local.server.in_process import InProcess
from mailroom_local.server.loopback import bind

# Nothing listens there.
ENDPOINT = "http://127.0.0.1:9"


@pytest.fixture
def gateway() -> Iterator[InProcess]:
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    connected = InProcess(loop)
    clients.answer_here(ENDPOINT, connected.answer)
    yield connected
    clients.answer_here(ENDPOINT, None)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def client(service: str, **options: Any) -> Any:
    return clients.client(clients.session(), service, ENDPOINT, retries=0, **options)


def test_a_request_reaches_the_gateway_as_over_http(gateway: InProcess) -> None:
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope, await receive()))
        headers = [(b"x-amz-version-id", b"v1"), (b"etag", b'"1"')]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    gateway.connect(application)
    answer = client("s3").put_object(Bucket="mail", Key="in/a b", Body=b"Hello")
    assert answer["VersionId"] == "v1"
    scope, request = seen[0]
    assert (scope["method"], scope["path"]) == ("PUT", "/mail/in/a b")
    assert scope["raw_path"] == b"/mail/in/a%20b"
    assert request["body"] == b"Hello"
    assert dict(scope["headers"])[b"host"] == b"127.0.0.1:9"
    assert b"authorization" in dict(scope["headers"])


def test_an_answer_in_parts_is_read_whole(gateway: InProcess) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for part in (b'{"Payload"', b": 1}"):
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    gateway.connect(application)
    assert client("lambda").invoke(FunctionName="one")["Payload"].read() == b'{"Payload": 1}'


def test_an_answer_that_takes_too_long_is_a_timeout_as_over_http(gateway: InProcess) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(30)

    gateway.connect(application)
    with pytest.raises(ReadTimeoutError):
        client("lambda", read_timeout=0.05).invoke(FunctionName="one")


def test_before_the_gateway_serves_a_request_fails_as_without_a_server(gateway: InProcess) -> None:
    with pytest.raises(EndpointConnectionError):
        client("lambda").invoke(FunctionName="one")


def test_small_answers_are_sent_at_once() -> None:
    async def sends_at_once() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with bind(0) as bound:
            async with await asyncio.start_server(answer, sock=bound):
                _, writer = await asyncio.open_connection(*bound.getsockname())
                writer.close()
                return await found

    assert asyncio.run(sends_at_once())
