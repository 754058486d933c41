"""Athena in memory, which checks each call against botocore's description of it."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from botocore.validate import validate_parameters

from mailroom.lake import WORKGROUP_DESCRIPTION


@cache
def _athena() -> Any:
    return boto3.client(
        "athena", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


class Refusal(ClientError):
    """An answer that is an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__({"Error": {"Code": code, "Message": message}}, "StartQueryExecution")


class Athena:
    """A client of Athena with saved queries; `answer` is what the next query answers."""

    def __init__(self, saved: dict[str, str], *, page: int = 50) -> None:
        self.saved = {
            name: {
                "Name": name,
                "QueryString": sql,
                "Description": f"About {name}. More.",
                "Database": "saved_in",
            }
            for name, sql in saved.items()
        }
        self.workgroups = [
            {"Name": "primary"},
            {"Name": "Mail", "Description": WORKGROUP_DESCRIPTION},
        ]
        self.states: list[str | BaseException] = ["SUCCEEDED"]
        self.reason = ""
        self.refusal: Refusal | None = None
        self.interruption: BaseException | None = None
        self.started: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.slept: list[float] = []
        self._page = page
        self._tokens: list[str] = []
        self.answer([], [], [])

    def answer(
        self,
        names: list[str],
        kinds: list[str],
        rows: list[list[str | None]],
        *,
        read: int = 0,
        statement: str = "DML",
        header: bool = True,
    ) -> None:
        """Say what the next query answers."""
        self._columns = [
            {"Name": name, "Type": kind} for name, kind in zip(names, kinds, strict=True)
        ]
        self._rows = [[*names], *rows] if header else rows
        self._read, self._statement = read, statement

    def clock(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def list_work_groups(self, **given: Any) -> dict[str, Any]:
        self._check("ListWorkGroups", given)
        begin = int(given.get("NextToken", 0))
        more = {"NextToken": str(begin + 1)} if begin + 1 < len(self.workgroups) else {}
        return {"WorkGroups": self.workgroups[begin : begin + 1], **more}

    def list_named_queries(self, **given: Any) -> dict[str, Any]:
        self._check("ListNamedQueries", given)
        begin = int(given.get("NextToken", 0))
        ids = list(self.saved)[begin : begin + self._page]
        end = begin + self._page
        more = {"NextToken": str(end)} if end < len(self.saved) else {}
        return {"NamedQueryIds": ids, **more}

    def batch_get_named_query(self, **given: Any) -> dict[str, Any]:
        self._check("BatchGetNamedQuery", given)
        return {"NamedQueries": [self.saved[each] for each in given["NamedQueryIds"]]}

    def start_query_execution(self, **given: Any) -> dict[str, Any]:
        self._check("StartQueryExecution", given)
        if self.refusal is not None:
            raise self.refusal
        # The same token means the same query.
        token = given.pop("ClientRequestToken")
        if token not in self._tokens:
            self._tokens.append(token)
            self.started.append(given)
        if self.interruption is not None:
            raised, self.interruption = self.interruption, None
            raise raised
        return {"QueryExecutionId": f"q-{self._tokens.index(token) + 1}"}

    def get_query_execution(self, **given: Any) -> dict[str, Any]:
        self._check("GetQueryExecution", given)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, BaseException):
            raise state
        status = {"State": state, **({"StateChangeReason": self.reason} if self.reason else {})}
        statistics = {"DataScannedInBytes": self._read, "TotalExecutionTimeInMillis": 7}
        return {
            "QueryExecution": {
                "Status": status,
                "Statistics": statistics,
                "StatementType": self._statement,
            }
        }

    def stop_query_execution(self, **given: Any) -> dict[str, Any]:
        self._check("StopQueryExecution", given)
        self.stopped.append(given["QueryExecutionId"])
        return {}

    def get_query_results(self, **given: Any) -> dict[str, Any]:
        self._check("GetQueryResults", given)
        begin = int(given.get("NextToken", 0))
        end = begin + given["MaxResults"]
        rows = [
            {"Data": [{} if text is None else {"VarCharValue": text} for text in row]}
            for row in self._rows[begin:end]
        ]
        more = {"NextToken": str(end)} if end < len(self._rows) else {}
        metadata = {"ColumnInfo": self._columns}
        return {"ResultSet": {"Rows": rows, "ResultSetMetadata": metadata}, **more}

    def _check(self, operation: str, given: dict[str, Any]) -> None:
        model = _athena().meta.service_model.operation_model(operation)
        validate_parameters(given, model.input_shape)
