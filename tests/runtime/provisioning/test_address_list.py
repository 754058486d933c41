"""The members of an address list: what a request adds and removes, and what it never touches."""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.provisioning import address_list
from mailroom.provisioning.address_list import (
    MOST_CHANGES,
    AddressListError,
    AddressListRefused,
    handler,
)
from runtime.provisioning.cloudformation import Calls
from runtime.provisioning.mail_manager import FakeLists

LIST = "al-1"
MANY = [f"u{number}@example.com" for number in range(200)]


class Files:
    """A bucket of files of members."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def get_object(self, **asked: str) -> dict[str, Any]:
        if asked["Key"] not in self.files:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "gone"}}, "GetObject")
        return {"Body": BytesIO(self.files[asked["Key"]].encode())}


class Status:
    """CloudFormation, which says whether an update is a rollback."""

    stack: ClassVar[dict[str, Any]] = {"StackStatus": "UPDATE_IN_PROGRESS"}

    def describe_stacks(self, **asked: str) -> dict[str, Any]:
        assert asked == {"StackName": "stack-1"}
        return {"Stacks": [self.stack]}


@pytest.fixture
def calls() -> Calls:
    """Every call of the API."""
    return Calls()


@pytest.fixture
def files() -> Files:
    """The files of members."""
    return Files()


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch, calls: Calls, files: Files) -> FakeLists:
    """Mail Manager with one list."""
    lists = FakeLists()
    lists.lists[LIST] = {}
    clients = {"mailmanager": calls.watch(lists), "s3": files, "cloudformation": Status()}
    monkeypatch.setattr(_runtime, "_clients", clients)
    monkeypatch.setattr(address_list, "_upload", lists.upload)
    return lists


def properties(members: Any, address_list_id: str = LIST) -> dict[str, Any]:
    """Return the properties for some members, or for a file of them."""
    held = (
        {"MembersBucket": "assets", "MembersKey": members}
        if isinstance(members, str)
        else {"Members": members}
    )
    return {"AddressListId": address_list_id, **held}


def request(kind: str, members: Any, before: Any = None, request_id: str = "r-1") -> dict[str, Any]:
    """Send what CloudFormation sends."""
    event = {
        "RequestType": kind,
        "RequestId": request_id,
        "StackId": "stack-1",
        "LogicalResourceId": "Members",
        "ResourceProperties": properties(members),
    }
    if before is not None:
        event["OldResourceProperties"] = properties(before)
    return handler(event)


def test_a_list_gets_its_members(lists: FakeLists) -> None:
    assert request("Create", ["a@x.org", "*@y.org"]) == {}
    assert lists.members(LIST) == {"a@x.org", "*@y.org"}


def test_an_update_removes_whom_the_code_does_not_name_any_more(lists: FakeLists) -> None:
    request("Create", ["a@x.org", "b@x.org"])
    lists.put(LIST, "theirs@x.org")
    request("Update", ["b@x.org", "c@x.org"], ["a@x.org", "b@x.org"])
    assert lists.members(LIST) == {"b@x.org", "c@x.org", "theirs@x.org"}


def test_a_rollback_removes_only_whom_the_update_added(
    lists: FakeLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was there before was somebody else's, although the failed update named them."""
    request("Create", ["a@x.org"])
    lists.put(LIST, "theirs@x.org")
    begun = lists.now()
    request("Update", ["theirs@x.org", "new@x.org"], ["a@x.org"])
    rollback = {"StackStatus": "UPDATE_ROLLBACK_IN_PROGRESS", "LastUpdatedTime": begun}
    monkeypatch.setattr(Status, "stack", rollback)
    request("Update", ["a@x.org"], ["theirs@x.org", "new@x.org"])
    assert lists.members(LIST) == {"a@x.org", "theirs@x.org"}


def test_a_deletion_removes_nobody(lists: FakeLists, calls: Calls) -> None:
    """The list goes next, or is kept with its members."""
    request("Create", ["a@x.org"])
    calls.made.clear()
    request("Delete", ["a@x.org"])
    assert (lists.members(LIST), calls.made) == ({"a@x.org"}, [])


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_a_second_delivery_only_looks(lists: FakeLists, calls: Calls, kind: str) -> None:
    before = ["old@x.org"] if kind == "Update" else None
    lists.put(LIST, "old@x.org")
    request(kind, ["a@x.org"], before)
    members = lists.members(LIST)
    calls.made.clear()
    request(kind, ["a@x.org"], before)
    assert (lists.members(LIST), set(calls.made)) == (members, {"list_members_of_address_list"})


def test_a_member_in_another_spelling_is_the_same(lists: FakeLists) -> None:
    """It is not documented whether Mail Manager keeps the case."""
    lists.put(LIST, "Ann@x.org")
    request("Update", ["ann@X.org"], ["ANN@x.org"])
    assert lists.members(LIST) == {"Ann@x.org"}
    request("Update", [], ["ann@X.org"])
    assert lists.members(LIST) == set()


def test_a_list_longer_than_a_page_is_read_to_its_end(lists: FakeLists) -> None:
    lists.page = 2
    lists.put(LIST, *"abcde")
    request("Update", ["f"], list("ae"))
    assert lists.members(LIST) == set("bcdf")


def test_there_is_one_call_a_second(lists: FakeLists, naps: list[float]) -> None:
    """The limit of Mail Manager's API."""
    request("Create", ["a@x.org", "b@x.org", "c@x.org"])
    assert len(naps) == 3
    assert min(naps) > 0.9


def test_a_local_aws_is_not_made_to_wait(
    lists: FakeLists, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    request("Create", ["a@x.org", "b@x.org", "c@x.org"])
    assert naps == []


def test_many_members_are_imported(lists: FakeLists, calls: Calls) -> None:
    """One by one, 100,000 would take a day."""
    lists.put(LIST, MANY[0])
    request("Create", MANY)
    assert lists.members(LIST) == set(MANY)
    (job,) = lists.jobs.values()
    assert job["data"].splitlines() == ["address", *MANY[1:]]
    assert "register_member_to_address_list" not in calls.made


def test_members_come_from_a_file_too(lists: FakeLists, files: Files) -> None:
    files.files = {"one.csv": "address\na@x.org\nb@x.org\n", "two.csv": "address\nb@x.org\n"}
    request("Create", "one.csv")
    request("Update", "two.csv", "one.csv")
    assert lists.members(LIST) == {"b@x.org"}


def test_an_import_that_a_crash_interrupted_is_waited_for(lists: FakeLists, calls: Calls) -> None:
    """The second delivery gets the same job."""
    lists.looks = 4
    calls.trouble = {5: "fails"}
    with pytest.raises(ClientError):
        request("Create", MANY)
    request("Create", MANY)
    assert (lists.members(LIST), len(lists.jobs)) == (set(MANY), 1)


@pytest.mark.parametrize("status", ["FAILED", "STOPPED"])
def test_an_import_that_fails_is_an_error_with_its_reason(lists: FakeLists, status: str) -> None:
    lists.ends_as = status
    with pytest.raises(AddressListError, match=f"ended as {status}: no such bucket"):
        request("Create", MANY)


def test_an_import_that_leaves_somebody_out_is_an_error(lists: FakeLists) -> None:
    """A block list with a gap would let in whom it names."""
    lists.refused = {MANY[3], MANY[150]}
    with pytest.raises(AddressListError, match=f"left out 2 members, such as '{MANY[3]}'"):
        request("Create", MANY)


def test_an_import_that_does_not_end_is_given_up(lists: FakeLists) -> None:
    """Before Lambda ends the function."""
    lists.looks = 10_000
    with pytest.raises(AddressListError, match="has not ended after 480 seconds"):
        request("Create", MANY)


TOO_MANY = [f"v{number}@example.com" for number in range(MOST_CHANGES + 1)]


@pytest.mark.parametrize(("members", "before"), [(TOO_MANY, []), ([], TOO_MANY)])
def test_an_update_that_no_rollback_could_undo_is_refused_before_it_begins(
    lists: FakeLists, calls: Calls, members: list[str], before: list[str]
) -> None:
    """And the rollback of the refused update has nothing to do."""
    lists.put(LIST, *before)
    with pytest.raises(AddressListRefused, match=r"change at most 600 at once.*another construct"):
        request("Update", members, before)
    request("Update", before, members)
    assert set(calls.made) == {"list_members_of_address_list"}
    assert lists.members(LIST) == set(before)


def test_a_new_list_takes_any_number(lists: FakeLists) -> None:
    request("Create", TOO_MANY)
    assert lists.members(LIST) == set(TOO_MANY)


def test_a_list_that_replaces_another_takes_any_number(lists: FakeLists) -> None:
    """CloudFormation replaces a list when its name changes, and deletes the one before it."""
    lists.lists["al-0"] = {}
    event = {
        "RequestType": "Update",
        "RequestId": "r-2",
        "StackId": "stack-1",
        "ResourceProperties": properties(TOO_MANY),
        "OldResourceProperties": properties(["a@x.org"], "al-0"),
    }
    lists.put("al-0", "a@x.org")
    handler(event)
    assert (lists.members(LIST), lists.members("al-0")) == (set(TOO_MANY), {"a@x.org"})


def test_more_than_a_list_takes_is_refused_before_it_begins(
    lists: FakeLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The members of others count."""
    monkeypatch.setattr(address_list, "ADDRESS_LIST_MEMBERS", 3)
    lists.put(LIST, "a@x.org", "b@x.org")
    with pytest.raises(AddressListRefused, match="has 2 members and 2 are to be added"):
        request("Create", ["c@x.org", "d@x.org"])
    assert lists.members(LIST) == {"a@x.org", "b@x.org"}


def test_a_file_of_former_members_that_is_gone_is_an_error(lists: FakeLists, files: Files) -> None:
    """Guessing would leave somebody in an allow list for ever."""
    files.files = {"two.csv": "address\nb@x.org\n"}
    with pytest.raises(AddressListRefused, match=r"s3://assets/one\.csv, cannot be read"):
        request("Update", "two.csv", "one.csv")


def test_somebody_who_adds_or_removes_the_same_member_meanwhile_does_no_harm(
    lists: FakeLists, calls: Calls
) -> None:
    lists.put(LIST, "old@x.org")
    calls.meanwhile = {
        2: lambda: lists.put(LIST, "new@x.org"),
        4: lambda: lists.lists[LIST].pop("old@x.org"),
    }
    request("Update", ["new@x.org"], ["old@x.org"])
    assert lists.members(LIST) == {"new@x.org"}


def test_a_conflict_that_means_something_else_is_an_error(
    lists: FakeLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The member is asked for, and is not there."""

    def refuse(**_: Any) -> None:
        raise lists.exceptions.ConflictException("busy")

    monkeypatch.setattr(lists, "register_member_to_address_list", refuse)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        request("Create", ["a@x.org"])


def test_throttling_is_waited_out(lists: FakeLists, calls: Calls) -> None:
    calls.trouble = {1: "throttled", 3: "throttled"}
    request("Create", ["a@x.org"])
    assert lists.members(LIST) == {"a@x.org"}


def test_the_upload_has_no_content_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL is signed for a request without one."""
    sent: list[Any] = []

    class Answer(SimpleNamespace):
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def urlopen(request: Any, timeout: float) -> Answer:
        assert timeout < address_list._LONGEST_IMPORT
        sent.append(request)
        return Answer()

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    address_list._upload("https://uploads.example/1", b"address\n")
    assert (sent[0].method, sent[0].data) == ("PUT", b"address\n")
    assert dict(sent[0].header_items())["Content-type"] == ""
