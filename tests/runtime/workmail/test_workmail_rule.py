"""The unpublished operations, against a server on loopback that speaks their wire format."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from mailroom import _runtime
from mailroom.errors import MissingField
from mailroom.provisioning import workmail_rule
from mailroom.provisioning.workmail_rule import FlowRuleError, differences, handler

ORGANIZATION = "m-" + "0a" * 16
LEDGER = "/cdk-mailroom/0a1b/flow-rule/c8"
FUNCTION = "arn:aws:lambda:eu-west-1:111122223333:function:ours"


def rule(name: str = "ours", function: str = FUNCTION, minutes: int = 30) -> dict[str, Any]:
    """Return a rule in the form of the operations."""
    return {
        "Name": name,
        "Condition": {
            "OriginRuleCondition": {"Patterns": ["*"]},
            "DestinationRuleCondition": {"Patterns": ["*"]},
        },
        "Action": {
            "InboundLambdaAction": {
                "Arn": function,
                "SynchronousLambdaParameters": {
                    "RetryPeriodMinutes": minutes,
                    "FallbackAction": {"BounceAction": {}},
                },
            }
        },
    }


class Server:
    """WorkMail as far as its inbound rules go; `refuse` has answers by operation."""

    def __init__(self) -> None:
        self.rules: dict[str, Any] = {}
        self.parameters = Parameters()
        self.calls: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.refuse: dict[str, list[tuple[int, str]]] = {}
        self.forgets = ""
        self.loses = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.headers.append(dict(self.headers))
                operation = self.headers["X-Amz-Target"].removeprefix("WorkMailService.")
                outer.calls.append(operation)
                assert body.pop("OrganizationId") == ORGANIZATION
                planned = outer.refuse.get(operation)
                status, text = planned.pop(0) if planned else outer.answer(operation, body)
                if status == 0 or operation == outer.loses:
                    self.close_connection = True
                    self.connection.shutdown(2)
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def answer(self, operation: str, body: dict[str, Any]) -> tuple[int, str]:
        match = re.fullmatch(
            r"(List|Describe|Create|Update|Delete)(In|Out)boundMailFlowRules?", operation
        )
        assert match
        verb, name = match[1], body.get("RuleName") or body.get("Rule", {}).get("Name")
        if verb == "List":
            found = [{"RuleName": one} for one in self.rules]
            return 200, json.dumps({f"{match[2]}boundMailFlowRuleSummaries": found})
        if verb == "Create":
            if name in self.rules:
                return refusal("NameAvailabilityException")
        elif name not in self.rules:
            return refusal("EntityNotFoundException")
        if verb == "Describe":
            found = json.loads(json.dumps(self.rules[name]))
            found.pop(self.forgets, None)
            return 200, json.dumps({"Rule": {**found, "CreatedOn": 1}})
        if verb == "Delete":
            del self.rules[name]
        else:
            self.rules[name] = body["Rule"]
        return 200, ""

    def made(self, *rules: dict[str, Any]) -> None:
        """Have *rules* be there, created by the stack."""
        self.rules = {one["Name"]: one for one in rules}
        names = {one["Name"]: [FUNCTION] for one in rules}
        ledger = {"place": f"{ORGANIZATION}/Inbound", "rules": names}
        self.parameters.values[LEDGER] = json.dumps(ledger)

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()


class ParameterNotFound(ClientError):
    """There is no such parameter."""


class Parameters:
    """SSM as far as a ledger needs it."""

    exceptions = SimpleNamespace(ParameterNotFound=ParameterNotFound)

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get_parameter(self, **call: str) -> dict[str, Any]:
        self._check(call)
        return {"Parameter": {"Value": self.values[call["Name"]]}}

    def put_parameter(self, **call: Any) -> None:
        self.values[call["Name"]] = call["Value"]

    def delete_parameter(self, **call: str) -> None:
        self._check(call)
        del self.values[call["Name"]]

    def _check(self, call: dict[str, str]) -> None:
        if call["Name"] not in self.values:
            raise ParameterNotFound({"Error": {"Code": "ParameterNotFound"}}, "call")


def refusal(code: str, status: int = 400) -> tuple[int, str]:
    return status, json.dumps({"__type": f"com.amazonaws.workmail#{code}", "message": "because"})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    found = Server()
    monkeypatch.setenv("AWS_ENDPOINT_URL_WORKMAIL", found.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setitem(_runtime._clients, "ssm", found.parameters)
    monkeypatch.setattr(workmail_rule.time, "sleep", lambda seconds: None)
    yield found
    found.close()


def event(kind: str, wanted: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {
        "RequestType": kind,
        "ResourceProperties": {
            "OrganizationId": more.pop("organization", ORGANIZATION),
            "Direction": more.pop("direction", "Inbound"),
            "Rule": json.dumps(wanted or rule()),
            "Ledger": LEDGER,
        },
        "PhysicalResourceId": LEDGER,
    }


def test_a_rule_is_made(server):
    """After a look whether the operations answer, and with a look at what was written."""
    assert handler(event("Create")) == {"PhysicalResourceId": LEDGER}
    assert server.rules == {"ours": rule()}
    assert server.calls == [
        "ListInboundMailFlowRules",
        "CreateInboundMailFlowRule",
        "DescribeInboundMailFlowRule",
    ]


def test_requests_are_signed(server):
    """As every JSON 1.1 service of AWS wants them."""
    handler(event("Create"))
    headers = server.headers[0]
    assert headers["Content-Type"] == "application/x-amz-json-1.1"
    assert re.match(
        r"AWS4-HMAC-SHA256 Credential=AKID/\d{8}/eu-west-1/workmail/aws4_request, ",
        headers["Authorization"],
    )
    signed = re.search("SignedHeaders=([^,]+)", headers["Authorization"])
    assert signed is not None
    assert {"content-type", "host", "x-amz-date", "x-amz-target"} <= set(signed[1].split(";"))


def test_outbound_rules_have_operations_of_their_own(server):
    """In every name."""
    handler(event("Create", direction="Outbound"))
    assert server.calls[0] == "ListOutboundMailFlowRules"


def test_a_rule_of_somebody_else_is_not_touched(server):
    """Not even one that is the same."""
    server.rules = {"ours": rule()}
    with pytest.raises(FlowRuleError, match="already"):
        handler(event("Create"))
    assert server.calls == ["ListInboundMailFlowRules"]


@pytest.mark.parametrize(
    "answer",
    [
        refusal("UnknownOperationException"),
        refusal("AccessDeniedException"),
        (200, "<html>"),
        (200, "{}"),
        (404, "not here"),
    ],
)
def test_operations_that_do_not_answer_are_an_error(server, answer):
    """Nothing was done, and the error says what to do by hand."""
    server.refuse["ListInboundMailFlowRules"] = [answer]
    with pytest.raises(FlowRuleError, match="ConsoleSteps"):
        handler(event("Create"))
    assert server.calls == ["ListInboundMailFlowRules"]


@pytest.mark.parametrize("field", ["Name", "Condition", "Action"])
def test_another_rule_read_back_is_an_error(server, field):
    """The rule is taken away again, as CloudFormation deletes nothing of a Create that failed."""
    server.forgets = field
    with pytest.raises(FlowRuleError, match="returns another Rule"):
        handler(event("Create"))
    assert server.calls[-1] == "DeleteInboundMailFlowRule"
    assert server.rules == server.parameters.values == {}


def test_what_was_written_may_be_seen_later(server):
    """WorkMail need not be consistent at once."""
    server.refuse["DescribeInboundMailFlowRule"] = [refusal("EntityNotFoundException")]
    handler(event("Create"))
    assert server.rules == {"ours": rule()}


def test_who_was_quicker_keeps_the_rule(server):
    """A rule of that name was made between the look and the making."""
    theirs = rule(function="arn:aws:lambda:eu-west-1:1:function:theirs")
    server.rules = {"ours": theirs}
    server.refuse["ListInboundMailFlowRules"] = [
        (200, json.dumps({"InboundMailFlowRuleSummaries": []}))
    ]
    with pytest.raises(FlowRuleError, match="NameAvailabilityException"):
        handler(event("Create"))
    assert server.rules == {"ours": theirs}


def test_a_lost_answer_is_no_failure(server):
    """The rule is there all the same."""
    server.loses = "CreateInboundMailFlowRule"
    handler(event("Create"))
    assert server.rules == {"ours": rule()}


def test_throttling_is_waited_for(server):
    """And a fault of the service."""
    server.refuse["ListInboundMailFlowRules"] = [
        refusal("ThrottlingException"),
        (500, ""),
        (0, ""),
    ]
    handler(event("Create"))
    assert server.rules


def test_a_renamed_rule_takes_no_others_name(server):
    """Ours keeps its name then."""
    server.made(rule())
    server.rules["theirs"] = rule("theirs")
    with pytest.raises(FlowRuleError, match="already"):
        handler(event("Update", rule("theirs")))
    assert list(server.rules) == ["ours", "theirs"]


def test_an_update_does_not_overwrite_another_rule(server):
    """Of the same name, made meanwhile."""
    server.made(rule())
    server.rules = {"ours": rule(function="arn:aws:lambda:eu-west-1:1:function:theirs")}
    with pytest.raises(FlowRuleError, match="somebody else created or changed it"):
        handler(event("Update", rule(minutes=60)))
    assert "UpdateInboundMailFlowRule" not in server.calls


@pytest.mark.parametrize(
    "place", [{"direction": "Outbound"}, {"organization": "m-" + "0b" * 16}], ids=str
)
def test_a_rule_is_not_moved(server, place):
    """The permission for the old place is gone by then."""
    server.made(rule())
    with pytest.raises(FlowRuleError, match="another construct id"):
        handler(event("Update", **place))
    assert server.calls == []


def test_an_update_that_failed_can_be_rolled_back(server):
    """The rule still calls the function of before then."""
    server.made(rule())
    server.refuse["UpdateInboundMailFlowRule"] = [refusal("AccessDeniedException")]
    with pytest.raises(FlowRuleError, match="AccessDenied"):
        handler(event("Update", rule(function=f"{FUNCTION}-2")))
    handler(event("Update"))
    assert server.rules == {"ours": rule()}


def test_every_rule_of_ours_is_deleted(server):
    """There are two after a renaming whose rollback failed."""
    server.made(rule(), rule("renamed"))
    server.rules["theirs"] = rule("theirs")
    handler(event("Delete"))
    assert list(server.rules) == ["theirs"]


def test_nothing_is_deleted_that_was_not_made(server):
    """After a Create that failed, the ledger is empty."""
    server.rules = {"ours": rule()}
    handler(event("Delete"))
    assert server.calls == []


@pytest.mark.parametrize(
    "answer",
    [
        refusal("UnknownOperationException"),
        refusal("OrganizationNotFoundException"),
        refusal("EntityNotFoundException"),
        (404, ""),
        (200, "<html>"),
    ],
)
def test_deletion_succeeds_when_there_is_nothing_left_to_ask(server, answer):
    """Or the stack would stay for ever."""
    server.made(rule())
    server.refuse["ListInboundMailFlowRules"] = [answer]
    assert handler(event("Delete"))


def test_deletion_succeeds_when_nobody_is_there(server, monkeypatch):
    """Not even a server."""
    server.made(rule())
    monkeypatch.setenv("AWS_ENDPOINT_URL_WORKMAIL", "http://127.0.0.1:1")
    assert handler(event("Delete"))


def test_what_kept_a_rule_from_being_deleted_is_in_the_log(server, capsys):
    """The stack is gone by then; the log alone tells it."""
    server.made(rule())
    server.refuse["ListInboundMailFlowRules"] = [refusal("OrganizationNotFoundException")]
    handler(event("Delete"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["outcome"], "because" in (line.get("detail") or "")) for line in lines] == [
        ("refused", True),
        ("gone", False),
    ]


@pytest.mark.parametrize("answer", [refusal("AccessDeniedException"), (0, ""), (500, "")])
def test_deletion_fails_while_the_rule_may_be_there(server, answer, monkeypatch):
    """It would call a function that is no more; after WorkMail's last day it cannot be."""
    server.made(rule())
    server.refuse["ListInboundMailFlowRules"] = [answer] * 5
    with pytest.raises(FlowRuleError, match="in the console"):
        handler(event("Delete"))
    server.refuse["ListInboundMailFlowRules"] = [answer] * 5
    monkeypatch.setattr(workmail_rule.time, "time", lambda: 1806451200.0)
    assert handler(event("Delete"))


@pytest.mark.parametrize("name", ["OrganizationId", "Direction", "Rule", "Ledger"])
def test_a_missing_property_is_named(name):
    """Nothing is asked."""
    request = event("Create")
    del request["ResourceProperties"][name]
    with pytest.raises(MissingField, match=name):
        handler(request)


def test_differences_are_named():
    """What WorkMail adds is none, nor is the order of patterns."""
    assert differences(rule(), {**rule(), "More": 1}) == []
    assert differences({"Patterns": ["a", "b"]}, {"Patterns": ["b", "a"]}) == []
    assert differences(rule(), rule(minutes=5)) == [
        "Rule.Action.InboundLambdaAction.SynchronousLambdaParameters.RetryPeriodMinutes"
    ]
