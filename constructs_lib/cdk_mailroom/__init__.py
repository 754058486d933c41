"""Mail infrastructure for AWS CDK apps: constructs that provision what ``mailroom`` runs on."""

from cdk_mailroom import actions, handlers
from cdk_mailroom._activation import Activation
from cdk_mailroom._checks import ConfigurationError
from cdk_mailroom.dashboard import MailDashboard
from cdk_mailroom.events import BUNDLED, EventPublishing, EventType
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.receiving import EVERY_RECIPIENT, InboundMail, InboundRule
from mailroom import __version__

__all__ = [
    "BUNDLED",
    "EVERY_RECIPIENT",
    "Activation",
    "ConfigurationError",
    "EventPublishing",
    "EventType",
    "InboundMail",
    "InboundRule",
    "MailDashboard",
    "PythonHandler",
    "__version__",
    "actions",
    "handlers",
]
