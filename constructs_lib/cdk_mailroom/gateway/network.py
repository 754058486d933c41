"""How clients reach an ingress point."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ses as ses

from cdk_mailroom._checks import Problems, resolved
from cdk_mailroom.gateway.limits import ENDPOINT_ID

__all__ = ["Network", "PublicNetwork", "VpcEndpoint"]

_Point = ses.CfnMailManagerIngressPoint


class Network(ABC):
    """How clients reach an ingress point. A change replaces the point: its host and its user."""

    private: ClassVar[bool] = False
    """Whether it is reached from a VPC only."""

    def check(self, problems: Problems) -> None:  # noqa: B027
        """Note what Mail Manager would refuse.

        Args:
            problems: Takes what is found.
        """

    @abstractmethod
    def configuration(self) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty:
        """Return it as the ingress point takes it."""


class PublicNetwork(Network):
    """From the internet: port 25, and 587 with `Authenticated`."""

    def __init__(self, *, dual_stack: bool = False) -> None:
        """Describe the network.

        Args:
            dual_stack: Also over IPv6. Add-ons in the traffic policy do not look at such mail. Only
                IPv4 by default.
        """
        self.dual_stack = dual_stack

    def configuration(self) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty:
        """Return it as the ingress point takes it."""
        return _Point.NetworkConfigurationProperty(
            public_network_configuration=_Point.PublicNetworkConfigurationProperty(
                ip_type="DUAL_STACK" if self.dual_stack else "IPV4"
            )
        )


class VpcEndpoint(Network):
    """From a VPC, by an interface endpoint that serves this ingress point alone.

    Its service is ``com.amazonaws.REGION.mail-manager-smtp.KIND``, where KIND is ``open``, ``auth``
    or ``mtls``, with ``.fips`` at the end for `Tls.FIPS`. It has no endpoint policy. Clients use
    the endpoint's own DNS names.

    https://docs.aws.amazon.com/ses/latest/dg/eb-ingress.html
    """

    private = True

    def __init__(self, endpoint: ec2.IVpcEndpoint | str) -> None:
        """Describe the network.

        Args:
            endpoint: The endpoint, or its id; of the same account and region.
        """
        self._endpoint = endpoint
        self.vpc_endpoint_id = (
            endpoint if isinstance(endpoint, str) else getattr(endpoint, "vpc_endpoint_id", "")
        )
        """The id of the endpoint."""

    def check(self, problems: Problems) -> None:
        """Note an id that is not one."""
        if resolved(self.vpc_endpoint_id) and not re.fullmatch(ENDPOINT_ID, self.vpc_endpoint_id):
            problems.add(
                "access.network.endpoint",
                self._endpoint,
                "pass an ec2.InterfaceVpcEndpoint, or an id: 'vpce-' and 17 letters or digits",
            )

    def configuration(self) -> ses.CfnMailManagerIngressPoint.NetworkConfigurationProperty:
        """Return it as the ingress point takes it."""
        return _Point.NetworkConfigurationProperty(
            private_network_configuration=_Point.PrivateNetworkConfigurationProperty(
                vpc_endpoint_id=self.vpc_endpoint_id
            )
        )
