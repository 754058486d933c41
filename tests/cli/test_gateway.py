"""What the commands show of mail that came by a gateway."""

import io
from collections.abc import Callable
from typing import Any

import pytest

from mailroom_cli import render
from mailroom_cli.commands import up
from mailroom_cli.terminal import show
from mailroom_local.control import ActionRecord, IngressPoint, LocalAws, MessageRecord, RuleRecord

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., MessageRecord]
GATEWAY = {"point": "inp-1", "name": "gate", "traffic_policy": "own", "rule_set": "rules"}
DECIDED = "support@example.com accepted: statement 1 (ALLOW): RECIPIENT ENDS_WITH @example.com"


def printed(message: MessageRecord, *, full: bool = False) -> str:
    stream = io.StringIO()
    show(render.messages([message], full=full), stream=stream)
    return stream.getvalue()


def through(record: Make, *actions: ActionRecord, **fields: Any) -> MessageRecord:
    rules = [
        RuleRecord(
            name="other",
            recipients=[],
            verdicts={},
            because=["condition 1: SUBJECT EQUALS x does not hold (Hi)"],
        ),
        RuleRecord(
            name="store",
            recipients=["support@example.com"],
            verdicts={},
            because=["the rule has no conditions"],
        ),
    ]
    values = {"gateway": GATEWAY, "policy": [DECIDED], "rules": rules, "actions": list(actions)}
    return record(**{**values, **fields})


def act(kind: str, outcome: str = "done", **detail: Any) -> ActionRecord:
    return ActionRecord(rule="store", kind=kind, outcome=outcome, ms=3.0, detail=detail)


def test_a_message_says_which_gateway_it_came_by(record: Make) -> None:
    shown = printed(through(record, act("WriteToS3", s3Bucket="mail", objectKey="in/abc")))
    heading, *rows = shown.splitlines()
    assert heading.endswith('"Hi"  via gate')
    assert rows == ["  store  WriteToS3  done  3 ms  in/abc", "  finished in 12 ms"]


def test_one_message_in_full_has_the_statement_and_every_rule_with_its_reason(
    record: Make,
) -> None:
    lines = printed(through(record, act("Drop", "dropped")), full=True).splitlines()
    assert [line.strip() for line in lines[1:6]] == [
        f"traffic policy own: {DECIDED}",
        "other does not apply",
        "condition 1: SUBJECT EQUALS x does not hold (Hi)",
        "store applies to support@example.com",
        "the rule has no conditions",
    ]


def test_when_no_rule_applies_the_reasons_are_there_at_once(record: Make) -> None:
    message = through(record)
    del message.rules[1]
    shown = printed(message)
    assert "condition 1: SUBJECT EQUALS x does not hold (Hi)" in shown
    assert "no rule matched" in shown


def test_a_retry_and_a_failure_that_drops_say_so(record: Make) -> None:
    shown = printed(
        through(
            record,
            act("InvokeLambda", "retrying", error="boom", again="tried again in 1 min of 60"),
            act("Archive", "failed", error="gone", dropped="the failure policy is DROP"),
        )
    )
    assert "boom  tried again in 1 min of 60" in shown
    assert "gone  the failure policy is DROP" in shown


def test_a_relayed_message_names_its_server(record: Make) -> None:
    message = record(
        outgoing=True,
        operation="Relay",
        rules=[],
        actions=[],
        relayed_to="mail.example.com:587",
    )
    assert printed(message).splitlines()[-1] == "  relayed to mail.example.com:587"


@pytest.mark.parametrize(
    ("kind", "tls_policy", "expected"),
    [
        ("OPEN", "OPTIONAL", "STARTTLS if the client wants"),
        ("OPEN", "FIPS", "STARTTLS"),
        ("AUTH", "REQUIRED", "STARTTLS, user inp-1, password in its secret"),
        ("MTLS", "REQUIRED", "STARTTLS with a client certificate"),
    ],
)
def test_up_says_how_a_client_gets_in(
    kind: str, tls_policy: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    point = IngressPoint(
        id="inp-1",
        name="office",
        account="000000000000",
        region="us-east-1",
        kind=kind,
        status="CLOSED",
        tls_policy=tls_policy,
        traffic_policy="own",
        rule_set="rules",
        host="127.0.0.1",
        port=25000,
    )
    up._announce_ingress([point], several=False)
    row = capsys.readouterr().out.splitlines()[-1]
    assert row.strip() == f"office  127.0.0.1:25000  {expected}, CLOSED"


@pytest.fixture
def gate(local_aws: LocalAws) -> Any:
    """An ingress point that takes mail for one recipient, and drops it."""
    api = local_aws.client("mailmanager")
    condition = {
        "Evaluate": {"Attribute": "RECIPIENT"},
        "Operator": "EQUALS",
        "Values": ["support@example.com"],
    }
    policy = api.create_traffic_policy(
        TrafficPolicyName="own",
        DefaultAction="DENY",
        PolicyStatements=[{"Action": "ALLOW", "Conditions": [{"StringExpression": condition}]}],
    )["TrafficPolicyId"]
    rules = api.create_rule_set(
        RuleSetName="rules", Rules=[{"Name": "drop", "Actions": [{"Drop": {}}]}]
    )["RuleSetId"]
    point = api.create_ingress_point(
        IngressPointName="front-door",
        Type="OPEN",
        TlsPolicy="OPTIONAL",
        RuleSetId=rules,
        TrafficPolicyId=policy,
    )["IngressPointId"]
    local_aws.wait_until(
        local_aws.ingress_points,
        lambda found: [one.status for one in found if one.id == point] == ["ACTIVE"],
        seconds=30,
    )
    yield point
    api.delete_ingress_point(IngressPointId=point)
    api.delete_rule_set(RuleSetId=rules)
    api.delete_traffic_policy(TrafficPolicyId=policy)


def test_send_and_trace_and_log_tell_which_statement_and_which_rule_decided(
    mailroom: Run, local_aws: LocalAws, gate: str
) -> None:
    state = ("--state", str(local_aws.state.root))
    status, shown, _ = mailroom(
        "send", "--gateway", "front-door", "--body", "Hi", *state,
        "--to", "support@example.com", "--to", "other@example.com",
    )  # fmt: skip
    assert status == 0
    assert "other@example.com: 550 5.7.1 Denied by the traffic policy" in shown
    assert "RECIPIENT EQUALS support@example.com does not hold (other@example.com)" in shown
    message_id = shown.split()[-1]
    local_aws.wait(message_id, seconds=10)
    for command in ("log", "trace"):
        _, shown, _ = mailroom(command, message_id, *state)
        flat = " ".join(shown.split())
        assert "traffic policy own: support@example.com accepted: statement 1 (ALLOW)" in flat
        assert "drop applies to support@example.com the rule has no conditions" in flat


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--password", "secret"], "--password has no effect"),
        (["--client-certificate", "client.pem"], "--client-certificate has no effect"),
        (["--gateway", "gate", "--user", "me"], "--user needs a password"),
    ],
)
def test_options_of_a_gateway_without_one_are_an_error(
    mailroom: Run, arguments: list[str], complaint: str
) -> None:
    status, _, error = mailroom("send", "--to", "a@example.com", "--body", "x", *arguments)
    assert status != 0
    assert complaint in error
