"""Send so that events are published: identities, SMTP credentials, templates, contact lists,
tenants and multi-region endpoints.
"""

from cdk_mailroom.sending.code import runtime_code
from cdk_mailroom.sending.contact_list import ContactList
from cdk_mailroom.sending.endpoints import MultiRegionEndpoint
from cdk_mailroom.sending.identity import OwnKey, SendingIdentity
from cdk_mailroom.sending.smtp_credentials import SmtpCredentials
from cdk_mailroom.sending.templates import EmailTemplate
from cdk_mailroom.sending.tenants import Tenant
from cdk_mailroom.sending.zones import CrossAccountZone

__all__ = [
    "ContactList",
    "CrossAccountZone",
    "EmailTemplate",
    "MultiRegionEndpoint",
    "OwnKey",
    "SendingIdentity",
    "SmtpCredentials",
    "Tenant",
    "runtime_code",
]
