"""Check what ``docs/assumptions.md`` assumes, on the local AWS or with ``--aws`` on a real account.

```sh
PYTHONPATH=tests python -m conformance                    # all checks, on a local AWS of its own
PYTHONPATH=tests python -m conformance --list             # what each does, needs and creates
PYTHONPATH=tests python -m conformance --aws --domain example.com --record
```
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from conformance import beliefs, inventory, records, report, running
from conformance.check import Check, NotRun, chosen
from conformance.permissions import policy
from conformance.site import Site, aws_site, local_site


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 if everything that ran agrees, 1 if not, 2 if nothing could run."""
    options = _parsed(arguments)
    checks = chosen(options.checks)
    if not checks:
        print(f"no check begins with {' or '.join(options.checks)}: --list names them")
        return 2
    if options.list:
        for check in checks:
            needs = "; ".join(need.value for need in check.needs) or "nothing"
            print(f"{check.name}: {check.does}\n  creates: {check.creates}; needs: {needs}")
        return 0
    if options.policy:
        place = {"account": "ACCOUNT", "region": options.region or "REGION"}
        place["domain"] = options.domain or ""
        print(json.dumps(policy(report.actions_of(checks), **place), indent=2))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _site(options) as site:
            return _run(checks, site, options)
    except KeyboardInterrupt:
        print("interrupted before any check had begun")
        return 2
    except (NotRun, ClientError, BotoCoreError) as error:
        print(f"nothing was run: {error}")
        return 2


def _run(checks: list[Check], site: Site, options: argparse.Namespace) -> int:
    if options.aws:
        print(report.announcement(checks, site))
        if not options.yes and not _agreed():
            print("nothing was run, and nothing was created")
            return 2
    started, rows = time.monotonic(), beliefs.all_beliefs()
    before = inventory.everything(site) if site.local else set()
    done = running.run(
        checks,
        site,
        lambda check: beliefs.of(check.belief, rows),
        tell=lambda name: print(name, file=sys.stderr, flush=True),
    )
    extra = []
    if site.local:
        left = sorted(inventory.everything(site) - before)
        extra = [f"left behind: {what}" for what in left]
    if not options.checks:
        done.outcomes += report.by_hand(rows)
    made = report.result(
        done,
        site=site,
        seconds=time.monotonic() - started,
        command="make conformance" + (" AWS=1" if options.aws else ""),
        whole=not options.checks,
        extra=extra,
    )
    if options.record:
        _record(done, site)
    if not options.checks and site.local:
        made.write()
    if options.json:
        everything = {**asdict(made), "outcomes": [asdict(one) for one in done.outcomes]}
        print(json.dumps(everything, indent=1, ensure_ascii=False))
    else:
        made.show()
    return 0 if made.holds else 1


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() == "y"
    except EOFError:
        return False


def _record(done: running.Run, site: Site) -> None:
    kind = "local" if site.local else "aws"
    today = datetime.date.today().isoformat()
    source = "local AWS" if site.local else f"AWS, {today}, {site.region}"
    for outcome in done.outcomes:
        if outcome.data is not None:
            records.write(outcome.name, kind, source=source, observed=outcome.data)


@contextlib.contextmanager
def _site(options: argparse.Namespace) -> Iterator[Site]:
    if options.aws:
        yield aws_site(profile=options.profile, region=options.region, domain=options.domain)
        return
    with local_site() as site:
        yield site


def _parsed(arguments: Sequence[str] | None) -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m conformance",
        description="Check what this project assumes about AWS; see docs/assumptions.md.",
    )
    parser.add_argument(
        "checks", nargs="*", metavar="CHECK", help="names or their beginnings (default: all)"
    )
    parser.add_argument("--list", action="store_true", help="list the checks and exit")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument(
        "--record", action="store_true", help="keep what is observed in tests/conformance/records"
    )
    group = parser.add_argument_group("a real account")
    group.add_argument("--aws", action="store_true", help="use a real account")
    group.add_argument("--profile", help="the AWS profile")
    group.add_argument("--region", help="the region (default: the profile's)")
    group.add_argument("--domain", help="a domain that SES has verified there")
    group.add_argument("--policy", action="store_true", help="print the IAM policy needed and exit")
    group.add_argument("--yes", action="store_true", help="do not ask before anything is created")
    options = parser.parse_args(arguments)
    if not options.aws and not options.policy:
        for name in ("profile", "region", "domain", "yes"):
            if getattr(options, name):
                parser.error(f"--{name} has no effect on the local AWS: add --aws")
    return options


if __name__ == "__main__":
    sys.exit(main())
