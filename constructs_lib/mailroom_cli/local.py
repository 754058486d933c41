"""The way to the local AWS, which is an optional part of the distribution."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Protocol

from mailroom_cli.errors import UsageError

if TYPE_CHECKING:
    from mailroom_local.control import LocalAws

EITHER = ("virtualenv", "ministack")
"""What the extras ``[local]`` and ``[emulator]`` install: how to get the emulator, and itself."""


class Arguments(Protocol):
    """A parser of `argparse`, or a group of one."""

    def add_argument(self, *names: str, **options: Any) -> Any:
        """Declare an argument."""
        ...


def add_state_argument(parser: Arguments) -> None:
    """Declare ``--state``, which chooses the local AWS."""
    parser.add_argument(
        "--state",
        metavar="DIR",
        help="the local AWS's state directory (default: $MAILROOM_STATE, or else .mailroom)",
    )


def require(*, alternative: str = "") -> None:
    """Refuse to go on without the extra ``[local]``, before anything is started.

    Args:
        alternative: What else the user can do, appended to the message.

    Raises:
        UsageError: Neither extra is installed.
    """
    if not is_installed():
        raise UsageError(
            f'this command needs the local AWS: pip install "cdk-mailroom[local]"{alternative}'
        )


def opened(state: str | None) -> LocalAws:
    """Return the running local AWS, or what one that has ended left: its messages.

    Args:
        state: The state directory that ``--state`` names.

    Raises:
        NotRunning: There is neither.
    """
    from mailroom_local.control import LocalAws, NotRunning

    try:
        return LocalAws.attach(state=state)
    except NotRunning:
        ended = LocalAws(state=state)
        if not ended.state.journal.exists():
            raise
        return ended


def is_installed() -> bool:
    """Return whether the local AWS can be started: one of its extras is installed."""
    return any(map(_is_there, EITHER))


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ImportError:
        return False
