"""``make check-emulator``: what a newer emulator would break.

Installs the newest ministack into a temporary environment, and lists the names there that
``mailroom_local/_emulator`` touches and that are gone. If none is, it starts a server with it, and
mail must come in and go out.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from round_trip import ROUND_TRIP

ROOT = Path(__file__).parents[1]
INTERNALS = ROOT / "constructs_lib" / "mailroom_local" / "_emulator" / "internals.py"

# Runs in the temporary environment.
LIST = """
import importlib, importlib.metadata, json, sys
gone = []
for name, members in json.loads(sys.argv[1]).items():
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        gone.append(f"{name}: {error}")
        continue
    gone += [f"{name}.{member}" for member in members if not hasattr(module, member)]
print(json.dumps([importlib.metadata.version("ministack"), gone]))
"""
MAIL = f"""
from mailroom_local.control import emulator
emulator._is_here = lambda: True
{ROUND_TRIP}
"""


def touched() -> dict[str, list[str]]:
    """The emulator's names that are declared, without importing it."""
    for node in ast.parse(INTERNALS.read_text()).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "INTERNALS":
            assert node.value is not None
            return {name: list(members) for name, members in ast.literal_eval(node.value).items()}
    raise SystemExit(f"{INTERNALS} does not declare INTERNALS")


def main() -> int:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pinned, *others = [*extras["emulator"], *extras["lake"]]
    with tempfile.TemporaryDirectory(prefix="mailroom-newest-emulator-") as folder:
        python = Path(folder) / "venv" / "bin" / "python"
        subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--upgrade", pinned.partition("=")[0], *others], check=True)
        env = {
            **os.environ,
            "STATE_DIR": folder,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "constructs_lib", ROOT / "lambda_src"))),
        }
        names = touched()
        listed = subprocess.run(
            [python, "-c", LIST, json.dumps(names)],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        version, gone = json.loads(listed.stdout.splitlines()[-1])
        total = sum(map(len, names.values()))
        print(f"ministack {version} (pinned: {pinned}): {len(gone)} of {total} names are gone")
        for name in gone:
            print(f"  {name}")
        if gone:
            return 1
        state = Path(folder) / "state"
        works = subprocess.run([python, "-c", MAIL, state], env=env, check=False).returncode == 0
        print("mail goes in and out" if works else "but mail does not go in and out: see above")
        return 0 if works else 1


if __name__ == "__main__":
    sys.exit(main())
