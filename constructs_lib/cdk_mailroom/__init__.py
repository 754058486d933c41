"""Mail infrastructure for AWS CDK apps: constructs that provision what ``mailroom`` runs on."""

from cdk_mailroom import actions, handlers
from cdk_mailroom._activation import Activation
from cdk_mailroom._checks import ConfigurationError
from cdk_mailroom.dashboard import MailDashboard
from cdk_mailroom.events import BUNDLED, EventPublishing, EventType
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.lake import EventLake, LakeFormat
from cdk_mailroom.receiving import EVERY_RECIPIENT, InboundMail, InboundRule
from cdk_mailroom.sending import (
    ContactList,
    EmailTemplate,
    OwnKey,
    SendingIdentity,
    SmtpCredentials,
    runtime_code,
)
from cdk_mailroom.workmail import (
    Asynchronous,
    EmailFlowRule,
    Fallback,
    FlowDirection,
    FlowHandler,
    Synchronous,
)
from mailroom import __version__

__all__ = [
    "BUNDLED",
    "EVERY_RECIPIENT",
    "Activation",
    "Asynchronous",
    "ConfigurationError",
    "ContactList",
    "EmailFlowRule",
    "EmailTemplate",
    "EventLake",
    "EventPublishing",
    "EventType",
    "Fallback",
    "FlowDirection",
    "FlowHandler",
    "InboundMail",
    "InboundRule",
    "LakeFormat",
    "MailDashboard",
    "OwnKey",
    "PythonHandler",
    "SendingIdentity",
    "SmtpCredentials",
    "Synchronous",
    "__version__",
    "actions",
    "handlers",
    "runtime_code",
]
