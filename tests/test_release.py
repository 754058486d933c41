"""What a release says: notes from the changelog, and which changes break users."""

from pathlib import Path

import pytest

import public_api
import release_notes

CHANGELOG = (Path(__file__).parents[1] / "CHANGELOG.md").read_text("utf-8")


def test_the_notes_are_the_section_of_the_version() -> None:
    changelog = "## Unreleased\n\nnew\n\n## 0.2.0 (2027-01-01)\n\nmore\n\n## 0.1.0 (2026-11-27)\n"
    assert release_notes.notes(changelog, "0.2.0") == "more\n"


def test_a_version_without_a_date_cannot_be_released() -> None:
    with pytest.raises(ValueError, match=r"## 0\.2\.0 \(YYYY-MM-DD\)"):
        release_notes.notes("## 0.2.0\n\nmore\n", "0.2.0")


def test_the_first_release_has_notes() -> None:
    assert "`InboundMail`" in release_notes.notes(CHANGELOG, "0.1.0")


def test_a_change_that_breaks_users_is_named(tmp_path: Path) -> None:
    """A new argument breaks nobody; a name, an argument or a default that changes does."""
    before = "def send(to: str, *, copy: bool = True, later: int = 0): ...\ndef old(): ...\n"
    after = "def send(to: str, *, copy: bool = False, tags: str | None = None): ...\n"
    for folder, code in (("old", before), ("new", after)):
        (tmp_path / folder / "api").mkdir(parents=True)
        (tmp_path / folder / "api" / "__init__.pyi").write_text(code)
    harmless, broken = public_api.compare(tmp_path / "old", tmp_path / "new")
    assert harmless == []
    assert dict(broken) == {
        "api.send(copy)": "parameter default was changed: True → False",
        "api.send(later)": "parameter was removed",
        "api.old": "public object was removed",
    }


def test_what_breaks_is_announced_in_the_unreleased_version_only() -> None:
    section = "### Breaking changes\n\n- `send` lost `later`.\n"
    assert "later" in public_api.breaking_changes(f"## Unreleased\n\n{section}\n## 0.1.0\n")
    assert public_api.breaking_changes(f"## Unreleased\n\n## 0.1.0\n\n{section}") == ""
