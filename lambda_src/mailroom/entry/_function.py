"""Imports the user's function, and reports how it ended."""

from __future__ import annotations

from importlib import import_module

from mailroom import _runtime
from mailroom.errors import HandlerExited, HandlerNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["resolve", "survivable"]

_NEVER_RUNS = 0x20 | 0x80 | 0x200
"""CO_GENERATOR, CO_COROUTINE and CO_ASYNC_GENERATOR; importing ``inspect`` would cost 9 ms."""


def resolve(spec: str) -> Callable[..., Any]:
    """Import ``module:function`` and return the function.

    Raises `HandlerNotFound` with the name that does not exist. What the module itself raises
    while it is imported propagates unchanged. Either is logged, with file and line.
    """
    try:
        return _resolved(spec)
    except BaseException as error:
        _runtime.log(
            "ERROR",
            "mailroom.import",
            handler=spec,
            outcome="failed",
            error=type(error).__name__,
            at=_runtime.where(error),
            detail=str(error)[:2000],
        )
        raise


def _resolved(spec: str) -> Callable[..., Any]:
    module_name, separator, function_name = spec.partition(":")
    if not (separator and module_name and function_name) or module_name.startswith("."):
        raise HandlerNotFound(f"handler is {spec!r}: write it as 'module:function'")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        # Another name than a part of this one: the module exists, and lacks what it imports.
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise HandlerNotFound(
            f"handler is {spec!r}: module {error.name!r} does not exist"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise HandlerNotFound(
            f"handler is {spec!r}: module {module_name!r} has no function {function_name!r}"
        )
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _NEVER_RUNS:
        raise HandlerNotFound(
            f"handler is {spec!r}: {function_name!r} is async or a generator, which would return "
            "without running; make it a plain function"
        )
    return function  # type: ignore[no-any-return]


def survivable(error: BaseException) -> Exception:
    """Return *error*, or `HandlerExited` for one that would end Lambda's process.

    A process that ends, for example by ``sys.exit``, takes other records of its batch with it, and
    the next invocation waits for a new one.
    """
    if isinstance(error, Exception):
        return error
    exited = HandlerExited(f"the handler raised {type(error).__name__}: {error!s:.80}")
    exited.__cause__ = error
    return exited.with_traceback(error.__traceback__)
