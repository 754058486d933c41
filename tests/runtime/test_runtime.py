"""What every entry point shares: log lines, metrics, and the console's address."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from mailroom import _runtime

SETUP = "import os\nfrom mailroom import _runtime"


@pytest.mark.parametrize(
    "statement", ["_runtime.log('INFO', 'test')", "_runtime.metric('Test', 1)"]
)
def test_a_line_is_written_even_if_the_process_is_killed_right_after(statement: str) -> None:
    """As Lambda does at a timeout, when nothing is flushed any more."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import os\nfrom mailroom import _runtime\n{statement}\nos._exit(1)",
        ],
        env={"PYTHONPATH": _runtime.__file__.rpartition("/mailroom/")[0]},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert json.loads(done.stdout)


def test_a_field_without_a_value_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """``None`` counts as missing; zero and the empty string do not."""
    _runtime.log("INFO", "test", rule=None, count=0, text="")
    line = json.loads(capsys.readouterr().out)
    assert {name: line[name] for name in line if name != "timestamp"} == {
        "level": "INFO", "event": "test", "count": 0, "text": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("us-gov-west-1", "console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("", "console.aws.amazon.com"),
    ],
)
def test_each_partition_has_its_own_console(region: str, host: str) -> None:
    """GovCloud's is one for all of its regions."""
    assert _runtime.console(region) == host


CODE = """
from mailroom import _runtime
{imports}
def on_mail():
    {body}
try:
    on_mail()
except BaseException as error:
    print(_runtime.where(error))
"""


def place(folder: Path, body: str, imports: str = "") -> str:
    """Where an error is in a function whose folder this is."""
    (folder / "app.py").write_text(CODE.format(imports=imports, body=body))
    done = subprocess.run(
        [sys.executable, str(folder / "app.py")],
        env={
            "PYTHONPATH": _runtime.__file__.rpartition("/mailroom/")[0],
            "LAMBDA_TASK_ROOT": str(folder),
        },
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return done.stdout.strip()


def test_an_error_is_where_the_users_code_called_a_library(tmp_path: Path) -> None:
    assert place(tmp_path, "import json; json.loads('')") == "app.py:5"


def test_an_error_in_another_module_of_the_user_is_there(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "tickets.py").write_text("def number():\n    raise ValueError\n")
    assert place(tmp_path, "number()", "from lib.tickets import number") == "lib/tickets.py:2"


def test_an_error_in_a_requirement_is_where_the_users_code_called_it(tmp_path: Path) -> None:
    """Requirements are in the folder of the function, too."""
    (tmp_path / "printer-1.0.dist-info").mkdir()
    (tmp_path / "printer.py").write_text("def burn():\n    raise OSError\n")
    assert place(tmp_path, "printer.burn()", "import printer") == "app.py:5"


def test_a_syntax_error_is_in_the_file_that_has_it(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("x = 1\ny = = 2\n")
    assert place(tmp_path, "import broken") == "broken.py:2"


def test_no_request_waits_forever() -> None:
    """Python's own have no time limit unless they are given one."""
    calls = [
        call
        for path in Path(_runtime.__file__).parent.rglob("*.py")
        if "urlopen(" in (text := path.read_text("utf-8")) or "smtplib.SMTP" in text
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) in ("urlopen", "smtplib.SMTP", "smtplib.SMTP_SSL")
    ]
    assert len(calls) >= 4
    for call in calls:
        assert "timeout" in {keyword.arg for keyword in call.keywords}, ast.unparse(call)
