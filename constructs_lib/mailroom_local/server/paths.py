"""The gateway's own paths, next to AWS's: status, switches, and the links of sent mail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote

from mailroom_local.sending.tracking import PREFIX, Answer
from mailroom_local.server.loopback import LOOPBACK

App = Callable[..., Awaitable[None]]

# The characters allowed in a URL without encoding, and the percent sign of encoded ones.
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"


def with_own_paths(
    gateway: App,
    answers: Mapping[tuple[str, str], Callable[[], Any]],
    visit: Callable[..., Answer],
) -> App:
    """The gateway with JSON at these methods and paths, and `visit` at the links of sent mail."""
    own = {path for _, path in answers}

    async def application(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "") if scope["type"] == "http" else ""
        if path in own:
            own_answer = answers.get((scope["method"], path))
            if own_answer is None:
                await _respond(send, Answer(status=405))
                return
            content = json.dumps(await asyncio.to_thread(own_answer)).encode()
            await _respond(send, Answer(status=200, body=content, content_type="application/json"))
        elif path.startswith(PREFIX):
            headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
            answer = await asyncio.to_thread(
                visit,
                path,
                method=scope["method"],
                client_address=(scope.get("client") or (LOOPBACK,))[0],
                user_agent=headers.get("user-agent", b"").decode("latin-1"),
            )
            await _respond(send, answer)
        else:
            # AWS is reached by TLS. Nothing leaves the machine here, but a policy that refuses
            # plain HTTP must find what it would find there.
            await gateway({**scope, "scheme": "https"}, receive, send)

    return application


async def _respond(send: Any, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-store")]
    if answer.location is not None:
        headers.append((b"location", quote(answer.location, safe=_URL_SAFE).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
