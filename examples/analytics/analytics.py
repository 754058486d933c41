"""Every event of every mail, kept for two years, to be asked in SQL.

``generate.py`` makes such events without AWS, and ``report.py`` draws what the same saved queries
answer about them.
"""

import aws_cdk as cdk
from constructs import Construct

from cdk_mailroom import EventPublishing


class Analytics(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str, **kwargs: object) -> None:
        super().__init__(scope, construct_id, **kwargs)

        outbound = EventPublishing(self, "Outbound")
        lake = outbound.to_lake()

        cdk.CfnOutput(self, "ConfigurationSet", value=outbound.configuration_set_name)
        cdk.CfnOutput(self, "Workgroup", value=lake.workgroup_name)
        cdk.CfnOutput(self, "Database", value=lake.database_name)
        cdk.CfnOutput(self, "Bucket", value=lake.bucket.bucket_name)
        cdk.CfnOutput(self, "AlertTopic", value=outbound.alert_topic.topic_arn)
