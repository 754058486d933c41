"""Runs checks, cleans up after each, and says what the observations mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from conformance import records
from conformance.beliefs import Belief
from conformance.check import Check, Json, NotRun
from conformance.comparing import differences, masked, shown
from conformance.permissions import watched
from conformance.place import Place
from conformance.records import Record
from conformance.site import Site

# Verdicts; the first word is what the counts are made of.
AGREES = "as recorded"
DOCUMENTED = "as documented"
SAME = "as on the local AWS"
OBSERVED = "observed"
DIFFERS = "differs"
UNCONFIRMED = "unconfirmed"
UNKNOWN = "unknown"
NOT_RUN = "not run"
FAILED = "failed"
BY_HAND = "by hand"
BAD = (DIFFERS, FAILED)


@dataclass(kw_only=True)
class Outcome:
    """What became of one check, or of a belief that has none."""

    name: str
    belief: str
    source: str
    verdict: str
    observed: str = ""
    """What was observed, for a reader."""
    details: list[str] = field(default_factory=list)
    """Differences, the reason why it was not run, or the error."""
    seconds: float = 0.0
    data: Json = None


@dataclass(kw_only=True)
class Run:
    """All outcomes, and what could not be deleted."""

    outcomes: list[Outcome] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False


def run(
    checks: Iterable[Check],
    site: Site,
    row: Callable[[Check], Belief],
    *,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Run the checks one after another; whatever happens, delete what they created."""
    made, checks = Run(), list(checks)
    try:
        for check in checks:
            tell(check.name)
            made.outcomes.append(_run_one(check, site, row(check), made.left))
    except KeyboardInterrupt:
        made.interrupted = True
        done = {outcome.name for outcome in made.outcomes}
        made.outcomes.extend(
            _outcome(check, row(check), NOT_RUN, details=["interrupted"])
            for check in checks
            if check.name not in done
        )
    finally:
        made.left.extend(site.cleanup.run())
    return made


def judged(check: Check, belief: Belief, observed: Json, site: Site) -> Outcome:
    """What an observation means, next to the records and to what is documented."""
    kept = records.read(check.name)
    here, there = ("local", "aws") if site.local else ("aws", "local")
    details: list[str] = []
    verdict = UNKNOWN if belief.source == "unknown" else UNCONFIRMED
    if check.expects is not None:
        details += differences(check.expects, observed, part=True, was="documented")
        verdict = DOCUMENTED
    for kind in (here, there):
        if kind in kept:
            details += _against(kept[kind], observed)
    if "aws" in kept:
        verdict = AGREES
    elif here == "aws":
        verdict = SAME if there in kept else OBSERVED
    if details:
        verdict = DIFFERS
    return _outcome(
        check, belief, verdict, observed=shown(observed), details=details, data=observed
    )


def _against(record: Record, observed: Json) -> list[str]:
    was = "of AWS" if record.source != "local AWS" else "of the local AWS"
    return differences(record.observed, observed, part=record.part, was=f"recorded {was}")


def _run_one(check: Check, site: Site, belief: Belief, left: list[str]) -> Outcome:
    started = time.monotonic()
    if reason := site.missing(check):
        return _outcome(check, belief, NOT_RUN, details=[reason])
    place = Place(site, check.name)
    with watched() as called:
        try:
            observed = masked(check.run(place), place.masks)
            outcome = judged(check, belief, observed, site)
        except NotRun as reason:
            outcome = _outcome(check, belief, NOT_RUN, details=[str(reason)])
        except Exception as error:
            outcome = _outcome(check, belief, FAILED, details=[f"{type(error).__name__}: {error}"])
        finally:
            left.extend(place.cleanup.run())
    if undeclared := sorted(called - check.actions):
        outcome.verdict = FAILED
        outcome.details.append(f"needs IAM actions that it does not declare: {shown(undeclared)}")
    outcome.seconds = time.monotonic() - started
    return outcome


def _outcome(check: Check, belief: Belief, verdict: str, **more: Json) -> Outcome:
    return Outcome(
        name=check.name, belief=belief.text, source=belief.source, verdict=verdict, **more
    )
