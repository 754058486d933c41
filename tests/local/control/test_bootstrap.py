"""What the CDK CLI finds in an environment before it deploys to it."""

from mailroom_local import LocalAws
from mailroom_local.control import bootstrap

PLACE = {"account": "333333333333", "region": "eu-west-3"}


def test_an_environment_is_bootstrapped_once(aws: LocalAws) -> None:
    """The bucket and the repository of assets are there, and a version above any that is asked."""
    for _ in range(2):
        bootstrap.create(aws.client("cloudformation", **PLACE))
    found = aws.client("cloudformation", **PLACE).describe_stacks(StackName="CDKToolkit")
    [stack] = found["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    bucket = "cdk-hnb659fds-assets-333333333333-eu-west-3"
    assert (stack["StackStatus"], outputs["BucketName"]) == ("CREATE_COMPLETE", bucket)
    aws.client("s3", **PLACE).head_bucket(Bucket=bucket)
    repository = "cdk-hnb659fds-container-assets-333333333333-eu-west-3"
    aws.client("ecr", **PLACE).describe_repositories(repositoryNames=[repository])
    version = aws.client("ssm", **PLACE).get_parameter(Name="/cdk-bootstrap/hnb659fds/version")
    assert int(version["Parameter"]["Value"]) > 100
