"""Whatever happens to two stacks and an account, activation takes mail away from nobody.

One machine drives two stacks through everything that `cloudformation` knows, while somebody else
activates, deactivates, creates and deletes rule sets, also in the middle of a request.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailroom.provisioning import activation
from runtime.provisioning.account import Account
from runtime.provisioning.cloudformation import Conditions, Custom, Native, Resource, conditions

FOREIGN = ("theirs", "others", "INBOUND_MAIL")
MODES = ("refuse", "join", "replace")
STACKS = ("a", "b")


@dataclass(frozen=True)
class Template:
    """What one stack says: which rule set, whether it makes that set, and the activation."""

    construct: str
    number: int
    given: str | None
    mode: str

    def rule_set(self, stack: str) -> str:
        return self.given or f"{stack}-{self.construct}-{self.number}"


# What InboundMail accepts: joining uses the set that is active, so none is given.
templates = st.builds(
    Template,
    construct=st.sampled_from(("Inbound", "Mail")),
    number=st.integers(1, 2),
    given=st.sampled_from((None, None, *FOREIGN[:2])),
    mode=st.sampled_from((*MODES, "none")),
).filter(lambda template: template.given is None or template.mode != "join")
# At which call somebody does what: activates a set, or none.
interference = st.dictionaries(st.integers(1, 8), st.sampled_from((*FOREIGN, None)), max_size=1)


class Activation(RuleBasedStateMachine):
    """Two stacks in one account; `_claims` are the sets that each of them activated."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(*FOREIGN)
        self.stacks = {name: self.account.stack(name) for name in STACKS}
        self.templates: dict[str, Template] = {}
        self.claims: dict[str, set[str]] = {name: set() for name in STACKS}
        self.displaced: dict[str, str | None] = {}
        self.answered = ""
        self.leaked: set[str] = set()
        self.acting: tuple[str, dict[str, Any]] | None = None
        self.interfered_at = 0
        self.seen_at = 0
        self.looked_at = 0

    @initialize(active=st.sampled_from((None, *FOREIGN)))
    def begin(self, active: str | None) -> None:
        self.account.ses.active = active

    # What the stacks do.

    @rule(
        name=st.sampled_from(STACKS),
        template=templates,
        conditions=conditions(calls=10, deleted_after_failed_create=True),
        interference=interference,
    )
    def deploy(
        self,
        name: str,
        template: Template,
        conditions: Conditions,
        interference: dict[int, str | None],
    ) -> None:
        if template.given and template.given not in self.account.ses.rule_sets:
            return
        before, first = self.account.ses.active, name not in self.templates
        old = self.templates.get(name)
        calm = not conditions.trouble and not interference
        held = self.claims[name] & {before}
        claims, displaced = set(self.claims[name]), dict(self.displaced)
        status = self._run(name, conditions, interference, template)
        active = self.account.ses.active
        requested = self._requested
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            self.templates[name] = template
            self.claims[name] &= {template.rule_set(name)}
            if template.mode == "none":
                self.claims[name] = set()
            unseen = self.interfered_at > self.seen_at or conditions.delivered_twice
            if requested and template.mode != "none" and not (self.interfered_at and unseen):
                wanted = self.answered if template.mode == "join" else template.rule_set(name)
                assert active == wanted, f"{template} is deployed, and {active} is active"
            return
        if status == "ROLLBACK_COMPLETE":
            self._gone(name)
        if status == "UPDATE_ROLLBACK_COMPLETE":
            self.claims[name], self.displaced = claims, displaced
        if status in ("ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
            if not self.interfered_at:
                healed = {old.rule_set(name)} if old and old.mode != "none" else set()
                assert active == before or (before is None and active in healed), (
                    f"rolled back, and {active} is active, not {before}"
                )
            return
        assert not calm, f"{status}: {self.stacks[name].reason}"
        if status == "UPDATE_ROLLBACK_FAILED":
            self._again(name, self.stacks[name].continue_rollback)
            assert self.stacks[name].status == "UPDATE_ROLLBACK_COMPLETE", self.stacks[name].reason
        elif first:
            self._again(name, self.stacks[name].delete)
            assert self.stacks[name].status == "DELETE_COMPLETE", self.stacks[name].reason
            self._gone(name)
        assert held <= {None, before}

    @precondition(lambda self: self.templates)
    @rule(
        data=st.data(),
        conditions=conditions(calls=8, fails_later=False, deleted_after_failed_create=True),
        interference=interference,
    )
    def delete(
        self, data: Any, conditions: Conditions, interference: dict[int, str | None]
    ) -> None:
        name = data.draw(st.sampled_from(sorted(self.templates)))
        before = self.account.ses.active
        ours = before in self.claims[name]
        made = before == self.templates[name].rule_set(name) and not self.templates[name].given
        back = self.displaced.get(name)
        status = self._run(name, conditions, interference, None)
        if status == "DELETE_FAILED":
            assert conditions.trouble or interference, self.stacks[name].reason
            self._again(name, self.stacks[name].delete)
            assert self.stacks[name].status == "DELETE_COMPLETE", self.stacks[name].reason
        if not self.interfered_at:
            if not ours and not made:
                assert self.account.ses.active == before, "deleted, and another set is active"
            elif back in self.account.ses.rule_sets:
                assert self.account.ses.active == back, f"{back} was not restored"
        self._gone(name)

    # Most deployments go well; without these rules, the others would rarely meet a stack.

    @rule(name=st.sampled_from(STACKS), template=templates)
    def deploy_without_trouble(self, name: str, template: Template) -> None:
        self.deploy(name, template, Conditions(), {})

    @rule(name=st.sampled_from(STACKS), template=templates)
    def deploy_in_vain(self, name: str, template: Template) -> None:
        self.deploy(name, template, Conditions(fails_later=True), {})

    @precondition(lambda self: self.templates)
    @rule(data=st.data())
    def delete_without_trouble(self, data: Any) -> None:
        self.delete(data, Conditions(), {})

    # What somebody else does.

    @rule(rule_set=st.sampled_from((*FOREIGN, None)))
    def activate(self, rule_set: str | None) -> None:
        self._somebody_activates(rule_set)

    @rule(rule_set=st.sampled_from(FOREIGN))
    def remove(self, rule_set: str) -> None:
        given = {template.given for template in self.templates.values()}
        if rule_set != self.account.ses.active and rule_set not in given:
            self.account.ses.delete_receipt_rule_set(RuleSetName=rule_set)

    @invariant()
    def no_parameter_outlives_its_stack(self) -> None:
        assert (
            set(self.account.ssm.parameters)
            <= {f"/ledger/{name}" for name in self.templates} | self.leaked
        )

    # How it works.

    def _somebody_activates(self, rule_set: str | None) -> None:
        if rule_set is not None:
            self.account.ses.rule_sets.setdefault(rule_set, [])
        self.account.ses.active = rule_set

    def _resources(self, name: str, template: Template) -> list[Resource]:
        ses, rule_set = self.account.ses, template.rule_set(name)
        resources: list[Resource] = []
        if template.given is None:
            resources.append(
                Native(
                    f"{template.construct}RuleSet",
                    {"Name": rule_set},
                    create=lambda own: ses.rule_sets.update({own["Name"]: []}),
                    delete=lambda own: ses.delete_receipt_rule_set(RuleSetName=own["Name"]),
                )
            )
        if template.mode != "none":
            properties = {
                "RuleSetName": rule_set,
                "Mode": template.mode,
                "Ledger": f"/ledger/{name}",
                "Made": "false" if template.given else "true",
            }
            resources.append(
                Custom(
                    f"{template.construct}Activation",
                    properties,
                    handler=self._handler(name),
                    attributes=self._answer,
                )
            )
        return resources

    def _answer(self, data: dict[str, Any]) -> None:
        self.answered = data["RuleSetName"]

    def _handler(self, name: str) -> Callable[[Any, Any], dict[str, Any]]:
        def handler(event: Any, context: Any) -> dict[str, Any]:
            self.acting = (name, event)
            self._requested = True
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    return activation.handler(event, context)
            finally:
                self.acting = None

        return handler

    def _run(
        self,
        name: str,
        conditions: Conditions,
        interference: dict[int, str | None],
        template: Template | None,
    ) -> str:
        self._requested, self.interfered_at, self.seen_at, self.looked_at = False, 0, 0, 0
        meanwhile: dict[int, Callable[[], None]] = {}
        for number, rule_set in interference.items():
            meanwhile[number] = lambda rule_set=rule_set, number=number: self._interfere(  # type: ignore[misc]
                rule_set, number
            )
        object.__setattr__(conditions, "meanwhile", meanwhile)
        stack = self.stacks[name]
        watched = self.account.ses
        set_active, describe = (
            watched.set_active_receipt_rule_set,
            (watched.describe_active_receipt_rule_set),
        )

        def checked(**arguments: str) -> dict[str, Any]:
            self._check(arguments.get("RuleSetName"))
            return set_active(**arguments)

        def noticed() -> dict[str, Any]:
            self.looked_at = len(self.account.calls.made)
            # A Delete that cleans up looks too, but after the answer that counts.
            if self.acting and self.acting[1]["RequestType"] != "Delete":
                self.seen_at = len(self.account.calls.made)
            return describe()

        watched.set_active_receipt_rule_set = checked  # type: ignore[method-assign]
        watched.describe_active_receipt_rule_set = noticed  # type: ignore[method-assign]
        try:
            if template is None:
                return str(stack.delete(conditions))
            return str(stack.deploy(self._resources(name, template), conditions))
        finally:
            del watched.set_active_receipt_rule_set  # type: ignore[method-assign]
            del watched.describe_active_receipt_rule_set  # type: ignore[method-assign]

    def _again(self, name: str, operation: Callable[[], Any]) -> None:
        self.interfered_at = 1
        operation()

    def _interfere(self, rule_set: str | None, number: int) -> None:
        self.interfered_at = number
        self._somebody_activates(rule_set)
        if self.acting and rule_set == self.acting[1]["ResourceProperties"]["RuleSetName"]:
            # Nobody could tell this from what the stack was about to do.
            self.claims[self.acting[0]].add(str(rule_set))

    def _check(self, rule_set: str | None) -> None:
        """Check one activation against what this stack may do."""
        assert self.acting
        name, event = self.acting
        properties = event["ResourceProperties"]
        active, wanted = self.account.ses.active, properties["RuleSetName"]
        foreign = active is not None and active not in self.claims[name]
        made = active is not None and active.startswith(f"{name}-")
        if self.interfered_at > self.looked_at:
            # SES has no way to activate a set only if another one is still active.
            foreign = False
            self.displaced.pop(name, None)
        if foreign and not made:
            assert event["RequestType"] != "Delete", f"a Delete displaced {active}"
            assert properties["Mode"] == "replace", f"{properties['Mode']} displaced {active}"
        if event["RequestType"] != "Delete" and rule_set == wanted:
            self.claims[name].add(wanted)
            if foreign and not made:
                self.displaced[name] = active
            elif active is None:
                # Somebody deactivated what this stack had activated, if anything.
                self.displaced.pop(name, None)

    def _gone(self, name: str) -> None:
        self.templates.pop(name, None)
        self.claims[name] = set()
        self.displaced.pop(name, None)


TestActivation = pytest.mark.filterwarnings("ignore")(Activation.TestCase)
TestActivation.settings = settings(stateful_step_count=20)
