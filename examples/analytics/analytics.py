"""An event lake: every sending event, kept for two years and queried with SQL.

``generate.py`` generates such events without AWS; ``report.py`` runs the same saved queries on them
and draws the results.
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
