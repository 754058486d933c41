"""What was observed before: of AWS by others, of AWS by this program, and of the local AWS."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "records"
BY_OTHERS = "recorded from AWS by others"


@dataclass(frozen=True, kw_only=True)
class Record:
    """An observation that was kept."""

    source: str
    """`BY_OTHERS` and where, `AWS` with date and region, or `local AWS`."""
    observed: Any

    @property
    def part(self) -> bool:
        """Whether it says nothing of what it does not have."""
        return self.source.startswith(BY_OTHERS)


def read(name: str) -> dict[str, Record]:
    """The records of a check: of `aws` and of `local`, as far as there are any."""
    kept = _file(name)
    return {kind: Record(**kept[kind]) for kind in ("aws", "local") if kind in kept}


def accepted(name: str) -> dict[str, str]:
    """Where the local AWS differs from AWS on purpose: the place in the data, and the reason."""
    return dict(_file(name).get("accepted", {}))


def write(name: str, kind: str, *, source: str, observed: Any) -> Path:
    """Keep an observation in place of the last one of its kind, which is `aws` or `local`."""
    path = FOLDER / f"{name}.json"
    kept = _file(name)
    kept[kind] = {"source": source, "observed": observed}
    text = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def _file(name: str) -> dict[str, Any]:
    path = FOLDER / f"{name}.json"
    return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}
