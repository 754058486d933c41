"""What a real account answers that the local AWS does not, and what it denies."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from mailroom_cli.doctor import run
from mailroom_cli.doctor.findings import Finding, Level
from mailroom_cli.doctor.place import Place
from mailroom_cli.doctor.reading import READING, Reader, permission, require_account
from mailroom_cli.doctor.resolving import NoAnswer
from mailroom_cli.errors import CommandError

from .conftest import Account, parsed

ACCOUNT, REGION = "123456789012", "eu-west-1"
NOW = datetime(2026, 11, 27, tzinfo=UTC)
Answers = Mapping[str, Any]


class Client:
    """A client with canned answers by the names of operations; anything else is denied."""

    def __init__(self, service: str, answers: Answers) -> None:
        self._service, self._answers = service, answers

    @property
    def meta(self) -> Any:
        client: Any = boto3.client(self._service, region_name=REGION)  # type: ignore[call-overload]
        return client.meta

    def can_paginate(self, operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            answer = self._answers.get(operation, "AccessDenied")
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, str):
                raise ClientError({"Error": {"Code": answer, "Message": "no"}}, operation)
            return answer(**arguments) if callable(answer) else answer

        return call


class Zone:
    """A DNS with these records, which counts as not answering for names with None."""

    def __init__(self, records: Mapping[tuple[str, str], list[str] | None]) -> None:
        self._records = records

    def records(self, name: str, kind: str) -> list[str]:
        found = self._records.get((name, kind), [])
        if found is None:
            raise NoAnswer("timed out")
        return found


def place(answers: Answers, subject: str = "", **changes: Any) -> Place:
    given: dict[str, Any] = {
        "subject": subject,
        "reader": Reader(lambda service: Client(service, answers)),
        "account": ACCOUNT,
        "region": REGION,
        "now": NOW,
        "resolver": None,
        **changes,
    }
    return Place(**given)


def look(subject: str, answers: Answers, **changes: Any) -> dict[str, Finding]:
    found = run.found()[subject].look(place(answers, subject, **changes))
    return {one.check: one for one in found}


def sending(**account: Any) -> dict[str, Finding]:
    healthy = {
        "ProductionAccessEnabled": True,
        "SendingEnabled": True,
        "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": 1000.0, "MaxSendRate": 14.0, "SentLast24Hours": 10.0},
        "PricingAttributes": {"CurrentPlan": "NONE"},
    }
    return look("sending", {"get_account": {**healthy, **account}})


def test_an_account_that_may_send_is_well() -> None:
    levels = {check: one.level for check, one in sending().items()}
    assert levels.pop("plan") is Level.NOTE
    assert set(levels.values()) == {Level.OK}


def test_the_sandbox_is_a_problem_and_a_request_that_waits_is_named() -> None:
    assert sending(ProductionAccessEnabled=False)["sandbox"].level is Level.PROBLEM
    review = {"ReviewDetails": {"Status": "PENDING"}}
    waiting = sending(ProductionAccessEnabled=False, Details=review)["sandbox"]
    assert "AWS is reviewing a request" in waiting.found
    assert waiting.remedy == "wait for the answer in the support case"


@pytest.mark.parametrize(
    ("sent", "level"), [(799.0, Level.OK), (800.0, Level.WARNING), (1000.0, Level.PROBLEM)]
)
def test_a_quota_that_is_nearly_used_up_is_found(sent: float, level: Level) -> None:
    quota = {"Max24HourSend": 1000.0, "MaxSendRate": 14.0, "SentLast24Hours": sent}
    assert sending(SendQuota=quota)["quota"].level is level


def test_an_account_that_is_paused_or_under_review_is_a_problem() -> None:
    assert sending(SendingEnabled=False)["sending-paused"].level is Level.PROBLEM
    for status in ("PROBATION", "SHUTDOWN"):
        assert sending(EnforcementStatus=status)["enforcement"].level is Level.PROBLEM


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ({"CurrentPlan": "NONE"}, "pricing plan à la carte (no plan)"),
        (
            {"CurrentPlan": "PRO", "NextPlan": "ESSENTIALS"},
            "pricing plan Pro, from the next month Essentials",
        ),
    ],
)
def test_the_pricing_plan_is_shown_with_the_next_one(plan: dict[str, str], text: str) -> None:
    assert sending(PricingAttributes=plan)["plan"].found == text


def test_a_boto3_without_plans_is_said_to_be_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "knows", lambda *_: False)
    assert sending(PricingAttributes={})["plan"].remedy == "pip install --upgrade boto3"


def identities(**statuses: str) -> Answers:
    names = {name.replace("_", "."): status for name, status in statuses.items()}
    verified = {name: {"VerificationStatus": status} for name, status in names.items()}
    return {
        "list_identities": {"Identities": list(names)},
        "get_identity_verification_attributes": {"VerificationAttributes": verified},
    }


def test_an_identity_that_is_not_verified_is_found_with_what_to_do() -> None:
    waiting = look("identities", identities(example_com="Pending"))["unverified"]
    assert waiting.level is Level.WARNING
    failed = look("identities", identities(example_com="Failed"))["unverified"]
    assert failed.level is Level.PROBLEM
    assert "ses verify-domain-dkim --domain example.com" in failed.command


def test_rules_are_not_held_against_some_of_too_many_identities() -> None:
    names = [f"d{number}.example" for number in range(1001)]
    active = {
        "Metadata": {"Name": "set"},
        "Rules": [{"Name": "Support", "Enabled": True, "Recipients": ["example.com"]}],
    }

    def statuses(Identities: list[str]) -> Any:  # noqa: N803
        found = {name: {"VerificationStatus": "Success"} for name in Identities}
        return {"VerificationAttributes": found}

    answers = {
        "list_identities": {"Identities": names},
        "get_identity_verification_attributes": statuses,
        "get_identity_dkim_attributes": {"DkimAttributes": {}},
        "describe_active_receipt_rule_set": active,
    }
    assert "only the first 1000" in look("identities", answers)["not-all"].found
    assert list(look("rules", answers)) == ["not-all", "can-run"]


def test_mail_without_a_dkim_signature_is_found() -> None:
    for dkim in (
        {"DkimEnabled": False, "DkimVerificationStatus": "NotStarted"},
        {"DkimEnabled": False, "DkimVerificationStatus": "Success"},
        {"DkimEnabled": True, "DkimVerificationStatus": "Failed"},
    ):
        answers = {
            **identities(example_com="Success"),
            "get_identity_dkim_attributes": {"DkimAttributes": {"example.com": dkim}},
        }
        assert look("identities", answers)["dkim"].level is Level.WARNING


MX = f"10 inbound-smtp.{REGION}.amazonaws.com"
GOOD = {
    ("example.com", "MX"): [MX],
    ("abc._domainkey.example.com", "CNAME"): ["abc.dkim.amazonses.com"],
    ("bounce.example.com", "MX"): [f"10 feedback-smtp.{REGION}.amazonses.com"],
    ("bounce.example.com", "TXT"): ["v=spf1 include:amazonses.com ~all"],
    ("_dmarc.example.com", "TXT"): ["v=DMARC1; p=reject"],
}
RECEIVING = {
    **identities(example_com="Success"),
    "describe_active_receipt_rule_set": {
        "Metadata": {"Name": "set"},
        "Rules": [{"Name": "Support", "Enabled": True, "Recipients": ["support@example.com"]}],
    },
    "get_email_identity": {
        "DkimAttributes": {"Tokens": ["abc"], "SigningAttributesOrigin": "AWS_SES"},
        "MailFromAttributes": {"MailFromDomain": "bounce.example.com"},
    },
}


def dns(**changes: list[str] | None) -> dict[str, Finding]:
    """What is found if records differ from good ones; `mx` stands for that of the domain."""
    names = {
        "mx": ("example.com", "MX"),
        "dkim": ("abc._domainkey.example.com", "CNAME"),
        "mail_from": ("bounce.example.com", "MX"),
        "spf": ("bounce.example.com", "TXT"),
        "dmarc": ("_dmarc.example.com", "TXT"),
    }
    changed = {names[name]: records for name, records in changes.items()}
    return look("dns", RECEIVING, resolver=Zone({**GOOD, **changed}))


def test_records_that_are_as_they_should_be_are_well() -> None:
    assert list(dns()) == ["records"]


@pytest.mark.parametrize(
    ("record", "wrong", "check", "text"),
    [
        ("mx", [], "mx", "example.com: it has no MX record, so it gets no mail; rules for it"),
        ("mx", ["1 aspmx.l.google.com"], "mx", "mail goes to aspmx.l.google.com; rules for it"),
        ("mx", ["0 ."], "mx", "it says that it takes no mail (a null MX record); rules for it"),
        ("mx", ["10 inbound-smtp.us-east-1.amazonaws.com"], "mx", "mail goes to inbound-smtp.us"),
        ("mx", [MX, "20 mx.example.net"], "mx", "mail may also go to mx.example.net"),
        ("dkim", [], "dkim", "abc._domainkey.example.com has no CNAME record"),
        ("dkim", ["other.example.net"], "dkim", "points to other.example.net"),
        ("mail_from", [], "mail-from", "MAIL FROM domain bounce.example.com: it has no MX"),
        ("spf", [], "spf", "it has no SPF record, so SPF fails"),
        ("spf", ["v=spf1 -all"], "spf", "its SPF record is 'v=spf1 -all'"),
        ("spf", ["v=spf1 include:amazonses.com ~all", "v=spf1 -all"], "spf", "it has 2 SPF"),
        ("dmarc", [], "dmarc", "no DMARC record"),
        ("dmarc", ["v=DMARC1; p=none"], "dmarc", "DMARC asks for nothing (p=none)"),
        ("mx", None, "no-answer", "not looked at, as the DNS did not answer: timed out"),
    ],
)
def test_a_record_that_is_wrong_is_found(
    record: str, wrong: list[str] | None, check: str, text: str
) -> None:
    found = dns(**{record: wrong})
    assert list(found) == [check]
    assert text in found[check].found
    assert found[check].remedy


def test_records_of_an_identity_that_cannot_be_read_are_not_said_to_be_well() -> None:
    denied = {**RECEIVING, "get_email_identity": "AccessDenied"}
    assert look("dns", denied, resolver=Zone(GOOD)) == {}


def test_rules_for_every_domain_need_one_with_an_mx_record_of_ses() -> None:
    everyone = {"Metadata": {"Name": "set"}, "Rules": [{"Name": "All", "Enabled": True}]}
    answers = {**RECEIVING, "describe_active_receipt_rule_set": everyone}
    assert list(look("dns", answers, resolver=Zone(GOOD))) == ["records"]
    wrong = Zone({**GOOD, ("example.com", "MX"): ["1 aspmx.l.google.com"]})
    assert look("dns", answers, resolver=wrong)["mx"].level is Level.PROBLEM


def test_subdomains_that_cannot_be_listed_are_said_to_be_left_out() -> None:
    rule = {"Name": "Sub", "Enabled": True, "Recipients": [".example.com"]}
    active = {"Metadata": {"Name": "set"}, "Rules": [rule]}
    answers = {**RECEIVING, "describe_active_receipt_rule_set": active}
    assert ".example.com" in look("dns", answers, resolver=Zone(GOOD))["subdomains"].found


def test_the_records_of_some_domains_can_be_asked_for() -> None:
    names = {f"d{number}_example": "Success" for number in range(40)}
    none_active = {"describe_active_receipt_rule_set": {}}
    answers = {**identities(**names), **none_active, "get_email_identity": {}}
    zone = Zone({})
    some = look("dns", answers, resolver=zone)
    assert some["not-all"].found == "only the records of 25 of 40 domains were looked at"
    assert list(look("dns", answers, resolver=zone, domains=["d39.example"])) == ["dmarc"]
    assert list(look("dns", answers, resolver=zone, domains=["other.example"])) == ["unknown"]


def test_without_a_resolver_the_dns_is_said_to_be_left_out() -> None:
    assert look("dns", RECEIVING)["not-installed"].level is Level.WARNING


def test_keys_that_are_used_are_old_after_months() -> None:
    user = {"UserName": "smtp", "GroupList": ["AWSSESSendingGroupDoNotRename"]}

    def found(days: int) -> dict[str, Finding]:
        key = {
            "AccessKeyId": "AKIA1",
            "Status": "Active",
            "CreateDate": NOW - timedelta(days=days),
        }
        used = {"LastUsedDate": NOW - timedelta(days=1)}
        answers = {
            "get_account_authorization_details": {"UserDetailList": [user]},
            "list_access_keys": {"AccessKeyMetadata": [key]},
            "get_access_key_last_used": {"AccessKeyLastUsed": used},
        }
        return look("smtp_users", answers)

    assert list(found(89)) == ["keys"]
    assert found(90)["old-key"].level is Level.NOTE
    assert found(400)["old-key"].level is Level.WARNING


def test_a_denied_call_is_a_finding_that_names_the_permission() -> None:
    found = run.look(place({}))
    denied = {one.found.rpartition(" ")[2] for one in found if one.check == "not-seen"}
    others = [one for one in found if one.check not in ("not-seen", "not-installed")]
    assert others == []
    assert {"ses:GetAccount", "ses:ListIdentities", "sqs:ListQueues"} <= denied
    assert denied <= needed()


def test_a_denied_detail_does_not_hide_the_rest() -> None:
    functions = {"LambdaAction": {"FunctionArn": "arn:aws:lambda:eu-west-1:1:function:f"}}
    answers = dict(RECEIVING)
    answers["describe_active_receipt_rule_set"] = {
        "Metadata": {"Name": "set"},
        "Rules": [
            {"Name": "A", "Enabled": True, "Recipients": ["example.com"], "Actions": [functions]},
            {"Name": "B", "Enabled": False},
        ],
    }
    found = [one for one in run.look(place(answers)) if one.subject == "rules"]
    assert [one.found for one in found if one.check == "disabled"]
    denied = [one.found for one in found if one.check == "not-seen"]
    assert denied == ["could not be looked at: needs lambda:GetFunctionConfiguration"]
    assert "can-run" not in [one.check for one in found]


def test_an_answer_that_nobody_expected_does_not_hide_the_rest() -> None:
    found = run.look(
        place({"describe_alarms": lambda **_: {"MetricAlarms": [{"Namespace": "AWS/SES"}]}})
    )
    [alarms] = [one for one in found if one.subject == "alarms"]
    assert alarms.found == "could not be looked at: KeyError: 'StateValue'"


def test_an_account_that_cannot_be_reached_is_said_to_be() -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://email.eu-west-1.amazonaws.com")
    found = run.look(place({"get_account": unreachable}))
    [sent] = [one for one in found if one.subject == "sending"]
    assert sent.found.startswith("could not be looked at (ses:GetAccount): Could not connect")


def test_a_call_that_is_never_answered_does_not_hold_up_the_look() -> None:
    answered = Event()
    answers = {"describe_alarms": lambda **_: answered.wait(60) and {}}
    found = {one.subject: one for one in run.look(place(answers), seconds=1.0)}
    answered.set()
    assert found["alarms"].found == "not looked at: no answer within 1 s"
    assert found["queues"].check == "not-seen"


def test_credentials_that_are_not_accepted_are_named() -> None:
    with pytest.raises(CommandError, match="cannot reach the account: An error occurred"):
        require_account(Reader(lambda service: Client(service, {"get_caller_identity": "Expired"})))


def needed() -> set[str]:
    [statement] = run.policy()["Statement"]  # type: ignore[misc,attr-defined]
    return set(statement["Action"])


class Recording:
    """A client that notes which operations are called."""

    def __init__(self, client: Any, calls: set[tuple[str, str]], service: str) -> None:
        self._client, self._calls, self._service = client, calls, service

    def get_paginator(self, operation: str) -> Any:
        self._calls.add((self._service, operation))
        return self._client.get_paginator(operation)

    def __getattr__(self, name: str) -> Any:
        if name in self._client.meta.method_to_api_mapping:
            self._calls.add((self._service, name))
        return getattr(self._client, name)


def test_nothing_is_called_that_could_change_something_or_that_the_policy_leaves_out(
    account: Account,
) -> None:
    account.verify("example.com")
    store = {"S3Action": {"BucketName": account.bucket()}}
    call = {"LambdaAction": {"FunctionArn": account.function()}}
    tell = {"SNSAction": {"TopicArn": account.topic(subscribed=False), "Encoding": "UTF-8"}}
    rule = {"Name": "All", "Recipients": ["example.com"], "Actions": [store, call, tell]}
    account.rule_set(rule)
    account.publishing(SnsDestination={"TopicArn": account.topic(subscribed=False)})
    account.client("sqs").create_queue(QueueName="letters")
    everything: set[tuple[str, str]] = set()
    for name, module in run.found().items():
        calls: set[tuple[str, str]] = set()

        def recording(service: str, calls: set[tuple[str, str]] = calls) -> Any:
            return Recording(account.client(service), calls, service)

        seen = account.place(
            subject=name,
            reader=Reader(recording),
            resolver=Zone({}),
            endpoint="",  # As a real account, which has DNS records.
        )
        for finding in module.look(seen):
            if finding.command.startswith("aws "):
                parsed(finding.command, account.client)
        assert {permission(*one) for one in calls} <= set(module.NEEDS), name
        everything |= calls
    assert len(everything) > 20
    for service, operation in everything:
        api = account.client(service).meta.method_to_api_mapping[operation]
        assert api.startswith(("Describe", "Get", "Head", "List"))
        assert operation.startswith(READING)


def test_an_operation_that_may_change_something_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ses\.set_active_receipt_rule_set may change something"):
        place({}).reader.call("ses", "set_active_receipt_rule_set")


def test_every_permission_is_one_that_iam_knows() -> None:
    spec = find_spec("cfnlint")
    assert spec
    assert spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0], "data", "AdditionalSpecs")
    known = json.loads((folder / "Policies.json").read_text())
    for action in needed():
        service, _, name = action.partition(":")
        assert name.lower() in known[service]["Actions"], action


def test_the_page_has_the_policy_that_is_needed(request: pytest.FixtureRequest) -> None:
    page = (request.config.rootpath / "docs" / "doctor.md").read_text("utf-8")
    [shown] = [part for part in page.split("```") if part.startswith('json\n{\n  "Version"')]
    [statement] = json.loads(shown.removeprefix("json\n"))["Statement"]
    assert needed() <= set(statement["Action"])
    # Both may be left out of the project.
    if {"gateway", "workmail"} <= set(run.found()):
        assert [statement] == run.policy()["Statement"]
