__all__ = [
    "Activation",
    "ActiveRuleSet",
    "Asynchronous",
    "BUNDLED",
    "ConfigurationError",
    "ContactList",
    "CrossAccountZone",
    "EVERY_RECIPIENT",
    "EmailFlowRule",
    "EmailTemplate",
    "EventLake",
    "EventPublishing",
    "EventType",
    "Fallback",
    "FlowDirection",
    "FlowHandler",
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
    "Synchronous",
    "Tenant",
    "__version__",
    "actions",
    "handlers",
    "runtime_code",
]
from cdk_mailroom.receiving import Activation as Activation
from cdk_mailroom.receiving import ActiveRuleSet as ActiveRuleSet
from cdk_mailroom.workmail import Asynchronous as Asynchronous
from cdk_mailroom.events import BUNDLED as BUNDLED

class ConfigurationError(ValueError): ...

from cdk_mailroom.sending import ContactList as ContactList
from cdk_mailroom.sending import CrossAccountZone as CrossAccountZone
from cdk_mailroom.receiving import EVERY_RECIPIENT as EVERY_RECIPIENT
from cdk_mailroom.workmail import EmailFlowRule as EmailFlowRule
from cdk_mailroom.sending import EmailTemplate as EmailTemplate
from cdk_mailroom.lake import EventLake as EventLake
from cdk_mailroom.events import EventPublishing as EventPublishing
from cdk_mailroom.events import EventType as EventType
from cdk_mailroom.workmail import Fallback as Fallback
from cdk_mailroom.workmail import FlowDirection as FlowDirection
from cdk_mailroom.workmail import FlowHandler as FlowHandler
from cdk_mailroom.receiving import HandledRule as HandledRule
from cdk_mailroom.receiving import InboundMail as InboundMail
from cdk_mailroom.receiving import InboundRule as InboundRule
from cdk_mailroom.lake import LakeFormat as LakeFormat
from cdk_mailroom.dashboard import MailDashboard as MailDashboard
from cdk_mailroom.receiving import MailFunction as MailFunction
from cdk_mailroom.sending import MultiRegionEndpoint as MultiRegionEndpoint
from cdk_mailroom.sending import OwnKey as OwnKey
from cdk_mailroom.handlers import PythonHandler as PythonHandler
from cdk_mailroom.sending import SendingIdentity as SendingIdentity
from cdk_mailroom.sending import SmtpCredentials as SmtpCredentials
from cdk_mailroom.workmail import Synchronous as Synchronous
from cdk_mailroom.sending import Tenant as Tenant

__version__: object
from cdk_mailroom import actions as actions
from cdk_mailroom import handlers as handlers
from cdk_mailroom.sending import runtime_code as runtime_code
