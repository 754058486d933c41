"""Where the code of deployed functions is in the app."""

import json
from pathlib import Path

import pytest

from mailroom_local.control import sources

NOTES = {
    "/Help/Support/Function": [{"type": "mailroom:code", "data": {"folder": "helpdesk"}}],
    "/Help/Support/Function/Resource": [{"type": "aws:cdk:logicalId", "data": "SupportF01"}],
    "/Help/Other/Resource": [{"type": "aws:cdk:logicalId", "data": "Other01"}],
}


@pytest.mark.parametrize("older", [False, True])
def test_the_folder_of_a_function_is_read_from_the_cloud_assembly(
    tmp_path: Path, older: bool
) -> None:
    file = "Help.metadata.json"
    stack = {"metadata": NOTES} if older else {"additionalMetadataFile": file}
    artifacts = {
        "Help": {"type": "aws:cloudformation:stack", **stack},
        "Tree": {"type": "cdk:tree"},
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
    (tmp_path / file).write_text(json.dumps(NOTES))
    known = sources.folders(tmp_path)
    assert known == {"SupportF01": "helpdesk"}
    assert sources.folder_of("Help-SupportF01-0123456789ABC", known) == "helpdesk"
    assert sources.folder_of("Help-Other01-0123456789ABC", known) == ""


def test_without_a_cloud_assembly_no_folder_is_known(tmp_path: Path) -> None:
    assert sources.folders(tmp_path / "none") == {}


def test_a_place_is_shown_from_the_current_folder_if_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helpdesk").mkdir()
    (tmp_path / "helpdesk" / "app.py").touch()
    monkeypatch.chdir(tmp_path)
    assert sources.located("app.py:14", "helpdesk") == "helpdesk/app.py:14"
    assert sources.located("decoder.py:3", "helpdesk") == "decoder.py:3"
    assert sources.located("app.py:14", "") == "app.py:14"
