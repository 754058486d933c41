"""The lake as an event destination, with a role that SES may assume by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import CustomResource
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom import _provisioning

__all__ = ["to_firehose"]

_Destination = ses.CfnConfigurationSetEventDestination

_PROPAGATION_SECONDS: Final = 60


def to_firehose(
    scope: Construct,
    *,
    stream_arn: str,
    configuration_set_name: str,
    configuration_set_arn: str,
    principal: iam.IPrincipal,
    types: Sequence[str],
) -> ses.CfnConfigurationSetEventDestination:
    """Return the destination *stream_arn*, which waits until IAM knows its role everywhere."""
    role = iam.Role(
        scope,
        "LakeRole",
        description="SES puts events into the event lake's stream",
        assumed_by=principal,
        # Inline, so that the role never exists without its permission.
        inline_policies={
            "Publish": iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        actions=["firehose:PutRecordBatch"],
                        resources=[stream_arn],
                    )
                ]
            )
        },
    )
    # A dependency is not enough: a lake that exists already gives IAM no time at all.
    known = CustomResource(
        scope,
        "LakeRoleKnown",
        service_token=_provisioning.provider(
            scope, "MailroomPropagation", "mailroom.provisioning.propagation"
        ).service_token,
        service_timeout=_provisioning.SERVICE_TIMEOUT,
        resource_type="Custom::IamPropagation",
        properties={
            "Seconds": str(_PROPAGATION_SECONDS),
            "RoleArn": role.role_arn,
            "Trusts": configuration_set_arn,
            "MayPutTo": stream_arn,
        },
    )
    known.node.add_dependency(role)
    destination = _Destination(
        scope,
        "LakeDestination",
        configuration_set_name=configuration_set_name,
        event_destination=_Destination.EventDestinationProperty(
            matching_event_types=list(types),
            enabled=True,
            kinesis_firehose_destination=_Destination.KinesisFirehoseDestinationProperty(
                delivery_stream_arn=stream_arn, iam_role_arn=role.role_arn
            ),
        ),
    )
    destination.node.add_dependency(known)
    return destination
