"""Undoes what a check created, whatever happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

_GONE = ("NotFound", "NoSuch", "NonExistent", "DoesNotExist", "NotExist")


class Cleanup:
    """What is to be undone, the newest first."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], Any]]] = []

    def add(self, what: str, undo: Callable[..., Any], **arguments: Any) -> None:
        """Note what was created and how to delete it; call it right before creating.

        What is not there any more counts as deleted.
        """
        self._steps.append((what, lambda: undo(**arguments)))

    def run(self) -> list[str]:
        """Undo everything; return what could not be deleted, each with the reason."""
        left = []
        while self._steps:
            what, undo = self._steps.pop()
            try:
                undo()
            except ClientError as error:
                if not any(word in error.response["Error"]["Code"] for word in _GONE) and (
                    "does not exist" not in str(error)
                ):
                    left.append(f"{what}: {error}")
            except KeyboardInterrupt:
                left.append(f"{what}: interrupted")
            except Exception as error:
                left.append(f"{what}: {error}")
        return left
