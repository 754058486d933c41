"""A tenant: mail of one customer, with a reputation of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, check_identities, check_list, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom.sending.templates import EmailTemplate
from mailroom.ses import TENANT_NAME

__all__ = ["Tenant"]

_REASONS: Final = {
    ses.SuppressionReasons.BOUNCES_AND_COMPLAINTS: ("BOUNCE", "COMPLAINT"),
    ses.SuppressionReasons.BOUNCES_ONLY: ("BOUNCE",),
    ses.SuppressionReasons.COMPLAINTS_ONLY: ("COMPLAINT",),
}


class Tenant(MailConstruct):
    """A tenant, which sends only with the resources that are associated with it.

    SES counts bounces and complaints of each tenant, and can pause one without the others. A
    resource may belong to several tenants. For more options use ``node.default_child``.

    https://docs.aws.amazon.com/ses/latest/dg/tenants.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tenant_name: str,
        identities: Sequence[ses.IEmailIdentity | str],
        configuration_sets: Sequence[ses.IConfigurationSet | str] = (),
        templates: Sequence[EmailTemplate | str] = (),
        suppression_reasons: ses.SuppressionReasons | None = None,
    ) -> None:
        """Create the tenant and its associations.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            tenant_name: 1 to 64 letters, digits, ``_`` and ``-``.
            identities: What it sends from, as constructs or names, in this stack's region.
            configuration_sets: What it sends through, as constructs or names. Include the one of
                your `EventPublishing`, or there are no events.
            templates: The stored templates that it uses, as constructs or names.
            suppression_reasons: Gives the tenant a suppression list of its own, to which SES adds
                addresses for these reasons. By default it shares the account's list.

        Raises:
            ConfigurationError: A name that SES would refuse, or a text in place of a list.
        """
        problems = Problems(scope, construct_id)
        if resolved(tenant_name) and not re.fullmatch(TENANT_NAME, tenant_name):
            problems.add("tenant_name", tenant_name, "use 1 to 64 of A-Z a-z 0-9 _ -")
        check_identities(problems, "identities", identities)
        check_list(problems, "configuration_sets", configuration_sets)
        check_list(problems, "templates", templates)
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        stack = stack_of(self)
        named = [
            *(("identity", one, _identity_name(one)) for one in identities),
            *(("configuration-set", one, _set_name(one)) for one in configuration_sets),
            *(("template", one, _template_name(one)) for one in templates),
        ]
        resource = ses.CfnTenant(
            self,
            "Resource",
            tenant_name=tenant_name,
            resource_associations=[
                ses.CfnTenant.ResourceAssociationProperty(
                    resource_arn=stack.format_arn(service="ses", resource=kind, resource_name=name)
                )
                for kind, _, name in named
            ],
        )
        if suppression_reasons is not None:
            # A property of `ses.CfnTenant` only since aws-cdk-lib 2.275.
            resource.add_property_override(
                "SuppressionAttributes",
                {
                    "SuppressionScope": "TENANT",
                    "SuppressedReasons": list(_REASONS[suppression_reasons]),
                },
            )
        for _, one, _ in named:
            # A name that was chosen does not refer to its resource, which must exist first.
            if not isinstance(one, str):
                resource.node.add_dependency(one)
        self.tenant_name = tenant_name
        """Its name, for the sender."""
        self.tenant_arn = resource.attr_arn
        """Its ARN."""


def _identity_name(identity: ses.IEmailIdentity | str) -> str:
    return identity if isinstance(identity, str) else identity.email_identity_name


def _set_name(configuration_set: ses.IConfigurationSet | str) -> str:
    if isinstance(configuration_set, str):
        return configuration_set
    return configuration_set.configuration_set_name


def _template_name(template: EmailTemplate | str) -> str:
    return template if isinstance(template, str) else template.template_name
