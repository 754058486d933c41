"""A multi-region endpoint: mail that is still sent while a region is not available."""

from __future__ import annotations

import re

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom import _provisioning
from cdk_mailroom._asked import region_of, stack_of
from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom._construct import MailConstruct
from mailroom.ses import ENDPOINT_NAME

__all__ = ["MultiRegionEndpoint"]


class MultiRegionEndpoint(MailConstruct):
    """An endpoint that sends in this stack's region and in a second one.

    What a message names must exist in both: make identities, configuration sets and templates in
    the second region by a stack there, with the same names. CloudFormation does not know the
    endpoint's id, so a custom resource asks SES for it; it may do nothing else.

    https://docs.aws.amazon.com/ses/latest/dg/global-endpoints.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, endpoint_name: str, region: str
    ) -> None:
        """Create the endpoint.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            endpoint_name: 1 to 64 letters, digits, ``_`` and ``-``.
            region: The second region, such as ``eu-central-1``.

        Raises:
            ConfigurationError: A name that SES would refuse, or this stack's own region.
        """
        problems = Problems(scope, construct_id)
        if resolved(endpoint_name) and not re.fullmatch(ENDPOINT_NAME, endpoint_name):
            problems.add("endpoint_name", endpoint_name, "use 1 to 64 of A-Z a-z 0-9 _ -")
        if region == region_of(scope):
            problems.add("region", region, "pass a second region; the first is the stack's own")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        endpoint = ses.CfnMultiRegionEndpoint(
            self,
            "Resource",
            endpoint_name=endpoint_name,
            details=ses.CfnMultiRegionEndpoint.DetailsProperty(
                route_details=[ses.CfnMultiRegionEndpoint.RouteDetailsItemsProperty(region=region)]
            ),
        )
        provider = _provisioning.provider(
            self, "MailroomEndpoints", "mailroom.provisioning.multi_region_endpoint"
        )
        assert provider.function.role is not None
        policy = iam.Policy(
            self,
            "Policy",
            roles=[provider.function.role],
            statements=[
                iam.PolicyStatement(
                    actions=["ses:GetMultiRegionEndpoint"],
                    resources=[
                        stack_of(self).format_arn(
                            service="ses",
                            resource="multi-region-endpoint",
                            resource_name=endpoint_name,
                        )
                    ],
                )
            ],
        )
        found = CustomResource(
            self,
            "Id",
            service_token=provider.service_token,
            service_timeout=_provisioning.SERVICE_TIMEOUT,
            resource_type="Custom::MailroomEndpointId",
            # The region too, since with another one the endpoint is another.
            properties={"EndpointName": endpoint_name, "Region": region},
        )
        found.node.add_dependency(endpoint, provider.function, policy)
        self.endpoint_name = endpoint_name
        """Its name."""
        self.region = region
        """The second region."""
        self.endpoint_id = found.get_att_string("EndpointId")
        """Its id, for the sender."""
