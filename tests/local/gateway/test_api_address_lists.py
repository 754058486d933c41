"""Address lists: members one by one, and by import jobs."""

import urllib.error
import urllib.request

import pytest

from local.gateway.managing import Manager
from mailroom_local import LocalAws


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account."""
    return Manager(aws)


@pytest.fixture
def address_list(manager: Manager) -> str:
    """The id of an empty list."""
    return manager.made("CreateAddressList", AddressListName="blocked")


def members(manager: Manager, address_list: str, **options: object) -> list[str]:
    _, answer = manager.call("ListMembersOfAddressList", AddressListId=address_list, **options)
    return [each["Address"] for each in answer["Addresses"]]


def put(url: str, content: bytes, *, method: str = "PUT") -> int:
    """The status that a URL answers with."""
    request = urllib.request.Request(url, data=content, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_members_are_registered_read_and_removed(manager: Manager, address_list: str) -> None:
    """Twice is as good as once."""
    for address in ("Jane@example.net", "jane@example.net", "joe@example.net"):
        given = {"AddressListId": address_list, "Address": address}
        assert manager.call("RegisterMemberToAddressList", **given)[0] == 200
    assert members(manager, address_list) == ["Jane@example.net", "joe@example.net"]
    assert members(manager, address_list, Filter={"AddressPrefix": "jo"}) == ["joe@example.net"]
    given = {"AddressListId": address_list, "Address": "JANE@example.net"}
    found = manager.call("GetMemberOfAddressList", **given)[1]
    assert found["Address"] == "Jane@example.net"
    manager.call("DeregisterMemberFromAddressList", **given)
    assert members(manager, address_list) == ["joe@example.net"]
    for operation in ("GetMemberOfAddressList", "DeregisterMemberFromAddressList"):
        assert manager.refusal(operation, **given)[0] == "ResourceNotFoundException"


def test_members_come_in_pages_of_up_to_1000(manager: Manager, address_list: str) -> None:
    """boto3's client has no paginator for them."""
    for number in range(5):
        given = {"AddressListId": address_list, "Address": f"{number}@example.net"}
        manager.call("RegisterMemberToAddressList", **given)
    _, first = manager.call("ListMembersOfAddressList", AddressListId=address_list, PageSize=3)
    rest = members(manager, address_list, PageSize=1000, NextToken=first["NextToken"])
    assert len(first["Addresses"]) == 3
    assert rest == ["3@example.net", "4@example.net"]


@pytest.mark.parametrize(
    ("address", "accepted"),
    [
        ("jane@example.net", True),
        ("jane+list@example.net", True),
        ("*@example.net", True),
        ("news*@example.net", True),
        ("a*b@example.net", True),
        ("x" * 19 + "*@example.net", True),
        ("jane@*.example.net", True),
        ("example.net", True),
        ("*.example.net", True),
        ("*.a.b.c.d.e.f.g.h.net", True),
        ("*.a.b.c.d.e.f.g.h.i.net", False),
        ("*.net", False),
        ("*", False),
        ("x" * 20 + "*@example.net", False),
        ("*@*.example.net", False),
        ("**@example.net", False),
        ("jane@example.*", False),
        ("jane@mail.*.net", False),
        ("@example.net", False),
        ("jane doe@example.net", False),
    ],
)
def test_a_member_is_an_address_or_a_domain_with_one_asterisk_at_most(
    manager: Manager, address_list: str, address: str, accepted: bool
) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html"""
    given = {"AddressListId": address_list, "Address": address}
    status, answer = manager.call("RegisterMemberToAddressList", **given)
    assert (status == 200) is accepted
    assert accepted or answer["__type"] == "ValidationException"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("CSV", b"address\r\nmany@example.net\r\n*@spam.example\r\nno one @ home\r\n"),
        ("CSV", b"\xef\xbb\xbfname,address\nx,many@example.net\ny,*@spam.example\nz,\n"),
        (
            "JSON",
            b'{"items": [{"address": "many@example.net"}, {"address": "*@spam.example"}, {}]}',
        ),
    ],
)
def test_an_import_job_adds_what_it_can_and_counts_the_rest(
    manager: Manager, address_list: str, kind: str, content: bytes
) -> None:
    """Its file is put to a URL that needs no signature."""
    kept = {"AddressListId": address_list, "Address": "kept@example.net"}
    manager.call("RegisterMemberToAddressList", **kept)
    api = manager.api
    job = api.create_address_list_import_job(
        AddressListId=address_list, Name="import", ImportDataFormat={"ImportDataType": kind}
    )
    assert api.get_address_list_import_job(JobId=job["JobId"])["Status"] == "CREATED"
    assert put(job["PreSignedUrl"], content) == 200
    api.start_address_list_import_job(JobId=job["JobId"])
    found = api.get_address_list_import_job(JobId=job["JobId"])
    assert (found["Status"], found["ImportedItemsCount"], found["FailedItemsCount"]) == (
        "COMPLETED",
        2,
        1,
    )
    assert members(manager, address_list) == [
        "*@spam.example",
        "kept@example.net",
        "many@example.net",
    ]
    listed = api.list_address_list_import_jobs(AddressListId=address_list)["ImportJobs"]
    assert [each["JobId"] for each in listed] == [job["JobId"]]


@pytest.mark.parametrize(
    ("kind", "content", "says"),
    [
        ("CSV", None, "No file"),
        ("CSV", b"many@example.net\n", "column address"),
        ("CSV", b"address\n\xff\n", "cannot be read"),
        ("JSON", b"[]", "items"),
        ("JSON", b"{", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_fails_the_job(
    manager: Manager, address_list: str, kind: str, content: bytes | None, says: str
) -> None:
    """Starting it succeeds: only the job knows."""
    made = manager.call(
        "CreateAddressListImportJob",
        AddressListId=address_list,
        Name="import",
        ImportDataFormat={"ImportDataType": kind},
    )[1]
    if content is not None:
        put(made["PreSignedUrl"], content)
    assert manager.call("StartAddressListImportJob", JobId=made["JobId"])[0] == 200
    _, found = manager.call("GetAddressListImportJob", JobId=made["JobId"])
    assert found["Status"] == "FAILED"
    assert says in found["Error"]
    code, _ = manager.refusal("StartAddressListImportJob", JobId=made["JobId"])
    assert code == "ConflictException"


def test_a_stopped_job_does_not_start(manager: Manager, address_list: str) -> None:
    """Nor does it stop twice."""
    job = manager.call(
        "CreateAddressListImportJob",
        AddressListId=address_list,
        Name="import",
        ImportDataFormat={"ImportDataType": "CSV"},
    )[1]["JobId"]
    manager.call("StopAddressListImportJob", JobId=job)
    assert manager.call("GetAddressListImportJob", JobId=job)[1]["Status"] == "STOPPED"
    for operation in ("StartAddressListImportJob", "StopAddressListImportJob"):
        assert manager.refusal(operation, JobId=job)[0] == "ConflictException"


def test_nobody_writes_to_a_list_who_does_not_know_the_url(
    manager: Manager, address_list: str
) -> None:
    """It cannot be guessed from the id of the job, and gives nothing back."""
    job = manager.call(
        "CreateAddressListImportJob",
        AddressListId=address_list,
        Name="import",
        ImportDataFormat={"ImportDataType": "CSV"},
    )[1]
    url = job["PreSignedUrl"]
    assert put(url.rpartition("/")[0] + "/guessed", b"address\n") == 403
    assert put(url, b"", method="GET") == 403
    assert put(url, b"", method="POST") == 403
