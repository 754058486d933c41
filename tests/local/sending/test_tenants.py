"""Tenants, multi-region endpoints, overrides and validation: what is taken, and what follows."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from mailroom_local.control import clients

Refusal = Callable[[pytest.ExceptionInfo[ClientError]], tuple[str, str]]


class Tenant:
    """A tenant with an identity and a configuration set that publishes everything."""

    def __init__(self, account: Any) -> None:
        self.account = account
        self.name = account.name("tenant")
        self.scope = f"arn:aws:ses:{account.region}:{account.id}"
        self.set, _ = account.configuration_set("SEND", "DELIVERY", "BOUNCE", "COMPLAINT")
        account.v2.create_tenant(TenantName=self.name)
        account.aws.verify_identity("tenants.example")
        self.associate("identity/tenants.example")
        self.associate(f"configuration-set/{self.set}")

    def associate(self, resource: str) -> None:
        self.account.v2.create_tenant_resource_association(
            TenantName=self.name, ResourceArn=f"{self.scope}:{resource}"
        )

    def send(self, to: str = "reader@example.net", **fields: Any) -> str:
        given = {
            "FromEmailAddress": "Sales <sales@tenants.example>",
            "Destination": {"ToAddresses": [to]},
            "TenantName": self.name,
            "ConfigurationSetName": self.set,
            "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
            **fields,
        }
        return str(self.account.v2.send_email(**given)["MessageId"])

    def events(self, message_id: str) -> dict[str, Any]:
        return {one["eventType"]: one for one in self.account.story(message_id)}


@pytest.fixture(scope="module")
def tenant(account: Any) -> Tenant:
    return Tenant(account)


def test_bounces_and_complaints_name_their_tenant(tenant: Tenant) -> None:
    """As AWS documents it; of other events it says nothing, so that they name none here."""
    bounced = tenant.events(tenant.send("bounce@simulator.amazonses.com"))
    complained = tenant.events(tenant.send("complaint@simulator.amazonses.com"))
    named = {**bounced, **complained}
    tags = {kind: one["mail"]["tags"].get("ses:tenant-name") for kind, one in named.items()}
    own = [tenant.name]
    assert tags == {"Send": None, "Bounce": own, "Delivery": None, "Complaint": own}


@pytest.mark.parametrize("missing", ["identity", "configuration-set", "template"])
def test_a_tenants_mail_uses_only_what_is_associated_with_it(
    account: Any, tenant: Tenant, refusal: Refusal, missing: str
) -> None:
    """SES names the ARN of everything that is not."""
    template = account.name("template")
    account.v2.create_email_template(
        TemplateName=template, TemplateContent={"Subject": "x", "Text": "x"}
    )
    account.aws.verify_identity("elsewhere.example")
    other, _ = account.configuration_set("SEND")
    changed: dict[str, tuple[str, dict[str, Any]]] = {
        "identity": ("elsewhere.example", {"FromEmailAddress": "a@elsewhere.example"}),
        "configuration-set": (other, {"ConfigurationSetName": other}),
        "template": (
            template,
            {"Content": {"Template": {"TemplateName": template, "TemplateData": "{}"}}},
        ),
    }
    name, fields = changed[missing]
    with pytest.raises(ClientError) as error:
        tenant.send(**fields)
    assert refusal(error) == (
        "AccessDeniedException",
        f"Tenant not associated with resources [{tenant.scope}:{missing}/{name}].",
    )
    tenant.associate(f"{missing}/{name}")
    assert tenant.send(**fields)


def test_a_tenant_that_does_not_exist_is_refused(
    account: Any, tenant: Tenant, refusal: Refusal
) -> None:
    """By a bulk call as a whole, too."""
    words = f"Tenant ghost for AwsAccountId {account.id} not found."
    with pytest.raises(ClientError) as error:
        tenant.send(TenantName="ghost")
    assert refusal(error) == ("NotFoundException", words)
    with pytest.raises(ClientError) as error:
        account.v2.send_bulk_email(
            FromEmailAddress="sales@tenants.example",
            TenantName="ghost",
            DefaultContent={
                "Template": {"TemplateContent": {"Subject": "x", "Text": "x"}, "TemplateData": "{}"}
            },
            BulkEmailEntries=[{"Destination": {"ToAddresses": ["reader@example.net"]}}],
        )
    assert refusal(error) == ("NotFoundException", words)


def test_smtp_names_the_tenant_in_a_field(account: Any, tenant: Tenant) -> None:
    """Which is not delivered."""
    text = (
        f"From: sales@tenants.example\nTo: bounce@simulator.amazonses.com\n"
        f"X-SES-TENANT: {tenant.name}\nX-SES-CONFIGURATION-SET: {tenant.set}\n\nHi\n"
    )
    message_id = account.ses.send_raw_email(RawMessage={"Data": text})["MessageId"]
    bounce = tenant.events(message_id)["Bounce"]
    assert bounce["mail"]["tags"]["ses:tenant-name"] == [tenant.name]


@pytest.mark.parametrize(
    ("own", "of_set", "listed", "sub_type"),
    [
        (None, {}, "tenant", None),
        (None, {}, "account", "OnAccountSuppressionList"),
        ("TENANT", {}, "tenant", "OnTenantSuppressionList"),
        ("TENANT", {}, "account", None),
        ("TENANT", {"SuppressionScope": "ACCOUNT"}, "account", "OnAccountSuppressionList"),
        ("ACCOUNT", {"SuppressionScope": "TENANT"}, "tenant", "OnTenantSuppressionList"),
        ("TENANT", {"SuppressedReasons": ["COMPLAINT"]}, "tenant", None),
    ],
)
def test_a_tenant_has_a_suppression_list_of_its_own(
    account: Any,
    tenant: Tenant,
    own: str | None,
    of_set: dict[str, Any],
    listed: str,
    sub_type: str | None,
) -> None:
    """If its scope says so; the configuration set has the last word on scope and reasons."""
    v2, address = account.v2, f"{account.name('held')}@example.net"
    chosen = {"SuppressionScope": own, "SuppressedReasons": ["BOUNCE"]} if own else {}
    v2.put_tenant_suppression_attributes(TenantName=tenant.name, **chosen)
    v2.put_configuration_set_suppression_options(ConfigurationSetName=tenant.set, **of_set)
    whose = {"TenantName": tenant.name} if listed == "tenant" else {}
    v2.put_suppressed_destination(EmailAddress=address, Reason="BOUNCE", **whose)
    try:
        events = tenant.events(tenant.send(address))
        assert events.get("Bounce", {}).get("bounce", {}).get("bounceSubType") == sub_type
    finally:
        v2.delete_suppressed_destination(EmailAddress=address, **whose)
        v2.put_configuration_set_suppression_options(ConfigurationSetName=tenant.set)


def test_the_list_of_a_tenant_is_apart_from_the_accounts(account: Any, refusal: Refusal) -> None:
    """And goes with the tenant."""
    v2, name, address = account.v2, account.name("tenant"), "apart@example.net"
    v2.create_tenant(TenantName=name)
    v2.put_suppressed_destination(EmailAddress=address, Reason="COMPLAINT", TenantName=name)
    found = v2.get_suppressed_destination(EmailAddress=address, TenantName=name)
    assert found["SuppressedDestination"]["TenantName"] == name
    with pytest.raises(ClientError):
        v2.get_suppressed_destination(EmailAddress=address)
    v2.delete_tenant(TenantName=name)
    with pytest.raises(ClientError) as error:
        v2.list_suppressed_destinations(TenantName=name)
    assert refusal(error) == ("NotFoundException", f"The requested tenant <{name}> does not exist.")
    v2.create_tenant(TenantName=name)
    assert not v2.list_suppressed_destinations(TenantName=name)["SuppressedDestinationSummaries"]


HTML = {"Subject": {"Data": "x"}, "Body": {"Html": {"Data": '<a href="https://a.example">x</a>'}}}


@pytest.mark.parametrize(
    ("types", "overrides", "expected"),
    [
        (("OPEN", "CLICK"), {}, (True, True)),
        (("OPEN", "CLICK"), {"OpenTrackingEnabled": "DISABLED"}, (False, True)),
        (("OPEN", "CLICK"), {"ClickTrackingEnabled": "DISABLED"}, (True, False)),
        (("SEND",), {"ClickTrackingEnabled": "ENABLED"}, (False, True)),
        ((), {"OpenTrackingEnabled": "ENABLED"}, (False, False)),
    ],
)
def test_a_message_says_whether_it_is_tracked(
    account: Any, types: tuple[str, ...], overrides: dict[str, str], expected: tuple[bool, bool]
) -> None:
    """It can turn tracking off, and on if it has events anyway."""
    name = account.name("set")
    account.v2.create_configuration_set(ConfigurationSetName=name)
    if types:
        account.destination(name, *types, SnsDestination={"TopicArn": account.topic()[0]})
    account.aws.verify_identity("tenants.example")
    given = {"ConfigurationOverrides": {"Tracking": overrides}} if overrides else {}
    message_id = account.v2.send_email(
        FromEmailAddress="sales@tenants.example",
        Destination={"ToAddresses": ["reader@example.net"]},
        ConfigurationSetName=name,
        Content={"Simple": HTML},
        **given,
    )["MessageId"]
    text = account.delivered(message_id).get_content()
    assert ("/open" in text, "/click/0" in text) == expected


def test_tracking_is_on_or_off(account: Any, tenant: Tenant, refusal: Refusal) -> None:
    """botocore lets anything pass."""
    with pytest.raises(ClientError) as error:
        tenant.send(ConfigurationOverrides={"Tracking": {"OpenTrackingEnabled": "NO"}})
    code, text = refusal(error)
    assert (code, "openTrackingEnabled" in text) == ("BadRequestException", True)


@pytest.mark.parametrize(("status", "held"), [("ENABLED", True), ("DISABLED", False)])
def test_a_configuration_set_may_validate_addresses(
    account: Any, tenant: Tenant, status: str, held: bool
) -> None:
    """Mail to a domain that cannot exist is held back, if the set asks for that."""
    account.v2.put_configuration_set_suppression_options(
        ConfigurationSetName=tenant.set,
        ValidationOptions={"ConditionThreshold": {"ConditionThresholdEnabled": status}},
    )
    events = tenant.events(tenant.send("nobody@nowhere.invalid"))
    account.v2.put_configuration_set_suppression_options(ConfigurationSetName=tenant.set)
    found = events.get("Bounce", {}).get("bounce", {}).get("bounceSubType")
    assert found == ("EmailValidationSuppressed" if held else None)


@pytest.mark.parametrize("name", ["setup.exe", "a:b.txt"])
def test_an_attachment_with_such_a_name_is_refused(
    tenant: Tenant, refusal: Refusal, name: str
) -> None:
    """Whatever is in it; others are delivered, with what the HTML calls them by."""
    file = {"RawContent": b"x", "ContentDisposition": "INLINE", "ContentId": "logo"}
    with pytest.raises(ClientError) as error:
        tenant.send(Content={"Simple": {**HTML, "Attachments": [{**file, "FileName": name}]}})
    assert refusal(error)[0] == "BadRequestException"
    sent = tenant.send(Content={"Simple": {**HTML, "Attachments": [{**file, "FileName": "a.png"}]}})
    (part,) = tenant.account.delivered(sent).iter_attachments()
    assert (part.get_filename(), part["Content-ID"]) == ("a.png", "<logo>")


# Multi-region endpoints.


@pytest.fixture(scope="module")
def unsigned(account: Any) -> Any:
    """A client whose calls need no signature: those to an endpoint are signed by awscrt."""
    return clients.session(region=account.region).client(
        "sesv2",
        endpoint_url=account.aws.server.endpoint,
        config=Config(signature_version=UNSIGNED),
    )


def test_mail_goes_through_an_endpoint_that_exists(
    account: Any, unsigned: Any, refusal: Refusal
) -> None:
    """And through no other."""
    name = account.name("endpoint")
    details = {"RoutesDetails": [{"Region": "eu-central-1"}]}
    made = account.v2.create_multi_region_endpoint(EndpointName=name, Details=details)
    found = account.v2.get_multi_region_endpoint(EndpointName=name)
    assert (found["EndpointId"], found["Status"]) == (made["EndpointId"], "READY")
    assert [route["Region"] for route in found["Routes"]] == [account.region, "eu-central-1"]
    account.aws.verify_identity("tenants.example")
    mail = {
        "FromEmailAddress": "sales@tenants.example",
        "Destination": {"ToAddresses": ["reader@example.net"]},
        "Content": {"Simple": HTML},
    }
    assert unsigned.send_email(**mail, EndpointId=made["EndpointId"])["MessageId"]
    with pytest.raises(ClientError) as error:
        unsigned.send_email(**mail, EndpointId="abc.def")
    assert refusal(error)[0] == "NotFoundException"
    account.v2.delete_multi_region_endpoint(EndpointName=name)
    with pytest.raises(ClientError):
        account.v2.get_multi_region_endpoint(EndpointName=name)


# CloudFormation.


def test_a_stack_has_a_tenant_an_endpoint_and_a_set_that_validates(account: Any) -> None:
    """With its associations, which an update changes; deleting the stack leaves nothing."""
    name, endpoint, chosen = (account.name(kind) for kind in ("tenant", "endpoint", "set"))
    account.aws.verify_identity("tenants.example")
    scope = f"arn:aws:ses:{account.region}:{account.id}"
    identity, the_set = f"{scope}:identity/tenants.example", f"{scope}:configuration-set/{chosen}"

    def resources(*arns: str) -> dict[str, Any]:
        return {
            "Set": {
                "Type": "AWS::SES::ConfigurationSet",
                "Properties": {
                    "Name": chosen,
                    "SuppressionOptions": {
                        "ValidationOptions": {
                            "ConditionThreshold": {
                                "ConditionThresholdEnabled": "ENABLED",
                                "OverallConfidenceThreshold": {
                                    "ConfidenceVerdictThreshold": "HIGH"
                                },
                            }
                        }
                    },
                },
            },
            "Tenant": {
                "Type": "AWS::SES::Tenant",
                "DependsOn": ["Set"],
                "Properties": {
                    "TenantName": name,
                    "ResourceAssociations": [{"ResourceArn": arn} for arn in arns],
                    "SuppressionAttributes": {
                        "SuppressionScope": "TENANT",
                        "SuppressedReasons": ["BOUNCE"],
                    },
                },
            },
            "Endpoint": {
                "Type": "AWS::SES::MultiRegionEndpoint",
                "Properties": {
                    "EndpointName": endpoint,
                    "Details": {"RouteDetails": [{"Region": "eu-central-1"}]},
                },
            },
        }

    stack = account.deploy(resources(identity))["StackName"]
    options = account.v2.get_configuration_set(ConfigurationSetName=chosen)["SuppressionOptions"]
    threshold = options["ValidationOptions"]["ConditionThreshold"]
    assert threshold["ConditionThresholdEnabled"] == "ENABLED"
    assert account.v2.get_multi_region_endpoint(EndpointName=endpoint)["Status"] == "READY"
    assert associated(account, name) == {identity}
    account.deploy(resources(the_set), stack=stack)
    assert associated(account, name) == {the_set}
    attributes = account.v2.get_tenant(TenantName=name)["Tenant"]["SuppressionAttributes"]
    assert attributes == {"SuppressionScope": "TENANT", "SuppressedReasons": ["BOUNCE"]}
    account.delete(stack)
    with pytest.raises(ClientError):
        account.v2.get_tenant(TenantName=name)
    with pytest.raises(ClientError):
        account.v2.get_multi_region_endpoint(EndpointName=endpoint)


def associated(account: Any, tenant: str) -> set[str]:
    found = account.v2.list_tenant_resources(TenantName=tenant)["TenantResources"]
    return {one["ResourceArn"] for one in found}
