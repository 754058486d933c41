"""Shared by the demos: start a local AWS, deploy the example's app, report the outcome.

Each ``demo.py`` deploys its app with the CDK CLI, sends real mail and checks the results.
"""

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mailroom_cli.progress import Steps
from mailroom_local import LocalAws


def demonstrate(
    folder: Path, prepare: Callable[[LocalAws], None], check: Callable[[LocalAws], Iterable[str]]
) -> None:
    """Deploy the app in *folder* and run *check*; exit with 1 if it yields any problem."""
    started = time.monotonic()
    try:
        with LocalAws(progress=Steps()) as aws:
            aws.deploy(cwd=folder, app=f"{sys.executable} app.py")
            prepare(aws)
            print()
            # From here on, each function may do only what its role allows.
            with aws.permissions_enforced():
                failures = list(check(aws))
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Nothing is left running.")
    if failures:
        print("\nNot as expected:")
        print("".join(f"  - {failure}\n" for failure in failures), end="")
        sys.exit(1)
    print(f"\nAll as expected, in {time.monotonic() - started:.0f} s. Nothing is left running.")


def output(aws: LocalAws, stack_name: str, key: str) -> str:
    """Return the value of a stack output."""
    stack = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    values = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    return str(values[key])
