"""The bundled behaviours' code assets: each runs on its own, and is small."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import zipfile

import pytest
from code_assets import asset, contents

from assemblies import ROOT

BEHAVIOURS = sorted(
    f"{path.parent.name}.{path.stem}"
    for path in (ROOT / "lambda_src/mailroom/handlers").glob("*/[!_]*.py")
    # What is WorkMail's is tested there.
    if path.parent.name != "workmail"
)


def run_alone(program: str) -> None:
    """Run a program without site-packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


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
    run_alone(program)


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
    run_alone(program)


def test_a_name_that_is_imported_when_it_is_asked_for_is_in_the_zip(tmp_path):
    """A consumer of mail that was handed on has no other part of receiving."""
    (tmp_path / "app.py").write_text("from mailroom.receiving import handed_on\n")
    names = zipfile.ZipFile(asset(tmp_path, modules=[])).namelist()
    assert {"mailroom/receiving/handed.py", "mailroom/receiving/signature.py"} <= set(names)
    assert "mailroom/receiving/arrivals.py" not in names


def test_what_hands_mail_on_has_all_that_its_event_needs():
    """Its zip alone is enough to read what a mail means, as far as the event says it."""
    path = asset(modules=["mailroom.entry.receiving", "mailroom.handlers.receiving.to_queue"])
    program = f"""
import sys; sys.path.insert(0, {str(path)!r})
from io import BytesIO
from mailroom.receiving import ReceivedMail, handing
class Store:
    def open(self, message_id): return BytesIO(b"From: a@example.org\\n\\n<p>Hi")
raw = {{"mail": {{"messageId": "m", "source": "a@x.org", "timestamp": "2026-01-02T03:04:05Z"}},
       "receipt": {{"recipients": ["s@example.com"]}}}}
event = handing.event(ReceivedMail(raw, store=Store()), event_id="m-1", rule=None, text_bytes=99)
assert '"text":"<p>Hi"' in event
"""
    run_alone(program)


def test_a_bundled_behaviour_is_without_what_other_callers_need(folder):
    """SES alone calls it; a user's function may have other callers."""
    entry = "mailroom.entry.receiving"
    bundled = zipfile.ZipFile(asset(modules=[entry, "mailroom.handlers.receiving.forward"]))
    assert "mailroom/receiving/arrivals.py" not in bundled.namelist()
    assert "mailroom/entry/_arrivals.py" not in bundled.namelist()
    own = zipfile.ZipFile(asset(folder, modules=[entry]))
    assert "mailroom/receiving/arrivals.py" in own.namelist()


def test_no_bundled_behaviour_has_a_zip_of_more_than_64_kb():
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
    assert sizes[largest] <= 65_536, f"{largest}: {sizes[largest]} bytes"


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


@pytest.mark.parametrize("module", ["address_list", "multi_region_endpoint", "smtp_credentials"])
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
