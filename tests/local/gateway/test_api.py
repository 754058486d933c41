"""The API of Mail Manager: what it takes, what it answers, and what it refuses."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from local.gateway.managing import CERTIFICATE, DROP, PRIVATE, TO_US, Manager
from mailroom_local import LocalAws

ROLE = "arn:aws:iam::123456789012:role/gateway"


@pytest.fixture
def manager(aws: LocalAws) -> Manager:
    """The Mail Manager of a new account, in a region with FIPS."""
    return Manager(aws)


@pytest.fixture
def in_europe(aws: LocalAws) -> Manager:
    """One of a region without FIPS."""
    return Manager(aws, region="eu-west-1")


def rule(*actions: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Actions": list(actions), **fields}


def test_boto3_makes_reads_lists_changes_and_deletes_a_gateway(manager: Manager) -> None:
    """Its requests are signed for SES, and only their target tells them from API v1."""
    api = manager.api
    policy = api.create_traffic_policy(
        TrafficPolicyName="closed", PolicyStatements=[TO_US], DefaultAction="DENY"
    )["TrafficPolicyId"]
    rules = api.create_rule_set(RuleSetName="rules", Rules=[DROP])["RuleSetId"]
    targets = {"TrafficPolicyId": policy, "RuleSetId": rules}
    point = api.create_ingress_point(IngressPointName="gate", Type="OPEN", **targets)[
        "IngressPointId"
    ]
    found = api.get_ingress_point(IngressPointId=point)
    assert found["IngressPointArn"] == f"{manager.arn}:mailmanager-ingress-point/{point}"
    assert found.items() >= {"IngressPointName": "gate", **targets}.items()
    assert found["NetworkConfiguration"] == {"PublicNetworkConfiguration": {"IpType": "IPV4"}}
    assert found["ARecord"].endswith(".mail-manager-smtp.amazonaws.com")
    api.update_rule_set(RuleSetId=rules, Rules=[DROP, {**DROP, "Name": "Again"}])
    assert [each["Name"] for each in api.get_rule_set(RuleSetId=rules)["Rules"]] == [
        "Drop",
        "Again",
    ]
    api.update_traffic_policy(TrafficPolicyId=policy, DefaultAction="ALLOW")
    listed = api.list_traffic_policies()["TrafficPolicies"]
    assert [each["DefaultAction"] for each in listed] == ["ALLOW"]
    assert api.get_traffic_policy(TrafficPolicyId=policy)["PolicyStatements"] == [TO_US]
    api.delete_ingress_point(IngressPointId=point)
    api.delete_rule_set(RuleSetId=rules)
    api.delete_traffic_policy(TrafficPolicyId=policy)
    assert api.list_ingress_points()["IngressPoints"] == []
    with pytest.raises(api.exceptions.ResourceNotFoundException):
        api.get_rule_set(RuleSetId=rules)


def test_nothing_is_seen_from_another_account_or_region(manager: Manager, aws: LocalAws) -> None:
    """Names are free there, too."""
    rules = manager.rule_set()
    for other in (Manager(aws), Manager(aws, region="eu-west-1")):
        assert other.call("ListRuleSets")[1] == {"RuleSets": []}
        assert other.refusal("GetRuleSet", RuleSetId=rules)[0] == "ResourceNotFoundException"
        other.rule_set()


def test_an_ingress_point_settles_after_each_change(manager: Manager) -> None:
    """Whoever does not wait finds out here and not at AWS."""

    def status() -> str:
        return str(manager.call("GetIngressPoint", IngressPointId=point)[1]["Status"])

    def settled() -> str:
        deadline = time.monotonic() + 5
        while (found := status()).endswith("ING") and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    point = manager.point()
    assert status() in ("PROVISIONING", "ACTIVE")
    assert settled() == "ACTIVE"
    manager.call("UpdateIngressPoint", IngressPointId=point, StatusToUpdate="CLOSED")
    assert settled() == "CLOSED"
    manager.call("UpdateIngressPoint", IngressPointId=point, StatusToUpdate="ACTIVE")
    assert settled() == "ACTIVE"


def bad_inputs() -> dict[str, tuple[str, dict[str, Any], str]]:
    """Operation, input, and what the refusal says."""
    policy = {"TrafficPolicyName": "policy", "PolicyStatements": [], "DefaultAction": "DENY"}
    string = TO_US["Conditions"][0]["StringExpression"]  # type: ignore[index]
    two = {"StringExpression": string, "IpExpression": {}}

    def statements(*conditions: Any) -> dict[str, Any]:
        return {**policy, "PolicyStatements": [{"Action": "ALLOW", "Conditions": conditions}]}

    def rules(*given: Any) -> dict[str, Any]:
        return {"RuleSetName": "rules", "Rules": given}

    def matching(**condition: Any) -> dict[str, Any]:
        return rules(rule({"Drop": {}}, Conditions=[condition]))

    def s3(**fields: Any) -> dict[str, Any]:
        return rules(rule({"WriteToS3": {"RoleArn": ROLE, "S3Bucket": "mail", **fields}}))

    bounce = {
        "RoleArn": ROLE,
        "Sender": "a@example.com",
        "StatusCode": "5.1.1",
        "SmtpReplyCode": "550",
        "DiagnosticMessage": "no",
    }
    return {
        "a name too short": ("CreateTrafficPolicy", {**policy, "TrafficPolicyName": "ab"}, "3"),
        "a name of 64": ("CreateTrafficPolicy", {**policy, "TrafficPolicyName": "a" * 64}, "63"),
        "a dot in a name": (
            "CreateTrafficPolicy",
            {**policy, "TrafficPolicyName": "a.b.c"},
            "/trafficPolicyName",
        ),
        "no default": ("CreateTrafficPolicy", {**policy, "DefaultAction": None}, "/defaultAction"),
        "another default": ("CreateTrafficPolicy", {**policy, "DefaultAction": "DROP"}, "DENY"),
        "a size of 0": ("CreateTrafficPolicy", {**policy, "MaxMessageSizeBytes": 0}, "equal to 1"),
        "no condition": ("CreateTrafficPolicy", statements(), "/policyStatements/0/conditions"),
        "two expressions": ("CreateTrafficPolicy", statements(two), "Exactly one member"),
        "no expression": ("CreateTrafficPolicy", statements({}), "Exactly one member"),
        "no CIDR": (
            "CreateTrafficPolicy",
            statements(
                {
                    "IpExpression": {
                        "Evaluate": {"Attribute": "SENDER_IP"},
                        "Operator": "CIDR_MATCHES",
                        "Values": ["192.0.2.1"],
                    }
                }
            ),
            "/values/0",
        ),
        "41 rules": ("CreateRuleSet", rules(*[DROP] * 41), "40"),
        "no action": ("CreateRuleSet", rules(rule()), "/rules/0/actions"),
        "11 actions": ("CreateRuleSet", rules(rule(*[{"Drop": {}}] * 11)), "10"),
        "two actions in one": (
            "CreateRuleSet",
            rules(rule({"Drop": {}, "Archive": {"TargetArchive": "a-1"}})),
            "Exactly one member",
        ),
        "11 conditions": (
            "CreateRuleSet",
            rules(rule({"Drop": {}}, Conditions=[{"StringExpression": string}] * 11)),
            "10",
        ),
        "a rule's name of 33": ("CreateRuleSet", rules({**DROP, "Name": "a" * 33}), "32"),
        "SENDER_IP in a rule": (
            "CreateRuleSet",
            matching(
                IpExpression={
                    "Evaluate": {"Attribute": "SENDER_IP"},
                    "Operator": "CIDR_MATCHES",
                    "Values": ["192.0.2.0/24"],
                }
            ),
            "SOURCE_IP",
        ),
        "no network in a rule": (
            "CreateRuleSet",
            matching(
                IpExpression={
                    "Evaluate": {"Attribute": "SOURCE_IP"},
                    "Operator": "CIDR_MATCHES",
                    "Values": ["300.0.2.0/24"],
                }
            ),
            "300.0.2.0/24",
        ),
        "a small x": (
            "CreateRuleSet",
            matching(StringExpression={**string, "Evaluate": {"MimeHeaderAttribute": "x-spam"}}),
            "mimeHeaderAttribute",
        ),
        "two lists": (
            "CreateRuleSet",
            matching(
                BooleanExpression={
                    "Evaluate": {
                        "IsInAddressList": {"Attribute": "RECIPIENT", "AddressLists": ["a", "b"]}
                    },
                    "Operator": "IS_TRUE",
                }
            ),
            "addressLists",
        ),
        "a bucket of 63": ("CreateRuleSet", s3(S3Bucket="b" * 63), "62"),
        "a prefix of 63": ("CreateRuleSet", s3(S3Prefix="p" * 63), "62"),
        "36 hours and a minute": (
            "CreateRuleSet",
            rules(
                rule(
                    {
                        "InvokeLambda": {
                            "RoleArn": ROLE,
                            "FunctionArn": ROLE,
                            "InvocationType": "EVENT",
                            "RetryTimeMinutes": 2161,
                        }
                    }
                )
            ),
            "2160",
        ),
        "a header without X-": (
            "CreateRuleSet",
            rules(rule({"AddHeader": {"HeaderName": "Subject", "HeaderValue": "x"}})),
            "headerName",
        ),
        "a status of success": (
            "CreateRuleSet",
            rules(rule({"Bounce": {**bounce, "StatusCode": "2.0.0"}})),
            "statusCode",
        ),
        "an umlaut in a bounce": (
            "CreateRuleSet",
            rules(rule({"Bounce": {**bounce, "DiagnosticMessage": "geändert"}})),
            "diagnosticMessage",
        ),
        "nobody in place": (
            "CreateRuleSet",
            rules(rule({"ReplaceRecipient": {}})),
            "ReplaceWith",
        ),
        "somebody twice": (
            "CreateRuleSet",
            rules(rule({"ReplaceRecipient": {"ReplaceWith": ["a@b.example", "a@b.example"]}})),
            "unique",
        ),
        "a port of 65536": (
            "CreateRelay",
            {
                "RelayName": "r",
                "ServerName": "mail.example.com",
                "ServerPort": 65536,
                "Authentication": {"NoAuthentication": {}},
            },
            "65535",
        ),
        "a relay without a word on authentication": (
            "CreateRelay",
            {"RelayName": "r", "ServerName": "a", "ServerPort": 25, "Authentication": {}},
            "Exactly one member",
        ),
        "an archive of one letter": ("CreateArchive", {"ArchiveName": "a"}, "/archiveName"),
        "an archive for a week": (
            "CreateArchive",
            {"ArchiveName": "week", "Retention": {"RetentionPeriod": "ONE_WEEK"}},
            "THREE_MONTHS",
        ),
        "a blank in a list's name": (
            "CreateAddressList",
            {"AddressListName": "a b"},
            "/addressListName",
        ),
        "an unknown add-on": ("CreateAddonSubscription", {"AddonName": "SPAM"}, "SPAMHAUS_DBL"),
        "201 tags": (
            "CreateAddressList",
            {
                "AddressListName": "list",
                "Tags": [{"Key": f"k{number}", "Value": ""} for number in range(201)],
            },
            "200",
        ),
        "a malformed id": ("DeleteRuleSet", {"RuleSetId": "rules"}, "malformed"),
        "a malformed token": ("ListRuleSets", {"NextToken": "x"}, "NextToken"),
        "a page of 51": ("ListRuleSets", {"PageSize": 51}, "50"),
    }


@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_is_refused_with_the_place_and_the_constraint(
    manager: Manager, case: str
) -> None:
    """boto3 sends most of it: it checks neither patterns nor maxima."""
    operation, given, says = bad_inputs()[case]
    code, text = manager.refusal(operation, **given)
    assert code == "ValidationException"
    assert says in text


@pytest.mark.parametrize("body", ["{", "[]", '{"RuleSetName": 5, "Rules": []}'])
def test_a_body_that_cannot_be_read_is_no_validation_error(manager: Manager, body: str) -> None:
    """A wrong type is found before any constraint."""
    status, answer = manager.call("CreateRuleSet", body)
    assert (status, answer["__type"]) == (400, "SerializationException")


def test_every_operation_of_the_service_model_is_there(manager: Manager) -> None:
    """An SDK finds no gap."""
    missing = [
        operation
        for operation in manager.api.meta.service_model.operation_names
        if manager.call(operation, ResourceArn=5)[1].get("__type") == "UnknownOperationException"
    ]
    assert missing == []


def test_an_unknown_operation_is_refused(manager: Manager) -> None:
    """It does not reach API v1."""
    assert manager.refusal("CreateSomething")[0] == "UnknownOperationException"


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        ("GetRelay", {"RelayId": "r-unknown"}, "ResourceNotFoundException"),
        ("CreateRuleSet", {"RuleSetName": "rules", "Rules": []}, "ConflictException"),
        ("CreateRelay", {}, "ValidationException"),
        (
            "CreateTrafficPolicy",
            {
                "TrafficPolicyName": "policy",
                "DefaultAction": "DENY",
                "PolicyStatements": [TO_US] * 21,
            },
            "ServiceQuotaExceededException",
        ),
    ],
)
def test_each_error_is_known_by_its_type_and_not_by_its_status(
    manager: Manager, operation: str, given: dict[str, Any], code: str
) -> None:
    """The API reference has the status 400 for all of them."""
    manager.rule_set()
    status, answer = manager.call(operation, **given)
    assert (status, answer["__type"]) == (400, code)


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("CreateTrafficPolicy", {"DefaultAction": "DENY", "PolicyStatements": []}),
        ("CreateRuleSet", {"Rules": []}),
        (
            "CreateRelay",
            {"ServerName": "a", "ServerPort": 25, "Authentication": {"NoAuthentication": {}}},
        ),
        ("CreateArchive", {}),
        ("CreateAddressList", {}),
    ],
)
def test_a_name_is_taken_until_its_owner_is_deleted(
    manager: Manager, operation: str, given: dict[str, Any]
) -> None:
    """So a fixed name is in the way of a replacement."""
    kind = operation.removeprefix("Create")
    named = {**given, f"{kind}Name": "taken"}
    made = manager.made(operation, **named)
    code, text = manager.refusal(operation, **named)
    assert code == "ConflictException"
    assert "taken" in text
    manager.call(f"Delete{kind}", **{f"{kind}Id": made})
    manager.made(operation, **named)


def test_a_resource_may_keep_its_name_but_not_take_anothers(manager: Manager) -> None:
    """UpdateRuleSet may repeat the name."""
    first, _ = manager.rule_set(name="first"), manager.rule_set(name="second")
    assert manager.call("UpdateRuleSet", RuleSetId=first, RuleSetName="first")[0] == 200
    code, _ = manager.refusal("UpdateRuleSet", RuleSetId=first, RuleSetName="second")
    assert code == "ConflictException"


def in_use() -> dict[str, Callable[[Manager], tuple[str, str, str]]]:
    """What makes something that is in use: the deletion, its member, the id."""

    def target(kind: str) -> Callable[[Manager], tuple[str, str, str]]:
        def make(manager: Manager) -> tuple[str, str, str]:
            targets = manager.targets()
            manager.point(**targets)
            return f"Delete{kind}", f"{kind}Id", targets[f"{kind}Id"]

        return make

    def list_of_policy(manager: Manager) -> tuple[str, str, str]:
        made = manager.made("CreateAddressList", AddressListName="blocked")
        listed = {
            "Attribute": "RECIPIENT",
            "AddressLists": [f"{manager.arn}:mailmanager-address-list/{made}"],
        }
        expression = {"Evaluate": {"IsInAddressList": listed}, "Operator": "IS_TRUE"}
        condition = {"BooleanExpression": expression}
        manager.policy(PolicyStatements=[{"Action": "DENY", "Conditions": [condition]}])
        return "DeleteAddressList", "AddressListId", made

    def addon_of_rule(manager: Manager) -> tuple[str, str, str]:
        subscription = manager.made("CreateAddonSubscription", AddonName="TRENDMICRO_VSAPI")
        made = manager.made("CreateAddonInstance", AddonSubscriptionId=subscription)
        analysis = {"Analyzer": f"{manager.arn}:addon-instance/{made}", "ResultField": "isPassed"}
        expression = {"Evaluate": {"Analysis": analysis}, "Operator": "IS_TRUE"}
        manager.rule_set({**DROP, "Unless": [{"BooleanExpression": expression}]})
        return "DeleteAddonInstance", "AddonInstanceId", made

    def subscription_of_instance(manager: Manager) -> tuple[str, str, str]:
        made = manager.made("CreateAddonSubscription", AddonName="SPAMHAUS_DBL")
        manager.made("CreateAddonInstance", AddonSubscriptionId=made)
        return "DeleteAddonSubscription", "AddonSubscriptionId", made

    return {
        "a rule set of an ingress point": target("RuleSet"),
        "a policy of an ingress point": target("TrafficPolicy"),
        "an address list of a policy": list_of_policy,
        "an add-on of a rule": addon_of_rule,
        "a subscription with an instance": subscription_of_instance,
    }


@pytest.mark.parametrize("case", in_use())
def test_what_is_in_use_cannot_be_deleted(manager: Manager, case: str) -> None:
    """The refusal names what uses it."""
    operation, member, used = in_use()[case](manager)
    code, text = manager.refusal(operation, **{member: used})
    assert code == "ConflictException"
    assert f"{used} is in use by" in text


def test_a_relay_and_an_archive_go_while_actions_use_them(manager: Manager) -> None:
    """The actions fail, as the API reference says."""
    server = {"ServerName": "a", "ServerPort": 25, "Authentication": {"NoAuthentication": {}}}
    relay = manager.made("CreateRelay", RelayName="used", **server)
    archive = manager.made("CreateArchive", ArchiveName="used")
    manager.rule_set(rule({"Relay": {"Relay": relay}}, {"Archive": {"TargetArchive": archive}}))
    assert manager.call("DeleteRelay", RelayId=relay)[0] == 200
    assert manager.call("DeleteArchive", ArchiveId=archive)[0] == 200


def test_deleting_what_there_is_not_succeeds_where_aws_says_so(manager: Manager) -> None:
    """For the others, AWS documents an error."""
    assert manager.call("DeleteRuleSet", RuleSetId="rs-unknown")[0] == 200
    assert manager.call("DeleteTrafficPolicy", TrafficPolicyId="tp-unknown")[0] == 200
    for kind, unknown in (("Relay", "r-unknown"), ("IngressPoint", "inp-unknown")):
        code, _ = manager.refusal(f"Delete{kind}", **{f"{kind}Id": unknown})
        assert code == "ResourceNotFoundException"


def test_quotas_are_those_that_aws_publishes(manager: Manager) -> None:
    """None of them can be raised."""
    targets = manager.targets()
    for number in range(10):
        manager.point(f"open-{number}", **targets)
        manager.made("CreateArchive", ArchiveName=f"archive-{number}")
    relay = {"ServerName": "a", "ServerPort": 25, "Authentication": {"NoAuthentication": {}}}
    for number in range(40):
        manager.made("CreateRelay", RelayName=f"relay-{number}", **relay)
    send = rule(*[{"Send": {"RoleArn": ROLE}}] * 6)
    asked = {
        "CreateIngressPoint": manager.of_point("another", **targets),
        "CreateArchive": {"ArchiveName": "another"},
        "CreateRelay": {"RelayName": "another", **relay},
        "CreateRuleSet": {"RuleSetName": "another", "Rules": [send, send]},
    }
    for operation, given in asked.items():
        assert manager.refusal(operation, **given)[0] == "ServiceQuotaExceededException", operation


@pytest.mark.parametrize(
    ("america", "given", "expected"),
    [
        (True, {}, "FIPS"),
        (False, {}, "REQUIRED"),
        (True, {"TlsPolicy": "OPTIONAL"}, "OPTIONAL"),
        (True, {"TlsPolicy": "REQUIRED"}, "REQUIRED"),
        (False, {"TlsPolicy": "FIPS"}, "United States and Canada"),
        (True, {"Type": "AUTH", "TlsPolicy": "REQUIRED"}, "is FIPS"),
        (True, {"Type": "AUTH", "TlsPolicy": "OPTIONAL"}, "not OPTIONAL"),
        (False, {"Type": "AUTH", "TlsPolicy": "REQUIRED"}, "REQUIRED"),
        (False, {"Type": "AUTH", "TlsPolicy": "OPTIONAL"}, "not OPTIONAL"),
        (
            True,
            {"Type": "AUTH", "TlsPolicy": "OPTIONAL", "NetworkConfiguration": PRIVATE},
            "OPTIONAL",
        ),
        (
            True,
            {"Type": "AUTH", "TlsPolicy": "REQUIRED", "NetworkConfiguration": PRIVATE},
            "REQUIRED",
        ),
        (True, {"Type": "MTLS", "TlsPolicy": "REQUIRED"}, "is FIPS"),
        (False, {"Type": "MTLS", "TlsPolicy": "REQUIRED"}, "REQUIRED"),
        (False, {"Type": "MTLS", "TlsPolicy": "OPTIONAL"}, "not OPTIONAL"),
    ],
)
def test_the_tls_policies_of_an_ingress_point_follow_kind_network_and_region(
    manager: Manager, in_europe: Manager, america: bool, given: dict[str, Any], expected: str
) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html"""
    used = manager if america else in_europe
    configuration: dict[str, Any] = {
        "AUTH": {"SmtpPassword": "password-1"},
        "MTLS": {"TlsAuthConfiguration": {"TrustStore": {"CAContent": CERTIFICATE}}},
    }
    if given.get("Type") in configuration:
        given = {**given, "IngressPointConfiguration": configuration[given["Type"]]}
    status, answer = used.call("CreateIngressPoint", **used.of_point(**given))
    if status == 200:
        found = used.call("GetIngressPoint", IngressPointId=answer["IngressPointId"])[1]
        assert found["TlsPolicy"] == expected
        assert ("ARecord" in found) == ("NetworkConfiguration" not in given)
    else:
        assert answer["__type"] == "ValidationException"
        assert expected in answer["Message"]


@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("OPTIONAL", "REQUIRED", True),
        ("REQUIRED", "OPTIONAL", True),
        ("REQUIRED", "REQUIRED", True),
        ("FIPS", "FIPS", False),
        ("FIPS", "REQUIRED", False),
        ("OPTIONAL", "FIPS", False),
    ],
)
def test_a_tls_policy_changes_between_required_and_optional_only(
    manager: Manager, before: str, after: str, allowed: bool
) -> None:
    """A template that asks for more fails when it is deployed."""
    point = manager.point(TlsPolicy=before)
    status, answer = manager.call("UpdateIngressPoint", IngressPointId=point, TlsPolicy=after)
    assert (status == 200) is allowed
    assert allowed or "cannot change" in answer["Message"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"IngressPointConfiguration": {"SmtpPassword": "password-1"}}, "open"),
        ({"Type": "AUTH"}, "SmtpPassword or SecretArn"),
        ({"Type": "MTLS"}, "TrustStore"),
        (
            {"Type": "MTLS", "IngressPointConfiguration": {"SmtpPassword": "password-1"}},
            "TrustStore",
        ),
        (
            {
                "Type": "AUTH",
                "IngressPointConfiguration": {
                    "TlsAuthConfiguration": {"TrustStore": {"CAContent": CERTIFICATE}}
                },
            },
            "SmtpPassword or SecretArn",
        ),
        ({"RuleSetId": "rs-unknown", "TrafficPolicyId": "tp-unknown"}, "does not exist"),
    ],
)
def test_an_ingress_point_needs_what_fits_its_kind(
    manager: Manager, given: dict[str, Any], says: str
) -> None:
    """The service model allows all of it."""
    code, text = manager.refusal("CreateIngressPoint", **manager.of_point(**given))
    assert code == "ValidationException"
    assert says in text


def test_one_vpc_endpoint_serves_one_ingress_point(manager: Manager) -> None:
    """https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html"""
    targets = manager.targets()
    manager.point("first", NetworkConfiguration=PRIVATE, **targets)
    second = manager.of_point("second", NetworkConfiguration=PRIVATE, **targets)
    assert manager.refusal("CreateIngressPoint", **second)[0] == "ConflictException"


def test_a_repeated_creation_with_its_token_makes_nothing_new(manager: Manager) -> None:
    """SDKs repeat a request whose answer was lost."""
    given = {"ClientToken": "once", "AddressListName": "list"}
    assert manager.made("CreateAddressList", **given) == manager.made("CreateAddressList", **given)
    other = {**given, "AddressListName": "another"}
    assert manager.refusal("CreateAddressList", **other)[0] == "ConflictException"


def test_lists_come_in_pages(manager: Manager) -> None:
    """boto3's paginators follow the token."""
    names = [f"list-{number}" for number in range(7)]
    for name in names:
        manager.made("CreateAddressList", AddressListName=name)
    pages = manager.api.get_paginator("list_address_lists").paginate(PageSize=3)
    found = [[each["AddressListName"] for each in page["AddressLists"]] for page in pages]
    assert found == [names[:3], names[3:6], names[6:]]


def test_every_kind_of_resource_can_be_tagged(manager: Manager) -> None:
    """At creation, and later."""
    subscription = manager.made(
        "CreateAddonSubscription", AddonName="SPAMHAUS_DBL", Tags=[{"Key": "a", "Value": "1"}]
    )
    arns = [
        f"{manager.arn}:addon-subscription/{subscription}",
        f"{manager.arn}:mailmanager-rule-set/{manager.rule_set()}",
        f"{manager.arn}:mailmanager-ingress-point/{manager.point()}",
    ]
    for arn in arns:
        tags = [{"Key": "b", "Value": "2"}, {"Key": "c", "Value": ""}]
        assert manager.call("TagResource", ResourceArn=arn, Tags=tags)[0] == 200
        manager.call("UntagResource", ResourceArn=arn, TagKeys=["c"])
        found = manager.call("ListTagsForResource", ResourceArn=arn)[1]["Tags"]
        assert {"Key": "b", "Value": "2"} in found
        assert {"Key": "c", "Value": ""} not in found
    unknown = f"{manager.arn}:mailmanager-rule-set/rs-unknown"
    code, _ = manager.refusal("ListTagsForResource", ResourceArn=unknown)
    assert code == "ResourceNotFoundException"
