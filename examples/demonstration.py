"""Shared by the demos: start a local AWS, deploy the example's app, report the outcome.

Each ``demo.py`` deploys its app with the CDK CLI, sends real mail and checks the results. With
``--keep`` the local AWS goes on running, and its page shows the mail.
"""

import contextlib
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from mailroom_cli import render
from mailroom_cli.progress import Steps
from mailroom_cli.terminal import show
from mailroom_local import LocalAws


def demonstrate(
    folder: Path, prepare: Callable[[LocalAws], None], check: Callable[[LocalAws], Iterable[str]]
) -> None:
    """Deploy the app in *folder* and run *check*; exit with 1 if it yields any problem."""
    started = time.monotonic()
    keep = "--keep" in sys.argv[1:]
    try:
        with _running(keep=keep) as aws:
            aws.deploy(cwd=folder, app=f"{sys.executable} app.py")
            prepare(aws)
            print()
            # From here on, each function may do only what its role allows.
            with aws.permissions_enforced():
                failures = list(check(aws))
            left = _how_to_go_on(aws) if keep else "Nothing is left running."
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. Nothing is left running.")
    if failures:
        print("\nNot as expected:")
        print("".join(f"  - {failure}\n" for failure in failures), end="")
        sys.exit(f"\n{left}" if keep else 1)
    print(f"\nAll as expected, in {time.monotonic() - started:.0f} s. {left}")


@contextlib.contextmanager
def _running(*, keep: bool) -> Iterator[LocalAws]:
    """A local AWS that ends with the demo or, with *keep*, goes on if the demo gets to its end."""
    aws = LocalAws(page_port=_page_port() if keep else 0, progress=Steps())
    aws.start(detached=keep)
    ended = False
    try:
        yield aws
        ended = True
    finally:
        if not (keep and ended):
            aws.stop()


def _page_port() -> int:
    """The usual port of the page if it is free, or else any free one."""
    with contextlib.suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", 8025))
        return 8025
    return 0


def _how_to_go_on(aws: LocalAws) -> str:
    end = Path(sys.executable).parent / "mailroom"
    return (
        f"The local AWS goes on running.\n"
        f"  Its mail and stack: {aws.server.page}\n"
        f"  To end it: {end} down --state {aws.state.root}"
    )


def played(
    aws: LocalAws, scenarios: Mapping[str, Callable[[LocalAws], list[str]]]
) -> Iterator[str]:
    """Play each scenario, show the mail that it led to, and yield its problems."""
    for title, scenario in scenarios.items():
        before = len(aws.messages(handlers=False))
        problems = [f"{title}: {problem}" for problem in scenario(aws)]
        print(f"── {title}")
        show(render.messages(aws.messages()[before:]))
        print(f"  {'✗ ' + '; '.join(problems) if problems else '✓ as expected'}\n")
        yield from problems


def differences(*expectations: tuple[str, object, object]) -> list[str]:
    """Say what was found and is not as expected."""
    return [
        f"{what}: expected {expected!r}, found {found!r}"
        for what, found, expected in expectations
        if found != expected
    ]


def output(aws: LocalAws, stack_name: str, key: str) -> str:
    """Return the value of a stack output."""
    stack = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"][0]
    values = {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}
    return str(values[key])
