"""With permissions enforced, Mail Manager asks on the resource that an operation is about.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_mailmanager.html
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.gateway.managing import DROP, Manager
from mailroom_local import LocalAws

Call = Callable[..., str]


@pytest.fixture(scope="module")
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws)


@pytest.fixture(scope="module")
def call(manager: Manager) -> Call:
    """Call an operation as a user who has these permissions; the answer, or its error."""
    iam = manager.client("iam")
    iam.create_user(UserName="operator")
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    client: Any = boto3.client(
        "mailmanager",
        region_name=manager.region,
        endpoint_url=manager.aws.server.endpoint,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    def run(operation: str, given: dict[str, Any], *allowed: tuple[str, str]) -> str:
        statements = [
            {"Effect": "Allow", "Action": action, "Resource": resource}
            for action, resource in allowed or [("s3:GetObject", "*")]
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_user_policy(UserName="operator", PolicyName="p", PolicyDocument=document)
        with manager.aws.permissions_enforced():
            try:
                getattr(client, operation)(**given)
            except ClientError as error:
                found = error.response["Error"]
                return f"{found['Code']}: {found['Message']}"
        return "done"

    return run


def test_reading_a_list_needs_permission_on_this_list(manager: Manager, call: Call) -> None:
    """The refusal names who asked, for what and where."""
    made = manager.made("CreateAddressList", AddressListName="one")
    other = manager.made("CreateAddressList", AddressListName="other")
    arn = f"{manager.arn}:mailmanager-address-list/{made}"
    grant = ("ses:ListMembersOfAddressList", arn)
    assert call("list_members_of_address_list", {"AddressListId": made}, grant) == "done"
    refused = call("list_members_of_address_list", {"AddressListId": other}, grant)
    assert refused.startswith("AccessDeniedException: ")
    assert "user/operator" in refused
    assert f"ses:ListMembersOfAddressList on resource: {manager.arn}" in refused


def test_an_import_job_belongs_to_its_list(manager: Manager, call: Call) -> None:
    """The permission that a custom resource has covers all its steps."""
    made = manager.made("CreateAddressList", AddressListName="imported")
    arn = f"{manager.arn}:mailmanager-address-list/{made}"
    job = manager.call(
        "CreateAddressListImportJob",
        AddressListId=made,
        Name="job",
        ImportDataFormat={"ImportDataType": "CSV"},
    )[1]["JobId"]
    grants = [("ses:GetAddressListImportJob", arn), ("ses:StartAddressListImportJob", arn)]
    assert call("get_address_list_import_job", {"JobId": job}, *grants) == "done"
    assert call("start_address_list_import_job", {"JobId": job}, *grants) == "done"
    assert "AccessDenied" in call("stop_address_list_import_job", {"JobId": job}, *grants)
    assert "AccessDenied" in call("get_address_list_import_job", {"JobId": "unknown"}, *grants)


def test_a_search_belongs_to_its_archive(manager: Manager, call: Call) -> None:
    """Lists of searches have no resource."""
    archive = manager.made("CreateArchive", ArchiveName="searched")
    arn = f"{manager.arn}:mailmanager-archive/{archive}"
    given = {"ArchiveId": archive, "FromTimestamp": 0, "ToTimestamp": 1, "MaxResults": 1}
    search = manager.call("StartArchiveSearch", **given)[1]["SearchId"]
    assert call("get_archive_search", {"SearchId": search}, ("ses:GetArchiveSearch", arn)) == "done"
    another = ("ses:GetArchiveSearch", f"{arn}x")
    assert "AccessDenied" in call("get_archive_search", {"SearchId": search}, another)
    listing = ("ses:ListArchiveSearches", arn)
    assert "AccessDenied" in call("list_archive_searches", {"ArchiveId": archive}, listing)
    listing = ("ses:ListArchiveSearches", "*")
    assert call("list_archive_searches", {"ArchiveId": archive}, listing) == "done"


def test_a_rule_set_needs_permission_to_pass_its_roles(manager: Manager, call: Call) -> None:
    """And to tag, if it has tags."""
    role = f"arn:aws:iam::{manager.account}:role/gateway"
    rules = [DROP, {"Actions": [{"Send": {"RoleArn": role}}]}]
    given = {"RuleSetName": "passing", "Rules": rules, "Tags": [{"Key": "a", "Value": "b"}]}
    everywhere = f"{manager.arn}:mailmanager-rule-set/*"
    create, tag = ("ses:CreateRuleSet", everywhere), ("ses:TagResource", everywhere)
    assert "iam:PassRole" in call("create_rule_set", given, create, tag)
    assert "ses:TagResource" in call("create_rule_set", given, create, ("iam:PassRole", role))
    assert call("create_rule_set", given, create, tag, ("iam:PassRole", role)) == "done"


def test_a_call_without_permission_does_nothing(manager: Manager, call: Call) -> None:
    """The rule set is still there."""
    rules = manager.rule_set(name="kept")
    assert "AccessDenied" in call("delete_rule_set", {"RuleSetId": rules})
    assert manager.call("GetRuleSet", RuleSetId=rules)[0] == 200
