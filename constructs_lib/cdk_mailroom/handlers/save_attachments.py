"""Save each attachment as a separate object."""

from __future__ import annotations

from typing import Unpack

from aws_cdk import Tokenization
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

from cdk_mailroom._checks import Problems, check_number, check_prefix
from cdk_mailroom._objects import grant_write
from cdk_mailroom.actions.base import RuleContext
from cdk_mailroom.functions import FunctionOptions
from cdk_mailroom.handlers._verdicts import warn_of_verdicts
from cdk_mailroom.handlers.python_handler import PythonHandler
from mailroom import ses

__all__ = ["SaveAttachments"]


class SaveAttachments(PythonHandler):
    """Save each attachment as a separate object, and write a manifest.

    Grants writing below *prefix* only. The code is
    ``mailroom.handlers.receiving.save_attachments``.
    """

    needs_mail = True
    default_memory_size = 1024

    def __init__(
        self,
        *,
        bucket: s3.IBucket | None = None,
        prefix: str = "attachments/",
        max_bytes: int = ses.RECEIVED_BYTES,
        max_count: int = 100,
        **options: Unpack[FunctionOptions],
    ) -> None:
        """Describe what is saved.

        Args:
            bucket: The rule's mail bucket by default.
            prefix: What object names begin with; ``<message id>/<name>`` follows.
            max_bytes: Larger attachments are listed in the manifest only; 40 MB by default. The
                message itself is stored whole in any case.
            max_count: Further attachments are listed in the manifest only, 1 to 500.
            **options: See `FunctionOptions`. Memory is 1024 MiB by default.

        Raises:
            ConfigurationError: A limit is out of bounds.
        """
        self._bucket = bucket
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._max_count = max_count
        super().__init__(None, "mailroom.handlers.receiving.save_attachments:on_mail", **options)

    def check(self, problems: Problems) -> None:
        """Note everything that is wrong with the arguments."""
        check_prefix(problems, "prefix", self._prefix)
        check_number(
            problems, "max_bytes", self._max_bytes, range(1, ses.RECEIVED_BYTES + 1), "bytes"
        )
        check_number(problems, "max_count", self._max_count, range(1, 501), "attachments")
        super().check(problems)

    def configure(self, function: lambda_.Function, context: RuleContext) -> None:
        """Grant writing below the prefix, and set it."""
        assert context.stored is not None  # check_rule() refuses the rule otherwise
        bucket = self._bucket or context.stored.bucket
        grant_write(function, bucket, self._prefix)
        warn_of_verdicts(function, context, "attachments with viruses are saved too")
        settings = {
            "MAILROOM_ATTACHMENTS_BUCKET": bucket.bucket_name,
            "MAILROOM_ATTACHMENTS_PREFIX": self._prefix,
            "MAILROOM_ATTACHMENTS_MAX_BYTES": Tokenization.stringify_number(self._max_bytes),
            "MAILROOM_ATTACHMENTS_MAX_COUNT": Tokenization.stringify_number(self._max_count),
        }
        for name, value in settings.items():
            function.add_environment(name, value)
