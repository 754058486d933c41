"""The environments of an app: the accounts and regions that its stacks are pinned to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_UNKNOWN = ("unknown-account", "unknown-region")


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Environment:
    """An account and a region in it."""

    account: str
    region: str

    def __str__(self) -> str:
        return f"aws://{self.account}/{self.region}"


def of_assembly(folder: Path, *, default: Environment) -> list[Environment]:
    """The environments of a cloud assembly's stacks, in the assembly's order.

    Args:
        folder: The cloud assembly.
        default: What a stack that leaves out account or region gets.
    """
    return list(dict.fromkeys(_environments(folder, default))) or [default]


def keep(path: Path, environments: Sequence[Environment]) -> None:
    """Note where an app was deployed, for who attaches later."""
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(one) for one in environments]))


def kept(path: Path) -> list[Environment]:
    """Where an app was deployed last; nowhere yet if there is no note."""
    try:
        return [Environment(**one) for one in json.loads(path.read_text())]
    except FileNotFoundError:
        return []


def parsed(text: str, *, default: Environment) -> Environment:
    """The environment of a stack as a cloud assembly has it.

    Args:
        text: `aws://ACCOUNT/REGION`.
        default: What a stack that leaves out account or region gets.
    """
    account, _, region = text.removeprefix("aws://").partition("/")
    return Environment(
        account=default.account if account in _UNKNOWN else account,
        region=default.region if region in _UNKNOWN else region,
    )


def of_arn(arn: str) -> Environment | None:
    """The environment that an ARN names, if it does."""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[3] or not parts[4]:
        return None
    return Environment(account=parts[4], region=parts[3])


def _environments(folder: Path, default: Environment) -> Iterator[Environment]:
    manifest = json.loads((folder / "manifest.json").read_text())
    for artifact in (manifest.get("artifacts") or {}).values():
        if artifact["type"] == "cdk:cloud-assembly":
            yield from _environments(folder / artifact["properties"]["directoryName"], default)
        elif artifact["type"] == "aws:cloudformation:stack":
            yield parsed(artifact["environment"], default=default)
