"""What the activations of one stack have changed: an SSM parameter that belongs to the stack.

The function creates it before its first change and deletes it with the last entry. CloudFormation
could create it, but would write the template's value over ours whenever another property of the
parameter changes, and could delete it before the request that needs it.
"""

from __future__ import annotations

import json

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from mailroom.provisioning._patience import Patience

    Entries = Mapping[str, "Entry"]

__all__ = ["Entry", "Ledger"]


class Entry:
    """One resource's rule set, and what was active *before* the resource activated it.

    Without *changed* the rule set was active already, and the resource changed nothing. *taking* is
    the rule set that the resource was about to displace when the entry was written; it is removed
    once the resource's own rule set has been seen active. *fresh* is the entry of a resource that
    had changed nothing before the update that wrote it, so that a rollback undoes all of it.
    """

    __slots__ = ("before", "changed", "fresh", "rule_set", "taking")

    def __init__(
        self,
        rule_set: str,
        before: str | None,
        *,
        taking: str | None = None,
        changed: bool = True,
        fresh: bool = False,
    ) -> None:
        self.rule_set = rule_set
        self.before = before
        self.taking = taking
        self.changed = changed
        self.fresh = fresh

    def facts(self) -> dict[str, Any]:
        """Return what the parameter says of it."""
        facts: dict[str, Any] = {"rule_set": self.rule_set, "before": self.before}
        if self.taking:
            facts["taking"] = self.taking
        if not self.changed:
            facts["changed"] = False
        if self.fresh:
            facts["fresh"] = True
        return facts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Entry):
            return NotImplemented
        return self.facts() == other.facts()

    __hash__ = None  # type: ignore[assignment]


class Ledger:
    """The parameter *name*, with one entry for each resource that holds a rule set."""

    __slots__ = ("_client", "_name", "_patience")

    def __init__(self, name: str, patience: Patience) -> None:
        self._client = _runtime.client("ssm")
        self._name = name
        self._patience = patience

    def read(self) -> dict[str, Entry]:
        """Return the entry of each resource, by logical id."""
        try:
            answer = self._patience.call(self._client.get_parameter, Name=self._name)
        except self._client.exceptions.ParameterNotFound:
            return {}
        found: dict[str, Any] = json.loads(answer["Parameter"]["Value"])
        return {resource: Entry(**facts) for resource, facts in found.items()}

    def write(self, entries: Entries) -> None:
        """Replace all entries."""
        if not entries:
            try:
                self._patience.call(self._client.delete_parameter, Name=self._name)
            except self._client.exceptions.ParameterNotFound:
                return
            return
        value = {resource: entry.facts() for resource, entry in entries.items()}
        self._patience.call(
            self._client.put_parameter,
            Name=self._name,
            Description="Receipt rule sets that this stack activated, and what was active before",
            Type="String",
            Value=json.dumps(value),
            Overwrite=True,
        )
