"""The parts that can be removed with their folders."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

_NAME = "mailroom_local._emulator.gateway"

GATEWAY: ModuleType | None = import_module(_NAME) if find_spec(_NAME) else None
"""SES Mail Manager."""
