"""Asks the DNS, within a few seconds, if the extra ``doctor`` is installed."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

_SECONDS = 5.0


class NoAnswer(Exception):
    """The name servers did not answer, or answered with an error."""


class Resolver(Protocol):
    """Looks up records."""

    def records(self, name: str, kind: str) -> list[str]:
        """Return the records of a name; none if it has none of that type.

        Args:
            name: The name, without the last dot.
            kind: The type: ``MX``, ``TXT`` or ``CNAME``.

        Raises:
            NoAnswer: Whether there are any is not known.
        """
        ...


def resolver() -> Resolver | None:
    """Return a resolver that asks this machine's name servers; ``None`` without dnspython."""
    return _Dns() if find_spec("dns") else None


class _Dns:
    def __init__(self) -> None:
        # Optional, and so loaded without a statement that a type checker would need it for.
        self._resolver: Any = import_module("dns.resolver")
        self._errors: Any = import_module("dns.exception")

    def records(self, name: str, kind: str) -> list[str]:
        try:
            answer = self._resolver.resolve(
                name, kind, lifetime=_SECONDS, raise_on_no_answer=False, search=False
            )
        except self._resolver.NXDOMAIN:
            return []
        except (self._errors.DNSException, OSError) as error:
            raise NoAnswer(str(error) or type(error).__name__) from error
        return [_text(kind, one) for one in answer]


def _text(kind: str, record: Any) -> str:
    if kind == "MX":
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=True)}".lower()
    if kind == "TXT":
        return b"".join(record.strings).decode(errors="replace")
    return str(record.target.to_text(omit_final_dot=True)).lower()
