"""Make rows of sending events: the event lake's schema, and what Firehose calls to fill it.

`SCHEMA` is the one description of the lake's table, which the construct's Glue table, the
documentation and `row` share. The two columns of `PARTITIONS` are not in the rows, as they are part
of each object's key. Times are both ISO 8601 text, which sorts and reads well, and milliseconds
since 1970, with which one calculates; about everything else the engines disagree.

Settings
    ``MAILROOM_TRANSFORM``
        ``module:function`` of your own: ``transform(event) -> dict | None``. Default: none.
        ``None`` drops the event. A key that is a column replaces its value, any other goes into
        the map ``extra``, as text. What it raises fails that record alone.
    ``MAILROOM_PSEUDONYM_SECRET``
        ARN or name of the secret whose text is the key of the recipients' pseudonyms. Default:
        addresses stay. It is read once in the life of a process, so that another key takes effect
        with new processes, and then gives other pseudonyms.

Permissions
    ``secretsmanager:GetSecretValue`` on that secret, and ``kms:Decrypt`` if it has its own key.

Metrics
    ``LakeFailed``, records that are kept under the error prefix instead of the table;
    ``LakeOverflow``, those among them that only would not fit into the answer.

Pseudonyms
    HMAC-SHA256 of the lower-cased address, 32 hexadecimal digits of it, before the address's own
    domain, which is what statistics need. The event is rewritten before anything reads it: each
    address wherever it is, also in what a server said. Headers are left out whole, as is what
    follows a link's ``?`` or ``#``, since both name people in ways that nobody can foresee. A
    record that fails is kept as it came, with its addresses.

Size
    Lambda answers at most 6 MB. AWS's samples take 2.9 to 5.2 times their own size, so a buffer
    of 1 MB leaves room even if it held nothing but the smallest ones. If the room should not do
    nonetheless, the last records are ``ProcessingFailed``: they are kept whole, they raise an
    alarm, and they can be replayed, whereas rows without ``raw`` would lose something for good. As
    a failed record is answered with no more than was asked, such an answer always fits.

Sources: https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html,
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html,
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

from mailroom.lake.pseudonyms import PSEUDONYMISED, pseudonymiser
from mailroom.lake.rows import partition, row
from mailroom.lake.schema import EVENT_TYPES, OTHER, PARTITIONS, SCHEMA, Column, columns

__all__ = [
    "EVENT_TYPES",
    "OTHER",
    "PARTITIONS",
    "PSEUDONYMISED",
    "SCHEMA",
    "Column",
    "columns",
    "partition",
    "pseudonymiser",
    "row",
]
