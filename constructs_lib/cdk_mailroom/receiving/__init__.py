"""Receive mail: rule set, activation, mail bucket, dead-letter queue, and the rules themselves."""

from cdk_mailroom.receiving.activation import Activation, ActiveRuleSet
from cdk_mailroom.receiving.inbound import InboundMail
from cdk_mailroom.receiving.mail_function import MailFunction
from cdk_mailroom.receiving.rule import EVERY_RECIPIENT, EveryRecipient, HandledRule, InboundRule

__all__ = [
    "EVERY_RECIPIENT",
    "Activation",
    "ActiveRuleSet",
    "EveryRecipient",
    "HandledRule",
    "InboundMail",
    "InboundRule",
    "MailFunction",
]
