"""Receive mail with SES Mail Manager: ingress point, traffic policy, and rules.

`MailGateway` has it all in one. Rules and statements of the traffic policy decide by conditions,
which are made of attributes::

    from cdk_mailroom.gateway import dkim, recipient, size

    gate.add_rule("Support", when=[recipient.is_("support@example.com"), size < 1_000_000])
"""

from cdk_mailroom.gateway import actions
from cdk_mailroom.gateway.access import Access, Authenticated, BoundAccess, MutualTls, Open
from cdk_mailroom.gateway.actions.base import OnFailure
from cdk_mailroom.gateway.addon import Addon, AddonName, AddonSubscription
from cdk_mailroom.gateway.address_list import AddressList, ExistingAddressList
from cdk_mailroom.gateway.archive import ArchiveRetention, ExistingMailArchive, MailArchive
from cdk_mailroom.gateway.attributes import (
    cc,
    certificate,
    dkim,
    dmarc_policy,
    from_,
    header,
    helo,
    mail_from,
    read_receipt_requested,
    recipient,
    sender,
    size,
    source_ip,
    spf,
    subject,
    tls,
    tls_version,
    tls_wrapped,
    to,
)
from cdk_mailroom.gateway.conditions import AnyCondition, PolicyCondition, RuleCondition
from cdk_mailroom.gateway.gateway import MailGateway
from cdk_mailroom.gateway.logs import Logs
from cdk_mailroom.gateway.network import Network, PublicNetwork, VpcEndpoint
from cdk_mailroom.gateway.point import ExistingIngressPoint, Status
from cdk_mailroom.gateway.policy import (
    ANY_RECIPIENT,
    Allow,
    AnyRecipient,
    Deny,
    TrafficPolicy,
)
from cdk_mailroom.gateway.relay import Relay
from cdk_mailroom.gateway.rule import GatewayRule, HandledGatewayRule
from cdk_mailroom.gateway.tls_policy import Tls
from cdk_mailroom.gateway.words import Certificate, DmarcPolicy, TlsVersion, Verdict

__all__ = [
    "ANY_RECIPIENT",
    "Access",
    "Addon",
    "AddonName",
    "AddonSubscription",
    "AddressList",
    "Allow",
    "AnyCondition",
    "AnyRecipient",
    "ArchiveRetention",
    "Authenticated",
    "BoundAccess",
    "Certificate",
    "Deny",
    "DmarcPolicy",
    "ExistingAddressList",
    "ExistingIngressPoint",
    "ExistingMailArchive",
    "GatewayRule",
    "HandledGatewayRule",
    "Logs",
    "MailArchive",
    "MailGateway",
    "MutualTls",
    "Network",
    "OnFailure",
    "Open",
    "PolicyCondition",
    "PublicNetwork",
    "Relay",
    "RuleCondition",
    "Status",
    "Tls",
    "TlsVersion",
    "TrafficPolicy",
    "Verdict",
    "VpcEndpoint",
    "actions",
    "cc",
    "certificate",
    "dkim",
    "dmarc_policy",
    "from_",
    "header",
    "helo",
    "mail_from",
    "read_receipt_requested",
    "recipient",
    "sender",
    "size",
    "source_ip",
    "spf",
    "subject",
    "tls",
    "tls_version",
    "tls_wrapped",
    "to",
]
