"""Address lists: whose members, in which syntax, and who may read and change them."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from synthesis import ACCOUNT, REGION, Template, new_stack, refuses

from cdk_mailroom.gateway.address_list import AddressList

ARN = f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-address-list/al-123"
MANY = [f"u{number}@example.com" for number in range(101)]
READ = ["ses:GetMemberOfAddressList", "ses:ListMembersOfAddressList"]
CHANGE = ["ses:RegisterMemberToAddressList", "ses:DeregisterMemberFromAddressList"]


def function(stack: cdk.Stack, name: str) -> lambda_.Function:
    return lambda_.Function(
        stack,
        name,
        runtime=lambda_.Runtime.PYTHON_3_13,
        handler="x.y",
        code=lambda_.Code.from_inline("x"),
        role=iam.Role(
            stack, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        ),
    )


@pytest.fixture(scope="module")
def template() -> Template:
    """One stack that has everything; it is only read."""
    stack = new_stack(name="Lists")
    blocked = AddressList(stack, "Blocked", members=["bad@example.org", "*@spam.example"])
    many = AddressList(stack, "Many", members=MANY, name="many", removal_policy=_RETAIN)
    ours = AddressList.from_address_list_arn(stack, "Ours", ARN)
    blocked.grant_manage(function(stack, "Manager"))
    reader = function(stack, "Reader")
    blocked.grant_read(reader)
    ours.grant_read(reader)
    many.grant_read(iam.User(stack, "User"))
    return Template(stack)


_RETAIN = cdk.RemovalPolicy.RETAIN


def document(template: Template, path: str) -> list[dict[str, Any]]:
    """Return the statements of the policy at *path*."""
    found: list[dict[str, Any]] = template.at(path)["PolicyDocument"]["Statement"]
    return found


def test_a_list_has_the_members_of_the_code(template: Template) -> None:
    """A few are in the template."""
    found = template.at("Blocked/Members/Default")
    assert found["AddressListId"] == "<Blocked.AddressListId>"
    assert found["Members"] == ["bad@example.org", "*@spam.example"]


def test_many_members_are_in_a_file_beside_the_template(template: Template) -> None:
    found = template.at("Many/Members/Default")
    assert "Members" not in found
    (written,) = template.folder.glob(f"asset.{found['MembersKey']}")
    assert written.read_text() == "".join(f"{line}\n" for line in ["address", *MANY])


def test_a_list_has_no_name_unless_it_is_given_one(template: Template) -> None:
    """A name would be in the way when the list is replaced."""
    assert template.of("AWS::SES::MailManagerAddressList") == {
        "Blocked": {},
        "Many": {"AddressListName": "many"},
    }


def test_a_list_is_deleted_unless_it_is_to_be_kept(template: Template) -> None:
    kept = {name: template.resources[name]["DeletionPolicy"] for name in ("Blocked", "Many")}
    assert kept == {"Blocked": "Delete", "Many": "Retain"}


def test_a_manager_may_read_and_change_that_list_and_nothing_else(template: Template) -> None:
    (found,) = template.statements("Manager")
    assert (found["Action"], found["Resource"]) == (
        sorted(READ + CHANGE),
        "<Blocked.AddressListArn>",
    )


def test_a_reader_may_change_nothing(template: Template) -> None:
    (found,) = template.statements("Reader")
    assert (found["Action"], found["Resource"]) == (READ, [ARN, "<Blocked.AddressListArn>"])


def test_a_function_finds_its_lists_by_their_construct_ids(template: Template) -> None:
    found = json.loads(template.environment("Reader")["MAILROOM_ADDRESS_LISTS"])
    assert found == {"Blocked": "<Blocked.AddressListId>", "Ours": "al-123"}


def test_the_custom_resource_may_manage_its_lists_only(template: Template) -> None:
    """And read files of members, which may be that of the deployment before."""
    inline, status = document(template, "Blocked/Policy")
    assert status["Action"] == "cloudformation:DescribeStacks"
    assert status["Resource"] == "<AWS::StackId>"
    imports = [f"ses:{verb}AddressListImportJob" for verb in ("Create", "Start", "Get")]
    assert inline["Action"] == sorted([*READ, *CHANGE, *imports])
    assert inline["Resource"] == "<Blocked.AddressListArn>"
    _, _, file = document(template, "Many/Policy")
    assert (file["Action"], file["Resource"][-6:]) == ("s3:GetObject", "/*.csv")


def test_the_custom_resource_has_the_time_that_many_members_take(template: Template) -> None:
    assert template.at("MailroomAddressLists/Function")["Timeout"] == 900
    assert template.at("Blocked/Members/Default")["ServiceTimeout"] == "3600"


def test_members_change_while_there_is_permission(template: Template) -> None:
    assert {"Blocked/Policy", "MailroomAddressLists/Function"} <= template.needs(
        "Blocked/Members/Default"
    )


@pytest.mark.parametrize(
    "member",
    [
        "user@example.com",
        "first_last+tag@example.com",
        "o'brien/x=y@example.com",
        "*@example.com",
        "1234567890123456789*@example.com",
        "user@*.example.com",
        "user@*.a.b.c.d.e.f.g.h.com",
        "*.example.com",
        "example.com",
        "xn--bcher-kva.example",
    ],
)
def test_members_are_addresses_domains_and_patterns(stack: cdk.Stack, member: str) -> None:
    """As AWS's page of address lists has them."""
    AddressList(stack, "List", members=[member])


@pytest.mark.parametrize(
    ("member", "remedy"),
    [
        ("ab", "of 3 to 320 characters"),
        ("a" * 309 + "@example.com", "of 3 to 320 characters"),
        (7, "write an address or a domain"),
        ("*@*.example.com", "use one * at most"),
        ("12345678901234567890*@example.com", "at most 19 characters beside the *"),
        ("user@*.com", "two to nine labels after"),
        ("user@*.a.b.c.d.e.f.g.h.i.com", "two to nine labels after"),
        ("user@exa*mple.com", "write a domain such as"),
        ("user@*example.com", "write a domain such as"),
        ("@example.com", "write 'user@example.com'"),
        ("a b@example.com", "write 'user@example.com'"),
        ("Ann <ann@example.com>", "write 'user@example.com'"),
        ("ann@localhost", "write a domain such as"),
        ("ann@bücher.example", "in Punycode"),
        ("ann@example.com\n", "write a domain such as"),
    ],
)
def test_a_member_that_mail_manager_would_refuse_is_refused_at_synth(
    stack: cdk.Stack, member: Any, remedy: str
) -> None:
    with refuses("members[0]", remedy):
        AddressList(stack, "List", members=[member])


def test_a_member_twice_is_refused_whatever_its_spelling(stack: cdk.Stack) -> None:
    with refuses("members[1] is 'ANN@example.com'", "it is members[0] too: remove one"):
        AddressList(stack, "List", members=["ann@example.com", "ANN@example.com"])


def test_of_many_wrong_members_the_first_are_named(stack: cdk.Stack) -> None:
    with refuses("members[9]", "200 wrong members"):
        AddressList(stack, "List", members=["x"] * 200)


def test_more_members_than_a_list_takes_are_refused(
    stack: cdk.Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cdk_mailroom.gateway._members.ADDRESS_LIST_MEMBERS", 2)
    with refuses("len(members) is 3", "a list takes 2"):
        AddressList(stack, "List", members=["a@x.org", "b@x.org", "c@x.org"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.csv", "address\r\nann@example.com\r\n*@example.org\r\n"),
        ("list.csv", "\ufeffname,address\nAnn,ann@example.com\nall,*@example.org\n"),
        (
            "list.json",
            '{"items": [{"address": "ann@example.com"}, {"address": "*@example.org"}]}',
        ),
    ],
)
def test_members_come_from_a_file_in_the_formats_of_aws(tmp_path, name, content) -> None:
    (tmp_path / name).write_text(content)
    stack = new_stack()
    AddressList(stack, "List", members_file=tmp_path / name)
    assert Template(stack).at("List/Members/Default")["Members"] == [
        "ann@example.com",
        "*@example.org",
    ]


@pytest.mark.parametrize(
    ("name", "content", "remedy"),
    [
        ("list.csv", "ann@example.com\n", "begin the file with a line that says 'address'"),
        ("list.csv", "address\nnobody\n", "members_file[0] is 'nobody'"),
        ("list.json", '["ann@example.com"]', 'write {"items"'),
        ("list.json", "{", 'write {"items"'),
        ("list.csv", None, "pass a readable file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(stack, tmp_path, name, content, remedy) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with refuses(remedy):
        AddressList(stack, "List", members_file=tmp_path / name)


def test_members_and_a_file_are_refused(stack: cdk.Stack, tmp_path) -> None:
    (tmp_path / "list.csv").write_text("address\n")
    with refuses("pass either a file or members"):
        AddressList(stack, "List", members=["a@x.org"], members_file=tmp_path / "list.csv")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"members": "ann@example.com"}, ("members", "pass a list")),
        ({"name": "a b"}, ("name is 'a b'", "use 1 to 255")),
        ({"members": [*MANY, cdk.Fn.ref("X")]}, ("102 with tokens", "pass values known then")),
    ],
)
def test_what_cannot_be_deployed_is_refused(stack, options, words) -> None:
    with refuses(*words):
        AddressList(stack, "List", **options)
    AddressList(stack, "List")


@pytest.mark.parametrize(
    "arn", ["al-123", f"arn:aws:ses:{REGION}:{ACCOUNT}:mailmanager-archive/a-123"]
)
def test_the_arn_of_something_else_is_refused(stack: cdk.Stack, arn: str) -> None:
    with refuses("address_list_arn", "mailmanager-address-list/ID"):
        AddressList.from_address_list_arn(stack, "List", arn)


def test_two_lists_of_one_construct_id_are_refused_for_one_function(stack: cdk.Stack) -> None:
    """The function could not tell them apart."""
    first = AddressList(cdk.Stack(stack, "One"), "List")
    second = AddressList(cdk.Stack(stack, "Two"), "List")
    reader = function(stack, "Reader")
    first.grant_read(reader)
    first.grant_manage(reader)
    with refuses("has the same id"):
        second.grant_read(reader)
