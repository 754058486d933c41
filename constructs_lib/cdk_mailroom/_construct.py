"""The base of our constructs: ``help()`` and editors see what they really take and have.

Every jsii class has a metaclass with ``__call__(*args, **kwargs)``, which Python takes for the
signature of the class. And nothing at run time knows the strings that document attributes.
"""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise

import jsii
from constructs import Construct

__all__ = ["MailConstruct"]


class _DocumentedMeta(jsii.JSIIMeta):
    # Properties, so that an import computes nothing, and a subclass has an answer of its own.
    @property
    def __signature__(self) -> inspect.Signature:
        own = inspect.signature(self.__init__)  # type: ignore[misc]
        return own.replace(
            parameters=list(own.parameters.values())[1:],
            return_annotation=inspect.Signature.empty,
        )

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]
        text: str | None = self.__dict__.get("__doc__")
        entries = [f"    {name}: {said}" for name, said in _attributes(self)]
        if text is None or not entries:
            return text
        return "\n".join([inspect.cleandoc(text), "", "Attributes:", *entries])


class MailConstruct(Construct, metaclass=_DocumentedMeta):
    """A construct whose signature and attributes ``help()`` shows."""


def _attributes(cls: type) -> Iterator[tuple[str, str]]:
    """Each public attribute that a class and its bases document where it is assigned."""
    for one in reversed(cls.__mro__):
        if isinstance(one, _DocumentedMeta):
            yield from _assigned_in(one)


@functools.cache
def _assigned_in(cls: type) -> tuple[tuple[str, str], ...]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # no source, as in a frozen program
        return ()
    fields = [
        getattr(node, name, ())
        for node in ast.walk(tree)
        for name in ("body", "orelse", "finalbody")
    ]
    return tuple(found for statements in fields for found in _documented(statements))


def _documented(statements: object) -> Iterator[tuple[str, str]]:
    if not isinstance(statements, list):
        return
    for assignment, after in pairwise(statements):
        match after:
            case ast.Expr(value=ast.Constant(value=str(text))):
                names = [name for name in _targets(assignment) if not name.startswith("_")]
                if names:
                    yield ", ".join(names), " ".join(text.split())


def _targets(statement: ast.stmt) -> Iterator[str]:
    targets: list[ast.expr] = getattr(statement, "targets", [getattr(statement, "target", None)])
    for target in targets:
        for one in target.elts if isinstance(target, ast.Tuple) else [target]:
            match one:
                case ast.Attribute(value=ast.Name(id="self"), attr=name) | ast.Name(id=name):
                    yield name
