"""Your own function for a flow rule."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Unpack

from aws_cdk import aws_lambda as lambda_

from cdk_mailroom._checks import Problems
from cdk_mailroom.functions import FunctionOptions, PythonFunction
from cdk_mailroom.workmail.limits import SYNCHRONOUS_SECONDS

__all__ = ["FlowHandler"]


class FlowHandler(PythonFunction):
    """Your own function for a flow rule: ``FlowHandler("policy", "app:on_flow")``.

    It takes one ``mailroom.workmail.FlowMail`` and returns ``mail.answer()…`` or ``None``. A
    `PythonHandler` is accepted too, if it needs neither *replaces* nor a default timeout that fits.
    """

    default_memory_size: ClassVar[int] = 1024
    """MiB, unless ``memory_size`` is given."""
    only: ClassVar[str | None] = None
    """``synchronous`` or ``asynchronous`` if the code makes sense in one of the two modes only."""

    def __init__(
        self,
        folder: str | Path | None,
        handler: str,
        *,
        read_mail: bool = True,
        replaces: bool = False,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe the function.

        Args:
            folder: The folder with your modules; ``None`` if the code comes in a layer, or with the
                runtime.
            handler: ``module:function``.
            read_mail: Whether to grant reading messages in flow. Without it the function starts
                faster, because it does not load boto3.
            replaces: Whether to grant replacing messages too, and to make the bucket for them.
            **options: See `FunctionOptions`; the timeout is 15 seconds by default, because WorkMail
                waits no longer for a synchronous function, and the memory 1024 MiB.

        Raises:
            ConfigurationError: The function cannot be found, a limit is exceeded, or *replaces*
                without *read_mail*.
        """
        self._read_mail = read_mail
        self._replaces = replaces
        super().__init__(folder, handler, **options)

    @property
    def read_mail(self) -> bool:
        """Whether the function may read messages in flow."""
        return self._read_mail

    @property
    def replaces(self) -> bool:
        """Whether the function may replace messages."""
        return self._replaces

    @property
    def default_seconds(self) -> int:
        """As long as WorkMail waits for a synchronous function."""
        return SYNCHRONOUS_SECONDS

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        super().check(problems)
        if self._replaces and not self._read_mail:
            problems.add(
                "read_mail", False, "omit it: a function that replaces messages reads them first"
            )

    def configure_flow(self, function: lambda_.Function) -> None:
        """Grant and set what the code needs; called once for each rule. Does nothing here.

        Args:
            function: The function of the rule.
        """
