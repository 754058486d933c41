"""The options of a Lambda function are the same for every handler, and direct keywords."""

from __future__ import annotations

import inspect

import pytest
from aws_cdk import Duration
from synthesis import FOLDER, Template

from cdk_mailroom import InboundMail, PythonHandler, handlers
from cdk_mailroom.functions import FunctionOptions, PythonFunction

HANDLERS = {
    "PythonHandler": lambda **options: PythonHandler(FOLDER, "app:on_mail", **options),
    "Forward": lambda **options: handlers.Forward(to=["a@example.com"], **options),
    "AutoReply": lambda **options: handlers.AutoReply(text="Thank you.", **options),
    "SaveAttachments": lambda **options: handlers.SaveAttachments(**options),
    "RejectSpam": lambda **options: handlers.RejectSpam(**options),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_an_unknown_option_is_a_type_error_that_names_it(name):
    """As for any other function of Python."""
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected .* 'memory'"):
        HANDLERS[name](memory=512)


@pytest.mark.parametrize("name", HANDLERS)
def test_every_handler_takes_the_options_of_a_function(name, stack):
    """The bundled behaviours too."""
    handler = HANDLERS[name](memory_size=300, timeout=Duration.seconds(7), environment={"AB": "c"})
    InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"], handler=handler)
    template = Template(stack)
    function = "Inbound/Rule/Handler/Function"
    assert (template.at(function)["MemorySize"], template.at(function)["Timeout"]) == (300, 7)
    assert template.environment(function)["AB"] == "c"


def test_none_means_that_an_option_is_omitted(stack):
    """So that an app may pass on what it was given."""
    handler = PythonHandler(
        FOLDER, "app:on_mail", **dict.fromkeys(FunctionOptions.__optional_keys__)
    )
    InboundMail(stack, "Inbound").add_rule("Rule", recipients=["a@example.com"], handler=handler)
    made = Template(stack).at("Inbound/Rule/Handler/Function")
    assert (made["MemorySize"], made["Timeout"], made["Runtime"]) == (512, 60, "python3.13")


def test_every_option_has_a_description():
    """A TypedDict's keys have no docstrings at run time, so the source is read."""
    source = inspect.getsource(FunctionOptions)
    for name in FunctionOptions.__optional_keys__:
        assert f"    {name}: " in source
        after = source.split(f"    {name}: ", 1)[1].splitlines()[1]
        assert after.strip().startswith('"""'), name


def test_the_parts_of_a_function_are_readable():
    """Constructs of other capabilities make functions of handlers, too."""
    made = PythonHandler(FOLDER, "app:on_mail", timeout=Duration.seconds(9), reserved_concurrency=2)
    assert isinstance(made, PythonFunction)
    assert (made.handler, made.folder) == ("app:on_mail", FOLDER.absolute())
    assert (made.timeout.to_seconds(), made.reserved_concurrency) == (9, 2)
    assert (made.synchronous, made.read_mail, made.remember_handled) == (False, True, False)


def test_a_handler_in_a_layer_has_no_folder():
    """The code comes from elsewhere."""
    assert PythonHandler(None, "theirs:on_mail").folder is None


@pytest.mark.parametrize(("synchronous", "seconds"), [(False, 60), (True, 25)])
def test_a_handler_may_run_as_long_as_its_caller_waits(synchronous, seconds):
    """SES gives up after 30 seconds, so a synchronous function ends before that."""
    made = PythonHandler(FOLDER, "app:on_mail", synchronous=synchronous)
    assert made.timeout.to_seconds() == seconds
