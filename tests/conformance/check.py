"""What a check declares, and the list of all checks."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from conformance import checks

if TYPE_CHECKING:
    from conformance.place import Place

# What a check returns: plain JSON data, whose keys are words that a reader understands.
Json = Any


class NotRun(Exception):
    """A check cannot run here; the text is the reason."""


class Need(Enum):
    """What must be there before a check can run."""

    DOMAIN = "a domain that SES has verified (--domain)"
    PORT_25 = "port 25 open to inbound-smtp.REGION.amazonaws.com"
    ACTIVATION = "no active receipt rule set"
    MX = "an MX record of the domain that leads to inbound-smtp.REGION.amazonaws.com"
    PRODUCTION = "an account outside the sandbox"
    AWS = "AWS itself"


# Mail comes in by SMTP to SES's own endpoint, so that no MX record is needed.
RECEIVING = (Need.DOMAIN, Need.PORT_25, Need.ACTIVATION)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A check, and what must be known before it runs."""

    name: str
    """Module and function: `rules.order_after_update`."""
    belief: str
    """The first words of one row of a page of assumptions; no other row begins with them."""
    run: Callable[[Place], Json]
    actions: frozenset[str]
    """The IAM actions that it needs, those of CloudFormation on its behalf included."""
    needs: tuple[Need, ...]
    creates: str
    """What it creates, in a few words."""
    dollars: float
    """What it costs on AWS."""
    minutes: float
    """How long it takes on AWS."""
    expects: Json
    """What AWS's documentation promises, of the keys that it has; `None` if it is silent."""
    here: str
    """Why the local AWS cannot run it; empty if it can."""

    @property
    def does(self) -> str:
        """The first sentence of its docstring."""
        return (self.run.__doc__ or "").strip().split("\n")[0]


_CHECKS: dict[str, Check] = {}


def check(
    belief: str,
    *,
    actions: Iterable[str] = (),
    needs: Iterable[Need] = (),
    creates: str = "nothing",
    dollars: float = 0.0,
    minutes: float = 0.1,
    expects: Json = None,
    here: str = "",
) -> Callable[[Callable[[Place], Json]], Callable[[Place], Json]]:
    """Make a function a check; it is given a `Place` and returns what it observed."""

    def register(run: Callable[[Place], Json]) -> Callable[[Place], Json]:
        name = f"{run.__module__.rpartition('.')[2]}.{run.__name__}"
        _CHECKS[name] = Check(
            name=name,
            belief=belief,
            run=run,
            actions=frozenset(actions),
            needs=tuple(needs),
            creates=creates,
            dollars=dollars,
            minutes=minutes,
            expects=expects,
            here=here,
        )
        return run

    return register


def all_checks() -> list[Check]:
    """Every check of every module in `conformance.checks`, in their order."""
    for module in sorted(pkgutil.iter_modules(checks.__path__), key=lambda one: one.name):
        importlib.import_module(f"{checks.__name__}.{module.name}")
    return [
        _CHECKS[name]
        for name in _CHECKS
        if _CHECKS[name].run.__module__.startswith(checks.__name__)
    ]


def chosen(names: Iterable[str]) -> list[Check]:
    """The checks whose name begins with one of these; all if there is none."""
    wanted = tuple(names)
    return [one for one in all_checks() if not wanted or one.name.startswith(wanted)]
