"""A lake in memory, for functions that query one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mailroom.errors import InvalidQuery
from mailroom.lake import Answer, Lake
from mailroom.lake.queries import check_request

__all__ = ["MemoryLake"]


class MemoryLake(Lake):
    """A lake whose answers the test gives; it needs no AWS.

    Args:
        answers: By the name of a saved query, or the text of another query: its rows, an `Answer`,
            or an exception to raise, such as ``QueryFailed("…", remedy="…")``.
    """

    def __init__(
        self,
        answers: Mapping[str, Sequence[Mapping[str, Any]] | Answer | Exception] | None = None,
    ) -> None:
        super().__init__(workgroup="memory", database="memory")
        self.answers = dict(answers or {})
        self.asked: list[dict[str, Any]] = []
        """The ``query``, ``parameters`` and ``days`` of each call, in order."""

    def query(
        self,
        name: str | None = None,
        *,
        sql: str | None = None,
        parameters: Mapping[str, object] | Sequence[object] = (),
        days: int | None = None,
        timeout: float = 60.0,
        max_rows: int = 10_000,
        progress: Callable[[str, int], object] | None = None,
    ) -> Answer:
        """Return the answer that the test gave, and note the call in `asked`.

        Raises:
            InvalidQuery: An argument cannot be used, or the test gave no answer.
        """
        check_request(name, sql=sql, days=days, timeout=timeout, max_rows=max_rows)
        query = name if sql is None else sql
        assert query is not None
        self.asked.append({"query": query, "parameters": parameters, "days": days})
        if query not in self.answers:
            raise InvalidQuery(
                f"this test gives no answer to {query!r}: it has "
                + (", ".join(self.answers) or "none")
            )
        found = self.answers[query]
        if isinstance(found, Exception):
            raise found
        if isinstance(found, Answer):
            return found
        return Answer(found[:max_rows], truncated=len(found) > max_rows)
