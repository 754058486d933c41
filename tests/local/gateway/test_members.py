"""Which addresses the members of an address list stand for."""

import pytest

from mailroom_local.gateway.facts import AddressList


@pytest.mark.parametrize(
    ("member", "inside", "outside"),
    [
        ("jane@example.net", "Jane@Example.net", "jane@mail.example.net"),
        ("example.net", "jane@example.net", "jane@mail.example.net"),
        ("*.example.net", "jane@a.mail.example.net", "jane@example.net"),
        ("*@example.net", "jane@example.net", "jane@mail.example.net"),
        ("user*@example.net", "user+tag@example.net", "auser@example.net"),
        ("jane@*.example.net", "jane@mail.example.net", "joe@mail.example.net"),
    ],
)
def test_a_member_is_an_address_or_everyone_in_a_domain(
    member: str, inside: str, outside: str
) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html"""
    found = AddressList([member, "other@example.com"])
    assert inside in found
    assert outside not in found
