"""The page's HTTP application."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from jinja2 import Environment, FileSystemLoader
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount
from starlette.routing import Route as HttpRoute
from starlette.staticfiles import StaticFiles

import mailroom
from mailroom_local.control.state import Server, State
from mailroom_local.page import doing, reading, stack
from mailroom_local.page.accounts import Accounts
from mailroom_local.page.dead_letters import DeadLetters
from mailroom_local.page.errors import Refused
from mailroom_local.page.guard import Guard
from mailroom_local.page.index import Index
from mailroom_local.page.live import Live
from mailroom_local.page.messages import Reader
from mailroom_local.page.posting import Post
from mailroom_local.page.routes import Answer, Asked, Route
from mailroom_local.page.search import Search
from mailroom_local.page.story import Teller
from mailroom_local.sending.mailer import Mailer

_log = logging.getLogger("mailroom")

_FOLDER = Path(__file__).parent
# Paths that the script of the page knows, and shows by itself.
_VIEWS = (
    "/",
    "/messages/{key}",
    "/messages",
    "/stack",
    "/compose",
    "/dead-letters",
    "/deployments",
)
# A message of 40 MB, in base64 and JSON.
_BODY_BYTES = 64 * 1024 * 1024
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
        "object-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-DNS-Prefetch-Control": "off",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Page:
    """The page and its API, served by the local AWS itself.

    Args:
        state: The state directory.
        server: The local AWS.
        mailer: Sends mail, and makes events happen.
        receiving: Returns the accounts and regions in which a rule set is active.
        stop: Set when the server ends.
    """

    def __init__(
        self,
        *,
        state: State,
        server: Server,
        mailer: Mailer,
        receiving: Callable[[], Sequence[tuple[str, str]]],
        stop: asyncio.Event,
    ) -> None:
        self._server = server
        self._accounts = Accounts(state, server, receiving)
        self._index = Index(state.journal, client=self._accounts.of_arn)
        self._search = Search(self._index)
        self._live = Live(self._index, stop)
        reader = Reader(self._index, self._search, Teller(self._index, self._accounts))
        dead_letters = DeadLetters(self._accounts, self._index)
        self.routes = [
            Route(
                method="GET",
                path="/api",
                about="What runs here, and the routes of this API.",
                handler=lambda _: self._described(),
            ),
            *reading.routes(reader),
            *doing.routes(reader, Post(self._accounts, self._index), mailer, dead_letters),
            Route(
                method="GET",
                path="/api/stack",
                about="What is deployed, in every account and region, and what joins it.",
                handler=lambda _: stack.described(self._accounts),
            ),
            Route(
                method="GET",
                path="/api/deployments",
                about="The deployments, newest first.",
                handler=lambda _: self._deployments(),
            ),
            Route(
                method="GET",
                path="/api/live",
                about="What changes, as server-sent events.",
                handler=None,
            ),
        ]
        templates = Environment(loader=FileSystemLoader(_FOLDER / "templates"), autoescape=True)
        self._template = templates.get_template("index.html")
        page = Starlette(
            routes=[
                *(HttpRoute(path, self._view) for path in _VIEWS),
                *(self._http(route) for route in self.routes),
                HttpRoute("/api/{rest:path}", _unknown, methods=["GET", "POST"]),
                Mount("/static", StaticFiles(directory=_FOLDER / "static")),
            ]
        )
        port = int(server.page.rpartition(":")[2])
        self.application = Guard(_with_headers(page), port=port, token=server.page_token)

    def close(self) -> None:
        """End its threads."""
        self._search.close()
        self._index.close()

    async def _view(self, request: Request) -> Response:
        version = mailroom.__version__
        return HTMLResponse(self._template.render(token=self._server.page_token, version=version))

    def _http(self, route: Route) -> HttpRoute:
        async def answer(request: Request) -> Response:
            if route.handler is None:
                events = self._live.events(request.headers.get("last-event-id"))
                return StreamingResponse(events, media_type="text/event-stream")
            try:
                asked = Asked(
                    path=request.path_params,
                    query=dict(request.query_params),
                    body=await _body(request),
                )
                # Everything blocks: files, SQLite, boto3. The event loop serves the gateway, too.
                return _response(await run_in_threadpool(route.handler, asked))
            except Refused as refused:
                return _error(refused.status, str(refused), **refused.more)
            except (BotoCoreError, ClientError) as error:
                return _error(502, f"the local AWS refused a call: {error}")
            except Exception as error:
                _log.exception("page: %s %s", route.method, request.url.path)
                text = f"{type(error).__name__}: {error}: the log of the local AWS has it in full"
                return _error(500, text)

        return HttpRoute(route.path, answer, methods=[route.method])

    def _described(self) -> dict[str, Any]:
        home = self._accounts.home
        app = self._accounts.state.cdk_out
        return {
            "version": mailroom.__version__,
            "account": home.account,
            "region": home.region,
            "environments": [
                {"account": place.account, "region": place.region} for place in self._accounts.all
            ],
            "smtp_port": self._server.smtp_port,
            "submission_port": self._server.submission_port,
            "endpoint": self._server.endpoint,
            "app": str(Path.cwd()) if (app / "manifest.json").is_file() else None,
            "routes": [
                {"method": route.method, "path": route.path, "about": route.about}
                for route in self.routes
            ],
        }

    def _deployments(self) -> dict[str, Any]:
        self._index.catch_up()
        names = ("at", "state", "text", "ms")
        with self._index.reading():
            found = [{name: one[name] for name in names} for one in self._index.deployments]
        return {"deployments": found[::-1]}


async def _unknown(request: Request) -> Response:
    return _error(404, f"{request.url.path} is not a route of the API: GET /api lists them")


async def _body(request: Request) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _BODY_BYTES:
            raise Refused(413, f"the body is larger than {_BODY_BYTES // 2**20} MB: send less")
        parts.append(part)
    return b"".join(parts)


def _response(found: dict[str, Any] | Answer) -> Response:
    if isinstance(found, Answer):
        headers = {**found.headers, "Content-Type": found.content_type}
        return Response(found.content, headers=headers)
    # What JSON cannot carry is shown as text; a lone surrogate stays escaped.
    return Response(json.dumps(found, default=str), media_type="application/json")


def _error(status: int, error: str, **more: object) -> Response:
    body = json.dumps({"error": error, **more}, default=str)
    return Response(body, status_code=status, media_type="application/json")


def _with_headers(page: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The page with the headers that every answer has, unless it has its own."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        async def completed(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                known = {name.lower() for name, _ in given}
                given += [
                    (name.lower().encode(), value.encode())
                    for name, value in _HEADERS.items()
                    if name.lower().encode() not in known
                ]
                message = {**message, "headers": given}
            await send(message)

        await page(scope, receive, completed)

    return application
