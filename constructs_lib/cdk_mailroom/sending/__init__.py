"""Send so that events are published: identities, SMTP credentials, templates, contact lists."""

from cdk_mailroom.sending.code import runtime_code
from cdk_mailroom.sending.contact_list import ContactList
from cdk_mailroom.sending.identity import OwnKey, SendingIdentity
from cdk_mailroom.sending.smtp_credentials import SmtpCredentials
from cdk_mailroom.sending.templates import EmailTemplate
from cdk_mailroom.sending.zones import CrossAccountZone

__all__ = [
    "ContactList",
    "CrossAccountZone",
    "EmailTemplate",
    "OwnKey",
    "SendingIdentity",
    "SmtpCredentials",
    "runtime_code",
]
