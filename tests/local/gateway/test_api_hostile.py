"""Whatever an input is, it is answered or refused: nothing in it makes the server fail."""

import json
import random
from typing import Any

import pytest

from local.gateway.managing import Manager
from mailroom_local import LocalAws

STRANGE: tuple[Any, ...] = (None, 5, -1, 1.5, True, "x", [], {}, [None], {"a": 1}, 10**30)
TEXTS = (
    "",
    "abc",
    "*",
    "rs-abc",
    "tp-abc",
    "a-abc",
    "arn:aws:ses:us-east-1:310000000001:mailmanager-rule-set/rs-abc",
    "arn:aws:iam::123456789012:role/x",
    "jane@example.com",
    "192.0.2.0/24",
    "X-Spam",
    "\0",
    "ü",
    "s3://bucket/x",
    "a" * 5000,
)
NUMBERS = (0, 1, 25, 1000, -1, 10**12, 1.5)
TIMES = (0, -1, 1e30, "2026-01-01T00:00:00Z", "x")
INPUTS = 100


class Inputs:
    """Inputs that mostly have the form of the service model."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def of(self, operation: Any) -> Any:
        return self._value(operation.input_shape)

    def _value(self, shape: Any) -> Any:
        choice, chance = self._random.choice, self._random.random
        if chance() < 0.06:
            return choice(STRANGE)
        if shape.type_name == "structure":
            members = list(shape.members.items())
            if shape.is_tagged_union and chance() < 0.85:
                members = [choice(members)]
            return {
                name: self._value(member)
                for name, member in members
                if name in shape.required_members or shape.is_tagged_union or chance() < 0.6
            }
        if shape.type_name == "list":
            return [self._value(shape.member) for _ in range(choice((0, 1, 2)))]
        if shape.type_name == "string":
            return choice(shape.enum if shape.enum and chance() < 0.9 else TEXTS)
        if shape.type_name == "timestamp":
            return choice(TIMES)
        return choice((True, False)) if shape.type_name == "boolean" else choice(NUMBERS)


@pytest.mark.parametrize("seed", range(3))
def test_no_input_makes_the_server_fail(aws: LocalAws, seed: int) -> None:
    """Nor does what an earlier one has left."""
    manager = Manager(aws)
    model = manager.api.meta.service_model
    inputs, rng = Inputs(seed), random.Random(seed)
    for operation in rng.choices(model.operation_names, k=INPUTS):
        given = json.dumps(inputs.of(model.operation_model(operation)))
        status, answer = manager.call(operation, given)
        assert status in (200, 400), (operation, given, answer)
