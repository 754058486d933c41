"""Mail never passes without the rule, and rules of others stay, whatever happens to the stack."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailroom import _runtime
from mailroom.provisioning import _workmail_operations, workmail_rule
from mailroom.provisioning._workmail_operations import Refused, WorkMail
from runtime.provisioning.cloudformation import Calls, Conditions, Custom, Stack, conditions
from runtime.workmail.test_workmail_rule import LEDGER, ORGANIZATION, Parameters
from runtime.workmail.test_workmail_rule import rule as flow_rule

OURS = "arn:aws:lambda:eu-west-1:111122223333:function:ours"
REPLACED = OURS + "-2"
THEIRS = "arn:aws:lambda:eu-west-1:111122223333:function:theirs"
NAMES = st.sampled_from(["a", "b"])
HAPPENS = st.just(Conditions()) | conditions()


class FlowRules(RuleBasedStateMachine):
    """A stack with one rule, and somebody who creates and deletes others at the console."""

    def __init__(self) -> None:
        super().__init__()
        self.there: dict[str, Any] = {}
        self.theirs: dict[str, Any] = {}
        self.calls = Calls()
        self.stack = Stack(self.calls)
        self.parameters = Parameters()
        self.served = False
        self.gaps: list[str] = []
        self.patch = pytest.MonkeyPatch()
        self.patch.setitem(_runtime._clients, "ssm", self.calls.watch(self.parameters))
        self.patch.setattr(_runtime, "log", lambda *_, **__: None)
        self.patch.setattr(WorkMail, "_send", lambda _, *request: self.send(*request))
        no_wait = SimpleNamespace(sleep=lambda _: None, time=lambda: 1_795_000_000.0)
        for module in (_workmail_operations, workmail_rule):
            self.patch.setattr(module, "time", no_wait)

    def teardown(self) -> None:
        self.patch.undo()

    # WorkMail.

    def send(self, operation: str, body: bytes) -> tuple[int, bytes]:
        try:
            found: tuple[int, Any] = self.calls.make(
                operation, self.serve, {"operation": operation, "body": json.loads(body)}
            )
        except ReadTimeoutError as error:
            raise Refused(operation, "ReadTimeoutError", "the answer was lost") from error
        except ClientError as error:
            code = error.response["Error"]["Code"]
            found = (400, {"__type": code}) if code == "Throttling" else (500, {})
        return found[0], json.dumps(found[1]).encode()

    def serve(self, operation: str, body: dict[str, Any]) -> tuple[int, Any]:
        name = body.get("RuleName") or body.get("Rule", {}).get("Name")
        if operation.startswith("List"):
            return 200, {"InboundMailFlowRuleSummaries": [{"RuleName": one} for one in self.there]}
        if operation.startswith("Create") == (name in self.there):
            return 400, {"__type": "NameAvailability" if name in self.there else "EntityNotFound"}
        if operation.startswith("Describe"):
            return 200, {"Rule": self.there[name]}
        if operation.startswith("Delete"):
            del self.there[name]
        else:
            self.there[name] = body["Rule"]
        # Not an assertion, which the handler would catch.
        self.gaps += [operation] if self.served and not self.ours else []
        return 200, {}

    # What has to be true.

    @invariant()
    def mail_never_passes_without_a_rule_of_ours(self) -> None:
        assert not self.gaps

    @property
    def ours(self) -> dict[str, Any]:
        return {name: one for name, one in self.there.items() if name not in self.theirs}

    @invariant()
    def rules_of_others_stay(self) -> None:
        assert {name: self.there.get(name) for name in self.theirs} == self.theirs

    @invariant()
    def the_physical_id_never_changes(self) -> None:
        updates = [one for one in self.stack.requests if one["RequestType"] == "Update"]
        assert {one["PhysicalResourceId"] for one in updates} <= {LEDGER}

    # What happens.

    def template(self, name: str, function: str, minutes: int) -> list[Custom]:
        wanted = flow_rule(name, function, minutes)
        properties = {
            "OrganizationId": ORGANIZATION,
            "Direction": "Inbound",
            "Rule": json.dumps(wanted),
            "Ledger": LEDGER,
        }
        return [Custom("Flow", properties, handler=workmail_rule.handler)]

    @property
    def wanted(self) -> dict[str, Any]:
        """What the stack says of its rule."""
        rule: dict[str, Any] = json.loads(self.stack.resources[0].properties["Rule"])
        return rule

    @initialize()
    def most_often_there_is_a_rule(self) -> None:
        self.create("a", Conditions())

    @precondition(lambda self: not self.stack.resources)
    @rule(name=NAMES, happens=HAPPENS)
    def create(self, name: str, happens: Conditions) -> None:
        status = self.stack.deploy(self.template(name, OURS, 30), happens)
        if status == "CREATE_COMPLETE":
            self.holds()
        elif not happens.trouble and not happens.delivered_twice:
            assert not self.ours
            assert not self.parameters.values
        else:
            self.tidy_up()

    @precondition(lambda self: self.stack.resources)
    @precondition(lambda self: self.stack.status != "UPDATE_ROLLBACK_FAILED")
    @rule(
        name=NAMES,
        function=st.sampled_from([OURS, REPLACED]),
        minutes=st.sampled_from([30, 60]),
        happens=HAPPENS,
    )
    def update(self, name: str, function: str, minutes: int, happens: Conditions) -> None:
        sent = len(self.stack.requests)
        status = self.stack.deploy(self.template(name, function, minutes), happens)
        undisturbed = not (happens.trouble or happens.fails_later)
        if undisturbed and name not in self.theirs:
            assert status == "UPDATE_COMPLETE", self.stack.reason
        if status != "UPDATE_ROLLBACK_FAILED" and len(self.stack.requests) > sent:
            self.holds()

    @precondition(lambda self: self.stack.status == "UPDATE_ROLLBACK_FAILED")
    @rule()
    def continue_rollback(self) -> None:
        if self.stack.continue_rollback() == "UPDATE_ROLLBACK_COMPLETE":
            self.holds()
        else:
            assert self.wanted["Name"] in self.theirs
            self.someone_deletes_a_rule(self.wanted["Name"])

    @precondition(lambda self: self.stack.resources)
    @rule(happens=conditions(calls=6, fails_later=False))
    def delete(self, happens: Conditions) -> None:
        self.served = False
        if self.stack.delete(happens) == "DELETE_FAILED":
            assert happens.trouble
            assert self.stack.delete() == "DELETE_COMPLETE"
        assert not self.ours
        assert not self.parameters.values

    @rule(name=NAMES)
    def someone_creates_a_rule(self, name: str) -> None:
        """Also in the place of ours."""
        if name in self.ours:
            self.served = False
        self.there[name] = self.theirs[name] = flow_rule(name, THEIRS)

    @rule(name=NAMES)
    def someone_deletes_a_rule(self, name: str) -> None:
        if self.there.pop(name, None) and not self.theirs.pop(name, None):
            self.served = False

    # Helpers.

    def holds(self) -> None:
        """What the template says is so."""
        assert self.ours == {self.wanted["Name"]: self.wanted}
        remembered = json.loads(self.parameters.values[LEDGER])["rules"]
        assert remembered == {self.wanted["Name"]: [workmail_rule.function_of(self.wanted)]}
        self.served = True

    def tidy_up(self) -> None:
        """After a Create that died or was delivered again, nothing may have asked again."""
        for name in self.ours:
            del self.there[name]
        self.parameters.values.clear()
        if self.stack.resources:
            self.stack.delete()


TestFlowRules = FlowRules.TestCase
TestFlowRules.settings = settings(stateful_step_count=8)
