"""Runs checks, cleans up after each, and says what the observations mean."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from functools import partial

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
IN_PART = "as recorded, in part"
SAME = "as on the local AWS"
OBSERVED = "observed"
KNOWN = "known difference"
DIFFERS = "differs"
UNCONFIRMED = "unconfirmed"
UNKNOWN = "unknown"
NOT_RUN = "not run"
FAILED = "failed"
BY_HAND = "by hand"
BAD = (DIFFERS, FAILED)
_OF_AWS, _OF_LOCAL = "recorded of AWS", "recorded of the local AWS"


@dataclass(kw_only=True)
class Outcome:
    """What became of one check, or of a belief that has none."""

    name: str
    belief: str
    source: str
    verdict: str
    details: list[str] = field(default_factory=list)
    """Differences, the reason why it was not run, or the error."""
    seconds: float = 0.0
    data: Json = None
    """What was observed."""


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
    """Run the checks, and others while one waits; whatever happens, delete what they created."""
    made = Run()
    running = [_Running(check, site, row(check), made.left) for check in checks]
    waiting: list[_Running] = []
    try:
        for one in running:
            tell(one.check.name)
            waiting += [one] if one.advance() else []
            waiting = [late for late in waiting if time.monotonic() < late.due or late.advance()]
        while waiting:
            first = min(waiting, key=lambda late: late.due)
            tell(f"{first.check.name} waits")
            time.sleep(max(0.0, first.due - time.monotonic()))
            waiting = [late for late in waiting if late is not first or late.advance()]
    except KeyboardInterrupt:
        made.interrupted = True
    finally:
        for close in (*(one.close for one in running), partial(site.close, made.left)):
            try:
                close()
            except KeyboardInterrupt:
                made.interrupted = True
    made.outcomes = [one.outcome for one in running]
    return made


class _Running:
    """A check that runs, or waits for the time that it asked for."""

    def __init__(self, check: Check, site: Site, belief: Belief, left: list[str]) -> None:
        self.check, self.due = check, 0.0
        self.outcome = _outcome(check, belief, NOT_RUN, details=["interrupted"])
        self._site, self._belief, self._left = site, belief, left
        self._place = Place(site, check.name)
        self._steps: Generator[float, None, Json] | None = None
        self._called: set[str] = set()

    def advance(self) -> bool:
        """Begin or go on; return whether it waits again, until `due`."""
        started = time.monotonic()
        try:
            with watched() as called:
                try:
                    if self._step():
                        return True
                finally:
                    self._called |= called
        except NotRun as reason:
            self._end(NOT_RUN, str(reason))
        except Exception as error:
            self._end(FAILED, f"{type(error).__name__}: {error}")
        finally:
            self.outcome.seconds += time.monotonic() - started
        self.close()
        return False

    def close(self) -> None:
        """Delete what the check created, and see which permissions all of it needed."""
        with watched() as called:
            self._place.cleanup.run(self._left)
        if undeclared := sorted((self._called | called) - self.check.actions):
            self.outcome.verdict = FAILED
            self.outcome.details.append(
                f"needs IAM actions that it does not declare: {shown(undeclared)}"
            )
        self._called.clear()

    def _step(self) -> bool:
        if self._steps is None:
            if reason := self._site.missing(self.check):
                raise NotRun(reason)
            found = self.check.run(self._place)
            if not isinstance(found, Generator):
                self._observed(found)
                return False
            self._steps = found
        try:
            self.due = time.monotonic() + next(self._steps)
        except StopIteration as stop:
            self._observed(stop.value)
            return False
        return True

    def _observed(self, found: Json) -> None:
        seconds = self.outcome.seconds
        observed = masked(found, self._place.masks)
        self.outcome = judged(self.check, self._belief, observed, self._site)
        self.outcome.seconds = seconds

    def _end(self, verdict: str, detail: str) -> None:
        self.outcome.verdict, self.outcome.details = verdict, [detail]


def judged(check: Check, belief: Belief, observed: Json, site: Site) -> Outcome:
    """What an observation means, next to the records and to what is documented."""
    kept = records.read(check.name)
    here, there = ("local", "aws") if site.local else ("aws", "local")
    details: list[str] = []
    verdict = UNKNOWN if belief.source == "unknown" else UNCONFIRMED
    if check.expects is not None:
        details += differences(check.expects, observed, part=True, was="documented")
        verdict = DOCUMENTED
    for kind in ("aws", "local"):
        if kind in kept:
            found = _against(kept[kind], observed)
            # What both records have is said once.
            details += [one for one in found if one.replace(_OF_LOCAL, _OF_AWS) not in details]
    if "aws" in kept:
        whole = not kept["aws"].part or not differences(kept["aws"].observed, observed)
        verdict = AGREES if whole else IN_PART
    elif here == "aws":
        verdict = SAME if there in kept else OBSERVED
    known, details = _accepted(records.accepted(check.name), details)
    if known:
        verdict = KNOWN
    if details:
        verdict = DIFFERS
    details += known
    return _outcome(check, belief, verdict, details=details, data=observed)


def _accepted(reasons: dict[str, str], details: list[str]) -> tuple[list[str], list[str]]:
    """The differences that are meant, and the others; a meant one that is gone is another."""
    known = [
        f"{detail}; known: {reason}"
        for where, reason in reasons.items()
        for detail in details
        if detail.startswith(f"{where}: ")
    ]
    others = [each for each in details if not each.startswith(tuple(f"{one}: " for one in reasons))]
    others += [
        f"{where}: no longer differs, so take it out of `accepted` in the record"
        for where in reasons
        if not any(each.startswith(f"{where}: ") for each in details)
    ]
    return known, others


def _against(record: Record, observed: Json) -> list[str]:
    was = _OF_LOCAL if record.source == "local AWS" else _OF_AWS
    return differences(record.observed, observed, part=record.part, was=was)


def _outcome(check: Check, belief: Belief, verdict: str, **more: Json) -> Outcome:
    return Outcome(
        name=check.name, belief=belief.text, source=belief.source, verdict=verdict, **more
    )
