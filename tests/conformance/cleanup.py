"""Undoes what a check created, whatever happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

_GONE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotExist")

# So many times Ctrl-C while something is deleted.
_INSISTED = 3


class Cleanup:
    """What is to be undone, the newest first."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Any]]] = []

    def add(self, what: str, undo: Callable[..., Any], **arguments: Any) -> None:
        """Note what was created and how to delete it; call it right before creating.

        What is not there any more counts as deleted.
        """
        self._steps.append((what, lambda: undo(**arguments)))

    def run(self, left: list[str]) -> None:
        """Undo everything; add what could not be deleted to `left`, each with the reason.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed meanwhile; everything was undone nevertheless.
        """
        interrupted = 0
        while self._steps:
            what, undo = self._steps[-1]
            try:
                undo()
            except KeyboardInterrupt:
                # The step is begun again; only who insists leaves something behind.
                interrupted += 1
                if interrupted < _INSISTED:
                    continue
                left.append(f"{what}: interrupted")
            except Exception as error:
                if not _gone(error):
                    left.append(f"{what}: {error}")
            self._steps.pop()
        if interrupted:
            raise KeyboardInterrupt


def _gone(error: Exception) -> bool:
    if not isinstance(error, ClientError):
        return False
    code = error.response["Error"]["Code"]
    return any(word in code for word in _GONE) or "does not exist" in str(error)
