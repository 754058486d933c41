"""Only the entry points import the user's function, and a wrong name fails their import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mailroom

PACKAGE = Path(mailroom.__file__).parent
PUBLIC = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
SPECS = {
    "MAILROOM_HANDLER": "{}:on_mail",
    "MAILROOM_HANDLERS": '{{"Bounce": ["{}:on_mail"]}}',
    "MAILROOM_TRANSFORM": "{}:on_mail",
    "MAILROOM_FLOW_HANDLER": "{}:on_mail",
}
ENTRIES = {
    "receiving": ("MAILROOM_HANDLER", "ReceivedMail"),
    "events": ("MAILROOM_HANDLERS", "Bounce"),
    "lake": ("MAILROOM_TRANSFORM", "row"),
    "workmail": ("MAILROOM_FLOW_HANDLER", "FlowMail"),
}
BUILT = [name for name in ENTRIES if (PACKAGE / f"entry/{name}.py").exists()]


def run(folder: Path, code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a new process that finds the runtime and the modules in *folder*."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{PACKAGE.parent}{os.pathsep}{folder}", **env},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def complaint(folder: Path, entry: str, **env: str) -> str:
    """Import an entry point as Lambda does, and return the last line of its error."""
    code = f"import mailroom.entry.{entry}"
    done = run(folder, code, _HANDLER=f"mailroom.entry.{entry}.handler", **env)
    return done.stderr.strip().rpartition("\n")[2]


@pytest.mark.parametrize("capability", BUILT)
def test_a_users_module_can_be_imported_by_itself_in_the_deployed_environment(
    tmp_path: Path, capability: str
) -> None:
    """Its import of the types runs nothing, although the settings name this very module."""
    setting, name = ENTRIES[capability]
    (tmp_path / "app.py").write_text(
        f"from mailroom.{capability} import {name}\nprint('ran')\ndef on_mail(mail): ...\n"
    )
    env = {setting: SPECS[setting].format("app")}
    done = run(tmp_path, "import app", **env, _HANDLER=f"mailroom.entry.{capability}.handler")
    assert (done.stdout, done.stderr) == ("ran\n", "")
    assert complaint(tmp_path, capability, **env) == ""


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_a_package_does_not_import_the_users_function(
    tmp_path: Path, package: str
) -> None:
    """Every setting names a module that fails, and every module but the entry points imports."""
    (tmp_path / "broken.py").write_text("raise SystemExit('the user module ran')")
    env = {setting: spec.format("broken") for setting, spec in SPECS.items()}
    code = f"import sys, mailroom.{package}; print('broken' in sys.modules)"
    done = run(tmp_path, code, **env)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("entry", BUILT)
def test_a_wrong_name_fails_while_lambda_initialises(tmp_path: Path, entry: str) -> None:
    """The import of the entry point itself raises, before there is any invocation."""
    setting = ENTRIES[entry][0]
    env = {setting: SPECS[setting].format("apq")}
    found = complaint(tmp_path, entry, **env)
    assert found.endswith("HandlerNotFound: handler is 'apq:on_mail': module 'apq' does not exist")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("app", "HandlerNotFound: handler is 'app': write it as 'module:function'"),
        ("app:", "write it as 'module:function'"),
        (":on_mail", "write it as 'module:function'"),
        (".app:on_mail", "write it as 'module:function'"),
        ("", "NotConfigured: environment variable MAILROOM_HANDLER is not set"),
        ("package.apq:on_mail", "module 'package.apq' does not exist"),
        ("app.sub:on_mail", "module 'app.sub' does not exist"),
        ("app:on_male", "HandlerNotFound: handler is 'app:on_male': module 'app' has no function"),
        ("app:NUMBER", "module 'app' has no function 'NUMBER'"),
        ("app:on_mail_async", "'on_mail_async' is async or a generator"),
        ("app:on_mail_generator", "'on_mail_generator' is async or a generator"),
        ("app:on_mail_async_generator", "'on_mail_async_generator' is async or a generator"),
        ("lacking:on_mail", "ModuleNotFoundError: No module named 'not_installed'"),
        ("broken:on_mail", "ZeroDivisionError: division by zero"),
        ("app:on_mail", ""),
        ("app:Callable", ""),
        ("package.app:on_mail", ""),
    ],
)
def test_the_error_says_exactly_what_is_wrong_with_a_name(
    tmp_path: Path, spec: str, text: str
) -> None:
    """The form, the module or the function; errors of the user's module stay its own.

    A function that is async or a generator would return without running, and every mail would
    count as handled.
    """
    app = (
        "from mailroom.receiving import *\nNUMBER = 3\n"
        "def on_mail(mail: ReceivedMail) -> Disposition: ...\n"
        "async def on_mail_async(mail): ...\n"
        "def on_mail_generator(mail): yield\n"
        "async def on_mail_async_generator(mail): yield\n"
        "class Callable: ...\n"
    )
    (tmp_path / "package").mkdir()
    (tmp_path / "app.py").write_text(app)
    (tmp_path / "package/app.py").write_text(app)
    (tmp_path / "lacking.py").write_text("import not_installed")
    (tmp_path / "broken.py").write_text("1 / 0")
    found = complaint(tmp_path, "receiving", MAILROOM_HANDLER=spec)
    assert text in found
    assert bool(found) is bool(text)


def test_one_wrong_name_among_several_fails_the_initialisation(tmp_path: Path) -> None:
    """All functions of all types are imported before the first event."""
    (tmp_path / "app.py").write_text("def on_bounce(event): ...\n")
    handlers = json.dumps({"Bounce": ["app:on_bounce", "app:on_bounse"]})
    assert "'app' has no function 'on_bounse'" in complaint(
        tmp_path, "events", MAILROOM_HANDLERS=handlers
    )
