"""What a handler imports is there in Lambda, or the app does not synthesize."""

from __future__ import annotations

from pathlib import Path

import pytest
from aws_cdk import aws_lambda as lambda_
from synthesis import refuses

from cdk_mailroom import PythonHandler, _requirements


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a handlers' folder with a module, a package and a folder of data."""
    (tmp_path / "team" / "inner").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "words.txt").write_text("hello")
    (tmp_path / "helper.py").write_text("import json\nNAMES, OTHERS = [], []\n")
    (tmp_path / "native.cpython-313-aarch64-linux-gnu.so").write_bytes(b"")
    (tmp_path / "team" / "__init__.py").write_text("from . import people\nSIZE: int = 3\n")
    (tmp_path / "team" / "people.py").write_text("from .inner import deep\ndef find(): ...\n")
    (tmp_path / "team" / "inner" / "deep.py").write_text("")
    return tmp_path


def handler(folder: Path, code: str, **options) -> PythonHandler:
    """Return a handler whose module begins with *code*."""
    (folder / "app.py").write_text(f"{code}\n\n\ndef on_mail(mail):\n    pass\n")
    return PythonHandler(folder, "app:on_mail", **options)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("from mailroom.recieving import ReceivedMail", "did you mean 'receiving'?"),
        ("import mailroom.recieving", "did you mean 'receiving'?"),
        ("from mailroom import recieving", "did you mean 'receiving'?"),
        ("from mailroom.receiving import RecievedMail", "did you mean 'ReceivedMail'?"),
        ("from mailroom.conversation import reply_adress", "did you mean 'reply_address'?"),
        ("from mailroom.events.types import Bounced", "did you mean 'Bounce'?"),
        ("from mailroom.lake import Lkae", "did you mean 'Lake'?"),
        ("from mailroom.testing import received_mail", "not deployed"),
        ("import requests", "requirements.txt"),
        ("import yaml.nodes", "nothing provides 'yaml'"),
        ("from google.cloud import storage", "nothing provides 'google'"),
        ("import aws_cdk", "nothing provides 'aws_cdk'"),
        ("import helper.more", "'helper' is a module, not a package"),
        ("from helper import NAME", "did you mean 'NAMES'?"),
        ("from team import peple", "did you mean 'people'?"),
        ("import team.peple", "did you mean 'people'?"),
        ("from team.inner import shallow", "'team.inner' has no 'shallow'"),
        ("from . import helper", "write 'import helper'"),
        ("from .helper import NAMES", "write 'from helper import NAMES'"),
        ("import imghdr", "Python 3.13 no longer has 'imghdr'"),
        ("import compression.zstd", "Python 3.13 does not have 'compression' yet"),
        ("class Late:\n    import requests", "nothing provides 'requests'"),
        ("def late():\n    import requests", "nothing provides 'requests'"),
        ("if DEBUG:\n    import requests", "nothing provides 'requests'"),
        ("try:\n    import requests\nexcept KeyError:\n    pass", "nothing provides 'requests'"),
        ("try:\n    import one\nexcept ImportError:\n    import other", "nothing provides 'other'"),
        (
            "try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    import other",
            "'other'",
        ),
        (
            "try:\n    import json\nexcept ImportError:\n    pass\nfinally:\n    import other",
            "'other'",
        ),
        ("if not TYPE_CHECKING:\n    import requests", "nothing provides 'requests'"),
    ],
)
def test_an_import_that_nothing_satisfies_is_refused(folder, code, remedy):
    """The error names file, line, import and remedy."""
    with refuses("handler is 'app:on_mail'", f"{folder / 'app.py'}:", remedy):
        handler(folder, code)


def test_the_error_names_the_line_and_the_import_as_it_is_written(folder):
    with refuses("app.py:2, 'from mailroom.recieving import ReceivedMail': "):
        handler(folder, "import json\nfrom mailroom.recieving import ReceivedMail")


def test_all_unsatisfied_imports_are_named_together(folder):
    """Also those of the modules that the handler's imports."""
    (folder / "helper.py").write_text("import flask\n")
    with refuses("app.py:1, 'import requests'", "helper.py:1, 'import flask'"):
        handler(folder, "import requests\nimport helper")


@pytest.mark.parametrize("code", ["import team.people", "from team import people"])
def test_a_submodule_is_searched_however_it_is_imported(folder, code):
    """``from team import people`` may mean a name in the package, or a module below it."""
    (folder / "team" / "__init__.py").write_text("")
    (folder / "team" / "people.py").write_text("import flask\n")
    with refuses("people.py:1, 'import flask'"):
        handler(folder, code)


@pytest.mark.parametrize(
    "code",
    [
        "from mailroom.receiving import Address, Attachment, Disposition, ReceivedMail",
        "from mailroom.conversation import Split, reply_address",
        "import mailroom.sending as sending",
        "from mailroom import events",
        "from mailroom.handlers.events import bounce",
        "import boto3, botocore.exceptions, dateutil.tz, urllib3\nfrom six.moves import urllib",
        "from __future__ import annotations\nimport os.path\nfrom email.message import Message",
        "import helper\nfrom helper import NAMES, OTHERS",
        "import team.people\nfrom team import SIZE, inner, people\nfrom team.people import find",
        "import data\nimport native",
        "from helper import *",
        "if TYPE_CHECKING:\n    import requests",
        "if typing.TYPE_CHECKING:\n    import requests\nelse:\n    import json",
        "if __name__ == '__main__':\n    import pytest",
        "if sys.version_info >= (3, 14):\n    import compression.zstd",
        "if os.environ.get('LOCAL'):\n    import local_tool",
        "try:\n    import requests\nexcept ImportError:\n    requests = None",
        "try:\n    import requests\nexcept (KeyError, ModuleNotFoundError):\n    pass",
        "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
        "def late():\n    try:\n        import requests\n    except Exception:\n        pass",
        "with contextlib.suppress(ImportError):\n    import requests",
    ],
)
def test_an_import_that_is_satisfied_or_may_fail_is_accepted(folder, code):
    """By the folder, the runtime, Lambda or the standard library; or the code expects it."""
    assert handler(folder, code)


def test_a_module_that_nothing_imports_is_not_looked_at(folder):
    """Such as tests beside the handler, whose imports are there on the developer's machine."""
    (folder / "test_app.py").write_text("import pytest\n")
    assert handler(folder, "import helper")


def test_the_standard_library_is_that_of_the_functions_python(folder):
    """Whichever Python synthesizes the app."""
    assert handler(folder, "import imghdr", runtime=lambda_.Runtime.PYTHON_3_12)
    assert handler(folder, "import compression.zstd", runtime=lambda_.Runtime.PYTHON_3_14)
    with refuses("Python 3.12 no longer has 'distutils'"):
        handler(folder, "import distutils", runtime=lambda_.Runtime.PYTHON_3_12)


def test_a_folder_of_data_does_not_hide_a_package_of_the_same_name(folder):
    """Python takes a folder without __init__.py only if nothing else has the name."""
    (folder / "email").mkdir()
    assert handler(folder, "from email.message import EmailMessage")


def test_what_a_layer_provides_is_unknown_so_any_distribution_may_be_imported(folder, stack):
    """But not what is in the runtime or the folder: those are known."""
    layer = lambda_.LayerVersion.from_layer_version_arn(
        stack, "Layer", "arn:aws:lambda:eu-west-1:111122223333:layer:tools:1"
    )
    assert handler(folder, "import requests", layers=[layer])
    with refuses("did you mean 'receiving'?"):
        handler(folder, "import mailroom.recieving", layers=[layer])


@pytest.fixture
def installed(monkeypatch, folder) -> list[Path]:
    """Stand in for pip, and return what was asked for."""
    asked: list[Path] = []

    def install(requirements, runtime, architecture):
        asked.append(requirements)
        files = (
            "yaml/__init__.py",
            "six.py",
            "_x.cpython-313-x86_64-linux-gnu.so",
            "a-1.dist-info",
        )
        return dict.fromkeys([*files, "google/cloud/storage/__init__.py"], b"")

    monkeypatch.setattr(_requirements, "installed", install)
    (folder / "requirements.txt").write_text("pyyaml\n")
    return asked


def test_a_requirement_may_have_another_name_than_its_modules(folder, installed):
    """What was installed tells: PyYAML brings the module yaml."""
    assert handler(folder, "import yaml, six, _x\nfrom google.cloud import storage")
    with refuses("nothing provides 'pyyaml'", str(folder / "requirements.txt")):
        handler(folder, "import pyyaml")


def test_requirements_are_not_installed_before_an_import_needs_them(folder, installed):
    """So that what is satisfied without them costs nothing at synth."""
    handler(folder, "import json, helper, mailroom.sending")
    assert installed == []


def test_a_folder_may_add_to_the_namespace_of_a_requirement(folder, installed):
    (folder / "google").mkdir()
    (folder / "google" / "ours.py").write_text("")
    assert handler(folder, "from google.cloud import storage\nfrom google import ours")
