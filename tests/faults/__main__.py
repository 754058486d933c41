"""Causes the faults named on the command line, or all, and shows the account of each."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import jsii_direct
from faults import apps, events, operating, receiving
from faults.accounting import COLUMNS, Account
from faults.proxy import Proxy
from faults.scene import SUPPORT, Scene
from mailroom_local import LocalAws
from proof import Result, Table

Fault = Callable[[Scene], Iterator[Account]]

# Each lane is a sequence; lanes run beside each other, as most of their time is waiting for tries.
LANES: Sequence[Mapping[str, Fault]] = (
    {
        "s3-404": receiving.s3_404,
        "s3-403": receiving.s3_403,
        "s3-slow": receiving.s3_slow,
        "ses-throttled": receiving.ses_throttled,
        "ses-answer-lost": receiving.ses_answer_lost,
        "dynamodb-throttled": receiving.dynamodb_throttled,
        "duplicate": receiving.duplicate,
        "poison-mail": receiving.poison,
        "oversize": receiving.oversize,
        "zip-names": receiving.zip_names,
        "header-injection": receiving.header_injection,
        "mime-bomb": receiving.mime_bomb,
    },
    {
        "reordered": events.reordered,
        "sns-down": events.sns_down,
        "dynamodb-throttled-events": events.dynamodb_throttled,
    },
    {
        "killed": events.killed,
        "hanging": events.hanging,
        "out-of-memory": events.out_of_memory,
        "poison-events": events.poison,
    },
)
# These deploy, for which the CDK CLI's roles need permissions that the emulator does not know.
DEPLOYING: Mapping[str, Fault] = {
    "secret-rotated": operating.secret_rotated,
    "rules-raced": operating.rules_raced,
    "rollback": operating.rollback,
    # Last, as little is deployed after it.
    "emulator-killed": operating.emulator_killed,
}
NAMES = [name for lane in (*LANES, DEPLOYING) for name in lane]


EVENTS = [name for lane in LANES[1:] for name in lane]
NOTES = (
    "The local AWS has no limit of memory: at its limit the function kills itself, as Linux would.",
    "SES itself calls S3, SNS and Lambda inside the local AWS: only calls of functions go wrong.",
    "Alarms are not evaluated: each dead-letter queue that something ended in has one.",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    os.environ["CDK_VALIDATION"] = "false"
    # AWS waits a minute between the tries of a function.
    os.environ["LAMBDA_ASYNC_RETRY_BASE_SECONDS"] = "0.1"
    jsii_direct.install()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(NAMES)}")
    result = _result(options.names or NAMES)
    if not options.names:
        result.write()
    if options.json:
        print(json.dumps(asdict(result), indent=1))
    else:
        result.show()
    return 0 if result.holds else 1


def _result(chosen: Sequence[str]) -> Result:
    started = time.monotonic()
    with deployed() as scene:
        _say(f"deployed in {time.monotonic() - started:.0f} s")
        with scene.aws.permissions_enforced(), ThreadPoolExecutor(len(LANES)) as pool:
            lanes = [pool.submit(_lane, scene, lane, chosen) for lane in LANES]
            accounts = [account for lane in lanes for account in lane.result()]
        accounts += _lane(scene, DEPLOYING, chosen)
    table = Table(title="Faults", columns=COLUMNS, rows=[one.row() for one in accounts])
    return Result(
        part="faults",
        claim=(
            f"after each of {len(chosen)} faults on the deployed examples, everything that came in "
            "is accounted for, and nothing is sent twice"
        ),
        command="make faults",
        holds=all(one.holds for one in accounts),
        seconds=time.monotonic() - started,
        tables=[table],
        notes=[
            *NOTES,
            *(f"{one.fault}: {one.remark}" for one in accounts if one.remark),
            *(f"{one.fault}: {problem}" for one in accounts for problem in one.found),
        ],
    )


def _lane(scene: Scene, lane: Mapping[str, Fault], chosen: Sequence[str]) -> list[Account]:
    accounts = []
    for name, fault in lane.items():
        if name not in chosen:
            continue
        begun = time.monotonic()
        for account in _caused(scene, name, fault):
            accounts.append(account)
            _say("  " + " | ".join(account.row()))
        _say(f"{name}: {time.monotonic() - begun:.1f} s")
    return accounts


def _caused(scene: Scene, name: str, fault: Fault) -> Iterator[Account]:
    try:
        yield from fault(scene)
    except Exception as error:
        traceback.print_exc()
        yield Account(fault=name, problems=[f"not caused: {type(error).__name__}: {error}"])
    try:
        # Lanes of events must not touch what the other lane lets fail.
        if name in EVENTS:
            afterwards = scene.account("", [scene.sent("row", "handled")])
        else:
            afterwards = scene.account("", [scene.mail(SUPPORT, "ticket", "answer")])
        problems = afterwards.found
    except Exception as error:
        problems = [f"{type(error).__name__}: {error}"]
    if problems:
        yield Account(fault=f"afterwards ({name})", problems=problems)


@contextlib.contextmanager
def deployed() -> Iterator[Scene]:
    """Deploy the examples once, on a local AWS that ends with the context."""
    proxy = Proxy()
    with tempfile.TemporaryDirectory(prefix="mailroom-faults-") as name:
        folder = Path(name)
        assembly = apps.examples(folder / "examples", proxy.url)
        templates = apps.others(folder / "others", proxy.url)
        aws = LocalAws(state=folder / "state")
        aws.start()
        try:
            for domain in (apps.DESK, apps.NEWS, apps.OFFICE, apps.FAULTS):
                aws.verify_identity(domain)
            aws.deploy(app=assembly)
            scene = Scene(aws, proxy, {**templates, "assembly": assembly})
            yield scene
        finally:
            aws.stop()
            proxy.close()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
