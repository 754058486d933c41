"""The partitions that a table projects.

https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import unquote


class Projection:
    """The projected partitions of a table. An object outside of them is not in the table."""

    def __init__(self, table: Mapping[str, Any], *, today: date) -> None:
        parameters = {
            str(name).lower(): str(value) for name, value in (table.get("Parameters") or {}).items()
        }
        self.enabled = parameters.get("projection.enabled", "").lower() == "true"
        self._keys = [str(key["Name"]) for key in table.get("PartitionKeys") or []]
        location = str(table["StorageDescriptor"]["Location"]).rstrip("/") + "/"
        template = parameters.get("storage.location.template") or location + "".join(
            f"{key}=${{{key}}}/" for key in self._keys
        )
        self._pattern = re.compile(_as_pattern(template.rstrip("/") + "/") if self.enabled else "")
        self._parameters = parameters
        self._today = today

    def partition(self, uri: str) -> dict[str, str] | None:
        """The partition values of an object; None if it is in no partition."""
        found = self._pattern.match(uri)
        if found is None:
            return None
        values = {name: unquote(value) for name, value in found.groupdict().items()}
        return (
            values if all(self._projects(key, values.get(key, "")) for key in self._keys) else None
        )

    def _projects(self, key: str, value: str) -> bool:
        def setting(name: str) -> str:
            return self._parameters.get(f"projection.{key}.{name}".lower(), "")

        kind = setting("type").lower()
        if kind == "enum":
            return value in [each.strip() for each in setting("values").split(",")]
        if kind == "integer":
            first, _, last = setting("range").partition(",")
            return value.lstrip("-").isdigit() and int(first) <= int(value) <= int(last)
        if kind == "date":
            return self._in_range(value, setting("range"), setting("format"))
        return kind == "injected"

    def _in_range(self, value: str, allowed: str, pattern: str) -> bool:
        layout = _strptime(pattern)
        try:
            day = datetime.strptime(value, layout).date()  # partitions have no time zone
            first, last = (self._limit(each.strip(), layout) for each in allowed.split(","))
        except ValueError:
            return False
        return first <= day <= last

    def _limit(self, text: str, layout: str) -> date:
        relative = re.fullmatch(r"NOW(?:([+-]\d+)(DAY|WEEK|MONTH|YEAR)S?)?", text, re.IGNORECASE)
        if relative is None:
            return datetime.strptime(text, layout).date()
        unit = {"DAY": 1, "WEEK": 7, "MONTH": 31, "YEAR": 366}[(relative[2] or "DAY").upper()]
        return self._today + timedelta(days=int(relative[1] or 0) * unit)


def _as_pattern(template: str) -> str:
    parts = re.split(r"\$\{(\w+)\}", template)
    return "".join(
        f"(?P<{part.lower()}>[^/]+)" if number % 2 else re.escape(part)
        for number, part in enumerate(parts)
    )


def _strptime(pattern: str) -> str:
    for java, python in (("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("'", "")):
        pattern = pattern.replace(java, python)
    return pattern


def today() -> date:
    """The day that `NOW` means in a projection."""
    return datetime.now(UTC).date()
