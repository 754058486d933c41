"""Address lists from a handler."""

from __future__ import annotations

from typing import Any

import pytest

from mailroom.errors import GatewayFailed, InvalidMember
from mailroom.gateway import AddressList
from runtime.gateway.mail_manager_stub import Stub, refusal


def blocked(stub: Stub) -> AddressList:
    return AddressList(address_list_id="al-1", **stub.options)


def test_a_member_is_added_and_removed() -> None:
    stub = Stub()
    one = blocked(stub)
    one.add("bad@example.org")
    one.remove("bad@example.org")
    request = {"AddressListId": "al-1", "Address": "bad@example.org"}
    assert stub.made == [
        ("register_member_to_address_list", request),
        ("deregister_member_from_address_list", request),
    ]


def test_a_list_is_printed_by_its_id() -> None:
    assert repr(blocked(Stub())) == "<AddressList al-1>"


def test_calls_are_a_second_apart() -> None:
    """Mail Manager takes one a second."""
    stub = Stub()
    one = blocked(stub)
    for number in range(5):
        one.add(f"u{number}@example.org")
    assert stub.now == pytest.approx(4.0)


def test_a_local_aws_is_not_made_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    stub = Stub()
    one = blocked(stub)
    for number in range(5):
        one.add(f"u{number}@example.org")
    assert stub.now == 0.0


def test_adding_a_member_that_is_there_changes_nothing() -> None:
    stub = Stub(register_member_to_address_list=refusal("ConflictException"))
    blocked(stub).add("bad@example.org")
    assert stub.operations[-1] == "get_member_of_address_list"


def test_a_conflict_about_something_else_is_an_error() -> None:
    stub = Stub(
        register_member_to_address_list=refusal("ConflictException"),
        get_member_of_address_list=refusal("ResourceNotFoundException"),
    )
    with pytest.raises(GatewayFailed, match="ConflictException happened"):
        blocked(stub).add("bad@example.org")


def test_removing_a_member_that_is_not_there_changes_nothing() -> None:
    stub = Stub(deregister_member_from_address_list=refusal("ResourceNotFoundException"))
    blocked(stub).remove("bad@example.org")


@pytest.mark.parametrize(("answer", "found"), [({}, True), ("ResourceNotFoundException", False)])
def test_a_list_contains_a_member_or_not(answer: Any, found: bool) -> None:
    stub = Stub(get_member_of_address_list=refusal(answer) if isinstance(answer, str) else answer)
    assert blocked(stub).contains("*@example.org") is found


def test_all_members_are_listed() -> None:
    pages = [
        {"Addresses": [{"Address": "a@x.org"}], "NextToken": "2"},
        {"Addresses": [{"Address": "b@x.org"}]},
    ]
    stub = Stub(list_members_of_address_list=pages)
    assert list(blocked(stub).members("a")) == ["a@x.org", "b@x.org"]
    assert stub.made[1][1]["NextToken"] == "2"
    assert stub.made[0][1]["Filter"] == {"AddressPrefix": "a"}
    assert stub.made[0][1]["PageSize"] == 1000


@pytest.mark.parametrize("address", ["", "ab", "a" * 321, "Ann <ann@x.org>", "*@*.x.org", None])
@pytest.mark.parametrize("method", ["add", "remove", "contains"])
def test_what_no_member_can_be_is_refused_before_mail_manager_is_asked(
    method: str, address: Any
) -> None:
    stub = Stub()
    with pytest.raises(InvalidMember, match="address is"):
        getattr(blocked(stub), method)(address)
    assert stub.made == []


@pytest.mark.parametrize(
    ("method", "operation"),
    [
        ("add", "register_member_to_address_list"),
        ("remove", "deregister_member_from_address_list"),
        ("contains", "get_member_of_address_list"),
    ],
)
def test_a_missing_permission_is_named(method: str, operation: str) -> None:
    """It is never taken for a member that is not there."""
    stub = Stub(**{operation: refusal("AccessDeniedException")})
    with pytest.raises(GatewayFailed, match=f"refused {operation}") as caught:
        getattr(blocked(stub), method)("bad@example.org")
    assert caught.value.code == "AccessDeniedException"


def test_a_function_finds_its_lists_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_ADDRESS_LISTS", '{"Blocked": "al-1", "Guests": "al-2"}')
    assert AddressList("Guests").address_list_id == "al-2"
