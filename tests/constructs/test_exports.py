"""What others may rely on: names, typing, documentation."""

from __future__ import annotations

import importlib
import inspect
from importlib import resources
from importlib.util import find_spec

import pytest

import cdk_mailroom
from cdk_mailroom import actions, events, gateway, handlers, lake

MODULES = [
    "cdk_mailroom",
    "cdk_mailroom.actions",
    "cdk_mailroom.dashboard",
    "cdk_mailroom.events",
    "cdk_mailroom.gateway",
    "cdk_mailroom.gateway.actions",
    "cdk_mailroom.handlers",
    "cdk_mailroom.sending",
    "mailroom.events",
    "mailroom.lake",
    "mailroom.receiving",
    "mailroom.sending",
    "mailroom.testing",
    "mailroom.errors",
]


# WorkMail's names are tested in its own folder.
WORKMAIL = (
    set(importlib.import_module("cdk_mailroom.workmail").__all__)
    if find_spec("cdk_mailroom.workmail")
    else set()
)


def test_the_package_exports_these_names():
    """Removing one is a breaking change; adding one is a promise."""
    assert {*cdk_mailroom.__all__} - WORKMAIL == {
        "BUNDLED",
        "EVERY_RECIPIENT",
        "Activation",
        "ActiveRuleSet",
        "AddressList",
        "ConfigurationError",
        "ContactList",
        "CrossAccountZone",
        "EmailTemplate",
        "EventLake",
        "EventPublishing",
        "EventType",
        "HandledRule",
        "InboundMail",
        "InboundRule",
        "LakeFormat",
        "MailArchive",
        "MailDashboard",
        "MailFunction",
        "MailGateway",
        "MultiRegionEndpoint",
        "OwnKey",
        "PythonHandler",
        "Relay",
        "SendingIdentity",
        "SmtpCredentials",
        "Tenant",
        "__version__",
        "actions",
        "gateway",
        "handlers",
        "runtime_code",
    }


def test_the_handlers_package_exports_these_names():
    """The bundled behaviours, and what configures them."""
    assert handlers.__all__ == [
        "AutoReply",
        "Disposition",
        "Forward",
        "OnError",
        "PythonHandler",
        "RejectSpam",
        "SaveAttachments",
        "ToEventBus",
        "ToQueue",
        "ToStateMachine",
        "ToTopic",
        "Webhook",
    ]


def test_the_actions_package_exports_these_names():
    """Every action of SES, and what one of your own needs."""
    assert {"S3", "Sns", "InvokeFunction", "Bounce", "AddHeader", "Stop", "WorkMail"} <= set(
        actions.__all__
    )
    assert {"ReceiptAction", "BoundAction", "RuleContext", "UNKNOWN_FAILURE"} <= set(
        actions.__all__
    )


def test_the_events_package_exports_these_names():
    """What `on` takes and returns; the types are the runtime's own."""
    from mailroom.events import EventType

    assert events.__all__ == [
        "BUNDLED",
        "Alerts",
        "Bundled",
        "BusPipeline",
        "EventPipeline",
        "EventPublishing",
        "EventType",
        "Pipeline",
    ]
    assert events.EventType is EventType


@pytest.mark.parametrize("name", MODULES)
def test_every_exported_name_is_defined(name):
    """``from module import *`` works, and names nothing twice."""
    module = importlib.import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert [one for one in module.__all__ if not hasattr(module, one)] == []


@pytest.mark.parametrize("package", ["cdk_mailroom", "mailroom", "mailroom_local"])
def test_types_are_shipped(package):
    """PEP 561."""
    assert resources.files(package).joinpath("py.typed").is_file()


def public_callables():
    """Yield each public method and constructor of the exported classes, with its name."""
    for module in (cdk_mailroom, actions, events, gateway, gateway.actions, handlers, lake):
        for name in module.__all__:
            value = getattr(module, name, None)
            if inspect.isclass(value) and value.__module__.startswith("cdk_mailroom"):
                for method_name, method in inspect.getmembers(value, inspect.isfunction):
                    if method.__module__.startswith("cdk_mailroom") and (
                        method_name == "__init__" or not method_name.startswith("_")
                    ):
                        yield f"{name}.{method_name}", method


def test_keywords_that_are_passed_on_have_their_names_and_types():
    """Mypy would be content with ``**options: Any``, and an editor would show nothing."""
    vague = {
        name: parameter.annotation
        for name, method in public_callables()
        for parameter in inspect.signature(method).parameters.values()
        if parameter.kind is parameter.VAR_KEYWORD
        and parameter.annotation != "Unpack[FunctionOptions]"
        and not name.startswith("EveryRecipient")
    }
    assert vague == {}


def test_defaults_are_plain_values():
    """A jsii object as a default would be shared by all apps of a process."""
    plain = (str, int, float, tuple, bool, type(None))
    shared = {
        f"{name}({parameter.name}=)": parameter.default
        for name, method in public_callables()
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is not parameter.empty
        and not isinstance(parameter.default, plain)
        and type(parameter.default).__module__ != "dataclasses"
    }
    assert shared == {}
