"""Mail infrastructure for AWS CDK apps: constructs that provision what ``mailroom`` runs on."""

from importlib.util import find_spec

from cdk_mailroom import actions, handlers
from cdk_mailroom._checks import ConfigurationError
from cdk_mailroom.dashboard import MailDashboard
from cdk_mailroom.events import BUNDLED, EventPublishing, EventType
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.lake import EventLake, LakeFormat
from cdk_mailroom.receiving import (
    EVERY_RECIPIENT,
    Activation,
    ActiveRuleSet,
    HandledRule,
    InboundMail,
    InboundRule,
    MailFunction,
)
from cdk_mailroom.sending import (
    ContactList,
    CrossAccountZone,
    EmailTemplate,
    MultiRegionEndpoint,
    OwnKey,
    SendingIdentity,
    SmtpCredentials,
    Tenant,
    runtime_code,
)
from mailroom import __version__

__all__ = [
    "BUNDLED",
    "EVERY_RECIPIENT",
    "Activation",
    "ActiveRuleSet",
    "ConfigurationError",
    "ContactList",
    "CrossAccountZone",
    "EmailTemplate",
    "EventLake",
    "EventPublishing",
    "EventType",
    "HandledRule",
    "InboundMail",
    "InboundRule",
    "LakeFormat",
    "MailDashboard",
    "MailFunction",
    "MultiRegionEndpoint",
    "OwnKey",
    "PythonHandler",
    "SendingIdentity",
    "SmtpCredentials",
    "Tenant",
    "__version__",
    "actions",
    "handlers",
    "runtime_code",
]

if find_spec("cdk_mailroom.gateway") is not None:
    from cdk_mailroom import gateway
    from cdk_mailroom.gateway import AddressList, MailArchive, MailGateway, Relay

    __all__ += ["AddressList", "MailArchive", "MailGateway", "Relay", "gateway"]

if find_spec("cdk_mailroom.workmail") is not None:
    from cdk_mailroom.workmail import (
        Asynchronous,
        EmailFlowRule,
        Fallback,
        FlowDirection,
        FlowHandler,
        Synchronous,
    )

    __all__ += [
        "Asynchronous",
        "EmailFlowRule",
        "Fallback",
        "FlowDirection",
        "FlowHandler",
        "Synchronous",
    ]
