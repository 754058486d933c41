"""What is wrong with a call, collected so that one run shows all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from constructs import Construct

__all__ = ["ConfigurationError", "Problems"]

# What aws-cdk-lib writes where a value is known to CloudFormation only.
_TOKEN = re.compile(r"[$#]\{Token\[[^\]]*\]\}|-1\.88\d*e\+289")


class ConfigurationError(ValueError):
    """The app asks for something that cannot be deployed, or that would lose mail.

    The text has one line for each problem: the argument, its value, and what to do.
    """


class Problems:
    """Collects what is wrong with one call, so that one run shows all of it."""

    def __init__(self, subject: Construct | str, construct_id: str | None = None) -> None:
        """Collect for *subject*, or for the *construct_id* that would be made below it."""
        self._subject = subject
        self._construct_id = construct_id
        self._problems: list[str] = []

    @property
    def count(self) -> int:
        """How many problems were noted so far."""
        return len(self._problems)

    def add(self, argument: str, value: object, remedy: str) -> None:
        """Note that *argument* has a *value* that is not accepted, and what to do."""
        self._problems.append(f"{argument} is {_TOKEN.sub('<token>', repr(value))}: {remedy}")

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Note the text of a `ConfigurationError` instead of passing the error on."""
        try:
            yield
        except ConfigurationError as error:
            self._problems.append(str(error).replace("\n  ", "\n    "))

    def raise_if_any(self) -> None:
        """Raise `ConfigurationError` with everything noted so far."""
        if self._problems:
            subject = self._subject
            name = subject if isinstance(subject, str) else subject.node.path
            if self._construct_id is not None:
                name = f"{name}/{self._construct_id}"
            lines = "".join(f"\n  - {problem}" for problem in self._problems)
            raise ConfigurationError(f"{name}:{lines}")
