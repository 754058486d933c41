"""Count mail in flow as CloudWatch metrics, made from log lines, for an asynchronous rule.

Settings
    None.

Permissions
    None: the embedded metric format only needs the log.

Metrics
    In the namespace ``Mailroom``, by ``Direction``: ``FlowMessages``; ``FlowRecipients``;
    ``FlowTruncated``, mail of which WorkMail did not name all recipients.

Lambda delivers at least once, so a few mails may be counted twice.
"""

from __future__ import annotations

from mailroom import _runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mailroom.workmail import FlowMail

__all__ = ["on_flow"]


def on_flow(mail: FlowMail) -> None:
    """Count *mail*."""
    direction = str(mail.direction)
    _runtime.metric("FlowMessages", 1, Direction=direction)
    _runtime.metric("FlowRecipients", len(mail.recipients), Direction=direction)
    if mail.truncated:
        _runtime.metric("FlowTruncated", 1, Direction=direction)
