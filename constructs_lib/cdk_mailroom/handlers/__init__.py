"""What a rule can run: your own Python code, or a bundled behaviour.

Each can be a rule's ``handler=``, of an `InboundMail` or of a `MailGateway`, and also run before or
after it.
To add a behaviour, subclass `ReceiptAction`, with any AWS resource in its ``bind()``, or
`PythonHandler`, to ship code together with what it needs::

    class OpenTicket(PythonHandler):
        def __init__(self, *, table: dynamodb.ITable) -> None:
            self._table = table
            super().__init__(HERE / "open_ticket", "open_ticket:on_mail")

        def configure(self, function, context):
            function.add_environment("TABLE", self._table.table_name)
            self._table.grant_write_data(function)
"""

from cdk_mailroom.handlers.auto_reply import AutoReply
from cdk_mailroom.handlers.forward import Forward
from cdk_mailroom.handlers.python_handler import OnError, PythonHandler
from cdk_mailroom.handlers.reject_spam import RejectSpam
from cdk_mailroom.handlers.save_attachments import SaveAttachments
from cdk_mailroom.handlers.to_event_bus import ToEventBus
from cdk_mailroom.handlers.to_queue import ToQueue
from cdk_mailroom.handlers.to_state_machine import ToStateMachine
from cdk_mailroom.handlers.to_topic import ToTopic
from cdk_mailroom.handlers.webhook import Webhook
from mailroom.ses import Disposition

__all__ = [
    "AutoReply",
    "Disposition",
    "Forward",
    "OnError",
    "PythonHandler",
    "RejectSpam",
    "SaveAttachments",
    "ToEventBus",
    "ToQueue",
    "ToStateMachine",
    "ToTopic",
    "Webhook",
]
