"""Faults of operation: rotation, races, rollbacks, and the end of the local AWS itself."""

from __future__ import annotations

from collections.abc import Iterator

from faults.accounting import Account
from faults.scene import Scene


def secret_rotated(scene: Scene) -> Iterator[Account]:
    yield Account(fault="secret rotated", problems=["todo"])


def rules_raced(scene: Scene) -> Iterator[Account]:
    yield Account(fault="rules raced", problems=["todo"])


def rollback(scene: Scene) -> Iterator[Account]:
    yield Account(fault="rollback", problems=["todo"])


def emulator_killed(scene: Scene) -> Iterator[Account]:
    yield Account(fault="emulator killed", problems=["todo"])
