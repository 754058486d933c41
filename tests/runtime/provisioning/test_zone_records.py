"""Records in a zone of another account: what a request changes, and what it never touches."""

from __future__ import annotations

import boto3
import pytest
from botocore.stub import Stubber

from mailroom.provisioning import zone_records
from mailroom.provisioning.zone_records import ZoneRecordsError, ZoneRefused, handler

MX = {"Name": "example.com", "Type": "MX", "Value": "10 inbound-smtp.eu-west-1.amazonaws.com"}
DKIM = {"Name": "a._domainkey.example.com", "Type": "CNAME", "Value": "a.dkim.amazonses.com"}
MOVED = {**MX, "Value": "10 inbound-smtp.us-east-1.amazonaws.com"}
PLACE = {"HostedZoneId": "Z1", "RoleArn": "arn:aws:iam::222222222222:role/zone"}


class Route53:
    """A zone that changes as Route 53's do: a batch as a whole, or not at all."""

    def __init__(self):
        self.records: dict[tuple[str, str], list[str]] = {}
        self.batches = 0

    def list_resource_record_sets(self, **asked):
        key = (asked["StartRecordName"], asked["StartRecordType"])
        following = sorted(one for one in self.records if one >= key)[: int(asked["MaxItems"])]
        return {
            "ResourceRecordSets": [
                {
                    "Name": name,
                    "Type": kind,
                    "ResourceRecords": [{"Value": one} for one in self.records[name, kind]],
                }
                for name, kind in following
            ]
        }

    def change_resource_record_sets(self, **asked):
        after = dict(self.records)
        for change in asked["ChangeBatch"]["Changes"]:
            one = change["ResourceRecordSet"]
            key = (one["Name"].rstrip(".") + ".", one["Type"])
            values = [value["Value"] for value in one["ResourceRecords"]]
            assert change["Action"] in ("CREATE", "DELETE", "UPSERT"), "InvalidInput"
            if change["Action"] == "CREATE":
                assert key not in after, "InvalidChangeBatch: it already exists"
            if change["Action"] == "DELETE":
                assert after.pop(key) == values, "InvalidChangeBatch: values do not match"
            else:
                after[key] = values
        self.records = after
        self.batches += 1


@pytest.fixture
def zone(monkeypatch) -> Route53:
    """Return the zone that the role may change."""
    zone = Route53()
    monkeypatch.setattr(zone_records, "_client", lambda role_arn: zone)
    return zone


def request(kind, records, before=None):
    """Send what CloudFormation sends, and return its answer."""
    event = {
        "RequestType": kind,
        "LogicalResourceId": "Records",
        "ResourceProperties": {**PLACE, "Records": records},
    }
    if kind != "Create":
        event["PhysicalResourceId"] = "Records"
    if before is not None:
        event["OldResourceProperties"] = {**PLACE, "Records": before}
    return handler(event)


def names(zone):
    return {name for name, _ in zone.records}


def test_records_are_published_and_removed_again(zone):
    assert request("Create", [MX, DKIM]) == {"PhysicalResourceId": "Records"}
    assert names(zone) == {"example.com.", "a._domainkey.example.com."}
    assert request("Delete", [MX, DKIM]) == {"PhysicalResourceId": "Records"}
    assert zone.records == {}


def test_an_update_changes_what_differs_in_one_batch(zone):
    request("Create", [MX, DKIM])
    assert request("Update", [MOVED], [MX, DKIM]) == {"PhysicalResourceId": "Records"}
    assert zone.records == {("example.com.", "MX"): [MOVED["Value"]]}
    assert zone.batches == 2


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_second_delivery_changes_nothing(zone, kind):
    before = [DKIM] if kind == "Update" else None
    request(kind, [MX], before)
    records, batches = dict(zone.records), zone.batches
    request(kind, [MX], before)
    assert (zone.records, zone.batches) == (records, batches)


def test_a_rollback_restores_what_was_there(zone):
    request("Create", [MX, DKIM])
    before = dict(zone.records)
    request("Update", [MOVED], [MX, DKIM])
    request("Update", [MX, DKIM], [MOVED])
    assert zone.records == before


def test_mail_that_goes_elsewhere_is_not_taken_away(zone):
    """An MX record that is not ours stops the request before anything is done."""
    zone.records["example.com.", "MX"] = ["1 aspmx.l.google.com"]
    with pytest.raises(ZoneRecordsError, match=r"example\.com has the MX record 1 aspmx"):
        request("Create", [DKIM, MX])
    assert zone.records == {("example.com.", "MX"): ["1 aspmx.l.google.com"]}


def test_a_record_that_was_changed_since_is_left_alone(zone):
    request("Create", [MX])
    zone.records["example.com.", "MX"] = ["1 aspmx.l.google.com"]
    request("Delete", [MX])
    assert zone.records == {("example.com.", "MX"): ["1 aspmx.l.google.com"]}


def test_a_role_that_cannot_be_assumed_is_named_and_nothing_was_done(monkeypatch):
    """The Delete after the failed Create needs no role either."""
    sts = boto3.client("sts")
    monkeypatch.setattr(boto3, "client", lambda service: sts)
    monkeypatch.setattr(zone_records, "_PATIENCE", 0.0)
    with Stubber(sts) as stubbed:
        stubbed.add_client_error("assume_role", "AccessDenied")
        with pytest.raises(ZoneRefused, match="role/zone trust the account") as caught:
            request("Create", [MX])
    assert caught.value.nothing_done


def test_records_are_written_as_the_zones_role(monkeypatch):
    """Not as the function itself, which may do nothing in the other account."""
    sts, made = boto3.client("sts"), {}

    def client(service, **given):
        return sts if service == "sts" else made.update({service: given})

    monkeypatch.setattr(boto3, "client", client)
    keys = {"AccessKeyId": "A" * 16, "SecretAccessKey": "secret", "SessionToken": "token"}
    answer = {"Credentials": {**keys, "Expiration": "2026-11-27T00:00:00Z"}}
    with Stubber(sts) as stubbed:
        asked = {"RoleArn": PLACE["RoleArn"], "RoleSessionName": "mailroom-zone-records"}
        stubbed.add_response("assume_role", answer, asked)
        zone_records._client(PLACE["RoleArn"])
    assert made == {
        "route53": {
            "aws_access_key_id": "A" * 16,
            "aws_secret_access_key": "secret",
            "aws_session_token": "token",
        }
    }
