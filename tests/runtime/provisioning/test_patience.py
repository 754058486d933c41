"""A call that AWS refuses for the moment is made again, for so long and no longer."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from mailroom.provisioning._patience import Patience


def refusing(code: str, times: int):
    """Return an operation that AWS refuses so often, and the list of its calls."""
    calls: list[dict[str, str]] = []

    def operation(**arguments: str) -> str:
        calls.append(arguments)
        if len(calls) <= times:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")
        return "done"

    return operation, calls


@pytest.mark.parametrize(
    "code",
    ["Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"],
)
def test_a_throttled_call_is_made_again(code: str, naps: list[float]) -> None:
    """Each service has a code of its own for it."""
    operation, calls = refusing(code, 2)
    assert Patience(10).call(operation, Name="set") == "done"
    assert calls == [{"Name": "set"}] * 3
    assert naps == [1, 2]


def test_waits_double_up_to_eight_seconds_until_the_time_is_up(naps: list[float]) -> None:
    operation, _ = refusing("Throttling", 100)
    with pytest.raises(ClientError):
        Patience(25).call(operation)
    assert naps == [1, 2, 4, 8, 8]


def test_the_time_is_shared_by_all_calls(naps: list[float]) -> None:
    patience = Patience(3)
    patience.call(refusing("Throttling", 2)[0])
    with pytest.raises(ClientError):
        patience.call(refusing("Throttling", 1)[0])
    assert naps == [1, 2]


def test_any_other_refusal_is_final_unless_it_is_named(naps: list[float]) -> None:
    with pytest.raises(ClientError):
        Patience(10).call(refusing("AccessDenied", 1)[0])
    assert Patience(10, also=frozenset({"AccessDenied"})).call(refusing("AccessDenied", 1)[0])
    assert naps == [1]
