"""Firehose, Athena and EventBridge, as far as an archive of events needs them."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

PARQUET = {
    "Enabled": True,
    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {"Compression": "GZIP"}}},
}
# Answers each record by what it says of itself.
TRANSFORM = """
    import base64
    answers = []
    for record in event["records"]:
        row = json.loads(base64.b64decode(record["data"]))
        if row.get("result") == "raise":
            raise ValueError("broken")
        if row.get("result") == "forget":
            continue
        line = base64.b64encode((json.dumps(row) + chr(10)).encode()).decode()
        keys = {"kind": row.get("kind", "none"), "day": row.get("day", "2026-11-21")}
        answers.append({
            "recordId": record["recordId"],
            "result": row.get("result", "Ok"),
            "data": line,
            "metadata": {"partitionKeys": keys},
        })
    return {"records": answers}
"""
COLUMNS = [
    {"Name": "id", "Type": "string"},
    {"Name": "count", "Type": "bigint"},
    {"Name": "names", "Type": "array<string>"},
    {"Name": "tags", "Type": "map<string,string>"},
]


class Lake:
    """A small lake, deployed from a template written by hand."""

    def __init__(self, account: Any, *, parquet: bool, role: dict[str, Any] | None = None) -> None:
        self.account = account
        self.bucket = account.bucket(policy=False)
        self.database = account.name("lake").replace("-", "_")
        self.workgroup = account.name("workgroup")
        function = account.function(TRANSFORM.strip(), permission=False)
        formats = "parquet" if parquet else "json"
        serde = "org.openx.data.jsonserde.JsonSerDe"
        location = f"s3://{self.bucket}/rows/"
        trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}}
        granted = {"Effect": "Allow", "Action": ["s3:*", "lambda:InvokeFunction"], "Resource": "*"}
        conversion = {
            **PARQUET,
            "SchemaConfiguration": {"DatabaseName": self.database, "TableName": "rows"},
        }
        resources: dict[str, Any] = {
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "AssumeRolePolicyDocument": {
                        "Statement": [
                            {
                                **trust,
                                "Action": "sts:AssumeRole",
                                "Condition": {"StringEquals": {"sts:ExternalId": account.id}},
                            }
                        ]
                    },
                    "Policies": [
                        {
                            "PolicyName": "p",
                            "PolicyDocument": {"Statement": [role or granted]},
                        }
                    ],
                },
            },
            "Database": {
                "Type": "AWS::Glue::Database",
                "Properties": {
                    "CatalogId": account.id,
                    "DatabaseInput": {"Name": self.database},
                },
            },
            "Table": {
                "Type": "AWS::Glue::Table",
                "DependsOn": "Database",
                "Properties": {
                    "CatalogId": account.id,
                    "DatabaseName": self.database,
                    "TableInput": {
                        "Name": "rows",
                        "TableType": "EXTERNAL_TABLE",
                        "PartitionKeys": [
                            {"Name": "kind", "Type": "string"},
                            {"Name": "day", "Type": "string"},
                        ],
                        "Parameters": {
                            "classification": formats,
                            "projection.enabled": "true",
                            "projection.kind.type": "enum",
                            "projection.kind.values": "open,click",
                            "projection.day.type": "date",
                            "projection.day.format": "yyyy-MM-dd",
                            "projection.day.range": "2026-01-01,2027-01-01",
                            "storage.location.template": f"{location}kind=${{kind}}/${{day}}/",
                        },
                        "StorageDescriptor": {
                            "Location": location,
                            "Columns": COLUMNS,
                            "SerdeInfo": {"SerializationLibrary": serde},
                        },
                    },
                },
            },
            "Workgroup": {
                "Type": "AWS::Athena::WorkGroup",
                "Properties": {
                    "Name": self.workgroup,
                    "WorkGroupConfiguration": {
                        "EnforceWorkGroupConfiguration": True,
                        "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/results/"},
                    },
                },
            },
            "Query": {
                "Type": "AWS::Athena::NamedQuery",
                "Properties": {
                    "Name": "How many",
                    "Database": self.database,
                    "WorkGroup": {"Ref": "Workgroup"},
                    "QueryString": "SELECT count(*) AS many FROM rows WHERE kind = ?",
                },
            },
            "Stream": {
                "Type": "AWS::KinesisFirehose::DeliveryStream",
                "DependsOn": "Table",
                "Properties": {
                    "ExtendedS3DestinationConfiguration": {
                        "BucketARN": f"arn:aws:s3:::{self.bucket}",
                        "RoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
                        "Prefix": "rows/kind=!{partitionKeyFromLambda:kind}/"
                        "!{partitionKeyFromLambda:day}/!{timestamp:yyyy}/",
                        "ErrorOutputPrefix": "errors/!{firehose:error-output-type}/",
                        "CompressionFormat": "UNCOMPRESSED" if parquet else "GZIP",
                        "FileExtension": ".parquet" if parquet else ".json.gz",
                        "DynamicPartitioningConfiguration": {"Enabled": True},
                        "ProcessingConfiguration": {
                            "Enabled": True,
                            "Processors": [
                                {
                                    "Type": "Lambda",
                                    "Parameters": [
                                        {"ParameterName": "LambdaArn", "ParameterValue": function},
                                        {"ParameterName": "NumberOfRetries", "ParameterValue": "1"},
                                    ],
                                }
                            ],
                        },
                        **({"DataFormatConversionConfiguration": conversion} if parquet else {}),
                    }
                },
            },
        }
        self.resources = resources
        self.stack = account.name("stack")
        account.cloudformation.create_stack(
            StackName=self.stack, TemplateBody=json.dumps({"Resources": resources})
        )
        assert account.settled(self.stack)["StackStatus"] == "CREATE_COMPLETE", account.reasons(
            self.stack
        )
        self.stream = account.physical_id(self.stack, "Stream")

    def put(self, *rows: dict[str, Any]) -> None:
        answer = self.account.aws.client("firehose").put_record_batch(
            DeliveryStreamName=self.stream,
            Records=[{"Data": json.dumps(row).encode()} for row in rows],
        )
        assert answer["FailedPutCount"] == 0

    def objects(self, prefix: str, *, count: int = 1, seconds: float = 8) -> dict[str, bytes]:
        """The objects below a prefix, once there are so many."""

        def read() -> list[str]:
            found = self.account.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
            return [each["Key"] for each in found.get("Contents", [])]

        keys = self.account.aws.wait_until(read, lambda found: len(found) >= count, seconds=seconds)
        return {key: self.account.read(self.bucket, key) for key in keys}

    def errors(self, kind: str) -> list[dict[str, Any]]:
        lines = b"".join(self.objects(f"errors/{kind}/").values()).splitlines()
        return [json.loads(line) for line in lines]

    def ask(self, query: str, *parameters: str, **options: Any) -> list[list[str | None]]:
        """The rows of the answer, without the header."""
        athena = self.account.aws.client("athena")
        given = {"ExecutionParameters": list(parameters)} if parameters else {}
        started = athena.start_query_execution(
            QueryString=query,
            WorkGroup=self.workgroup,
            QueryExecutionContext={"Database": self.database},
            **given,
            **options,
        )["QueryExecutionId"]

        def read() -> dict[str, Any]:
            found = athena.get_query_execution(QueryExecutionId=started)
            return dict(found["QueryExecution"])

        ended = self.account.aws.wait_until(
            read, lambda found: found["Status"]["State"] in ("SUCCEEDED", "FAILED"), seconds=10
        )
        assert ended["Status"]["State"] == "SUCCEEDED", ended["Status"]
        self.told = ended
        answer = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
        rows = [[each.get("VarCharValue") for each in row["Data"]] for row in answer]
        return rows[1:]


@pytest.fixture(scope="module")
def made(account: Any) -> Callable[[bool], Lake]:
    """A lake of Parquet or of JSON, made once each."""
    lakes: dict[bool, Lake] = {}

    def make(parquet: bool) -> Lake:
        if parquet not in lakes:
            lakes[parquet] = Lake(account, parquet=parquet)
        return lakes[parquet]

    return make


@pytest.fixture(params=[True, False], ids=["parquet", "json"])
def either(request: Any, made: Any) -> Lake:
    """Both formats, one after the other."""
    return made(request.param)


# --- Firehose ----------------------------------------------------------------------------------


def test_rows_that_were_put_can_be_queried(either: Lake, account: Any) -> None:
    """With the types of the table, under enforced permissions."""
    name = account.name("row")
    with account.aws.permissions_enforced():
        either.put(
            {"id": name, "count": 3, "names": ["a", "b"], "tags": {"x": "y"}, "kind": "open"},
            {"id": name, "count": 4, "kind": "click"},
        )
        either.objects("rows/kind=open/")
        either.objects("rows/kind=click/")
    assert either.ask(
        "SELECT count, names, tags['x'], cardinality(names), kind, day FROM rows "
        f"WHERE id = '{name}' ORDER BY count"
    ) == [
        ["3", "[a, b]", "y", "2", "open", "2026-11-21"],
        ["4", None, None, None, "click", "2026-11-21"],
    ]


def test_records_that_come_together_are_one_object(made: Any, account: Any) -> None:
    """For each partition, compressed as the stream says, one line for each record."""
    day = "2026-05-01"
    made(False).put(*({"id": str(number), "kind": "open", "day": day} for number in range(50)))
    found = made(False).objects(f"rows/kind=open/{day}/")
    ((key, content),) = found.items()
    assert key.endswith(".json.gz")
    lines = gzip.decompress(content).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [str(number) for number in range(50)]


def test_a_record_that_fails_is_kept_alone(made: Any) -> None:
    """As it was put, below the error prefix; the others go on, what is dropped is gone."""
    poison = {"result": "ProcessingFailed", "id": "poison"}
    gone = {"result": "forget", "id": "gone"}
    rows = [{"id": "fine", "kind": "open", "day": "2026-06-01"}, {"result": "Dropped"}]
    made(False).put(poison, gone, *rows)
    assert len(made(False).objects("rows/kind=open/2026-06-01/")) == 1
    errors = made(False).errors("processing-failed")
    raw = [json.loads(base64.b64decode(error["rawData"])) for error in errors]
    assert [(row["id"], error["errorCode"]) for row, error in zip(raw, errors, strict=True)] == [
        ("poison", "Lambda.ProcessingFailedStatus"),
        ("gone", "Lambda.MissingRecordId"),
    ]
    assert errors[0]["lambdaArn"].startswith("arn:aws:lambda:")


def test_a_function_that_fails_loses_nothing(account: Any) -> None:
    """After its retries the whole batch is below the error prefix."""
    own = Lake(account, parquet=False)
    own.put({"id": "one"}, {"result": "raise", "id": "two"})
    errors = own.errors("processing-failed")
    assert [error["errorCode"] for error in errors] == ["Lambda.FunctionError"] * 2
    assert [error["attemptsMade"] for error in errors] == [2, 2]
    assert "broken" in errors[0]["errorMessage"]


def test_a_row_that_does_not_fit_the_table_is_kept_alone(made: Any) -> None:
    """Text where the table has a number."""
    day = "2026-07-01"
    made(True).put(
        {"id": "fits", "count": 1, "kind": "open", "day": day},
        {"id": "odd", "count": "many", "kind": "open", "day": day},
    )
    errors = made(True).errors("format-conversion-failed")
    assert [json.loads(base64.b64decode(error["rawData"]))["id"] for error in errors] == ["odd"]
    assert errors[0]["lastErrorCode"] == "DataFormatConversion.MalformedData"
    made(True).objects(f"rows/kind=open/{day}/")
    assert made(True).ask(f"SELECT id FROM rows WHERE day = '{day}'") == [["fits"]]


def test_a_role_that_may_not_invoke_delivers_nothing(account: Any) -> None:
    """It may write, so the records are kept below the error prefix."""
    own = Lake(
        account,
        parquet=False,
        role={"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"},
    )
    with account.aws.permissions_enforced():
        own.put({"id": "one", "kind": "open"})
        errors = own.errors("processing-failed")
    assert [error["errorCode"] for error in errors] == ["Lambda.InvokeAccessDenied"]
    assert own.objects("rows/", seconds=0) == {}


# --- Athena ------------------------------------------------------------------------------------


def test_a_table_without_objects_has_no_rows(account: Any) -> None:
    """And columns of the right types all the same."""
    own = Lake(account, parquet=True)
    assert own.ask("SELECT tags['x'], names[1] FROM rows") == []


def test_objects_outside_of_the_projection_are_not_in_the_table(either: Lake) -> None:
    """A kind that is not listed, a day before the first."""
    either.put(
        {"id": "outside", "kind": "other", "day": "2026-08-01"},
        {"id": "outside", "kind": "open", "day": "2025-08-01"},
        {"id": "inside", "kind": "open", "day": "2026-08-01"},
    )
    either.objects("rows/kind=open/2025-08-01/")
    either.objects("rows/kind=open/2026-08-01/")
    either.objects("rows/kind=other/")
    assert either.ask("SELECT id FROM rows WHERE id LIKE '%side'") == [["inside"]]


def test_a_saved_query_is_deployed_and_takes_parameters(made: Any, account: Any) -> None:
    """The workgroup has it; another text takes its place on update."""
    athena = account.aws.client("athena")
    own = made(True)

    def saved() -> dict[str, Any]:
        (found,) = athena.list_named_queries(WorkGroup=own.workgroup)["NamedQueryIds"]
        return dict(athena.get_named_query(NamedQueryId=found)["NamedQuery"])

    before = saved()
    assert (before["Name"], before["Database"]) == ("How many", own.database)
    assert own.ask(before["QueryString"], "'nothing'") == [["0"]]
    own.resources["Query"]["Properties"]["QueryString"] = "SELECT 1"
    assert account.deploy(own.resources, stack=own.stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert saved()["QueryString"] == "SELECT 1"
    assert saved()["NamedQueryId"] != before["NamedQueryId"]


def test_an_enforced_workgroup_sets_where_results_go(made: Any, account: Any) -> None:
    """Whatever the call says."""
    own = made(True)
    elsewhere = {"OutputLocation": f"s3://{own.bucket}/elsewhere/"}
    assert own.ask("SELECT 1", ResultConfiguration=elsewhere) == [["1"]]
    location = own.told["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{own.bucket}/results/{own.told['QueryExecutionId']}.csv"
    key = location.removeprefix(f"s3://{own.bucket}/")
    assert account.read(own.bucket, key).decode().split() == ["1", "1"]


def test_a_view_is_kept_and_can_be_queried(made: Any, account: Any) -> None:
    """In the catalog, as Athena keeps it there."""
    own = made(True)
    own.ask("-- a comment\nCREATE OR REPLACE VIEW kinds AS SELECT DISTINCT kind FROM rows")
    kept = account.aws.client("glue").get_table(DatabaseName=own.database, Name="kinds")["Table"]
    assert kept["TableType"] == "VIRTUAL_VIEW"
    assert own.ask("SELECT k.kind FROM kinds k WHERE k.kind = 'never'") == []
    assert own.ask(f"SELECT count(*) FROM {own.database}.kinds") != []


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("approx_percentile(x, 0.5) FROM (VALUES (1), (2), (3)) AS t (x)", "2"),
        ("array_join(ARRAY['a', 'b'], '-')", "a-b"),
        ("date_diff('day', DATE '2026-11-01', DATE '2026-11-21')", "20"),
        ("json_extract_scalar('{\"a\": \"b\"}', '$.a')", "b"),
        ("element_at(map(ARRAY['k'], ARRAY['v']), 'k')", "v"),
        ("regexp_like('abc', 'b.')", "true"),
        ("k FROM unnest(map_keys(map(ARRAY['k'], ARRAY['v']))) AS t (k)", "k"),
        ("if(true, 'yes', 'no')", "yes"),
        ("count_if(x > 1) FROM (VALUES (1), (2), (3)) AS t (x)", "2"),
    ],
)
def test_words_of_athenas_sql_are_known(made: Any, expression: str, expected: str) -> None:
    """Though the engine is another one."""
    assert made(True).ask(f"SELECT {expression}") == [[expected]]


def test_a_query_has_read_the_objects_of_its_tables(account: Any) -> None:
    """Their size, which Athena bills; nothing where there is no table."""
    own = Lake(account, parquet=False)
    own.put({"id": "one", "kind": "open"})
    ((_, content),) = own.objects("rows/kind=open/").items()
    assert own.ask("SELECT id FROM rows") == [["one"]]
    assert own.told["Statistics"]["DataScannedInBytes"] == len(content)
    own.ask("SELECT 1")
    assert own.told["Statistics"]["DataScannedInBytes"] == 0


def test_a_query_that_is_stopped_ends_and_stays_stopped(made: Any, account: Any) -> None:
    """Even though its answer would take minutes."""
    athena = account.aws.client("athena")
    started = athena.start_query_execution(
        QueryString="SELECT count(*) FROM range(1000000000000)", WorkGroup=made(False).workgroup
    )["QueryExecutionId"]

    def read() -> dict[str, Any]:
        return dict(athena.get_query_execution(QueryExecutionId=started)["QueryExecution"])

    account.aws.wait_until(read, lambda found: found["Status"]["State"] == "RUNNING", seconds=5)
    athena.stop_query_execution(QueryExecutionId=started)
    assert read()["Status"]["State"] == "CANCELLED"
    # The engine is free again, and what it would have answered changes nothing.
    assert made(False).ask("SELECT 1") == [["1"]]
    assert read()["Status"]["State"] == "CANCELLED"


# --- EventBridge -------------------------------------------------------------------------------


def test_an_event_reaches_a_function_by_the_event_bus(account: Any) -> None:
    """With the source and the detail type that SES has there; an archive can keep it."""
    name, _ = account.configuration_set()
    arn = f"arn:aws:events:{account.region}:{account.id}"
    function = account.function("print(json.dumps(event))", permission=False)
    archive = account.name("archive")
    outcome = account.deploy(
        {
            "Rule": {
                "Type": "AWS::Events::Rule",
                "Properties": {
                    "EventPattern": {
                        "source": ["aws.ses"],
                        "detail-type": ["Email Delivered"],
                        "detail": {"mail": {"tags": {"ses:configuration-set": [name]}}},
                    },
                    "Targets": [{"Id": "function", "Arn": function}],
                },
            },
            "Permission": {
                "Type": "AWS::Lambda::Permission",
                "Properties": {
                    "Action": "lambda:InvokeFunction",
                    "FunctionName": function,
                    "Principal": "events.amazonaws.com",
                    "SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]},
                },
            },
            "Archive": {
                "Type": "AWS::Events::Archive",
                "Properties": {
                    "ArchiveName": archive,
                    "SourceArn": f"{arn}:event-bus/default",
                    "EventPattern": {"source": ["aws.ses"]},
                    "RetentionDays": 7,
                },
            },
        }
    )
    assert outcome["StackStatus"] == "CREATE_COMPLETE", account.reasons(outcome["StackName"])
    account.destination(
        name,
        "SEND",
        "DELIVERY",
        EventBridgeDestination={"EventBusArn": f"{arn}:event-bus/default"},
    )
    message_id = account.mail(ConfigurationSetName=name)
    logs = account.aws.client("logs")

    def read() -> list[dict[str, Any]]:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function.split(':')[-1]}")
        except logs.exceptions.ResourceNotFoundException:
            return []
        lines = [line for each in found["events"] for line in each["message"].splitlines()]
        return [json.loads(line) for line in lines if line.startswith("{")]

    (event,) = account.aws.wait_until(read, bool, seconds=10)
    assert (event["source"], event["detail-type"]) == ("aws.ses", "Email Delivered")
    assert event["detail"]["mail"]["messageId"] == message_id
    events = account.aws.client("events")
    assert events.describe_archive(ArchiveName=archive)["EventCount"] >= 2
    assert account.delete(outcome["StackName"])["StackStatus"] == "DELETE_COMPLETE"
    assert archive not in [each["ArchiveName"] for each in events.list_archives()["Archives"]]
