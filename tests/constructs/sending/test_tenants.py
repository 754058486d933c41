"""Tenants, multi-region endpoints, and what `grant_send` allows with them."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_ses as ses
from synthesis import ACCOUNT, REGION, Template, new_stack

from cdk_mailroom import (
    ConfigurationError,
    EmailTemplate,
    EventPublishing,
    MultiRegionEndpoint,
    SendingIdentity,
    Tenant,
)

SECOND = "eu-central-1"
OURS = f"arn:aws:ses:{REGION}:{ACCOUNT}"
SENDING = ["ses:SendEmail", "ses:SendRawEmail", "ses:SendTemplatedEmail"]
OVERRIDE = "ses:ApplyTrackingConfigurationOverrides"


def function(stack: Any, name: str) -> lambda_.Function:
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
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """One stack that has everything; it is only read."""
    folder = tmp_path_factory.mktemp("letter")
    for name, text in (("subject.txt", "x"), ("text.txt", "x"), ("sample.json", "{}")):
        (folder / name).write_text(text)
    stack = new_stack(name="Tenants")
    outbound = EventPublishing(
        stack,
        "Outbound",
        identities=["example.com"],
        configuration_set=ses.ConfigurationSet(
            stack,
            "Set",
            configuration_set_name="outbound",
            auto_validation_threshold=ses.AutoValidationThreshold.HIGH,
        ),
    )
    identity = ses.EmailIdentity(stack, "Identity", identity=ses.Identity.domain("example.com"))
    tenant = Tenant(
        stack,
        "Acme",
        tenant_name="acme",
        identities=[identity, "info@example.net"],
        configuration_sets=[outbound.configuration_set],
        templates=[EmailTemplate(stack, "Letter", folder=folder, template_name="letter")],
        suppression_reasons=ses.SuppressionReasons.BOUNCES_ONLY,
    )
    endpoint = MultiRegionEndpoint(stack, "Endpoint", endpoint_name="both", region=SECOND)
    outbound.grant_send(function(stack, "One"), tenants=[tenant], tracking="off")
    outbound.grant_send(function(stack, "Two"), tenants=[tenant, "globex"], tracking=True)
    outbound.grant_send(function(stack, "Three"), endpoint=endpoint, from_address="a@example.com")
    outbound.grant_send(function(stack, "Plain"))
    own = SendingIdentity(stack, "Own", domain="own.example", publishing=outbound)
    own.grant_send(function(stack, "Four"), tenants=["acme"], endpoint=endpoint)
    own.grant_send(iam.User(stack, "User"), tenants=["acme"])
    return Template(stack)


def statement(template: Template, name: str, action: str) -> dict[str, Any]:
    """Return the only statement of the function that allows *action*."""
    (found,) = [one for one in template.statements(name) if action in one["Action"]]
    return found


def test_a_tenant_is_associated_with_what_it_uses(template: Template) -> None:
    """By ARN; all of that is made before it."""
    found = template.at("Acme")
    arns = [one["ResourceArn"] for one in found["ResourceAssociations"]]
    assert [arn.partition(ACCOUNT)[2] for arn in arns][1:] == [
        ":identity/info@example.net",
        ":configuration-set/<Set>",
        ":template/letter",
    ]
    assert found["SuppressionAttributes"] == {
        "SuppressionScope": "TENANT",
        "SuppressedReasons": ["BOUNCE"],
    }


def test_an_endpoint_has_its_second_region(template: Template) -> None:
    """The first is the stack's; the custom resource may read this endpoint only."""
    assert template.at("Endpoint") == {
        "EndpointName": "both",
        "Details": {"RouteDetails": [{"Region": SECOND}]},
    }
    (allowed,) = template.at("Endpoint/Policy")["PolicyDocument"]["Statement"]
    assert allowed["Action"] == "ses:GetMultiRegionEndpoint"
    assert allowed["Resource"].endswith(f"{ACCOUNT}:multi-region-endpoint/both")


def test_a_given_configuration_set_may_validate_addresses(template: Template) -> None:
    """CDK's own construct has the option, so that none of ours repeats it."""
    options = template.at("Set")["SuppressionOptions"]["ValidationOptions"]
    assert options["ConditionThreshold"]["ConditionThresholdEnabled"] == "ENABLED"


def test_a_sender_for_tenants_may_send_through_no_other(template: Template) -> None:
    """And, as the condition has no IfExists, not outside of tenants either."""
    for name, tenants in (("One", "acme"), ("Two", ["acme", "globex"])):
        found = statement(template, name, "ses:SendEmail")
        assert found["Action"] == SENDING
        named = found["Condition"]["StringEquals"]["ses:TenantName"]
        assert named in (tenants, [tenants])
    assert "Condition" not in statement(template, "Plain", "ses:SendEmail")


def test_one_tenant_is_the_functions_default(template: Template) -> None:
    """Of several none is, so that nothing goes through the wrong one."""
    variables = {
        name: template.environment(name) for name in ("One", "Two", "Three", "Four", "Plain")
    }
    assert {name: found.get("MAILROOM_TENANT") for name, found in variables.items()} == {
        "One": "acme",
        "Two": None,
        "Three": None,
        "Four": "acme",
        "Plain": None,
    }
    assert {name for name, found in variables.items() if "MAILROOM_ENDPOINT_ID" in found} == {
        "Three",
        "Four",
    }


def test_an_endpoint_needs_the_resources_of_both_regions(template: Template) -> None:
    """Since SES sends in either; and without the endpoint nothing may be sent."""
    found = statement(template, "Three", "ses:SendEmail")
    places = {one.split(":")[3] for one in found["Resource"]}
    assert places == {REGION, SECOND}
    equal = found["Condition"]["StringEquals"]
    assert set(equal) == {"ses:FromAddress", "ses:MultiRegionEndpointId"}
    plain = statement(template, "Plain", "ses:SendEmail")
    assert {one.split(":")[3] for one in plain["Resource"]} == {REGION}


def test_tracking_is_a_permission_of_its_own(template: Template) -> None:
    """Which nobody has who was not given it; one that may only turn it off says so."""
    off = statement(template, "One", OVERRIDE)
    keys = ("ses:OpenTrackingEnabled", "ses:ClickTrackingEnabled")
    assert off["Condition"] == {"StringEqualsIfExists": dict.fromkeys(keys, "DISABLED")}
    assert "Condition" not in statement(template, "Two", OVERRIDE)
    for name in ("Three", "Plain"):
        assert not [one for one in template.statements(name) if OVERRIDE in one["Action"]]


REFUSALS = {
    "tenant_name": lambda stack: Tenant(
        stack, "T", tenant_name="acme inc", identities=["example.com"]
    ),
    "identities": lambda stack: Tenant(stack, "T", tenant_name="acme", identities=[]),
    "configuration_sets": lambda stack: Tenant(
        stack, "T", tenant_name="a", identities=["example.com"], configuration_sets="outbound"
    ),
    "region": lambda stack: MultiRegionEndpoint(stack, "E", endpoint_name="e", region=REGION),
    "endpoint_name": lambda stack: MultiRegionEndpoint(
        stack, "E", endpoint_name="a b", region=SECOND
    ),
    "tenants": lambda stack: EventPublishing(stack, "O").grant_send(
        iam.User(stack, "U"), tenants="acme"
    ),
    "tracking": lambda stack: EventPublishing(stack, "O").grant_send(
        iam.User(stack, "U"), tracking="on"
    ),
}


@pytest.mark.parametrize("argument", REFUSALS)
def test_what_ses_would_refuse_is_refused_at_synth(argument: str) -> None:
    """By the name of the argument."""
    with pytest.raises(ConfigurationError, match=argument):
        REFUSALS[argument](new_stack())
