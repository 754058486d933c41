"""What the demos share: a local AWS with the example's app, and a verdict.

Each ``demo.py`` deploys its app with the CDK CLI, sends real mail, and checks what it led to.
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
    """Deploy the app in *folder*, run *check*, and exit with 1 if it yields any difference."""
    started = time.monotonic()
    try:
        with LocalAws(progress=Steps()) as aws:
            aws.deploy(cwd=folder, app=f"{sys.executable} app.py")
            prepare(aws)
            print()
            # From here on each function may do what its role allows, and nothing else.
            with aws.permissions_enforced():
                failures = list(check(aws))
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; nothing is left running")
    if failures:
        print("\nThis differs from what was expected:")
        print("".join(f"  - {failure}\n" for failure in failures), end="")
        sys.exit(1)
    print(f"\nAll as expected, in {time.monotonic() - started:.0f} s. Nothing is left running.")


def output(aws: LocalAws, stack_name: str, key: str) -> str:
    """Return an output of the stack."""
    stack = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    values = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    return str(values[key])
