"""The table of docs/handing-on.md."""

from __future__ import annotations

from assemblies import ROOT
from mailroom.receiving.handing import MOST_BYTES
from mailroom.testing import handed_on_event

TEXT = (ROOT / "docs" / "handing-on.md").read_text("utf-8")


def test_the_table_has_every_key_of_the_event() -> None:
    """And the page has the limit that holds."""

    def paths(value: object, start: str = "") -> set[str]:
        if start in ("stored", "attachments") or not isinstance(value, dict):
            return {start}
        return set().union(
            *(paths(one, f"{start}.{key}".lstrip(".")) for key, one in value.items())
        )

    table = TEXT[TEXT.index("| key | value |") : TEXT.index("Except for `envelope`")]
    for path in paths(handed_on_event()):
        name = path if path in table else f"`.{path.rpartition('.')[2]}`"
        assert name in table, path
    assert f"{MOST_BYTES:,}" in TEXT
