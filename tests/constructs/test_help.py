"""What ``help()`` and an editor show of our constructs."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import pydoc

import aws_cdk as cdk
import pytest
from constructs import Construct

import cdk_mailroom
from cdk_mailroom import InboundMail
from cdk_mailroom._construct import MailConstruct

for _module in pkgutil.walk_packages(cdk_mailroom.__path__, "cdk_mailroom."):
    importlib.import_module(_module.name)


def subclasses(cls: type) -> list[type]:
    return [one for each in cls.__subclasses__() for one in (each, *subclasses(each))]


OURS = sorted(
    {one for one in subclasses(Construct) if one.__module__.startswith("cdk_mailroom.")},
    key=lambda one: one.__qualname__,
)


def test_there_are_constructs() -> None:
    """The tests below would say nothing about none."""
    assert len(OURS) > 15
    assert InboundMail in OURS


@pytest.mark.parametrize("cls", OURS, ids=lambda cls: cls.__name__)
def test_help_shows_the_arguments_that_a_construct_takes(cls: type) -> None:
    """Not those of jsii's metaclass."""
    assert issubclass(cls, MailConstruct), f"derive {cls.__name__} from MailConstruct"
    own = list(inspect.signature(cls.__init__).parameters.values())[1:]
    assert list(inspect.signature(cls).parameters.values()) == own
    assert "*args" not in pydoc.plain(pydoc.render_doc(cls)).partition("Methods")[0]


def test_help_shows_the_attributes_that_are_documented_where_they_are_assigned() -> None:
    """Also those of a base, and those that are assigned together."""

    class Desk(InboundMail):
        """A help desk."""

        def __init__(self, scope: Construct, construct_id: str, *, team: str) -> None:
            super().__init__(scope, construct_id)
            self.team, self._hidden = team, 1
            """Who answers."""

    text = pydoc.plain(pydoc.render_doc(Desk))
    assert "Desk(scope: 'Construct', construct_id: 'str', *, team: 'str')" in text
    assert "dead_letter_queue: Takes what any handler failed to handle" in text
    assert "team: Who answers." in text
    assert "_hidden" not in text.partition("Methods")[0]


def test_a_class_without_source_keeps_its_text() -> None:
    """As in a program that is frozen or typed in."""
    made: dict[str, type] = {}
    code = 'class Typed(InboundMail):\n    """Typed in."""\n'
    exec(code, {"InboundMail": InboundMail, "__name__": "typed_in"}, made)
    assert (made["Typed"].__doc__ or "").startswith("Typed in.")


def test_a_construct_that_a_user_derives_is_a_construct_to_the_cdk() -> None:
    """The base adds nothing to the tree or to what jsii overrides."""

    class Desk(InboundMail):
        pass

    stack = cdk.Stack()
    desk = Desk(stack, "Desk")
    assert Construct.is_construct(desk)
    assert stack.node.find_child("Desk") is desk
