"""Deploys an app again as its files are saved: of a handler's folder, its functions alone."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from mailroom_local._journal import Journal
from mailroom_local.control import deployments, functions
from mailroom_local.control.environments import parsed
from mailroom_local.control.errors import MailroomError
from mailroom_local.control.functions import DeployedFunction
from mailroom_local.control.local import LocalAws
from mailroom_local.control.packer import CodeRefused, Packer

_DEBOUNCE_MS = 50
# A file is dated by the last tick of the kernel, which may be before the clock was read.
_TICK = 0.01
_STEP_MS = 20
# How soon it is known that nothing has changed.
_IDLE_MS = 100
# What is not packed, and what editors leave; folders and files that begin with a dot, too.
_NOT_CODE_FOLDERS = frozenset({"__pycache__", "node_modules"})
_NOT_CODE_ENDS = (".pyc", ".pyo", "~", ".swp", ".swx", ".tmp", ".bak")
# What changes without a change of the app; the CDK CLI itself writes some of it.
_NOT_APP_FOLDERS = _NOT_CODE_FOLDERS | {"cdk.out", "site-packages", "tests"}
_NOT_APP_ENDS = (*_NOT_CODE_ENDS, "cdk.context.json", ".log", ".md", ".rst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a watcher did, or what is wrong."""

    text: str
    """One line or more."""
    failed: bool = False
    """Whether the last good code goes on."""


class Watcher:
    """Watches an app that was deployed to a local AWS.

    Args:
        aws: The local AWS.
        folder: The folder of the app.
        deploy: Deploys the app in full.
        since: When the deployment began; what was saved after that is deployed again.
        tell: Gets what was done, at once.
    """

    def __init__(
        self,
        aws: LocalAws,
        *,
        folder: Path,
        deploy: Callable[[], None],
        since: float,
        tell: Callable[[Notice], None],
    ) -> None:
        self._aws = aws
        self._folder = folder.resolve()
        self._deploy = deploy
        self._since = since
        self._tell = tell
        self._journal = Journal(aws.state.journal)
        self._packer = Packer()
        self._functions: list[DeployedFunction] = []
        self._digests: dict[DeployedFunction, str] = {}
        self._names: dict[DeployedFunction, str] = {}
        self._broken = False

    def run(self, stop: Event) -> None:
        """Watch until *stop* is set."""
        try:
            while not stop.is_set():
                # Each deployment in full may bring functions with other folders.
                self.look()
                for files in self._edits(stop):
                    if files and self.handle(files):
                        break
        finally:
            self.close()

    def await_edit(self) -> None:
        """Wait until a file of the app is saved, or the local AWS ends; of functions none is known.

        For an app that could not be deployed yet.
        """
        for files in self._edits(Event()):
            if files or not self._aws.running:
                return

    def _edits(self, stop: Event) -> Iterator[set[Path]]:
        """The files that are saved, again and again; and none, if none is for a moment."""
        # Only here, as nothing else needs it.
        from watchfiles import watch

        late = None
        for changes in watch(
            *self._watched(),
            watch_filter=lambda _, path: self.matters(Path(path)),
            debounce=_DEBOUNCE_MS,
            step=_STEP_MS,
            stop_event=stop,
            rust_timeout=_IDLE_MS,
            yield_on_timeout=True,
        ):
            files = {Path(path) for _, path in changes}
            if late is None:
                # Looked up only now, as from here on every change is noticed.
                late = set(self._saved_late())
                files |= late
                self._forget_packed(late)
            yield files

    def _forget_packed(self, late: set[Path]) -> None:
        # It may have been saved before `look` packed it, and is then not what is deployed.
        for function in self._functions:
            if any(function.has(file) for file in late):
                self._digests.pop(function, None)

    def close(self) -> None:
        """End the process that packs."""
        self._packer.close()

    def handle(self, changed: Iterable[Path]) -> bool:
        """Deploy what these files belong to; return whether the app was deployed in full."""
        files = list(changed)
        own = [one for one in self._functions if any(one.has(file) for file in files)]
        try:
            if own:
                self._update_recorded(own)
            # An app may stand in the folder of its handler.
            if any(self._is_of_app(file) for file in files):
                self._deploy_all()
                return True
        except MailroomError as error:
            self._broken = True
            self._tell(Notice(text=deployments.described(error), failed=True))
        except Exception as error:
            # Whatever went wrong, the next edit may mend it.
            self._tell(Notice(text=deployments.described(error), failed=True))
        return False

    def look(self) -> None:
        """Learn what is deployed, and pack it once, so that the next time takes a moment."""
        self._functions = functions.of_assembly(self._aws.state.cdk_out)
        self._digests.clear()
        self._names.clear()
        for function in self._functions:
            try:
                self._digests[function] = self._packer.pack(function.code)[1]
            except CodeRefused as error:
                self._tell(Notice(text=deployments.described(error), failed=True))

    def _watched(self) -> Iterator[Path]:
        yield self._folder
        for function in self._functions:
            for path in (function.folder, function.requirements):
                if path is not None and path.exists() and not path.is_relative_to(self._folder):
                    yield path

    def _saved_late(self) -> Iterator[Path]:
        for root in self._watched():
            for directory, folders, names in os.walk(root):
                folders[:] = [name for name in folders if self.matters(Path(directory, name))]
                for path in (Path(directory, name) for name in names):
                    if self.matters(path) and path.stat().st_mtime > self._since - _TICK:
                        yield path

    def matters(self, path: Path) -> bool:
        """Whether a file's change is one of the app or of a function's code."""
        if path.is_relative_to(self._aws.state.root):
            return False
        for function in self._functions:
            if path == function.requirements:
                return True
            if path.is_relative_to(function.folder):
                parts = path.relative_to(function.folder).parts
                return _counts(parts, _NOT_CODE_FOLDERS, _NOT_CODE_ENDS)
        if not path.is_relative_to(self._folder):
            return False
        return _counts(path.relative_to(self._folder).parts, _NOT_APP_FOLDERS, _NOT_APP_ENDS)

    def _is_of_app(self, file: Path) -> bool:
        return not any(
            function.has(file) and not self._folder.is_relative_to(function.folder)
            for function in self._functions
        )

    def _update_recorded(self, own: list[DeployedFunction]) -> None:
        started = time.perf_counter()
        try:
            updated = self._update(own)
        except Exception as error:
            text = deployments.described(error)
            deployments.ended(self._journal, "failed", text, started=started)
            raise
        if updated:
            text = f"updated {', '.join(updated)}"
            deployments.ended(self._journal, "succeeded", text, started=started)
            took = (time.perf_counter() - started) * 1000
            self._tell(Notice(text=f"{text} in {took:.0f} ms"))

    def _update(self, own: list[DeployedFunction]) -> list[str]:
        # All or none: functions that share a folder share its faults.
        packed = {function: self._packer.pack(function.code) for function in own}
        updated = []
        for function, (path, digest) in packed.items():
            if digest == self._digests.get(function):
                continue
            self._client("lambda", function).update_function_code(
                FunctionName=self._name(function), ZipFile=path.read_bytes()
            )
            self._digests[function] = digest
            updated.append(function.code["handler"])
        was_broken, self._broken = self._broken, False
        if was_broken and not updated:
            self._tell(Notice(text="the code is as deployed again"))
        return updated

    def _name(self, function: DeployedFunction) -> str:
        if function not in self._names:
            found = self._client("cloudformation", function).describe_stack_resource(
                StackName=function.stack, LogicalResourceId=function.logical_id
            )
            self._names[function] = found["StackResourceDetail"]["PhysicalResourceId"]
        return self._names[function]

    def _client(self, service: str, function: DeployedFunction) -> Any:
        place = parsed(function.environment, default=self._aws.environment)
        return self._aws.client(service, account=place.account, region=place.region)

    def _deploy_all(self) -> None:
        self._tell(Notice(text="the app has changed: deploying it"))
        self._since, started = time.time(), time.perf_counter()
        self._deploy()
        self._tell(Notice(text=f"deployed in {time.perf_counter() - started:.1f} s"))


def _counts(parts: Sequence[str], folders: frozenset[str], ends: tuple[str, ...]) -> bool:
    return not any(part.startswith(".") or part in folders or part.endswith(ends) for part in parts)
