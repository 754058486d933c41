"""Athena, its saved queries, and EventBridge's archives in CloudFormation.

ministack inserts file readers into the text of a query, and guesses column types. Here each table
that a query names becomes a view in DuckDB, with the columns of its Glue table and the partitions
that it projects.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from mailroom_local._emulator import duck, internals
from mailroom_local._emulator.query import Response
from mailroom_local.lake import queries
from mailroom_local.lake.projection import Projection, today

_CATALOG = "awsdatacatalog"
_OTHER_CATALOG = "s3tablescatalog/"
_READ_HERE = ("json", "parquet")

_original_extract: Callable[..., str] = internals.actions.extract_resource_arn
_original_run: Callable[..., Awaitable[dict[str, Any]]] = internals.athena.run_duckdb
_original_start: Callable[[dict[str, Any]], Response] = internals.athena.start_query_execution
_original_stop: Callable[[dict[str, Any]], Response] = internals.athena.stop_query_execution
_original_save: Callable[[str], Awaitable[None]] = internals.athena.save_query_results


def extract_resource_arn(service: str, *request: Any) -> str:
    """The resource that the gateway asks permission for: of queries, their workgroup.

    A call that names a query by its id needs permission for the query's workgroup:
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonathena.html
    """
    found = _original_extract(service, *request)
    if service != "athena" or found != "*":
        return found
    _, _, _, body, _, region, account = request
    try:
        asked = json.loads(body or b"{}")
    except ValueError:
        return found
    with internals.responses.request_scope(account, region):
        named = asked.get("NamedQueryIds") or [asked.get("NamedQueryId")]
        executed = asked.get("QueryExecutionIds") or [asked.get("QueryExecutionId")]
        queries = [
            *(internals.athena.named_queries.get(each) for each in named),
            *(internals.athena.executions.get(each) for each in executed),
        ]
        workgroups = {query["WorkGroup"] for query in queries if query}
    if len(workgroups) != 1:
        return found
    return f"arn:aws:athena:{region}:{account}:workgroup/{workgroups.pop()}"


def start_query_execution(data: dict[str, Any]) -> Response:
    """Start a query with its workgroup's settings and its execution parameters."""
    workgroup = internals.athena.workgroups.get(data.get("WorkGroup", "primary"))
    if workgroup is None:
        return _invalid(f"WorkGroup is not found: {data['WorkGroup']}")
    if workgroup.get("State") == "DISABLED":
        return _invalid(f"WorkGroup {workgroup['Name']} is disabled")
    configuration = workgroup.get("Configuration") or {}
    results = dict(data.get("ResultConfiguration") or {})
    own = configuration.get("ResultConfiguration") or {}
    # CloudFormation passes booleans as text.
    if str(configuration.get("EnforceWorkGroupConfiguration", True)).lower() == "true":
        results = {**results, **own}
    location = results.get("OutputLocation") or own.get("OutputLocation")
    if location:
        results["OutputLocation"] = location.rstrip("/") + "/"
    query = data.get("QueryString", "")
    try:
        filled = queries.with_parameters(query, data.get("ExecutionParameters") or [])
    except ValueError as error:
        return _invalid(f"Incorrect number of parameters: {error}")
    run = _Run()
    # ministack runs the query in a task, which gets a copy of this context.
    token = _this_run.set(run)
    try:
        response = _original_start({**data, "QueryString": filled, "ResultConfiguration": results})
    finally:
        _this_run.reset(token)
    if response[0] < 300:
        run.query_id = json.loads(response[2])["QueryExecutionId"]
        _runs[run.query_id] = run
        internals.athena.executions[run.query_id]["Query"] = query
    return response


def stop_query_execution(data: dict[str, Any]) -> Response:
    """Stop a query, and what works on it."""
    response = _original_stop(data)
    run = _runs.get(data.get("QueryExecutionId", ""))
    if run is not None:
        run.stopped = dict(internals.athena.executions[run.query_id]["Status"])
        if run.engine is not None:
            run.engine.interrupt()
    return response


async def save_query_results(query_id: str) -> None:
    """Write the result to the object that the execution names, unless the query was stopped."""
    execution = internals.athena.executions[query_id]
    run = _this_run.get()
    _runs.pop(query_id, None)
    if run.engine is not None:
        execution["Statistics"]["DataScannedInBytes"] = run.engine.bytes_read
    if run.stopped is not None:
        execution["Status"].update(run.stopped)
        return
    results = execution["ResultConfiguration"]
    location = results["OutputLocation"]
    results["OutputLocation"] = location.removesuffix(f"{query_id}.csv")
    try:
        await _original_save(query_id)
    finally:
        results["OutputLocation"] = location


async def run_query(query: str, database: str, catalog: str | None = None) -> dict[str, Any]:
    """The answer to a query: columns, their types, rows."""
    if not duck.is_here():
        raise RuntimeError(duck.MISSING)
    references = internals.athena.table_references(query)
    if any((each.catalog or catalog or "").startswith(_OTHER_CATALOG) for each in references):
        return await _original_run(query, database, catalog)
    run = _this_run.get()
    run.engine = _Engine(database or "default")
    try:
        if run.stopped is None:
            # to_thread keeps the context, which holds the request's account and region.
            return await asyncio.to_thread(run.engine.run, query)
    except Exception:
        if run.stopped is None:
            raise
    finally:
        _runs.pop(run.query_id, None)
    return _NOTHING


_NOTHING: dict[str, Any] = {"columns": [], "rows": [], "column_types": []}


class _Engine:
    """DuckDB with the part of the catalog that one query needs."""

    def __init__(self, database: str) -> None:
        self._duckdb = duck.connect()
        self._database = database.lower()
        self._defined: set[tuple[str, str]] = set()
        self.bytes_read = 0
        """The size of the objects of the query's tables: all of them are read whole."""
        self._duckdb.execute(f"ATTACH ':memory:' AS {_CATALOG}")
        for macro in queries.MACROS:
            self._duckdb.execute(f"CREATE MACRO {macro}")

    def interrupt(self) -> None:
        """End the query, from another thread."""
        # It may have ended a moment ago.
        with contextlib.suppress(Exception):
            self._duckdb.interrupt()

    def run(self, query: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="mailroom-athena-") as folder, self._duckdb:
            self._folder = Path(folder)
            self._enter(self._database)
            made = queries.new_view(query)
            self._define_all(made.query if made else query, self._database)
            if made is not None:
                self._create_view(made)
                return _NOTHING
            self._enter(self._database)
            result = self._duckdb.execute(query)
            described = result.description or []
            rows = [[queries.shown(value) for value in row] for row in result.fetchall()]
        kinds = [re.split(r"[(\[]", str(each[1]).upper())[0].strip() for each in described]
        known = internals.athena.DUCKDB_TYPE_MAP
        return {
            "columns": [each[0] for each in described],
            "column_types": [known.get(kind, "varchar") for kind in kinds],
            "rows": rows,
        }

    def _enter(self, database: str) -> None:
        name = _quoted(database)
        self._duckdb.execute(f"CREATE SCHEMA IF NOT EXISTS {_CATALOG}.{name}")
        # The macros are in the catalog that DuckDB starts with.
        path = f"{_CATALOG}.{name},memory.main"
        self._duckdb.execute(f"SET search_path = '{path}'")

    def _define_all(self, query: str, database: str) -> None:
        for reference in internals.athena.table_references(query):
            self._define((reference.database or database).lower(), reference.table.lower())

    def _define(self, database: str, name: str) -> None:
        table = internals.glue.tables.get(f"{database}/{name}")
        if table is None or (database, name) in self._defined:
            return
        self._defined.add((database, name))
        view = queries.view_query(table)
        if view is not None:
            self._define_all(view, database)
        self._enter(database)
        self._duckdb.execute(
            f"CREATE VIEW {_CATALOG}.{_quoted(database)}.{_quoted(name)} AS "
            + (view or self._reading(table))
        )

    def _reading(self, table: Mapping[str, Any]) -> str:
        """The query that reads a table's objects."""
        files = [str(path) for path in self._copied(table)]
        kind = internals.athena.data_format(table)
        if files and kind not in _READ_HERE:
            return f"SELECT * FROM {internals.athena.table_relation(table, files)}"  # noqa: S608
        columns = {
            column["Name"].lower(): internals.firehose.hive_to_duckdb_type(column["Type"])
            for column in table["StorageDescriptor"].get("Columns") or []
        }
        keys = {key["Name"].lower(): "VARCHAR" for key in table.get("PartitionKeys") or []}
        if not files:
            nothing = (f"CAST(NULL AS {t}) AS {_quoted(n)}" for n, t in {**columns, **keys}.items())
            return f"SELECT {', '.join(nothing)} WHERE false"
        hive = "hive_partitioning = false"
        if keys:
            types = ", ".join(f"{_quoted(name)}: {kind}" for name, kind in keys.items())
            hive = f"hive_partitioning = true, hive_types = {{{types}}}"
        listed = ", ".join(_text(path) for path in files)
        if kind == "json":
            reader = self._json_reader(table, listed, columns, hive)
            present = set(columns)
        else:
            reader = f"read_parquet([{listed}], union_by_name = true, {hive})"
            described = self._duckdb.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()  # noqa: S608
            present = {row[0].lower() for row in described}
        selected = [
            f"CAST({_quoted(name) if name in present else 'NULL'} AS {kind}) AS {_quoted(name)}"
            for name, kind in columns.items()
        ]
        selected += [_quoted(name) for name in keys]
        return f"SELECT {', '.join(selected)} FROM {reader}"  # noqa: S608

    @staticmethod
    def _json_reader(
        table: Mapping[str, Any], listed: str, columns: Mapping[str, str], hive: str
    ) -> str:
        serde = (table["StorageDescriptor"].get("SerdeInfo") or {}).get("Parameters") or {}
        lenient = str(serde.get("ignore.malformed.json", "false")).lower() == "true"
        declared = ", ".join(f"{_quoted(name)}: {_text(kind)}" for name, kind in columns.items())
        return (
            f"read_json([{listed}], format = 'newline_delimited', columns = {{{declared}}}, "
            f"ignore_errors = {str(lenient).lower()}, maximum_object_size = 67108864, {hive})"
        )

    def _copied(self, table: Mapping[str, Any]) -> list[Path]:
        """The table's objects as files, in folders named by their partitions."""
        location = str(table["StorageDescriptor"].get("Location") or "").rstrip("/") + "/"
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        stored = internals.s3.buckets.get(bucket)
        partitions = Projection(table, today=today())
        files = []
        for key in sorted(stored["objects"]) if stored else []:
            below = key.removeprefix(prefix)
            if not key.startswith(prefix) or key.endswith("/") or internals.athena.hidden(below):
                continue
            path = self._folder / str(len(self._defined)) / below
            if partitions.enabled:
                values = partitions.partition(f"s3://{bucket}/{key}")
                if values is None:
                    continue
                folder = Path(*(f"{name}={value}" for name, value in values.items()))
                path = self._folder / str(len(self._defined)) / folder / Path(key).name
            data = internals.s3.get_object_data(bucket, key)
            if data is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                self.bytes_read += len(data)
                files.append(path)
        return files

    def _create_view(self, made: queries.NewView) -> None:
        database = made.database or self._database
        described = self._duckdb.execute(f"DESCRIBE {made.query}").fetchall()
        existing = internals.glue.tables.get(f"{database}/{made.name}")
        if existing is not None and not made.replace:
            raise ValueError(f"View '{database}.{made.name}' already exists")
        columns = [{"Name": row[0], "Type": "string"} for row in described]
        operation = internals.glue.update_table if existing else internals.glue.create_table
        status, _, body = operation(
            {
                "DatabaseName": database,
                "TableInput": {
                    "Name": made.name,
                    "TableType": "VIRTUAL_VIEW",
                    "Parameters": {"presto_view": "true", "comment": "Presto View"},
                    "StorageDescriptor": {"Columns": columns, "Location": ""},
                    "ViewOriginalText": queries.view_text(made.query),
                    "ViewExpandedText": "/* Presto View */",
                },
            }
        )
        if status >= 300:
            raise ValueError(body.decode())


class _Run:
    """A query that is started."""

    def __init__(self) -> None:
        self.query_id = ""
        self.engine: _Engine | None = None
        self.stopped: dict[str, Any] | None = None
        """The status that it got when it was stopped."""


_runs: dict[str, _Run] = {}
"""The queries that have not ended, by their ids."""
_this_run: ContextVar[_Run] = ContextVar("this_run")


def _provision_query(
    logical_id: str, props: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    for required in ("Database", "QueryString"):
        if not props.get(required):
            raise ValueError(
                f"Property validation failure: [The property {{/{required}}} is required]"
            )
    workgroup = props.get("WorkGroup") or "primary"
    if workgroup != "primary" and workgroup not in internals.athena.workgroups:
        raise ValueError(f"WorkGroup {workgroup} is not found.")
    response = internals.athena.create_named_query(
        {**props, "Name": props.get("Name") or logical_id, "WorkGroup": workgroup}
    )
    name = json.loads(response[2])["NamedQueryId"]
    return name, {"NamedQueryId": name}


def _replace_query(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    """Replace a saved query: none of its properties can change."""
    return _provision_query(old.get("Name") or physical_id, new, stack_name)


def _delete_query(physical_id: str, props: Mapping[str, Any]) -> None:
    internals.athena.delete_named_query({"NamedQueryId": physical_id})


def _archive_request(name: str, props: Mapping[str, Any]) -> dict[str, Any]:
    request = {
        "ArchiveName": name,
        "EventSourceArn": props.get("SourceArn", ""),
        "Description": props.get("Description", ""),
        "RetentionDays": int(props.get("RetentionDays") or 0),
    }
    pattern = props.get("EventPattern")
    if pattern:
        request["EventPattern"] = pattern if isinstance(pattern, str) else json.dumps(pattern)
    return request


def _provision_archive(
    logical_id: str, props: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    name = props.get("ArchiveName") or internals.provisioners.physical_name(
        stack_name, logical_id, max_len=48
    )
    return name, _archived(internals.eventbridge.create_archive(_archive_request(name, props)))


def _update_archive(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, str]]:
    request = _archive_request(physical_id, new)
    del request["EventSourceArn"]
    return physical_id, _archived(internals.eventbridge.update_archive(request))


def _delete_archive(physical_id: str, props: Mapping[str, Any]) -> None:
    internals.eventbridge.delete_archive({"ArchiveName": physical_id})


def _archived(response: Response) -> dict[str, str]:
    answer = json.loads(response[2])
    if response[0] >= 300:
        raise ValueError(str(answer.get("message") or answer))
    return {"Arn": answer["ArchiveArn"]}


REPLACING: Mapping[str, tuple[str, ...]] = {
    "AWS::Athena::NamedQuery": ("Database", "Description", "Name", "QueryString", "WorkGroup"),
    "AWS::Events::Archive": ("ArchiveName", "SourceArn"),
}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    "AWS::Athena::NamedQuery": {
        "create": _provision_query,
        "update": _replace_query,
        "delete": _delete_query,
    },
    "AWS::Events::Archive": {
        "create": _provision_archive,
        "update": _update_archive,
        "delete": _delete_archive,
    },
}


def _invalid(message: str) -> Response:
    body = json.dumps({"__type": "InvalidRequestException", "message": message})
    return 400, {"Content-Type": "application/x-amz-json-1.1"}, body.encode()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
