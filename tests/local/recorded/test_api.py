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


# What the API refuses of rules and destinations is among the checks of `conformance.checks.api`.
PROBES = {
    name: json.loads((RECORDED / f"{name}.json").read_text())["data"]["cases"]
    for name in ("probe-v1-message-tags", "probe-v2-suppression")
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


@pytest.mark.parametrize("name", PROBES)
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


def test_the_name_of_a_tag_is_checked_before_its_value(replayer: Any, record: Any) -> None:
    """As recorded for one in which both are wrong."""
    cases = record("api-v1-sendemail-tag-errors")["cases(name-value)"]
    name, value = "test_invalid_name:123", "test_invalid_value:123"
    expected = cases[f"{name}-{value}"]
    answer = replayer.call("SendEmail", {"Tags": [{"Name": name, "Value": value}]})
    assert answer == (expected["Code"], expected["Message"])


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
