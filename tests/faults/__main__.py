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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

os.environ["CDK_VALIDATION"] = "false"
# AWS waits a minute between the tries of a function.
os.environ["LAMBDA_ASYNC_RETRY_BASE_SECONDS"] = "0.1"

import jsii_direct

jsii_direct.install()

from faults import apps, events, operating, receiving
from faults.accounting import COLUMNS, Account
from faults.proxy import Proxy
from faults.scene import SUPPORT, Scene
from mailroom_local import LocalAws
from proof import Result, Table

Fault = Callable[[Scene], Iterator[Account]]

FAULTS: Mapping[str, Fault] = {
    "s3-404": receiving.s3_404,
    "s3-403": receiving.s3_403,
    "s3-slow": receiving.s3_slow,
    "dynamodb-throttled": receiving.dynamodb_throttled,
    "ses-throttled": receiving.ses_throttled,
    "ses-answer-lost": receiving.ses_answer_lost,
    "sns-down": events.sns_down,
    "killed": events.killed,
    "hanging": events.hanging,
    "out-of-memory": events.out_of_memory,
    "duplicate": receiving.duplicate,
    "reordered": events.reordered,
    "poison": events.poison,
    "oversize": receiving.oversize,
    "mime-bomb": receiving.mime_bomb,
    "zip-names": receiving.zip_names,
    "header-injection": receiving.header_injection,
    "secret-rotated": operating.secret_rotated,
    "rules-raced": operating.rules_raced,
    "rollback": operating.rollback,
    # Last, as little is deployed after it.
    "emulator-killed": operating.emulator_killed,
}
# These deploy, for which the CDK CLI's roles need permissions that the emulator does not know.
_DEPLOYING = ("secret-rotated", "rules-raced", "rollback", "emulator-killed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FAULTS):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(FAULTS)}")
    chosen = {name: FAULTS[name] for name in FAULTS if not options.names or name in options.names}
    result = _result(chosen)
    if not options.names:
        result.write()
    if options.json:
        print(json.dumps(asdict(result), indent=1))
    else:
        result.show()
    return 0 if result.holds else 1


def _result(chosen: Mapping[str, Fault]) -> Result:
    started = time.monotonic()
    table = Table(title="Faults", columns=COLUMNS)
    result = Result(
        part="faults",
        claim=(
            f"after each of {len(chosen)} faults on the deployed examples, everything that came in "
            "is accounted for, and nothing is sent twice"
        ),
        command="make faults",
        tables=[table],
    )
    with deployed() as scene:
        _say(f"deployed in {time.monotonic() - started:.0f} s")
        for name, fault in chosen.items():
            begun = time.monotonic()
            for account in _caused(scene, name, fault):
                table.rows.append(account.row())
                result.holds &= account.holds
                if account.remark:
                    result.notes.append(f"{account.fault}: {account.remark}")
                result.notes += [f"{account.fault}: {one}" for one in account.found]
                _say("  " + " | ".join(account.row()))
            _say(f"{name}: {time.monotonic() - begun:.1f} s")
    result.seconds = time.monotonic() - started
    return result


def _caused(scene: Scene, name: str, fault: Fault) -> Iterator[Account]:
    permissions = (
        contextlib.nullcontext() if name in _DEPLOYING else scene.aws.permissions_enforced()
    )
    try:
        with permissions:
            yield from fault(scene)
    except Exception as error:
        traceback.print_exc()
        yield Account(fault=name, problems=[f"not caused: {type(error).__name__}: {error}"])
    afterwards = scene.account("", [scene.mail(SUPPORT, "ticket", "answer")])
    if "Faults" in scene.outputs:
        events = scene.account("", [scene.sent("row", "handled")])
        afterwards.problems += events.found
    if not afterwards.holds:
        yield Account(fault=f"afterwards ({name})", problems=afterwards.found)


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
