"""An account in memory: rule sets, parameters, and stacks whose status can be asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from mailroom import _runtime
from runtime.provisioning.cloudformation import Calls, Stack

__all__ = ["Account"]


class _Missing(ClientError):
    code = ""

    def __init__(self, name: str) -> None:
        super().__init__({"Error": {"Code": self.code, "Message": name}}, "op")


class RuleSetDoesNotExist(_Missing):
    code = "RuleSetDoesNotExist"


class RuleDoesNotExist(_Missing):
    code = "RuleDoesNotExist"


class ParameterNotFound(_Missing):
    code = "ParameterNotFound"


class Ses:
    """Rule sets with their rules, in order, and which one is active."""

    exceptions = SimpleNamespace(
        ClientError=ClientError,
        RuleSetDoesNotExistException=RuleSetDoesNotExist,
        RuleDoesNotExistException=RuleDoesNotExist,
    )

    def __init__(self) -> None:
        self.rule_sets: dict[str, list[str]] = {}
        self.active: str | None = None

    def describe_active_receipt_rule_set(self) -> dict[str, Any]:
        return {} if self.active is None else {"Metadata": {"Name": self.active}, "Rules": []}

    def set_active_receipt_rule_set(self, **arguments: str) -> dict[str, Any]:
        self.active = self._known(arguments["RuleSetName"]) if arguments else None
        return {}

    def describe_receipt_rule_set(self, **arguments: str) -> dict[str, Any]:
        name = self._known(arguments["RuleSetName"])
        return {"Rules": [{"Name": rule} for rule in self.rule_sets[name]]}

    def set_receipt_rule_position(self, **arguments: str) -> dict[str, Any]:
        rules = self.rule_sets[self._known(arguments["RuleSetName"])]
        name, after = arguments["RuleName"], arguments.get("After")
        for one in (name, after):
            if one is not None and one not in rules:
                raise RuleDoesNotExist(one)
        if after != name:
            rules.remove(name)
            rules.insert(0 if after is None else rules.index(after) + 1, name)
        return {}

    def delete_receipt_rule_set(self, **arguments: str) -> dict[str, Any]:
        name = arguments["RuleSetName"]
        if name == self.active:
            error = {"Code": "CannotDelete", "Message": name}
            raise ClientError({"Error": error}, "DeleteReceiptRuleSet")
        self.rule_sets.pop(name, None)
        return {}

    def _known(self, rule_set: str) -> str:
        if rule_set not in self.rule_sets:
            raise RuleSetDoesNotExist(rule_set)
        return rule_set


class Ssm:
    """String parameters."""

    exceptions = SimpleNamespace(ParameterNotFound=ParameterNotFound)

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}

    def get_parameter(self, **arguments: str) -> dict[str, Any]:
        return {"Parameter": {"Value": self.parameters[self._known(arguments["Name"])]}}

    def put_parameter(self, **arguments: Any) -> dict[str, Any]:
        self.parameters[arguments["Name"]] = arguments["Value"]
        return {}

    def delete_parameter(self, **arguments: str) -> dict[str, Any]:
        del self.parameters[self._known(arguments["Name"])]
        return {}

    def _known(self, name: str) -> str:
        if name not in self.parameters:
            raise ParameterNotFound(name)
        return name


class Account:
    """The account that the handlers talk to from now on."""

    def __init__(self, *rule_sets: str, active: str | None = None) -> None:
        self.ses = Ses()
        self.ssm = Ssm()
        self.calls = Calls()
        self.stacks: dict[str, Stack] = {}
        for name in (*rule_sets, *([active] if active else [])):
            self.ses.rule_sets[name] = []
        self.ses.active = active
        clients = {"ses": self.ses, "ssm": self.ssm, "cloudformation": self}
        for service, client in clients.items():
            _runtime._clients[service] = self.calls.watch(client)

    def stack(self, name: str) -> Stack:
        """Return a new stack."""
        stack_id = f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/0a1b"
        self.stacks[stack_id] = Stack(self.calls, stack_id=stack_id)
        return self.stacks[stack_id]

    def describe_stacks(self, **arguments: str) -> dict[str, Any]:
        return {"Stacks": [{"StackStatus": self.stacks[arguments["StackName"]].status}]}
