"""The CloudFormation types of Mail Manager: made, changed, replaced and deleted as on AWS."""

import json
import time
from typing import Any

import pytest

from local.gateway.managing import DROP, PRIVATE, TO_US, Manager
from mailroom_local import LocalAws

Resources = dict[str, Any]


class Stack:
    """One stack of a new account."""

    def __init__(self, manager: Manager) -> None:
        self.manager = manager
        self._api = manager.client("cloudformation")
        self._id = ""

    def deploy(
        self,
        resources: Resources,
        outputs: dict[str, Any] | None = None,
        conditions: dict[str, Any] | None = None,
    ) -> str:
        """Create the stack, or update it; how it ended."""
        values = {name: {"Value": value} for name, value in (outputs or {}).items()}
        body = json.dumps(
            {"Resources": resources, "Outputs": values, "Conditions": conditions or {}}
        )
        if self._id:
            self._api.update_stack(StackName="gateway", TemplateBody=body)
        else:
            self._id = self._api.create_stack(StackName="gateway", TemplateBody=body)["StackId"]
        return str(self._settled()["StackStatus"])

    def delete(self) -> str:
        self._api.delete_stack(StackName=self._id)
        return str(self._settled()["StackStatus"])

    @property
    def outputs(self) -> dict[str, str]:
        found = self._api.describe_stacks(StackName=self._id)["Stacks"][0].get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in found}

    def id(self, logical_id: str) -> str:
        found = self._api.describe_stack_resource(StackName="gateway", LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    @property
    def reasons(self) -> str:
        events = self._api.describe_stack_events(StackName=self._id)["StackEvents"]
        return "\n".join(filter(None, (event.get("ResourceStatusReason") for event in events)))

    def _settled(self) -> dict[str, Any]:
        deadline = time.monotonic() + 20
        while True:
            found: dict[str, Any] = self._api.describe_stacks(StackName=self._id)["Stacks"][0]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found
            assert time.monotonic() < deadline, found["StackStatus"]
            time.sleep(0.02)


@pytest.fixture
def stack(aws: LocalAws) -> Stack:
    """A stack that does not exist yet."""
    return Stack(Manager(aws))


def resource(kind: str, /, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::SES::MailManager{kind}", "Properties": properties}


def get(name: str, attribute: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, attribute]}


def gateway(**point: Any) -> Resources:
    """An ingress point with its policy and its rule set."""
    return {
        "Policy": resource("TrafficPolicy", PolicyStatements=[TO_US], DefaultAction="DENY"),
        "Rules": resource("RuleSet", Rules=[DROP]),
        "Point": resource(
            "IngressPoint",
            **{
                "Type": "OPEN",
                "TrafficPolicyId": get("Policy", "TrafficPolicyId"),
                "RuleSetId": {"Ref": "Rules"},
                "TlsPolicy": "OPTIONAL",
                **point,
            },
        ),
    }


def others() -> Resources:
    return {
        "Relay": resource(
            "Relay",
            ServerName="mail.example.com",
            # As templates may have it.
            ServerPort="587",
            Authentication={"NoAuthentication": {}},
        ),
        "Archive": resource("Archive", Retention={"RetentionPeriod": "ONE_YEAR"}),
        "List": resource("AddressList", Tags=[{"Key": "team", "Value": "mail"}]),
        "Subscription": resource("AddonSubscription", AddonName="VADE_ADVANCED_EMAIL_SECURITY"),
        "Instance": resource("AddonInstance", AddonSubscriptionId={"Ref": "Subscription"}),
    }


RETURNED = {
    "Policy": ("tp-", ("TrafficPolicyId", "TrafficPolicyArn")),
    "Rules": ("rs-", ("RuleSetId", "RuleSetArn")),
    "Point": ("inp-", ("IngressPointId", "IngressPointArn", "ARecord", "Status")),
    "Relay": ("r-", ("RelayId", "RelayArn")),
    "Archive": ("a-", ("ArchiveId", "ArchiveArn", "ArchiveState")),
    "List": ("al-", ("AddressListId", "AddressListArn")),
    "Subscription": ("as-", ("AddonSubscriptionId", "AddonSubscriptionArn")),
    "Instance": ("ai-", ("AddonInstanceId", "AddonInstanceArn", "AddonName")),
}


def test_all_types_are_made_return_their_values_and_are_deleted(stack: Stack) -> None:
    """Each is found by the API, and gone with the stack but for the archive."""
    outputs: dict[str, Any] = {}
    for name, (_, attributes) in RETURNED.items():
        outputs[name] = {"Ref": name}
        outputs |= {f"{name}{attribute}": get(name, attribute) for attribute in attributes}
    assert stack.deploy({**gateway(), **others()}, outputs) == "CREATE_COMPLETE", stack.reasons
    found = stack.outputs
    for name, (prefix, attributes) in RETURNED.items():
        own_id = found[name]
        assert own_id.startswith(prefix)
        assert found[f"{name}{attributes[0]}"] == own_id
        assert found[f"{name}{attributes[1]}"].startswith(stack.manager.arn)
        assert found[f"{name}{attributes[1]}"].endswith(f"/{own_id}")
    assert found["PointStatus"] == "ACTIVE"
    assert found["InstanceAddonName"] == "VADE_ADVANCED_EMAIL_SECURITY"
    call = stack.manager.call
    assert call("GetIngressPoint", IngressPointId=found["Point"])[1]["RuleSetId"] == found["Rules"]
    assert call("GetRelay", RelayId=found["Relay"])[1]["ServerPort"] == 587
    tags = call("ListTagsForResource", ResourceArn=found["ListAddressListArn"])[1]["Tags"]
    assert {"Key": "team", "Value": "mail"} in tags
    assert {"Key": "aws:cloudformation:stack-name", "Value": "gateway"} in tags
    assert stack.delete() == "DELETE_COMPLETE", stack.reasons
    for operation in ("ListIngressPoints", "ListTrafficPolicies", "ListRuleSets", "ListRelays"):
        assert list(call(operation)[1].values()) == [[]]
    assert call("ListAddonSubscriptions")[1] == {"AddonSubscriptions": []}
    assert call("GetArchive", ArchiveId=found["Archive"])[1]["ArchiveState"] == "PENDING_DELETION"


IN_PLACE: list[tuple[str, dict[str, Any], str, str, Any]] = [
    ("Policy", {"DefaultAction": "ALLOW"}, "GetTrafficPolicy", "DefaultAction", "ALLOW"),
    ("Rules", {"Rules": []}, "GetRuleSet", "Rules", []),
    ("Point", {"TlsPolicy": "REQUIRED"}, "GetIngressPoint", "TlsPolicy", "REQUIRED"),
    ("Relay", {"ServerPort": 25}, "GetRelay", "ServerPort", 25),
    (
        "Archive",
        {"Retention": {"RetentionPeriod": "TEN_YEARS"}},
        "GetArchive",
        "Retention",
        {"RetentionPeriod": "TEN_YEARS"},
    ),
]
REPLACED: list[tuple[str, dict[str, Any]]] = [
    ("Point", {"NetworkConfiguration": PRIVATE}),
    ("List", {"AddressListName": "another"}),
]


def test_changes_are_made_in_place_where_cloudformation_does_not_replace(stack: Stack) -> None:
    """An ingress point keeps its host name, and an archive its mail."""
    resources = {**gateway(), **others()}
    assert stack.deploy(resources) == "CREATE_COMPLETE", stack.reasons
    for name, properties, operation, member, expected in IN_PLACE:
        before = stack.id(name)
        resources[name]["Properties"] |= properties
        assert stack.deploy(resources) == "UPDATE_COMPLETE", stack.reasons
        assert stack.id(name) == before
        id_name = RETURNED[name][1][0]
        _, found = stack.manager.call(operation, **{id_name: before})
        assert found[member] == expected
    for name, properties in REPLACED:
        before = stack.id(name)
        resources[name]["Properties"] |= properties
        assert stack.deploy(resources) == "UPDATE_COMPLETE", stack.reasons
        assert stack.id(name) != before


def test_a_replacement_with_the_same_name_fails(stack: Stack) -> None:
    """The new ingress point is made while the other one still has the name."""
    assert stack.deploy(gateway(IngressPointName="gate")) == "CREATE_COMPLETE"
    before = stack.id("Point")
    again = gateway(IngressPointName="gate", NetworkConfiguration=PRIVATE)
    assert stack.deploy(again) == "UPDATE_ROLLBACK_COMPLETE"
    assert "HandlerErrorCode: AlreadyExists" in stack.reasons
    assert stack.id("Point") == before


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        (gateway(StatusToUpdate="CLOSED"), "StatusToUpdate cannot be set"),
        (
            gateway(Type="AUTH", TlsPolicy="FIPS"),
            "(Service: MailManager, Status Code: 400, Request ID: ",
        ),
        (gateway(Tls="OPTIONAL"), "Encountered unsupported property Tls"),
        (
            {
                "Rules": resource(
                    "RuleSet", Rules=[{"Actions": [{"Drop": {"ActionFailurePolicy": "DROP"}}]}]
                )
            },
            "#/Rules/0/Actions/0/Drop: extraneous key [ActionFailurePolicy] is not permitted",
        ),
        (
            {"Addon": resource("AddonInstance", AddonSubscriptionId="as-unknown")},
            "HandlerErrorCode: NotFound",
        ),
    ],
)
def test_a_failure_says_in_the_stack_events_what_the_api_said(
    stack: Stack, resources: Resources, says: str
) -> None:
    """As a resource handler of AWS reports it."""
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert says in stack.reasons
    assert "Resource handler returned message" in stack.reasons


def test_a_tls_policy_that_cannot_change_fails_the_update(stack: Stack) -> None:
    """The type says that it can be updated."""
    assert stack.deploy(gateway(TlsPolicy="FIPS")) == "CREATE_COMPLETE"
    assert stack.deploy(gateway(TlsPolicy="OPTIONAL")) == "UPDATE_ROLLBACK_COMPLETE"
    assert "cannot change from FIPS to OPTIONAL" in stack.reasons


def test_a_point_is_closed_and_opened_by_updates(stack: Stack) -> None:
    """It keeps its id."""
    assert stack.deploy(gateway()) == "CREATE_COMPLETE"
    point, call = stack.id("Point"), stack.manager.call
    for status in ("CLOSED", "ACTIVE"):
        assert stack.deploy(gateway(StatusToUpdate=status)) == "UPDATE_COMPLETE", stack.reasons
        assert call("GetIngressPoint", IngressPointId=point)[1]["Status"] == status


def test_a_private_point_has_no_a_record(stack: Stack) -> None:
    """A template that asks for one fails."""
    resources = gateway(NetworkConfiguration=PRIVATE)
    assert stack.deploy(resources, {"Mx": get("Point", "ARecord")}) == "ROLLBACK_COMPLETE"


def test_what_another_stack_still_uses_stays(stack: Stack, aws: LocalAws) -> None:
    """The deletion fails, and the rule set is still there."""
    assert stack.deploy({"Rules": gateway()["Rules"]}) == "CREATE_COMPLETE"
    rules = stack.id("Rules")
    targets = {"RuleSetId": rules, "TrafficPolicyId": stack.manager.policy()}
    stack.manager.point(**targets)
    assert stack.delete() == "DELETE_FAILED"
    assert "is in use by the ingress point" in stack.reasons
    assert stack.manager.call("GetRuleSet", RuleSetId=rules)[0] == 200


def test_logs_of_a_gateway_get_their_deliveries(stack: Stack) -> None:
    """From each log type of the ingress point and of the rule set to one log group."""
    resources = {
        **gateway(),
        "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {}},
        "Destination": {
            "Type": "AWS::Logs::DeliveryDestination",
            "Properties": {
                "Name": "to-logs",
                "DestinationResourceArn": get("Logs", "Arn"),
                "OutputFormat": "json",
            },
        },
    }
    logs = (
        ("Actions", "APPLICATION_LOGS", get("Rules", "RuleSetArn")),
        ("Accepted", "APPLICATION_LOGS", get("Point", "IngressPointArn")),
        ("Policies", "TRAFFIC_POLICY_DEBUG_LOGS", get("Point", "IngressPointArn")),
    )
    for name, kind, arn in logs:
        resources[f"{name}Source"] = {
            "Type": "AWS::Logs::DeliverySource",
            "Properties": {"Name": name, "LogType": kind, "ResourceArn": arn},
        }
        resources[f"{name}Delivery"] = {
            "Type": "AWS::Logs::Delivery",
            "Properties": {
                "DeliverySourceName": {"Ref": f"{name}Source"},
                "DeliveryDestinationArn": get("Destination", "Arn"),
            },
        }
    outputs = {
        "Service": get("ActionsSource", "Service"),
        "Kind": get("ActionsDelivery", "DeliveryDestinationType"),
    }
    assert stack.deploy(resources, outputs) == "CREATE_COMPLETE", stack.reasons
    assert stack.outputs == {"Service": "ses", "Kind": "CWL"}
    api = stack.manager.client("logs")
    assert len(api.describe_deliveries()["deliveries"]) == 3
    assert stack.delete() == "DELETE_COMPLETE"
    assert api.describe_delivery_sources()["deliverySources"] == []


def test_a_log_type_that_a_resource_does_not_have_is_refused(stack: Stack) -> None:
    """A rule set has no traffic policy."""
    resources = {
        "Rules": gateway()["Rules"],
        "Source": {
            "Type": "AWS::Logs::DeliverySource",
            "Properties": {
                "Name": "source",
                "LogType": "TRAFFIC_POLICY_DEBUG_LOGS",
                "ResourceArn": get("Rules", "RuleSetArn"),
            },
        },
    }
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert "is not supported" in stack.reasons


def test_a_replaced_point_needs_a_delivery_source_of_another_name(stack: Stack) -> None:
    """The schema has it as a change in place, which CloudWatch refuses."""

    def logged(source: str, **point: Any) -> Resources:
        properties = {
            "Name": source,
            "LogType": "APPLICATION_LOGS",
            "ResourceArn": get("Point", "IngressPointArn"),
        }
        return {
            **gateway(**point),
            "Source": {"Type": "AWS::Logs::DeliverySource", "Properties": properties},
        }

    private = {"IngressPointName": "private", "NetworkConfiguration": PRIVATE}
    assert stack.deploy(logged("source")) == "CREATE_COMPLETE"
    assert stack.deploy(logged("source", **private)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "of another resource" in stack.reasons
    assert stack.deploy(logged("another", **private)) == "UPDATE_COMPLETE"


def test_conditions_know_the_region_and_the_account(stack: Stack) -> None:
    """By which an app without a region has the TLS policy that its region offers."""
    conditions = {
        "Here": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]},
        "Elsewhere": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, "AWS::AccountId"]},
    }
    point = gateway(TlsPolicy={"Fn::If": ["Here", "REQUIRED", "OPTIONAL"]})
    outputs = {"Elsewhere": {"Fn::If": ["Elsewhere", "yes", "no"]}}
    assert stack.deploy(point, outputs, conditions) == "CREATE_COMPLETE", stack.reasons
    assert (
        stack.manager.call("GetIngressPoint", IngressPointId=stack.id("Point"))[1]["TlsPolicy"]
        == "REQUIRED"
    )
    assert stack.outputs == {"Elsewhere": "no"}
