"""The code asset: the same bytes from everywhere, and nothing in it that does not belong."""

from __future__ import annotations

import ast
import base64
import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest
from aws_cdk import aws_lambda as lambda_
from synthesis import FOLDER, new_stack

from assemblies import ROOT
from cdk_mailroom import ConfigurationError, InboundMail, PythonHandler, _assembly, _packing

RUNTIME, ARCHITECTURE = lambda_.Runtime.PYTHON_3_13, lambda_.Architecture.ARM_64


def asset(
    folder=None, requirements=None, *, modules=None, runtime=RUNTIME, architecture=ARCHITECTURE
) -> Path:
    """Return the zip that is made, whose name is its hash."""
    code = _assembly.code(
        modules=modules,
        folder=folder,
        requirements=requirements,
        runtime=runtime,
        architecture=architecture,
    )
    return Path(code.path)


def contents(path: Path) -> dict[str, bytes]:
    """Return name and content of each entry."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a copy of the handlers' folder, with one package in it."""
    copy = tmp_path / "handlers"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "team").mkdir()
    (copy / "team" / "__init__.py").write_text("NAME = 'team'\n")
    return copy


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
    program = textwrap.dedent(
        f"""
        import os
        os.umask(0o077)
        from pathlib import Path
        from aws_cdk import aws_lambda as lambda_
        from cdk_mailroom import _assembly
        code = _assembly.code(
            modules=None, folder=Path({os.path.relpath(folder, tmp_path)!r}), requirements=None,
            runtime=lambda_.Runtime.PYTHON_3_13, architecture=lambda_.Architecture.ARM_64,
        )
        path = Path(code.path)
        import hashlib
        print(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
        """
    )
    environment = {
        **os.environ,
        "PYTHONHASHSEED": "12345",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "SOURCE_DATE_EPOCH": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    here = asset(folder)
    assert done.stdout.split() == [here.name, hashlib.sha256(here.read_bytes()).hexdigest()]


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


# Requirements


def wheel(folder: Path, name: str, files: dict[str, str], *, tag: str = "py3-none-any") -> Path:
    """Write a wheel by hand, so that no test needs the network."""
    info = f"{name}-1.0.dist-info"
    entries = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nGenerator: by-hand\nRoot-Is-Purelib: true\nTag: {tag}\n"
        ),
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in entries.items()]
    entries[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,"]) + "\n"
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in entries.items():
            archive.writestr(entry, text)
    return path


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture
def offline(monkeypatch) -> None:
    """Let pip find nothing but what is named by path."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")


@pytest.fixture
def requirements(tmp_path, offline) -> Path:
    """Return a requirements file that names a wheel beside it, by a relative path."""
    wheel(tmp_path, "parcel", {"parcel/__init__.py": "WEIGHT = 1\n"})
    path = tmp_path / "requirements.txt"
    path.write_text("./parcel-1.0-py3-none-any.whl\n")
    return path


def test_requirements_are_installed_beside_the_code(folder, requirements):
    """Also if the app is run from elsewhere: relative paths start at the file."""
    names = contents(asset(folder, requirements))
    assert names["parcel/__init__.py"] == b"WEIGHT = 1\n"
    assert "app.py" in names


def test_requirements_in_the_folder_are_found(folder, tmp_path, offline):
    """``requirements.txt`` needs no argument; modules beside it do not disturb pip."""
    path = wheel(tmp_path, "parcel", {"parcel/__init__.py": ""})
    (folder / "requirements.txt").write_text(f"parcel @ {path.as_uri()}\n")
    (folder / "typing.py").write_text("raise RuntimeError('pip must not import this')\n")
    stack = new_stack()
    rule = InboundMail(stack, "Inbound").add_rule(
        "Support", recipients=["a@example.com"], handler=PythonHandler(folder, "app:on_mail")
    )
    assert rule.function is not None
    assert "parcel/__init__.py" in contents(asset(folder, folder / "requirements.txt"))


@pytest.mark.parametrize(
    ("architecture", "runtime", "tags"),
    [
        (
            "ARM_64",
            "PYTHON_3_13",
            [
                "cp313-cp313-manylinux_2_34_aarch64",
                "cp313-cp313-manylinux_2_28_aarch64",
                "cp313-cp313-manylinux2014_aarch64",
                "cp38-abi3-manylinux_2_17_aarch64",
            ],
        ),
        ("X86_64", "PYTHON_3_11", ["cp311-cp311-manylinux_2_26_x86_64"]),
    ],
)
def test_wheels_are_the_functions_platforms(tmp_path, offline, architecture, runtime, tags):
    """Whatever this machine is: the function's architecture, Python and C library."""
    names = [f"parcel{number}" for number in range(len(tags))]
    path = tmp_path / "requirements.txt"
    path.write_text(
        "\n".join(
            str(wheel(tmp_path, name, {f"{name}.so": ""}, tag=tag))
            for name, tag in zip(names, tags, strict=True)
        )
    )
    made = asset(
        None,
        path,
        runtime=getattr(lambda_.Runtime, runtime),
        architecture=getattr(lambda_.Architecture, architecture),
    )
    assert {f"{name}.so" for name in names} <= set(contents(made))


@pytest.mark.parametrize(
    ("runtime", "tag"),
    [
        ("PYTHON_3_13", "cp313-cp313-manylinux_2_17_x86_64"),
        ("PYTHON_3_13", "cp312-cp312-manylinux_2_17_aarch64"),
        ("PYTHON_3_13", "cp313-cp313-manylinux_2_39_aarch64"),
        ("PYTHON_3_11", "cp311-cp311-manylinux_2_28_aarch64"),
    ],
    ids=["architecture", "python", "glibc", "older glibc"],
)
def test_wheels_of_another_platform_are_refused(tmp_path, offline, runtime, tag):
    """It would fail in Lambda, at the first mail; the message names file and platform."""
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "parcel", {"parcel.so": ""}, tag=tag)))
    version = runtime.removeprefix("PYTHON_").replace("_", ".")
    with pytest.raises(
        ConfigurationError, match=rf"(?s)requirements.txt.*python{version} on arm64"
    ):
        asset(None, path, runtime=getattr(lambda_.Runtime, runtime))


def test_requirements_that_cannot_be_found_are_reported_with_pips_words(tmp_path, offline):
    """What pip says is what helps."""
    path = tmp_path / "requirements.txt"
    path.write_text("no-such-distribution==1.0\n")
    with pytest.raises(
        ConfigurationError, match=r"(?s)requirements.txt.*no-such-distribution==1\.0"
    ):
        asset(None, path)


def test_requirements_give_the_same_bytes_every_time(tmp_path, offline):
    """pip's own records, commands and bytecode differ from machine to machine."""
    parcel = wheel(
        tmp_path,
        "parcel",
        {
            "parcel/__init__.py": "def main(): ...\n",
            "parcel/.hidden.json": "{}",
            "parcel-1.0.dist-info/entry_points.txt": "[console_scripts]\nparcel = parcel:main\n",
        },
    )
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        copy = shutil.copy(parcel, tmp_path / name)
        path = tmp_path / name / "requirements.txt"
        path.write_text(str(copy))
        made.append(asset(None, path))
    assert made[0] == made[1]
    names = {name for name in contents(made[0]) if not name.startswith("mailroom/")}
    assert names == {
        "parcel/__init__.py",
        "parcel/.hidden.json",
        "parcel-1.0.dist-info/METADATA",
        "parcel-1.0.dist-info/WHEEL",
        "parcel-1.0.dist-info/entry_points.txt",
    }


def test_a_requirement_that_brings_mailroom_is_refused(tmp_path, offline):
    """It would hide the runtime that this version of the constructs was made for."""
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "theirs", {"mailroom/__init__.py": ""})))
    with pytest.raises(ConfigurationError, match="'mailroom'"):
        asset(None, path)


def test_the_users_code_wins_over_requirements(folder, tmp_path, offline):
    """This is the usual order of Python's path."""
    (folder / "parcel.py").write_text("mine\n")
    path = tmp_path / "requirements.txt"
    path.write_text(str(wheel(tmp_path, "parcel", {"parcel.py": "theirs\n"})))
    assert contents(asset(folder, path))["parcel.py"] == b"mine\n"


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


BEHAVIOURS = sorted(
    f"{path.parent.name}.{path.stem}"
    for path in (ROOT / "lambda_src/mailroom/handlers").glob("*/[!_]*.py")
    # What is WorkMail's is tested there.
    if path.parent.name != "workmail"
)


def test_there_are_behaviours_to_test():
    """The next test would say nothing about none."""
    assert "receiving.forward" in BEHAVIOURS
    assert "events.bounce" in BEHAVIOURS


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_bundled_behaviour_runs_on_its_own_asset_alone(behaviour, tmp_path):
    """Its zip alone, without site-packages, is enough to import it and its entry point."""
    spec = f"mailroom.handlers.{behaviour}"
    entry = f"mailroom.entry.{behaviour.partition('.')[0]}"
    path = asset(modules=[entry, spec])
    program = f"import sys; sys.path.insert(0, {str(path)!r}); import {entry}, {spec}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def importing_methods() -> set[str]:
    """The methods of `ReceivedMail` that import a module, by themselves or by one they call."""
    tree = ast.parse((ROOT / "lambda_src/mailroom/receiving/mail.py").read_text())
    methods = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    uses = {
        name: {node.attr for node in ast.walk(method) if isinstance(node, ast.Attribute)}
        for name, method in methods.items()
    }
    found = {
        name
        for name, method in methods.items()
        if any(isinstance(node, ast.ImportFrom) for node in ast.walk(method))
    }
    while more := {name for name, used in uses.items() if used & found} - found:
        found |= more
    return found


def test_no_bundled_behaviour_asks_what_a_mail_means():
    """Their zips are without the modules that such a method imports."""
    methods = importing_methods()
    assert {"text", "new_text", "sender", "reply", "token", "read"} <= methods
    assert not {"open", "mark", "stored_at", "already_handled"} & methods
    for path in (ROOT / "lambda_src/mailroom").glob("[eh]*/**/*.py"):
        source = path.read_text()
        asked = {
            node.attr
            for node in ast.walk(ast.parse(source if "ReceivedMail" in source else ""))
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "mail"
        }
        assert not asked & methods, path


def test_a_users_function_can_ask_everything(folder):
    """Its zip alone is enough for every method of `ReceivedMail`."""
    path = asset(folder, modules=["mailroom.entry.receiving"])
    program = f"""
import sys; sys.path.insert(0, {str(path)!r})
from io import BytesIO
from mailroom.receiving import ReceivedMail
class Store:
    def open(self, message_id): return BytesIO(b"From: a@example.org\\n\\n<p>Hi")
raw = {{"mail": {{"messageId": "m", "source": "a@x.org", "timestamp": "2026-01-02T03:04:05Z"}},
       "receipt": {{"recipients": ["s@example.com"]}}}}
mail = ReceivedMail(raw, store=Store())
for name in ("text", "html", "new_text", "sender", "attachments", "thread_id", "label"):
    getattr(mail, name)
mail.read()
mail.token(key="k" * 16)
mail.reply(html="<p>x")
from mailroom.conversation import reply_address
"""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_no_bundled_behaviour_has_a_zip_of_more_than_60_kb():
    """With its entry point, and everything that these import."""
    sizes = {
        behaviour: asset(
            modules=[
                f"mailroom.entry.{behaviour.partition('.')[0]}",
                f"mailroom.handlers.{behaviour}",
            ]
        )
        .stat()
        .st_size
        for behaviour in BEHAVIOURS
    }
    largest = max(sizes, key=lambda behaviour: sizes[behaviour])
    assert sizes[largest] <= 60_000, f"{largest}: {sizes[largest]} bytes"


LATE = {
    f"{path.parent.relative_to(ROOT / 'lambda_src').as_posix().replace('/', '.')}.{name}": module
    for path in sorted((ROOT / "lambda_src" / "mailroom").rglob("__init__.py"))
    for node in ast.parse(path.read_text()).body
    if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_LAZY"
    for name, module in ast.literal_eval(node.value).items()
}


@pytest.mark.parametrize("form", ["from {0} import {1}", "import {0}", "from {0} import *"])
@pytest.mark.parametrize("name", LATE)
def test_names_that_are_loaded_late_are_deployed(tmp_path, name, form):
    """No import statement of the runtime names their modules, whatever that of the user does."""
    package, _, last = name.rpartition(".")
    (tmp_path / "app.py").write_text(f"{form.format(package, last)}\n")
    found = contents(asset(tmp_path, modules=["mailroom.entry.events"]))
    assert f"{LATE[name].replace('.', '/')}.py" in found


@pytest.mark.parametrize("module", ["smtp_credentials", "multi_region_endpoint"])
def test_a_custom_resource_runs_on_its_own_asset_alone(tmp_path, module):
    """Importing it finds everything; the handler's own imports are of that kind too."""
    names = ["mailroom.provisioning.entry", f"mailroom.provisioning.{module}"]
    with zipfile.ZipFile(asset(modules=names)) as archive:
        archive.extractall(tmp_path)
    code = f"import {names[1]} as module; assert module.__file__.startswith({str(tmp_path)!r})"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "MAILROOM_RESOURCE": names[1]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
