"""Inputs of Mail Manager's operations, checked against the service model that botocore brings.

https://docs.aws.amazon.com/sesmailmanager/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

_NUMBERS = ("integer", "long", "float", "double")
_UNREADABLE_CODE = "SerializationException"
# A time is a number in JSON 1.0; a template or a test may write it as text.
_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, str, datetime),
    "structure": (Mapping,),
    "list": (list, tuple),
}


class Refused(Exception):
    """A refusal by the name of the error in the service model.

    Its HTTP status is 400, as the API reference says; those of the model are for another protocol.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(message: str) -> Refused:
    """The refusal of an input."""
    return Refused("ValidationException", message)


def check(operation: str, given: Mapping[str, Any]) -> None:
    """Refuse an input that the service model does not allow.

    The text names the member and the constraint, never the value: it may be a password.
    """
    name = _model()["operations"][operation]["input"]["shape"]
    problems = list(_problems(name, given, ""))
    if problems:
        found = "error" if len(problems) == 1 else "errors"
        raise invalid(f"{len(problems)} validation {found} detected: {'; '.join(problems)}")


def typed(operation: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """An input that a template has: its numbers and booleans may be text.

    Raises:
        Refused: It has a member that there is not.
    """
    name = _model()["operations"][operation]["input"]["shape"]
    found: dict[str, Any] = _typed(name, given, "#")
    return found


def known(operation: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these members that the answer of an operation has."""
    name = _model()["operations"][operation]["output"]["shape"]
    members = _shape(name)["members"]
    return {key: value for key, value in content.items() if key in members and value is not None}


def members(operation: str) -> Mapping[str, Any]:
    """The members of an operation's input."""
    found: Mapping[str, Any] = _shape(_model()["operations"][operation]["input"]["shape"])
    return dict(found["members"])


@cache
def _model() -> Mapping[str, Any]:
    from botocore.loaders import Loader

    found: Mapping[str, Any] = Loader().load_service_model("mailmanager", "service-2")
    return found


def _shape(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _model()["shapes"][name]
    return found


def _problems(name: str, value: Any, path: str) -> Iterator[str]:
    shape = _shape(name)
    kind = shape["type"]
    if not _is_a(kind, value):
        raise Refused(_UNREADABLE_CODE, f"{path or '/'} is not a {kind}")
    if kind == "structure":
        yield from _structure_problems(shape, value, path)
    elif kind == "list":
        yield from _bounds(shape, len(value), path, "length")
        for index, each in enumerate(value):
            yield from _problems(shape["member"]["shape"], each, f"{path}/{index}")
    elif kind == "string":
        yield from _bounds(shape, len(value), path, "length")
        yield from _text_problems(shape, value, path)
    elif kind in _NUMBERS:
        yield from _bounds(shape, value, path, "value")


def _is_a(kind: str, value: Any) -> bool:
    # True and False are numbers in Python.
    as_number = kind in _NUMBERS and isinstance(value, bool)
    return isinstance(value, _KINDS.get(kind, (object,))) and not as_number


def _structure_problems(
    shape: Mapping[str, Any], value: Mapping[str, Any], path: str
) -> Iterator[str]:
    given = {key: each for key, each in value.items() if each is not None}
    for required in shape.get("required", ()):
        if required not in given:
            yield _problem(f"{path}/{_wire(required)}", "Member must not be null")
    chosen = [key for key in given if key in shape["members"]]
    if shape.get("union") and len(chosen) != 1:
        options = ", ".join(shape["members"])
        yield _problem(path, f"Exactly one member of {options} must be set")
    for key in chosen:
        yield from _problems(shape["members"][key]["shape"], given[key], f"{path}/{_wire(key)}")


def _text_problems(shape: Mapping[str, Any], value: str, path: str) -> Iterator[str]:
    if "enum" in shape and value not in shape["enum"]:
        options = ", ".join(shape["enum"])
        yield _problem(path, f"Member must satisfy enum value set: [{options}]")
    if (pattern := shape.get("pattern")) and not _matcher(pattern)(value):
        yield _problem(path, f"Member must satisfy regular expression pattern: {pattern}")


def _bounds(shape: Mapping[str, Any], size: float, path: str, what: str) -> Iterator[str]:
    having = "have length" if what == "length" else "have value"
    if size < shape.get("min", size):
        yield _problem(path, f"Member must {having} greater than or equal to {shape['min']}")
    if size > shape.get("max", size):
        yield _problem(path, f"Member must {having} less than or equal to {shape['max']}")


def _problem(path: str, constraint: str) -> str:
    return f"Value at '{path or '/'}' failed to satisfy constraint: {constraint}"


def _wire(member: str) -> str:
    return member[:1].lower() + member[1:]


@cache
def _matcher(pattern: str) -> Callable[[str], object]:
    # The one Unicode class in the model, everything but control characters, is not Python's.
    readable = pattern.replace(r"[\P{C}\s]", r"(?:[^\x00-\x1f\x7f-\x9f]|\s)")
    return re.compile(readable).fullmatch


def _typed(name: str, value: Any, path: str) -> Any:
    shape = _shape(name)
    kind = shape["type"]
    if kind == "structure" and isinstance(value, Mapping):
        for key in value.keys() - shape["members"].keys():
            raise invalid(f"{path}: extraneous key [{key}] is not permitted")
        return {
            key: _typed(shape["members"][key]["shape"], each, f"{path}/{key}")
            for key, each in value.items()
        }
    if kind == "list" and isinstance(value, list):
        member = shape["member"]["shape"]
        return [_typed(member, each, f"{path}/{index}") for index, each in enumerate(value)]
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if kind in _NUMBERS and isinstance(value, str):
        number = re.fullmatch(r"-?\d+", value)
        decimal = re.fullmatch(r"-?\d+\.\d+", value)
        return int(value) if number else float(value) if decimal else value
    return value
