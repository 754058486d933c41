"""Reads the fields of a request's JSON, and says which of them makes no sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailroom_local.page.errors import bad


class Fields:
    """The object in a request's body.

    Args:
        given: The object.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        """Whether something is given, even if it is only `false`."""
        return self._given.get(name) not in (None, "", [], {})

    def text(self, name: str) -> str:
        """A text; empty if it is not given."""
        found = self._given.get(name)
        if found is None:
            return ""
        if not isinstance(found, str):
            raise bad(name, found, "pass a text")
        return found

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty if it is not given."""
        found = self._given.get(name) or []
        if not (isinstance(found, list) and all(isinstance(one, str) for one in found)):
            raise bad(name, found, "pass a list of texts")
        return [one.strip() for one in found if one.strip()]

    def flag(self, name: str, *, default: bool) -> bool:
        """Whether something is wanted."""
        found = self._given.get(name)
        if found is None:
            return default
        if not isinstance(found, bool):
            raise bad(name, found, "pass true or false")
        return found

    def mapping(self, name: str) -> dict[str, str]:
        """An object of texts."""
        found = self._given.get(name) or {}
        if not (isinstance(found, dict) and all(isinstance(one, str) for one in found.values())):
            raise bad(name, found, "pass an object whose values are texts")
        return found

    def objects(self, name: str) -> list[Fields]:
        """A list of objects."""
        found = self._given.get(name) or []
        if not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
            raise bad(name, found, "pass a list of objects")
        return [Fields(one) for one in found]

    def choice(self, name: str, known: tuple[str, ...]) -> str:
        """One of these texts."""
        found = self.text(name)
        if found not in known:
            raise bad(name, found, f"pass one of {', '.join(known)}")
        return found
