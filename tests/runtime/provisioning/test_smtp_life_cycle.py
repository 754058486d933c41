"""SMTP credentials work from the first create to the delete, whatever happens in between.

CloudFormation, IAM and Secrets Manager are models; deployments fail, requests come twice, processes
die, and somebody else creates and deletes access keys.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailroom import _runtime
from mailroom.provisioning import _patience, smtp_credentials
from mailroom.sending import smtp_host
from runtime.provisioning.cloudformation import Calls, Conditions, Custom, Native, Stack, conditions
from runtime.provisioning.smtp_account import Clock, FakeIam, FakeSecrets

REGION = "eu-west-1"
ARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:smtp-1a2b3c"
DAY = 86400.0
HAPPENS = st.just(Conditions()) | conditions(deleted_after_failed_create=True)


class SmtpCredentials(RuleBasedStateMachine):
    """A stack with a user, a secret and credentials, and everybody who meddles with it."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.calls = Clock(), Calls()
        self.iam = FakeIam(self.clock, self.look)
        self.secrets = FakeSecrets(self.look)
        self.stack = Stack(self.calls)
        self.user = "ann"
        self.foreign: set[str] = set()
        self.in_use: list[dict[str, Any]] = []
        self.locked_out: list[dict[str, Any]] = []
        self.patch = pytest.MonkeyPatch()
        watched = {"iam": self.calls.watch(self.iam)}
        self.patch.setattr(smtp_credentials, "_clients", watched)
        secrets = {"secretsmanager": self.calls.watch(self.secrets)}
        self.patch.setattr(_runtime, "_clients", secrets)
        time = SimpleNamespace(time=self.clock.time, sleep=self.clock.sleep)
        for module in (smtp_credentials, _patience):
            self.patch.setattr(module, "time", time)
        self.patch.setattr(_runtime, "log", lambda *_, **__: None)

    def teardown(self) -> None:
        self.patch.undo()

    # What has to be true.

    def look(self) -> None:
        """Called after each single change, while a handler runs and would catch an assertion."""
        used = [*self.in_use, self.secrets.value(ARN)] if self.in_use else []
        self.locked_out += [one for one in used if not self.iam.logs_in(one, REGION)]

    @invariant()
    def login_works_at_every_moment(self) -> None:
        """With what is in the secret, and with what was in it before the deployment."""
        assert not self.locked_out

    @invariant()
    def keys_of_others_stay(self) -> None:
        assert self.foreign <= set(self.iam.keys)

    @invariant()
    def the_password_is_only_in_the_secret(self) -> None:
        for event in self.stack.requests:
            assert "secret-" not in str(event)

    @invariant()
    def the_physical_id_never_changes(self) -> None:
        ids = {
            event["PhysicalResourceId"]
            for event in self.stack.requests
            if event["RequestType"] == "Update"
        }
        assert ids <= {ARN}

    # What happens.

    @property
    def exists(self) -> bool:
        return bool(self.stack.resources)

    def template(self, rotation: str, port: str, user: str | None = None) -> list[Any]:
        user = user or self.user
        properties = {"UserName": user, "SecretArn": ARN, "Region": REGION}
        return [
            Native(
                "User",
                {"Name": user},
                create=lambda properties: self.iam.create_user(properties["Name"]),
                delete=lambda properties: self.iam.delete_user(properties["Name"]),
            ),
            Native(
                "Secret",
                {"Name": ARN},
                create=lambda properties: self.secrets.create(properties["Name"]),
                delete=lambda properties: self.secrets.delete(properties["Name"]),
            ),
            Custom(
                "Smtp",
                {**properties, "Rotation": rotation, "Port": port},
                handler=smtp_credentials.handler,
            ),
        ]

    def can_log_in(self) -> bool:
        return bool(self.iam.logs_in(self.secrets.value(ARN), REGION))

    def begin(self) -> None:
        """Programs have read the secret, if there is anything to read."""
        self.in_use = [self.secrets.value(ARN)] if self.exists and self.can_log_in() else []

    @initialize()
    def most_often_there_are_credentials(self) -> None:
        self.create("1", Conditions())

    @precondition(lambda self: self.stack.status in (None, "DELETE_COMPLETE"))
    @rule(rotation=st.sampled_from("12"), happens=HAPPENS)
    def create(self, rotation: str, happens: Conditions) -> None:
        self.in_use = []
        status = self.stack.deploy(self.template(rotation, "587"), happens)
        if status == "CREATE_COMPLETE":
            self.holds(happens)
        elif status == "ROLLBACK_COMPLETE":
            assert set(self.iam.keys) == self.foreign
            self.stack.status = None
        else:
            assert happens.trouble
            assert self.stack.delete() == "DELETE_COMPLETE"
            assert set(self.iam.keys) == self.foreign

    @precondition(lambda self: self.exists and self.stack.status != "UPDATE_ROLLBACK_FAILED")
    @rule(
        rotation=st.sampled_from("123"),
        port=st.sampled_from(["587", "587", "2587"]),
        happens=HAPPENS,
        passed=st.sampled_from([0.0, 60.0, 2 * DAY]),
        foreign_key_at=st.just(0) | st.integers(1, 8),
    )
    def update(
        self,
        rotation: str,
        port: str,
        happens: Conditions,
        passed: float,
        foreign_key_at: int,
    ) -> None:
        self.clock.sleep(passed)
        self.begin()
        before = self.stack.resources[-1].properties
        sent, used = len(self.stack.requests), self.secrets.value(ARN).get("username")
        if foreign_key_at and not happens.trouble:
            happens = replace(happens, meanwhile={foreign_key_at: self.create_key})
        status = self.stack.deploy(self.template(rotation, port), happens)
        only_throttled = set(happens.trouble.values()) <= {"throttled"}
        undisturbed = only_throttled and not (happens.meanwhile or happens.fails_later)
        if undisturbed and not self.foreign:
            assert status == "UPDATE_COMPLETE", self.stack.reason
        if status != "UPDATE_ROLLBACK_FAILED" and len(self.stack.requests) > sent:
            self.holds(happens)
        if self.stack.resources[-1].properties != before:
            assert self.secrets.value(ARN)["username"] != used

    @precondition(lambda self: self.exists and self.stack.status != "UPDATE_ROLLBACK_FAILED")
    @rule(happens=conditions(trouble={}))
    def another_user(self, happens: Conditions) -> None:
        """CloudFormation would replace the user; the update is refused, and nothing stops."""
        self.begin()
        before = self.stack.resources[-1].properties
        resources = self.template(before["Rotation"], before["Port"], "bob")
        status = self.stack.deploy(resources, happens)
        assert status in ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED")
        assert not self.iam.of("bob")

    @precondition(lambda self: self.stack.status == "UPDATE_ROLLBACK_FAILED")
    @rule()
    def continue_rollback(self) -> None:
        self.begin()
        if self.stack.continue_rollback() == "UPDATE_ROLLBACK_COMPLETE":
            self.holds(Conditions())
        else:
            assert self.foreign
            assert "2 access keys" in self.stack.reason
            self.foreign_keys_go()

    @precondition(lambda self: self.exists)
    @rule(happens=conditions(fails_later=False))
    def delete(self, happens: Conditions) -> None:
        self.in_use = []
        status = self.stack.delete(happens)
        if status == "DELETE_FAILED":
            assert happens.trouble or self.foreign
            if set(self.iam.of(self.user)) <= self.foreign:
                self.foreign_keys_go()
            if self.stack.delete() == "DELETE_FAILED":
                assert set(self.iam.keys) == self.foreign
                self.foreign_keys_go()
                assert self.stack.delete() == "DELETE_COMPLETE"
        assert not self.iam.keys

    @precondition(lambda self: self.exists)
    @rule()
    def someone_creates_a_key(self) -> None:
        """Not within minutes of the death of a process, when it would be taken for its key."""
        self.clock.sleep(3600)
        self.create_key()

    @precondition(lambda self: self.foreign)
    @rule()
    def foreign_keys_go(self) -> None:
        for key_id in self.foreign:
            del self.iam.keys[key_id]
        self.foreign.clear()

    @precondition(lambda self: self.iam.keys)
    @rule(data=st.data(), deactivates=st.booleans())
    def someone_takes_a_key_away(self, data: st.DataObject, deactivates: bool) -> None:
        self.in_use = []
        key_id = data.draw(st.sampled_from(sorted(self.iam.keys)))
        if deactivates:
            self.iam.keys[key_id].active = False
        else:
            del self.iam.keys[key_id]
            self.foreign.discard(key_id)

    @precondition(lambda self: self.exists)
    @rule(seconds=st.sampled_from([3600.0, 2 * DAY]))
    def time_passes(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    # Helpers.

    def holds(self, happens: Conditions) -> None:
        """What the template says is so."""
        value, properties = self.secrets.value(ARN), self.stack.resources[-1].properties
        assert self.iam.logs_in(value, REGION)
        assert (value["host"], value["port"]) == (smtp_host(REGION), int(properties["Port"]))
        labels = self.secrets.describe_secret(SecretId=ARN)["VersionIdsToStages"]
        remembered = {version_id.partition("-")[0] for version_id in labels}
        if not happens.trouble:
            assert set(self.iam.of(self.user)) - self.foreign <= remembered

    def create_key(self) -> None:
        if len(self.iam.of(self.user)) < 2:
            key = self.iam.create_access_key(UserName=self.user)["AccessKey"]
            self.foreign.add(key["AccessKeyId"])


TestSmtpCredentials = SmtpCredentials.TestCase
TestSmtpCredentials.settings = settings(stateful_step_count=8)
