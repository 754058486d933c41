"""Queries of the lake, run by Athena."""

from __future__ import annotations

import contextlib
import os
import time

from mailroom._runtime import client as shared_client
from mailroom._runtime import setting
from mailroom.errors import InvalidQuery, QueryFailed, QueryOutOfTime
from mailroom.lake.answers import Answer, column_names, typed
from mailroom.lake.remedies import remedy
from mailroom.lake.statements import execution_parameters, parameter_names, with_days

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

__all__ = ["Lake", "SavedQuery", "check_request"]

# https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetNamedQuery.html
_NAMED_PER_CALL = 50
# https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html
_ROWS_PER_CALL = 1000
_ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class SavedQuery:
    """A saved query of the lake's workgroup.

    Args:
        name: Its name, such as ``rates_by_day``.
        sql: Its text.
        description: What it answers.
        database: The database that it reads.
    """

    __slots__ = ("database", "description", "name", "sql")

    def __init__(self, name: str, sql: str, *, description: str = "", database: str = "") -> None:
        self.name = name
        self.sql = sql
        self.description = description
        self.database = database

    @property
    def parameters(self) -> list[str]:
        """The names of its parameters; see `Lake.query`."""
        return parameter_names(self.sql)

    def __repr__(self) -> str:
        return f"<SavedQuery {self.name}>"


class Lake:
    """Runs queries in the lake's workgroup; ``EventLake.grant_query`` grants what it needs.

    Nothing is read, and no client made, before the first query.

    Args:
        workgroup: The Athena workgroup. Default: ``MAILROOM_LAKE_WORKGROUP``.
        database: The Glue database. Default: ``MAILROOM_LAKE_DATABASE``.
        client: A boto3 client of ``athena``. Default: one that retries, made on first use.
        clock: Returns seconds, for tests. Default: `time.monotonic`.
        sleep: Waits for a number of seconds, for tests. Default: `time.sleep`.
    """

    def __init__(
        self,
        *,
        workgroup: str | None = None,
        database: str | None = None,
        client: Any = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._workgroup = workgroup
        self._database = database
        self._client = client
        self._clock = clock
        self._sleep = sleep
        self._saved: dict[str, SavedQuery] = {}

    def saved(self) -> dict[str, SavedQuery]:
        """Return the saved queries of the workgroup by name.

        Raises:
            NotConfigured: There is no workgroup.
            QueryFailed: Athena does not list them.
        """
        found: dict[str, SavedQuery] = {}
        for page in self._pages("list_named_queries", WorkGroup=self._name()):
            ids = page.get("NamedQueryIds") or []
            for start in range(0, len(ids), _NAMED_PER_CALL):
                answer = self._call(
                    "batch_get_named_query", NamedQueryIds=ids[start : start + _NAMED_PER_CALL]
                )
                for one in answer["NamedQueries"]:
                    name, sql = one["Name"], one["QueryString"]
                    # A deployment creates the new text before it deletes the old one.
                    if name in found and found[name].sql != sql:
                        raise QueryFailed(
                            f"the workgroup {self._name()} has two saved queries named {name!r}",
                            remedy="wait until the deployment has ended, or delete one of them",
                        )
                    found[name] = SavedQuery(
                        name,
                        sql,
                        description=one.get("Description") or "",
                        database=one.get("Database") or "",
                    )
        self._saved = dict(sorted(found.items()))
        return dict(self._saved)

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
        """Run a query, wait for it, and return its answer.

        Whatever ends the wait, Ctrl-C included, the query is stopped first.

        Args:
            name: A saved query, such as ``rates_by_day``.
            sql: The text of a query, instead of *name*.
            parameters: The values of its question marks, in order or by name: in
                ``message_id = ?`` it is ``message_id``, elsewhere its number. They reach Athena as
                execution parameters, never as a part of the text.
            days: How many days to read, and today, instead of what ``current_date - INTERVAL '30'
                DAY`` in the query says. Default: that.
            timeout: The most seconds to wait.
            max_rows: The most rows to return.
            progress: Is called with Athena's state and the bytes read so far.

        Returns:
            The answer.

        Raises:
            InvalidQuery: An argument cannot be used; Athena was not asked.
            QueryOutOfTime: The query was stopped because it took longer than *timeout*.
            QueryFailed: Athena refused it, or it failed; with Athena's reason and a remedy.
            NotConfigured: There is no workgroup or database.
        """
        check_request(name, sql=sql, days=days, timeout=timeout, max_rows=max_rows)
        deadline = self._clock() + timeout
        database = ""
        if name is not None:
            saved = self._find(name)
            sql, database = saved.sql, saved.database
        assert sql is not None
        if days is not None:
            sql = with_days(sql, days)
        values = execution_parameters(sql, parameters)
        request: dict[str, Any] = {
            "QueryString": sql,
            "WorkGroup": self._name(),
            "QueryExecutionContext": {
                "Database": database or self._database or setting("MAILROOM_LAKE_DATABASE")
            },
            "ClientRequestToken": os.urandom(16).hex(),
        }
        if values:
            request["ExecutionParameters"] = values
        query_id = ""
        try:
            query_id = self._call("start_query_execution", **request)["QueryExecutionId"]
            execution = self._wait(query_id, deadline, timeout, progress)
        except BaseException as error:
            if query_id or not isinstance(error, Exception):
                self._stop(query_id, request)
            raise
        return self._answer(query_id, execution, max_rows)

    def _name(self) -> str:
        if self._workgroup is None:
            self._workgroup = setting("MAILROOM_LAKE_WORKGROUP")
        return self._workgroup

    def _find(self, name: str) -> SavedQuery:
        if name not in self._saved:
            self.saved()
        if name not in self._saved:
            raise InvalidQuery(
                f"the workgroup {self._name()} has no saved query {name!r}: it has "
                + (", ".join(self._saved) or "none")
            )
        return self._saved[name]

    def _wait(
        self,
        query_id: str,
        deadline: float,
        timeout: float,
        progress: Callable[[str, int], object] | None,
    ) -> dict[str, Any]:
        pause = _FIRST_PAUSE
        while True:
            answer = self._call("get_query_execution", QueryExecutionId=query_id)
            execution: dict[str, Any] = answer["QueryExecution"]
            state = execution["Status"]["State"]
            if progress is not None:
                progress(state, _bytes_read(execution))
            if state in _ENDED:
                return execution
            left = deadline - self._clock()
            if left <= 0:
                raise QueryOutOfTime(
                    f"the query took longer than {timeout:g} seconds and was stopped",
                    remedy="read fewer days, or pass a longer timeout",
                    query_id=query_id,
                )
            self._sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _stop(self, query_id: str, request: dict[str, Any]) -> None:
        # What ended the wait matters more than that the query could not be stopped.
        with contextlib.suppress(Exception):
            if not query_id:
                # It was interrupted while it was started. With the same token, Athena starts no
                # other query, and says which one it was.
                query_id = self._athena().start_query_execution(**request)["QueryExecutionId"]
            self._athena().stop_query_execution(QueryExecutionId=query_id)

    def _answer(self, query_id: str, execution: dict[str, Any], max_rows: int) -> Answer:
        status = execution["Status"]
        if status["State"] != "SUCCEEDED":
            reason = str(status.get("StateChangeReason") or "Athena gives no reason")
            what = "failed" if status["State"] == "FAILED" else "was cancelled"
            raise QueryFailed(
                f"the query {what}: {reason}",
                reason=reason,
                remedy=remedy(reason),
                query_id=query_id,
            )
        columns: dict[str, str] = {}
        rows: list[list[str | None]] = []
        statement = execution.get("StatementType")
        for number, page in enumerate(
            self._pages(
                "get_query_results",
                QueryExecutionId=query_id,
                # One more tells whether there are others; the first row is the header.
                MaxResults=min(max_rows + 2, _ROWS_PER_CALL),
            )
        ):
            result = page["ResultSet"]
            found = [
                [each.get("VarCharValue") for each in row.get("Data") or []]
                for row in result.get("Rows") or []
            ]
            if number == 0:
                described = (result.get("ResultSetMetadata") or {}).get("ColumnInfo") or []
                names = [one["Name"] for one in described]
                columns = dict(
                    zip(column_names(names), (one["Type"] for one in described), strict=True)
                )
                if statement == "DML" and found[:1] == [names]:
                    del found[0]
            rows += found
            if len(rows) > max_rows:
                break
        return Answer(
            [
                {
                    name: typed(text, kind)
                    for (name, kind), text in zip(columns.items(), row, strict=True)
                }
                for row in rows[:max_rows]
            ],
            columns=columns,
            bytes_read=_bytes_read(execution),
            billed=statement != "DDL",
            milliseconds=int(
                (execution.get("Statistics") or {}).get("TotalExecutionTimeInMillis") or 0
            ),
            query_id=query_id,
            truncated=len(rows) > max_rows,
        )

    def _pages(self, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = self._call(operation, **arguments)
            yield page
            token = page.get("NextToken")
            if not token:
                return
            arguments["NextToken"] = token

    def _call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._athena(), operation)(**arguments)
        except Exception as error:
            response = getattr(error, "response", None)
            if not isinstance(response, dict):
                raise
            said = response.get("Error") or {}
            reason = f"{said.get('Code', 'Unknown')}: {said.get('Message', error)}"
            raise QueryFailed(
                f"Athena refused {operation}: {reason}",
                reason=reason,
                remedy=remedy(reason),
                query_id=str(arguments.get("QueryExecutionId", "")),
            ) from error
        return answer

    def _athena(self) -> Any:
        if self._client is None:
            self._client = shared_client("athena")
        return self._client


def check_request(
    name: str | None, *, sql: str | None, days: int | None, timeout: float, max_rows: int
) -> None:
    """Refuse arguments of `Lake.query` that cannot be used; raise `InvalidQuery`."""
    if (name is None) == (sql is None):
        raise InvalidQuery("pass the name of a saved query, or sql, and not both")
    if sql is not None and not sql.strip():
        raise InvalidQuery("sql is empty: pass the text of a query")
    if days is not None:
        with_days("current_date - INTERVAL '1' DAY", days)
    if timeout <= 0:
        raise InvalidQuery(f"timeout is {timeout}: pass the seconds to wait, above 0")
    if max_rows < 1:
        raise InvalidQuery(f"max_rows is {max_rows}: pass 1 or more")


def _bytes_read(execution: dict[str, Any]) -> int:
    return int((execution.get("Statistics") or {}).get("DataScannedInBytes") or 0)
