"""The code asset: the same bytes from everywhere, and nothing in it that does not belong."""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from code_assets import asset, contents
from synthesis import new_stack

import cdk_mailroom
from assemblies import ROOT
from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler, _assembly, _packing


def test_the_users_folder_lies_beside_the_runtime(folder):
    """The folder's contents at the top, the runtime as the package ``mailroom``."""
    names = set(contents(asset(folder)))
    assert {"app.py", "team/__init__.py", "mailroom/entry/receiving.py", "mailroom/ses.py"} <= names
    assert {name.split("/")[0] for name in names} == {"app.py", "team", "mailroom"}


def test_test_helpers_are_not_deployed():
    """``mailroom.testing`` has no use in Lambda."""
    assert not [name for name in contents(asset()) if name.startswith("mailroom/testing")]


def test_entries_are_sorted_and_carry_no_trace_of_the_machine(folder):
    """Names sorted, times and modes fixed."""
    with zipfile.ZipFile(asset(folder)) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
    assert {entry.create_system for entry in entries} == {3}


def test_a_copy_with_other_times_and_modes_is_the_same(folder, tmp_path):
    """This is what another clone of the repository has."""
    first = asset(folder)
    copy = tmp_path / "elsewhere" / "named otherwise"
    shutil.copytree(folder, copy)
    for number, path in enumerate(sorted(copy.rglob("*"))):
        os.utime(path, (1_000_000 + number, 1_000_000 + number))
        path.chmod(0o700)
    assert asset(copy) == first


def test_compiling_the_folder_changes_nothing(folder):
    """Bytecode names the machine's paths and times, so it stays out."""
    first = asset(folder)
    assert compileall.compile_dir(folder, quiet=2)
    assert compileall.compile_dir(folder, quiet=2, legacy=True)
    assert asset(folder) == first


def test_hidden_files_and_folders_stay_out(folder):
    """Editors, Git, and what holds secrets."""
    first = asset(folder)
    (folder / ".env").write_text("SECRET=1")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "team" / ".hidden.py").write_text("x")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("x")
    assert asset(folder) == first


def test_a_link_to_a_folder_is_refused(folder, tmp_path):
    """It would be left out, and the function would miss it only when mail comes."""
    (tmp_path / "shared").mkdir()
    (folder / "shared").symlink_to(tmp_path / "shared")
    with pytest.raises(ConfigurationError, match="copy 'shared' into it"):
        asset(folder)


@pytest.mark.parametrize("change", ["content", "name", "new", "gone"])
def test_a_change_of_the_code_changes_the_hash(folder, change):
    """Otherwise it would never be deployed."""
    first = asset(folder)
    module = folder / "team" / "__init__.py"
    match change:
        case "content":
            module.write_text("NAME = 'else'\n")
        case "name":
            module.rename(folder / "team" / "other.py")
        case "new":
            (folder / "new.py").write_text("")
        case "gone":
            module.unlink()
    assert asset(folder) != first


def test_no_two_layouts_share_a_hash(tmp_path):
    """Where a name ends and its content begins is part of what is hashed."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, name, content in ((one, "ab", "c"), (two, "a", "bc")):
        folder.mkdir()
        (folder / name).write_text(content)
    assert asset(one).name != asset(two).name


def test_a_change_of_the_runtime_changes_the_hash(monkeypatch):
    """A new version of the runtime must be deployed too."""
    first = asset()
    monkeypatch.setattr(_packing, "runtime_files", lambda: {"mailroom/__init__.py": b"other = 1"})
    assert asset() != first


def test_another_process_in_another_folder_makes_the_same_bytes(folder, tmp_path):
    """Another hash seed, umask, working directory, time zone and locale."""
    # It packs with the same code as a synth, and needs no CDK.
    program = Path(cdk_mailroom.__file__).with_name("packer.py")
    told = {
        "folder": os.path.relpath(folder, tmp_path),
        "handler": "app:on_mail",
        "runtime": "python3.13",
        "architecture": "arm64",
        "layers": False,
    }
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "12345",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-P", str(program)],
        cwd=tmp_path,
        env=environment,
        umask=0o077,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.stdin.write(f"{json.dumps(told)}\n")
        process.stdin.flush()
        # Its files go with it.
        there = Path(json.loads(process.stdout.readline())["path"])
        here = asset(folder)
        assert (there.name, there.read_bytes()) == (here.name, here.read_bytes())
        process.stdin.close()


def test_the_assets_hash_is_that_of_its_contents(folder):
    """CDK would hash the zip's bytes, which depend on the machine's zlib."""
    stack = new_stack()
    InboundMail(stack, "Inbound").add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(folder, "app:on_mail")
    )
    digest = asset(folder, modules=["mailroom.entry.receiving"]).stem
    # CDK mixes a custom hash into one of its own; that one must depend on nothing else.
    expected = hashlib.sha256(digest.encode()).hexdigest()
    function = stack.node.find_child("Inbound").node.find_child("Support").function
    assert expected in str(stack.resolve(function.node.default_child.code))


@pytest.mark.parametrize("name", ["mailroom/__init__.py", "mailroom.py"])
def test_a_folder_that_contains_a_mailroom_package_is_refused(folder, name):
    """It would hide the runtime."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    with pytest.raises(ConfigurationError, match=r"'mailroom'.*rename"):
        asset(folder)


def test_a_name_that_only_begins_with_mailroom_is_accepted(folder):
    """``mailroom_rules.py`` hides nothing."""
    (folder / "mailroom_rules.py").write_text("")
    assert "mailroom_rules.py" in contents(asset(folder))


def test_nothing_is_imported_to_find_a_function(tmp_path):
    """A module that would fail here may well run in Lambda."""
    (tmp_path / "app.py").write_text("raise RuntimeError\ndef on_mail(mail): ...\n")
    assert PythonHandler(tmp_path, "app:on_mail")


def test_the_runtime_is_found_wherever_it_is_installed():
    """Its files come from the imported package, not from a path in this repository."""
    names = dict(_assembly.runtime_files())
    assert names["mailroom/ses.py"] == (ROOT / "lambda_src/mailroom/ses.py").read_bytes()
    assert not [name for name in names if "__pycache__" in name]


def test_a_function_has_the_modules_that_it_can_import_and_no_others(folder):
    """So a change of one capability redeploys no function of another."""
    names = set(contents(asset(folder, modules=["mailroom.entry.receiving"])))
    folders = {name.split("/")[1] for name in names if name.startswith("mailroom/")}
    assert {"entry", "receiving", "ses.py"} <= folders
    assert not {"events", "lake", "workmail", "handlers", "provisioning", "sending"} & folders
    assert "mailroom/entry/events.py" not in names


def test_modules_that_the_users_code_imports_are_deployed(folder):
    """Wherever in the folder, and in whichever way, it is imported."""
    (folder / "team" / "late.py").write_text(
        "def f():\n    from mailroom.handlers.receiving import save_attachments\n"
        "    import mailroom.events\n"
    )
    names = set(contents(asset(folder, modules=["mailroom.entry.receiving"])))
    assert {
        "mailroom/events/__init__.py",
        "mailroom/handlers/__init__.py",
        "mailroom/handlers/receiving/save_attachments.py",
    } <= names


def test_a_function_with_layers_has_the_whole_runtime():
    """The imports of code in a layer are unknown."""
    assert set(contents(asset())) == set(_assembly.runtime_files())


def test_the_runtime_has_no_docstrings_and_the_users_code_keeps_them(folder):
    """Nobody reads the runtime's in Lambda."""
    source = b'"""Doc."""\n\nNAME = 1\n'
    (folder / "team" / "__init__.py").write_bytes(source)
    found = contents(asset(folder))
    assert found["team/__init__.py"] == source
    assert b'"""' not in found["mailroom/ses.py"]
