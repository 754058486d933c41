"""Replays recorded calls of the SES API, and compares the answers: codes and words."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from mailroom_local.control import clients

RECORDED = Path(__file__).parents[2] / "payloads" / "recorded"
SENDER = "sender@sending.example"


PROBES = {
    path.stem: json.loads(path.read_text())["data"].get("cases", [])
    for path in RECORDED.glob("probe-*.json")
}


class Replayer:
    """Makes calls as they were recorded, with names of this account in place of the masked ones."""

    def __init__(self, account: Any) -> None:
        self.account = account
        # What botocore refuses by itself has to reach the service.
        config = Config(parameter_validation=False, proxies={})
        session, endpoint = clients.session(), account.aws.server.endpoint
        self.ses = session.client("ses", endpoint_url=endpoint, config=config)
        self.v2 = session.client("sesv2", endpoint_url=endpoint, config=config)
        self.names = {
            "SET": account.rule_set(),
            "ACTIVE": account.rule_set(),
            "CONF": account.configuration_set("BOUNCE", "CLICK", "DELIVERY", "OPEN", "SEND")[0],
            "REGION_SNS": f"arn:aws:sns:{account.region}:{account.id}",
            "REGION_LAMBDA": f"arn:aws:lambda:{account.region}:{account.id}:function",
        }
        account.rule(self.names["SET"], Name="first")
        account.v2.tag_resource(
            ResourceArn=f"arn:aws:ses:{account.region}:{account.id}:configuration-set/"
            + self.names["CONF"],
            Tags=[{"Key": "owner", "Value": "team"}],
        )
        account.v2.create_email_identity(EmailIdentity="recorded.example")
        self._make_sets()
        self.ses.create_template(Template={"TemplateName": account.name("t"), "SubjectPart": "Hi"})

    def _make_sets(self) -> None:
        account = self.account
        self.names |= {"PLAIN": account.rule_set(), "CLONE": account.name("rules")}
        account.rule(
            self.names["PLAIN"],
            Recipients=["person1@example.com"],
            ScanEnabled=True,
        )
        original = self.names["ORIGINAL"] = account.rule_set()
        header = {"AddHeaderAction": {"HeaderName": "test-header", "HeaderValue": "test"}}
        account.rule(original, header, ScanEnabled=True)
        account.ses.clone_receipt_rule_set(
            RuleSetName=self.names["CLONE"], OriginalRuleSetName=original
        )

    def named(self, value: Any) -> Any:
        """The value with this account's names; the masks are words of their own."""
        if isinstance(value, dict):
            return {key: self.named(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.named(each) for each in value]
        if isinstance(value, str):
            if value == "REGION_SNS:t0":
                return self.account.topic()[0]
            words = [self.names.get(word, word) for word in value.split(" ")]
            text = " ".join(words)
            for mask in ("REGION_SNS", "REGION_LAMBDA"):
                text = text.replace(mask, self.names[mask])
            return text
        return value

    def call(self, operation: str, arguments: dict[str, Any]) -> Any:
        """The answer, or the error's code and words."""
        client = self.v2 if operation.startswith("v2:") else self.ses
        name = operation.removeprefix("v2:")
        if name == "SendEmail" and "Tags" in arguments:
            arguments = {
                "Source": SENDER,
                "Destination": {"ToAddresses": ["reader@example.net"]},
                "Message": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "Hi"}}},
                **arguments,
            }
        try:
            return client._make_api_call(name, self.named(arguments))
        except ClientError as error:
            found = error.response["Error"]
            return found["Code"], found["Message"]


@pytest.fixture(scope="module")
def replayer(account: Any) -> Any:
    """One account for all calls; a rule set, a rule and a configuration set are there."""
    made = Replayer(account)
    account.ses.set_active_receipt_rule_set(RuleSetName=made.names["ACTIVE"])
    yield made
    account.ses.set_active_receipt_rule_set()
    for each in ("SET", "ACTIVE", "PLAIN", "CLONE", "ORIGINAL"):
        account.ses.delete_receipt_rule_set(RuleSetName=made.names[each])
    for each in account.ses.list_receipt_filters()["Filters"]:
        account.ses.delete_receipt_filter(FilterName=each["Name"])
    for each in account.v2.list_contact_lists()["ContactLists"]:
        account.v2.delete_contact_list(ContactListName=each["ContactListName"])


@pytest.mark.parametrize("name", sorted(name for name, cases in PROBES.items() if cases))
def test_each_recorded_call_is_answered_as_it_was(replayer: Any, name: str) -> None:
    """In their order, as a call may rest on the one before it."""
    wrong = []
    for case in PROBES[name]:
        answer = replayer.call(*case["call"])
        expected = replayer.named(case["error"])
        if expected is None:
            same = isinstance(answer, dict)
        else:
            code, words = expected
            same = isinstance(answer, tuple) and answer == (code, words or answer[1])
        for path, value in case.get("answer", {}).items():
            found = answer
            for key in path.split("."):
                found = found[key]
            same = same and found == value
        if not same:
            wrong.append((case["call"], expected, answer))
    assert wrong == []


def test_a_rule_of_which_only_the_name_is_given_has_the_recorded_defaults(
    replayer: Any, account: Any, record: Any
) -> None:
    """And an SNS action without an encoding has UTF-8."""
    data = record("probe-rule-defaults")
    rules, topic = replayer.names["SET"], account.topic()[0]
    account.ses.create_receipt_rule(RuleSetName=rules, Rule=data["CreateReceiptRule"])
    action = {"SNSAction": {"TopicArn": topic}}
    account.ses.create_receipt_rule(RuleSetName=rules, Rule={"Name": "sns", "Actions": [action]})
    found = account.ses.describe_receipt_rule_set(RuleSetName=rules)["Rules"]
    assert found[1] == data["DescribeReceiptRule"]
    encoding = found[0]["Actions"][0]["SNSAction"]["Encoding"]
    assert encoding == data["SNSAction without Encoding comes back with"]


def test_rules_stand_where_they_were_recorded_to(replayer: Any, account: Any, record: Any) -> None:
    """The steps of the record, in their order."""
    outcomes = [step["outcome"] for step in record("probe-rule-order")["steps"]]
    rules = account.rule_set()

    def create(name: str, **placed: str) -> list[str]:
        account.ses.create_receipt_rule(RuleSetName=rules, Rule={"Name": name}, **placed)
        return account.order(rules)

    def move(name: str, **placed: str) -> list[str]:
        account.ses.set_receipt_rule_position(RuleSetName=rules, RuleName=name, **placed)
        return account.order(rules)

    orders = [
        [create("second"), create("first")][-1],
        create("between", After="first"),
        move("second"),
        move("first", After="first"),
    ]
    account.ses.update_receipt_rule(RuleSetName=rules, Rule={"Name": "between"})
    orders.append(account.order(rules))
    account.ses.delete_receipt_rule(RuleSetName=rules, RuleName="absent")
    account.ses.delete_receipt_rule_set(RuleSetName=rules)
    account.ses.delete_receipt_rule_set(RuleSetName=rules)
    assert outcomes[:3] == [
        "inserted at the FRONT of the set",
        "immediately behind the named rule",
        "moves to the front",
    ]
    assert orders == [
        ["first", "second"],
        ["first", "between", "second"],
        ["second", "first", "between"],
        ["second", "first", "between"],
        ["second", "first", "between"],
    ]


def test_the_name_of_a_tag_is_checked_before_its_value(replayer: Any, record: Any) -> None:
    """As recorded for one in which both are wrong."""
    cases = record("api-v1-sendemail-tag-errors")["cases(name-value)"]
    name, value = "test_invalid_name:123", "test_invalid_value:123"
    expected = cases[f"{name}-{value}"]
    answer = replayer.call("SendEmail", {"Tags": [{"Name": name, "Value": value}]})
    assert answer == (expected["Code"], expected["Message"])


def test_the_eleventh_action_is_refused_as_recorded(replayer: Any, record: Any) -> None:
    """One more than there may be."""
    limits = record("probe-limits")
    header = {"AddHeaderAction": {"HeaderName": "X", "HeaderValue": "v"}}
    rule = {"Name": "much", "Actions": [header] * (limits["actions per rule"] + 1)}
    answer = replayer.call("CreateReceiptRule", {"RuleSetName": "ACTIVE", "Rule": rule})
    assert list(answer) == limits["the 11th"]


ANSWERS: list[tuple[str, str, str, dict[str, Any]]] = [
    (
        "api-ls-clone-receipt-rule-set",
        "cloned-rule-set",
        "DescribeReceiptRuleSet",
        {"RuleSetName": "CLONE"},
    ),
    (
        "api-v1-describe-receipt-rule-set",
        "response",
        "DescribeReceiptRuleSet",
        {"RuleSetName": "PLAIN"},
    ),
    ("api-v1-list-receipt-rule-sets", "response", "ListReceiptRuleSets", {}),
    (
        "api-ls-describe-config-set-event-destinations",
        "event_destinations",
        "DescribeConfigurationSet",
        {"ConfigurationSetName": "CONF", "ConfigurationSetAttributeNames": ["eventDestinations"]},
    ),
    (
        "api-v1-describe-configuration-set",
        "response",
        "DescribeConfigurationSet",
        {
            "ConfigurationSetName": "CONF",
            "ConfigurationSetAttributeNames": [
                "trackingOptions",
                "deliveryOptions",
                "reputationOptions",
            ],
        },
    ),
    (
        "api-v2-get-configuration-set",
        "plain",
        "v2:GetConfigurationSet",
        {"ConfigurationSetName": "CONF"},
    ),
    ("api-v2-list-configuration-sets", "response", "v2:ListConfigurationSets", {}),
    (
        "api-v2-get-email-identity",
        "response",
        "v2:GetEmailIdentity",
        {"EmailIdentity": "recorded.example"},
    ),
    ("api-ls-sent-message-counter", "get-quota-0", "GetSendQuota", {}),
    ("api-ls-list-templates", "list-templates-1", "ListTemplates", {}),
]


@pytest.mark.parametrize(("name", "part", "operation", "arguments"), ANSWERS)
def test_an_answer_has_the_recorded_shape(
    replayer: Any,
    account: Any,
    record: Any,
    compare: Any,
    name: str,
    part: str,
    operation: str,
    arguments: dict[str, Any],
) -> None:
    """Names and types at every depth, and the words that SES chooses."""
    exactly = ("TlsPolicy", "MatchingEventTypes", "Max24HourSend", "MaxSendRate")
    compare(name, record(name)[part], replayer.call(operation, arguments), exactly=exactly)
