"""What `mailroom up` says about identities that are not verified."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mailroom_cli.identities import unverified


def rule(*recipients: str, **action: Any) -> dict[str, Any]:
    return {"Name": "r", "Enabled": True, "Recipients": list(recipients), "Actions": [action]}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return {name: boto3.client(name) for name in ("ses", "lambda")}


def asked(
    services: dict[str, Any],
    rules: list[dict[str, Any]],
    *,
    identities: dict[str, str] | None = None,
    **variables: str,
) -> dict[str, list[str]]:
    """What is unverified in an account with one function and these identities."""
    known = identities or {}
    with Stubber(services["ses"]) as ses, Stubber(services["lambda"]) as functions:
        ses.add_response("list_identities", {"Identities": list(known)})
        if known:
            found = {name: {"VerificationStatus": status} for name, status in known.items()}
            ses.add_response(
                "get_identity_verification_attributes", {"VerificationAttributes": found}
            )
        function = {"FunctionName": "f", "Environment": {"Variables": variables}}
        functions.add_response("list_functions", {"Functions": [function]})
        return unverified(services.__getitem__, rules)


def test_recipients_of_one_domain_need_one_identity(services: dict[str, Any]) -> None:
    rules = [rule("Support@Example.com"), rule("sales@example.com", ".shop.example", "a.example")]
    assert asked(services, rules) == {
        "example.com": ["support@example.com", "sales@example.com"],
        "shop.example": [".shop.example"],
        "a.example": ["a.example"],
    }


@pytest.mark.parametrize("identity", ["example.com", "EXAMPLE.com", "mail.example.com"])
def test_the_domain_or_a_parent_domain_will_do(services: dict[str, Any], identity: str) -> None:
    identities = {identity: "Success"}
    assert asked(services, [rule("support@mail.example.com")], identities=identities) == {}


def test_a_verified_address_will_do_to_send_but_not_to_receive(services: dict[str, Any]) -> None:
    rules = [rule("a@example.com", BounceAction={"Sender": "b@example.com"})]
    identities = {"a@example.com": "Success", "b@example.com": "Success"}
    assert asked(services, rules, identities=identities) == {"example.com": ["a@example.com"]}


@pytest.mark.parametrize(
    ("identity", "status"), [("example.com", "Pending"), ("ample.com", "Success")]
)
def test_a_pending_identity_or_another_domain_will_not_do(
    services: dict[str, Any], identity: str, status: str
) -> None:
    found = asked(services, [rule("support@example.com")], identities={identity: status})
    assert [*found] == ["example.com"]


def test_senders_of_bounces_and_of_bundled_functions_are_named(services: dict[str, Any]) -> None:
    found = asked(
        services,
        [rule(BounceAction={"Sender": "no-reply@bounce.example"})],
        MAILROOM_FORWARD_FROM="Sales <sales@forward.example>",
        MAILROOM_FORWARD_TO="team@elsewhere.example",
    )
    assert found == {
        "bounce.example": ["no-reply@bounce.example"],
        "forward.example": ["sales@forward.example"],
    }
