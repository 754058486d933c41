"""Athena: parameters, permissions, and the saved queries."""

from __future__ import annotations

import datetime
import json
from importlib import resources
from pathlib import Path
from typing import Any

from conformance.check import Json, check
from conformance.permissions import BUCKET
from conformance.place import Place
from conformance.roles import ACTING, ROLE, acting, allow
from mailroom.events import parse
from mailroom.lake import EVENT_TYPES, columns, partition, row

ASKING = (
    *BUCKET,
    "athena:CreateWorkGroup",
    "athena:DeleteWorkGroup",
    "athena:GetQueryExecution",
    "athena:GetQueryResults",
    "athena:StartQueryExecution",
    "s3:PutObject",
)
SAMPLES = Path(__file__).parents[2] / "payloads" / "sending_events"
MADE = "a workgroup of Athena, a bucket"


class Asker:
    """A workgroup, and the bucket that its answers are written to."""

    def __init__(self, place: Place) -> None:
        self.place, self.bucket = place, place.bucket(writable=False)
        self.workgroup = place.name("workgroup")
        athena = place.client("athena")
        place.cleanup.add(
            f"workgroup {self.workgroup}",
            athena.delete_work_group,
            WorkGroup=self.workgroup,
            RecursiveDeleteOption=True,
        )
        location = {"OutputLocation": f"s3://{self.bucket}/results/"}
        athena.create_work_group(
            Name=self.workgroup,
            Configuration={
                "ResultConfiguration": location,
                "EnforceWorkGroupConfiguration": True,
                "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
            },
        )

    def started(self, query: str, *parameters: str, database: str | None = None) -> str:
        """The id of a query that runs."""
        more: dict[str, Any] = {"ExecutionParameters": list(parameters)} if parameters else {}
        if database:
            more["QueryExecutionContext"] = {"Database": database}
        answer = self.place.client("athena").start_query_execution(
            QueryString=query, WorkGroup=self.workgroup, **more
        )
        return str(answer["QueryExecutionId"])

    def asked(self, query: str, *parameters: str, database: str | None = None) -> Json:
        """The rows of an answer as lists, the names first; or the reason of a failure."""
        athena = self.place.client("athena")
        query_id = self.started(query, *parameters, database=database)

        def state() -> dict[str, Any]:
            found = athena.get_query_execution(QueryExecutionId=query_id)
            return dict(found["QueryExecution"]["Status"])

        ended = self.place.until(
            state, lambda found: found["State"] not in ("QUEUED", "RUNNING"), seconds=120
        )
        if ended["State"] != "SUCCEEDED":
            return f"{ended['State']}: {ended.get('StateChangeReason', '')}"
        found = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return [[each.get("VarCharValue") for each in one.get("Data", [])] for one in found]


@check(
    "Athena evaluates an execution parameter as an SQL expression",
    actions=ASKING,
    creates=MADE,
    dollars=0.01,
    minutes=1,
    expects={"text in quotes": [["value"], ["text"]]},
)
def parameters(place: Place) -> Json:
    """Pass a number, text in quotes, text without, and an expression."""
    asker, query = Asker(place), "SELECT ? AS value"
    cases = {"a number": "1", "text in quotes": "'text'", "an expression": "1 + 1"}
    found = {case: asker.asked(query, text) for case, text in cases.items()}
    bare = asker.asked(query, "text")
    found["text without quotes"] = bare if isinstance(bare, list) else bare.partition(":")[0]
    return found


@check(
    "A call that names a query by its id needs permission for the query's workgroup",
    actions=(*ACTING, *ASKING),
    creates=f"{MADE}, {ROLE}",
    dollars=0.01,
    minutes=1,
    expects={"of another workgroup": "denied"},
)
def permission_by_id(place: Place) -> Json:
    """Read a query by its id with a role that may use its workgroup, and with one that may not."""
    asker = Asker(place)
    query_id = asker.started("SELECT 1")
    scope = f"arn:aws:athena:{place.region}:{place.account}:workgroup"
    found = {}
    for how, workgroup in (("of its workgroup", asker.workgroup), ("of another workgroup", "x")):
        with acting(place, allow("athena:*", f"{scope}/{workgroup}")) as client:
            read = client("athena").get_query_execution
            answer = place.error(read, QueryExecutionId=query_id)
            found[how] = "denied" if "AccessDenied" in answer else answer
    return found


@check(
    "Athena runs the saved queries as DuckDB does",
    actions=(
        *ASKING,
        "glue:CreateDatabase",
        "glue:CreateTable",
        "glue:DeleteDatabase",
        "glue:DeleteTable",
        "glue:GetDatabase",
        "glue:GetPartitions",
        "glue:GetTable",
        "glue:UpdateTable",
    ),
    creates=f"{MADE}, a database of Glue with the sample events",
    dollars=0.01,
    minutes=3,
)
def saved_queries(place: Place) -> Json:
    """Ask every saved query of AWS's sample events, as if they had happened today."""
    asker = Asker(place)
    database = place.name("lake").replace("-", "_")
    place.mask(database, "database")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    place.mask(today, "today")
    message_id = _fill(place, asker.bucket, today)
    _table(place, database, asker.bucket)
    folder = resources.files("cdk_mailroom.lake").joinpath("queries")
    found = {}
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        sql = file.read_text(encoding="utf-8")
        given = [f"'{message_id}'"] if "?" in sql else []
        found[file.name.removesuffix(".sql")] = asker.asked(sql, *given, database=database)
    found["of the view"] = asker.asked(
        "SELECT count(*) AS counted FROM events_once", database=database
    )
    return found


def _fill(place: Place, bucket: str, day: str) -> str:
    """Write the samples as rows of today, one of them twice; return a message's id."""
    made, s3 = [], place.client("s3")
    for path in sorted(SAMPLES.glob("*.json")):
        event = parse(json.loads(path.read_text("utf-8")))
        values = row(event)
        kind = partition(event, values)["event_type"]
        line = json.dumps(values).encode() + b"\n"
        lines = line * 2 if kind == "delivery" else line
        s3.put_object(
            Bucket=bucket, Key=f"events/event_type={kind}/day={day}/rows.json", Body=lines
        )
        made.append(values)
    return str(next(each["message_id"] for each in made if each.get("smtp_response")))


def _table(place: Place, database: str, bucket: str) -> None:
    glue = place.client("glue")
    place.cleanup.add(f"database {database}", glue.delete_database, Name=database)
    glue.create_database(DatabaseInput={"Name": database})
    for name in ("events_once", "events"):
        place.cleanup.add(f"table {name}", glue.delete_table, DatabaseName=database, Name=name)
    location = f"s3://{bucket}/events/"
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": "events",
            "TableType": "EXTERNAL_TABLE",
            "PartitionKeys": [{"Name": name, "Type": "string"} for name in ("event_type", "day")],
            "Parameters": {
                "EXTERNAL": "TRUE",
                "classification": "json",
                "projection.enabled": "true",
                "projection.event_type.type": "enum",
                "projection.event_type.values": ",".join(EVENT_TYPES),
                "projection.day.type": "date",
                "projection.day.format": "yyyy-MM-dd",
                "projection.day.range": "NOW-1DAYS,NOW+1DAYS",
                "projection.day.interval": "1",
                "projection.day.interval.unit": "DAYS",
                "storage.location.template": f"{location}event_type=${{event_type}}/day=${{day}}/",
            },
            "StorageDescriptor": {
                "Location": location,
                "Columns": [
                    {"Name": column["Name"], "Type": column["Type"]} for column in columns()
                ],
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
            },
        },
    )
