"""What `cdk bootstrap` leaves in an environment, as far as deployments to a local AWS need it.

The CDK CLI itself takes seconds for it.
"""

from __future__ import annotations

import json
from typing import Any

_QUALIFIER = "hnb659fds"
# Above what any app requires.
_VERSION = "1000"
_STACK = "CDKToolkit"
_ENVIRONMENT = "${AWS::AccountId}-${AWS::Region}"
# Its roles are left out: the local AWS lets the CLI assume roles that do not exist.
_TEMPLATE = {
    "Resources": {
        "StagingBucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {"BucketName": {"Fn::Sub": f"cdk-{_QUALIFIER}-assets-{_ENVIRONMENT}"}},
        },
        "ContainerAssetsRepository": {
            "Type": "AWS::ECR::Repository",
            "Properties": {
                "RepositoryName": {"Fn::Sub": f"cdk-{_QUALIFIER}-container-assets-{_ENVIRONMENT}"}
            },
        },
        "CdkBootstrapVersion": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {
                "Type": "String",
                "Name": f"/cdk-bootstrap/{_QUALIFIER}/version",
                "Value": _VERSION,
            },
        },
    },
    "Outputs": {
        "BucketName": {"Value": {"Ref": "StagingBucket"}},
        "BucketDomainName": {"Value": {"Fn::GetAtt": ["StagingBucket", "RegionalDomainName"]}},
        "BootstrapVersion": {"Value": _VERSION},
    },
}


def create(cloudformation: Any) -> None:
    """Create the bootstrap stack in the client's environment, unless there is one."""
    # The local AWS answers once the stack is complete.
    try:
        cloudformation.create_stack(StackName=_STACK, TemplateBody=json.dumps(_TEMPLATE))
    except cloudformation.exceptions.AlreadyExistsException:
        return
