"""Synthesizes stacks and makes their templates readable for assertions.

Logical ids are replaced by construct paths: ``{"Fn::GetAtt": ["InboundBucket803B7612", "Arn"]}``
reads ``<Inbound/Bucket.Arn>``, so a test can state a whole policy as a person would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions

from assemblies import CONTEXT
from cdk_mailroom import ConfigurationError

FOLDER = Path(__file__).parent / "folder"
ACCOUNT, REGION = "111122223333", "eu-west-1"


def new_app() -> cdk.App:
    """Return an app that is quick and knows nothing of this machine."""
    return cdk.App(
        context={
            **CONTEXT,
            "aws:cdk:enable-path-metadata": True,
            "aws:cdk:disable-stack-trace": True,
        },
        analytics_reporting=False,
        tree_metadata=False,
    )


def new_stack(
    app: cdk.App | None = None, name: str = "Stack", *, region: str | None = REGION
) -> cdk.Stack:
    """Return an empty stack; *region* ``None`` makes it fit any account and region."""
    return cdk.Stack(
        app or new_app(),
        name,
        env=None if region is None else cdk.Environment(account=ACCOUNT, region=region),
        synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
    )


class Template:
    """One stack's template."""

    def __init__(self, stack: cdk.Stack) -> None:
        self.folder = Path(cdk.App.of(stack).synth().directory)
        """The cloud assembly."""
        self.raw: dict[str, Any] = json.loads((self.folder / stack.template_file).read_text())
        self._prefix = f"{stack.node.path}/"

    @cached_property
    def paths(self) -> dict[str, str]:
        """Construct path of each logical id."""
        return {
            logical_id: self._path(resource.get("Metadata", {}).get("aws:cdk:path", logical_id))
            for logical_id, resource in self.raw["Resources"].items()
        }

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Each resource under its construct path, readable."""
        return {
            self.paths[logical_id]: self.readable(resource)
            for logical_id, resource in self.raw["Resources"].items()
        }

    def _path(self, path: str) -> str:
        return path.removeprefix(self._prefix).removesuffix("/Resource")

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return properties of all resources of the type *kind*, by construct path."""
        return {
            path: resource.get("Properties", {})
            for path, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def at(self, path: str) -> dict[str, Any]:
        """Return properties of the resource at *path*."""
        return self.resources[path].get("Properties", {})

    def readable(self, value: Any) -> Any:
        """Replace intrinsic functions in *value* by text."""
        match value:
            case {"Ref": name}:
                return f"<{self.paths.get(name, name)}>"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"<{self.paths.get(name, name)}.{attribute}>"
            case {"Fn::Join": [separator, list(parts)]}:
                return separator.join(str(self.readable(part)) for part in parts)
            case dict():
                return {key: self.readable(item) for key, item in value.items()}
            case list():
                return [self.readable(item) for item in value]
        return value

    def rule(self, construct_id: str) -> dict[str, Any]:
        """Return the properties of the rule *construct_id*."""
        return self.at(f"Inbound/{construct_id}/Rule")["Rule"]

    def actions(self, construct_id: str) -> list[dict[str, Any]]:
        """Return the actions of the rule *construct_id*."""
        return self.rule(construct_id)["Actions"]

    def statements(self, function: str) -> list[dict[str, Any]]:
        """Return what the function at *function* may do, all policies together."""
        role = self.at(function)["Role"].removesuffix(".Arn>").removeprefix("<")
        own = self.at(role)
        assert not own.get("ManagedPolicyArns"), "read these as well"
        inline = [policy["PolicyDocument"] for policy in own.get("Policies", [])]
        attached = [
            policy["PolicyDocument"]
            for policy in self.of("AWS::IAM::Policy").values()
            if f"<{role}>" in policy.get("Roles", ())
        ]
        return [one for document in inline + attached for one in document["Statement"]]

    def environment(self, function: str) -> dict[str, Any]:
        """Return the environment of the function at *function*."""
        return self.at(function).get("Environment", {}).get("Variables", {})

    @cached_property
    def references(self) -> dict[str, set[str]]:
        """What each resource needs to exist before it, by construct path."""
        raw = self.raw["Resources"]
        return {
            self.paths[logical_id]: {
                self.paths[name]
                for name in [*_named(resource.get("Properties")), *_depends_on(resource)]
                if name in raw
            }
            for logical_id, resource in raw.items()
        }

    def needs(self, path: str) -> set[str]:
        """Return everything that exists before the resource at *path* does."""
        found: set[str] = set()
        waiting = [path]
        while waiting:
            for name in self.references[waiting.pop()] - found:
                found.add(name)
                waiting.append(name)
        return found


def _depends_on(resource: Mapping[str, Any]) -> list[str]:
    names = resource.get("DependsOn", [])
    return [names] if isinstance(names, str) else names


def _named(value: Any) -> Iterator[str]:
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": [name, _]}:
            yield name
        case {"Fn::Sub": _}:
            raise AssertionError("read Fn::Sub as well")
        case dict():
            for item in value.values():
                yield from _named(item)
        case list():
            for item in value:
                yield from _named(item)


def refuses(*words: str) -> pytest.RaisesExc[ConfigurationError]:
    """Expect one `ConfigurationError` that contains each of *words*, not as the end of a word.

    So ``topic is`` is not found in ``alert_topic is``.
    """
    begins = (("(?<!\\w)" if re.match(r"\w", word) else "") + re.escape(word) for word in words)
    return pytest.raises(
        ConfigurationError, match="(?s)" + "".join(f"(?=.*{one})" for one in begins)
    )


def synthesized(build: Callable[[cdk.Stack], object], **options: Any) -> Template:
    """Return the template of a stack that *build* filled."""
    stack = new_stack(**options)
    build(stack)
    return Template(stack)


def cycle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return one cycle of *graph*, empty if there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(graph[name]):
            if found := visit(other, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in sorted(graph) if (found := visit(name, []))), [])


def ses_may(actions: str | list[str], resource: str, source: str) -> dict[str, Any]:
    """Return the statement that lets SES act for the rules that *source* names, and no others."""
    return {
        "Action": actions,
        "Condition": {
            "StringEquals": {"aws:SourceAccount": ACCOUNT},
            "ArnLike": {
                "aws:SourceArn": f"arn:aws:ses:{REGION}:{ACCOUNT}:receipt-rule-set/{source}"
            },
        },
        "Effect": "Allow",
        "Principal": {"Service": "ses.amazonaws.com"},
        "Resource": resource,
    }


def warnings_of(stack: cdk.Stack) -> dict[str, list[str]]:
    """Return the warnings of *stack* by their ids, each as ``path: text``."""
    # Not through synth: CDK itself refuses regions without the resource types.
    found: dict[str, list[str]] = {}
    for construct in stack.node.find_all():
        if isinstance(construct, cdk.CfnElement):
            continue  # Its metadata says where it was made, and much of that.
        for entry in construct.node.metadata:
            if entry.type == "aws:cdk:warning":
                text, _, code = str(entry.data).partition(" [ack: ")
                found.setdefault(code.removesuffix("]"), []).append(
                    f"{construct.node.path}: {text}"
                )
    return found


def targets(
    stack: cdk.Stack, key: kms.IKey | None = None
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Make a target for each behaviour that hands mail on; return it, and what else is needed."""
    machine = stepfunctions.StateMachine(
        stack,
        "Machine",
        definition_body=stepfunctions.DefinitionBody.from_string(
            '{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}'
        ),
    )
    secret = secretsmanager.Secret(stack, "Secret", encryption_key=key)
    return {
        "ToEventBus": ({"bus": events.EventBus(stack, "Bus", kms_key=key)}, {}),
        "ToQueue": ({"queue": sqs.Queue(stack, "Queue", encryption_master_key=key)}, {}),
        "ToStateMachine": ({"machine": machine}, {}),
        "ToTopic": ({"topic": sns.Topic(stack, "Topic", master_key=key)}, {}),
        "Webhook": ({"url": "https://hooks.example.com/mail?a=b"}, {"secret": secret}),
    }
