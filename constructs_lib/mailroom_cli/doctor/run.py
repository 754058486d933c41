"""Looks at every subject of an account, several at a time and within a bounded time."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib import import_module
from threading import Thread
from time import monotonic
from typing import Protocol, cast

from mailroom_cli.doctor import subjects
from mailroom_cli.doctor.findings import ORDER, Finding
from mailroom_cli.doctor.place import Place
from mailroom_cli.doctor.reading import Unseen

SECONDS = 120.0
"""How long an account is looked at, at most."""


class Subject(Protocol):
    """A module that looks at one subject."""

    __doc__: str | None
    RANK: int
    NEEDS: Sequence[str]

    def look(self, place: Place) -> Iterator[Finding]:
        """Yield what is found."""
        ...


@cache
def found() -> dict[str, Subject]:
    """Return the subjects by name, in the order in which they are shown."""
    modules = {
        one.name: cast("Subject", import_module(f"{subjects.__name__}.{one.name}"))
        for one in pkgutil.iter_modules(subjects.__path__)
    }
    return dict(sorted(modules.items(), key=lambda item: item[1].RANK))


def title(subject: str) -> str:
    """Return what to call a subject."""
    module = found().get(subject)
    return (module.__doc__ or subject).partition(":")[0] if module else subject.capitalize()


def look(place: Place, *, seconds: float = SECONDS) -> list[Finding]:
    """Return what is found in an account.

    Args:
        place: The account and region.
        seconds: How long to wait for its answers.
    """
    futures: dict[str, Future[list[Finding]]] = {}
    for name, module in found().items():
        futures[name] = Future()
        one = replace(place, subject=name, reader=place.reader.for_subject())
        # Daemons, because a call without an answer must not keep the command from ending.
        Thread(target=_into, args=(futures[name], module, one), daemon=True).start()
    deadline = monotonic() + seconds
    everything: list[Finding] = []
    for name, future in futures.items():
        try:
            everything += future.result(timeout=max(0.0, deadline - monotonic()))
        except TimeoutError:
            everything.append(
                replace(place, subject=name).warning(
                    "no-answer",
                    f"not looked at: no answer within {seconds:.0f} s",
                    remedy="check the network, then look again",
                )
            )
        except Exception as error:  # one subject must not hide the others
            everything.append(
                replace(place, subject=name).warning(
                    "not-seen",
                    f"could not be looked at: {type(error).__name__}: {error}",
                    remedy="report it, with this text: AWS answered something unexpected",
                )
            )
    return everything


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings of one subject in the order in which they are shown."""
    return sorted(findings, key=lambda one: ORDER.index(one.level))


def policy() -> dict[str, object]:
    """Return the IAM policy that allows everything that is looked at, and nothing else."""
    actions = sorted({action for module in found().values() for action in module.NEEDS})
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _into(future: Future[list[Finding]], module: Subject, place: Place) -> None:
    try:
        future.set_result(list(_seen(module, place)))
    except BaseException as error:  # it is raised where the result is read
        future.set_exception(error)


def _seen(module: Subject, place: Place) -> Iterator[Finding]:
    with suppress(Unseen):
        yield from module.look(place)
    for permission, reason in place.reader.unseen.items():
        if reason:
            yield place.warning("not-seen", f"could not be looked at ({permission}): {reason}")
        else:
            yield place.warning(
                "not-seen",
                f"could not be looked at: needs {permission}",
                remedy="allow it; the whole policy:",
                command="mailroom doctor --policy",
            )
