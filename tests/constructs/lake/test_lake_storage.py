"""The lake's bucket, its table and its saved queries."""

from __future__ import annotations

import re

from aws_cdk import Duration
from synthesis import ACCOUNT, Template, synthesized

from assemblies import ROOT
from cdk_mailroom import EventLake
from cdk_mailroom.lake import LakeQueries, LakeStorage, named_queries
from mailroom.lake import EVENT_TYPES, PARTITIONS, SCHEMA, columns


def destination(template: Template, path: str = "Out/Lake/Stream") -> dict:
    """Return the stream's S3 configuration."""
    return template.at(path)["ExtendedS3DestinationConfiguration"]


# The bucket


def test_the_bucket_is_private_encrypted_and_kept(plain):
    """It holds addresses, and is the only archive."""
    bucket = plain.at("Out/Lake/Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert plain.resources["Out/Lake/Bucket"]["DeletionPolicy"] == "Retain"
    [statement] = plain.at("Out/Lake/Bucket/Policy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_customer_key_encrypts_objects_and_results(optioned):
    """A bucket key saves KMS requests."""
    [rule] = optioned.at("Lake/Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"] == "<Key.Arn>"
    settings = optioned.at("Lake/Workgroup")["WorkGroupConfiguration"]["ResultConfiguration"]
    assert settings["EncryptionConfiguration"] == {
        "EncryptionOption": "SSE_KMS",
        "KmsKey": "<Key.Arn>",
    }


def lifecycle(template: Template, path: str) -> dict[str, dict]:
    """Return the rules by their ids, without what all of them have."""
    rules = template.at(path)["LifecycleConfiguration"]["Rules"]
    return {
        rule["Id"]: {name: rule[name] for name in rule if name not in ("Id", "Status")}
        for rule in rules
    }


def test_objects_move_to_cheaper_storage_and_expire_after_two_years(plain):
    """Query results expire after a week; a query can be repeated."""
    assert lifecycle(plain, "Out/Lake/Bucket") == {
        "unfinished": {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
        "events": {
            "Prefix": "events/",
            "ExpirationInDays": 730,
            "Transitions": [
                {"StorageClass": "STANDARD_IA", "TransitionInDays": 90},
                {"StorageClass": "GLACIER_IR", "TransitionInDays": 365},
            ],
        },
        "errors": {"Prefix": "errors/", "ExpirationInDays": 730},
        "results": {"Prefix": "results/", "ExpirationInDays": 7},
    }


def test_lifecycle_options_reach_the_bucket(optioned):
    rules = lifecycle(optioned, "Lake/Bucket")
    assert rules["events"]["Prefix"] == "mail/"
    assert rules["events"]["ExpirationInDays"] == 400
    assert [one["TransitionInDays"] for one in rules["events"]["Transitions"]] == [30, 60]
    assert rules["results"] == {"Prefix": "answers/", "ExpirationInDays": 1}


def test_objects_can_be_kept_forever_in_standard_storage():
    """Nothing moves and nothing expires, so the table begins on a fixed day."""
    template = synthesized(
        lambda stack: EventLake(
            stack,
            "Lake",
            retention="forever",
            storage=LakeStorage(infrequent_access_after="never", glacier_after="never"),
            queries=LakeQueries(result_retention="forever"),
        )
    )
    assert list(lifecycle(template, "Lake/Bucket")) == ["unfinished"]
    parameters = template.at("Lake/Table")["TableInput"]["Parameters"]
    assert parameters["projection.day.range"] == "2026-01-01,NOW+1DAYS"


def test_a_short_retention_moves_no_objects_to_cheaper_storage():
    """S3 bills at least thirty days in the cheaper class, so moving would cost more."""
    template = synthesized(lambda stack: EventLake(stack, "Lake", retention=Duration.days(30)))
    assert "Transitions" not in lifecycle(template, "Lake/Bucket")["events"]


# The table


def test_the_tables_columns_are_the_runtimes_schema(plain):
    """One description for code, table and documentation."""
    table = plain.at("Out/Lake/Table")["TableInput"]
    assert table["StorageDescriptor"]["Columns"] == columns()
    assert table["PartitionKeys"] == [{"Name": name, "Type": "string"} for name in PARTITIONS]
    assert table["Name"] == "events"


def test_athena_projects_the_partitions(plain):
    """Every type that the runtime writes, the unknown ones too, and every day that is kept."""
    parameters = plain.at("Out/Lake/Table")["TableInput"]["Parameters"]
    projected = {name: value for name, value in parameters.items() if "projection" in name}
    assert projected == {
        "projection.enabled": "true",
        "projection.event_type.type": "enum",
        "projection.event_type.values": ",".join(EVENT_TYPES),
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "NOW-731DAYS,NOW+1DAYS",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
    }
    assert "other" in EVENT_TYPES


def test_the_tables_template_is_where_firehose_writes(plain):
    """Otherwise the table would be empty, without any error."""
    parameters = plain.at("Out/Lake/Table")["TableInput"]["Parameters"]
    found = parameters["storage.location.template"]
    prefix = re.sub(r"!{partitionKeyFromLambda:(\w+)}", r"${\1}", destination(plain)["Prefix"])
    assert found == f"s3://<Out/Lake/Bucket>/{prefix}"


def test_a_given_first_day_reaches_the_table(optioned):
    """This is for a lake that holds older events."""
    parameters = optioned.at("Lake/Table")["TableInput"]["Parameters"]
    assert parameters["projection.day.range"] == "2026-05-01,NOW+1DAYS"


def test_a_generated_name_is_valid_in_sql(plain):
    """It has lower case letters and no hyphen, so it needs no quotes."""
    assert re.fullmatch("[a-z0-9_]+", plain.at("Out/Lake/Database")["DatabaseInput"]["Name"])


# Athena


def test_a_query_cannot_leave_the_workgroups_settings(plain):
    """Results are encrypted and in the lake's bucket, and the amount read is limited."""
    [group] = plain.of("AWS::Athena::WorkGroup").values()
    assert group["WorkGroupConfiguration"] == {
        "BytesScannedCutoffPerQuery": 100 * 1024**3,
        "EnforceWorkGroupConfiguration": True,
        "EngineVersion": {"SelectedEngineVersion": "Athena engine version 3"},
        "PublishCloudWatchMetricsEnabled": True,
        "ResultConfiguration": {
            "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
            "ExpectedBucketOwner": ACCOUNT,
            "OutputLocation": "s3://<Out/Lake/Bucket>/results/",
        },
    }


def test_athenas_options_reach_the_workgroup(optioned):
    group = optioned.at("Lake/Workgroup")
    assert group["Name"] == "Mail"
    assert group["WorkGroupConfiguration"]["BytesScannedCutoffPerQuery"] == 1024**3
    assert optioned.at("Lake/Database")["DatabaseInput"]["Name"] == "mail"


def test_every_query_is_saved_unchanged(plain):
    """In the lake's workgroup and database, with a title and a description for people."""
    saved = {one["QueryString"]: one for one in plain.of("AWS::Athena::NamedQuery").values()}
    assert set(saved) == set(named_queries().values())
    for one in saved.values():
        assert one["WorkGroup"] == "<Out/Lake/Workgroup>"
        assert one["Database"] == plain.at("Out/Lake/Database")["DatabaseInput"]["Name"]
        assert named_queries()[one["Name"]] == one["QueryString"]
        assert 20 < len(one["Description"]) <= 1024
        assert not one["Name"].startswith("-")


# Documentation


def schema_table() -> str:
    """Return the table of columns as ``docs/lake.md`` has it."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("schema", ROOT / "examples/analytics/schema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.table()


def test_the_documented_columns_are_the_schemas():
    """``python examples/analytics/schema.py --write`` brings the page up to date."""
    page = (ROOT / "docs" / "lake.md").read_text(encoding="utf-8")
    table = page.partition("<!-- schema -->\n")[2].partition("<!-- /schema -->")[0]
    assert table == schema_table()
    assert all(f"`{column.name}`" in table for column in SCHEMA)
