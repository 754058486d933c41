"""The JSON API: every route with what it is for; ``docs/page-api.md`` describes them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mailroom_local.page.errors import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request."""

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def key(self) -> str:
        """The message that the path names."""
        return self.path["key"]

    def json(self) -> dict[str, Any]:
        """The object in the body."""
        try:
            found = json.loads(self.body or b"{}")
        except (RecursionError, ValueError) as error:
            raise Refused(400, f"the body is not JSON ({error}): pass an object") from error
        if not isinstance(found, dict):
            raise Refused(400, f"the body is {type(found).__name__}: pass a JSON object")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer that is not JSON."""

    content: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Asked], dict[str, Any] | Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route; ``handler`` is ``None`` for the stream of changes."""

    method: str
    path: str
    about: str
    handler: Handler | None
