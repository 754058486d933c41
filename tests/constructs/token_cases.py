"""Passes tokens to each public argument, and finds those that lead to an error of jsii's own.

A `Call` says how to call something with arguments that are right; the arguments themselves are
found by their annotations, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from synthesis import new_app

from cdk_mailroom import ConfigurationError
from cdk_mailroom.functions import FunctionOptions

Call = Callable[..., object]
"""Takes a construct to build in, and the arguments under test."""

KINDS: Mapping[str, type] = {
    "list": Sequence,
    "string": str,
    "number": int,
    "duration": cdk.Duration,
}
# Names and places of code, which must be known at synth, and are looked up there.
_KNOWN_AT_SYNTH = {"construct_id", "folder", "handler", "members_file", "requirements"}


class Case(NamedTuple):
    """One argument of one callable, and what is passed to it."""

    name: str
    argument: str
    kind: str
    given: str

    def __str__(self) -> str:
        return f"{self.name}({self.argument}=<{self.kind}: {self.given}>)"


def arguments_of(function: Callable[..., Any]) -> dict[str, set[str]]:
    """Return the kinds that each argument of *function* takes, of those in `KINDS`."""
    hints = typing.get_type_hints(function)
    # The same for every handler, as one class takes care of them.
    if function.__qualname__ == "PythonHandler.__init__":
        hints |= typing.get_type_hints(FunctionOptions)
    return {
        name: found
        for name, hint in hints.items()
        if name not in _KNOWN_AT_SYNTH | {"return", "options"} and (found := set(_kinds(hint)))
    }


def _kinds(hint: Any) -> Iterator[str]:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        for one in typing.get_args(hint):
            yield from _kinds(one)
    for kind, annotated in KINDS.items():
        if (typing.get_origin(hint) or hint) is annotated:
            yield kind


def public_callables(
    *packages: types.ModuleType, part: str = "", skip: Collection[str] = ()
) -> dict[str, Callable[..., Any]]:
    """Return what users call with such arguments: constructors, methods and functions.

    *part* is one of `PARTS`, which have their own tests; *skip* has the names of classes that the
    library makes.
    """
    found: dict[str, Callable[..., Any]] = {}
    for package in packages:
        for name in package.__all__:
            item = None if name in skip else getattr(package, name)
            if inspect.isfunction(item):
                found[name] = item
            elif inspect.isclass(item):
                for method, function in inspect.getmembers(item, inspect.isfunction):
                    if method == "__init__":
                        found[name] = function
                    elif not method.startswith(("_", "configure")):
                        found[f"{name}.{method}"] = function
    return {
        name: function
        for name, function in found.items()
        if function.__module__.startswith("cdk_mailroom.")
        and _part_of(function.__module__) == part
        and "problems" not in inspect.signature(function).parameters
        and arguments_of(function)
    }


PARTS = ("workmail", "gateway")


def _part_of(module: str) -> str:
    return next((part for part in PARTS if f".{part}" in module), "")


def cases(callables: Mapping[str, Callable[..., Any]], *kinds: str) -> list[Case]:
    """Return each argument with each token that its annotation admits."""
    return [
        Case(name, argument, kind, given)
        for name, function in callables.items()
        for argument, takes in arguments_of(function).items()
        for kind in KINDS
        if kind in takes & set(kinds)
        for given in _GIVEN[kind]
    ]


def _parameter(scope: Any, kind: str) -> cdk.CfnParameter:
    return cdk.CfnParameter(scope, "Parameter", type=kind)


_GIVEN: dict[str, dict[str, Callable[[Any], Any]]] = {
    "list": {
        "parameter": lambda scope: _parameter(scope, "CommaDelimitedList").value_as_list,
        "mixed": lambda scope: [
            *_parameter(scope, "CommaDelimitedList").value_as_list,
            "user@example.com",
        ],
        "string tokens": lambda scope: [_parameter(scope, "String").value_as_string],
    },
    "string": {
        "parameter": lambda scope: _parameter(scope, "String").value_as_string,
    },
    "number": {"parameter": lambda scope: _parameter(scope, "Number").value_as_number},
    "duration": {
        "seconds": lambda scope: cdk.Duration.seconds(_parameter(scope, "Number").value_as_number),
        "days": lambda scope: cdk.Duration.days(_parameter(scope, "Number").value_as_number),
    },
}


def complaints(calls: Mapping[str, Call], found: Sequence[Case]) -> list[str]:
    """Return what is wrong with the answers to *found*, empty if each works or names itself."""
    app = new_app()
    # An account for each, as some things exist once in an account.
    stacks = {
        case: cdk.Stack(
            app, f"Stack{number}", env=cdk.Environment(account=f"{number:012}", region="eu-west-1")
        )
        for number, case in enumerate(found)
    }
    wrong = [text for case, stack in stacks.items() if (text := _called(calls, stack, case))]
    if wrong:
        return wrong
    try:
        assembly = app.synth()
    except RuntimeError as error:
        if len(found) == 1:
            return [f"{found[0]}: {error}"]
        return [text for case in found for text in complaints(calls, [case])]
    templates = {
        case: json.dumps(assembly.get_stack_artifact(stack.artifact_id).template)
        for case, stack in stacks.items()
    }
    return [
        f"{case}: an encoded token is in the template"
        for case, template in templates.items()
        if re.search(r"Token\[|e\+289", template)
    ]


def _called(calls: Mapping[str, Call], stack: cdk.Stack, case: Case) -> str:
    sns.Topic(stack, "Unused")  # CDK refuses a stack without any resource
    value = _GIVEN[case.kind][case.given](stack)
    try:
        calls[case.name](stack, **{case.argument: value})
    except ConfigurationError as error:
        named = case.argument in str(error) or "actions[" in str(error)
        if not named or "Token[" in str(error):
            return f"{case}: refused without its name: {error}"
    except Exception as error:
        return f"{case}: {type(error).__name__}: {str(error)[:300]}"
    return ""
