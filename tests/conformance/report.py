"""The announcement before a run, and the result after it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from conformance.beliefs import Belief
from conformance.check import Check
from conformance.comparing import shown
from conformance.permissions import policy
from conformance.running import BAD, BY_HAND, UNKNOWN, Outcome, Run
from conformance.site import Site
from proof import Result, Table


def announcement(checks: Sequence[Check], site: Site) -> str:
    """What will be done, with what permissions and at what cost."""
    lines = [f"{len(checks)} checks in {site.region} of account {site.account}:", ""]
    for check in checks:
        reason = site.missing(check)
        lines.append(f"  {check.name}: {check.does}")
        lines.append(f"    creates: {check.creates}" if not reason else f"    not run: {reason}")
    run = [check for check in checks if not site.missing(check)]
    dollars, minutes = sum(one.dollars for one in run), sum(one.minutes for one in run)
    statements = policy(
        actions_of(run), account=site.account, region=site.region, domain=site.domain
    )["Statement"]
    lines += ["", "IAM actions:"]
    lines += [
        f"  {shown(one['Action'], limit=10_000)}\n    on {shown(one['Resource'])}"
        for one in statements
    ]
    lines += [
        "",
        f"About ${dollars:.2f} and {minutes:.0f} minutes. Names begin with {site.prefix};",
        "everything is deleted after each check. A rule set that is active already stays as it is.",
    ]
    return "\n".join(lines)


def actions_of(checks: Sequence[Check]) -> set[str]:
    """The IAM actions of several checks together."""
    return {action for check in checks for action in check.actions}


def by_hand(beliefs: Sequence[Belief]) -> list[Outcome]:
    """The beliefs that no program can check, each with its reason."""
    return [
        Outcome(name="", belief=row.text, source=row.source, verdict=BY_HAND, details=[row.by_hand])
        for row in beliefs
        if row.by_hand
    ]


def result(
    run: Run, *, site: Site, seconds: float, command: str, whole: bool, extra: Sequence[str] = ()
) -> Result:
    """The part of the proof named ``conformance``."""
    counts = Counter(outcome.verdict for outcome in run.outcomes)
    table = Table(title=f"Beliefs about AWS, on the {_place(site)}", columns=[
        "belief", "check", "source", "verdict"
    ])  # fmt: skip
    for outcome in run.outcomes:
        table.rows.append(
            [
                _plain(outcome.belief),
                outcome.name or "-",
                outcome.source,
                _verdict(outcome),
            ]
        )
    counted = Table(title="Counts", columns=["verdict", "beliefs and checks"], numeric=1)
    counted.rows = [[verdict, str(number)] for verdict, number in sorted(counts.items())]
    notes = [
        f"{outcome.name or _plain(outcome.belief)}: {detail}"
        for outcome in run.outcomes
        for detail in outcome.details
    ]
    notes += [f"not deleted: {what}" for what in run.left]
    notes += extra
    if run.interrupted:
        notes.append("interrupted: what had not run by then is listed as not run")
    bad = sum(counts[verdict] for verdict in BAD)
    return Result(
        part="conformance",
        claim=(
            "the local AWS does what was recorded of AWS and what AWS documents"
            if site.local
            else "AWS does what was recorded of it and what it documents"
        )
        + ("" if whole else ", as far as the chosen checks tell"),
        command=command,
        holds=not bad and not run.left and not run.interrupted and not extra,
        seconds=seconds,
        tables=[counted, table],
        notes=notes,
    )


def _verdict(outcome: Outcome) -> str:
    if outcome.verdict == UNKNOWN:
        return "unknown: nothing says either way"
    return outcome.verdict


def _place(site: Site) -> str:
    return "local AWS" if site.local else f"AWS, {site.region}"


def _plain(text: str) -> str:
    """Markdown without links."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
