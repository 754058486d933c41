"""The help desk app: ``cdk deploy --app "python examples/helpdesk/app.py"``.

Pass your domain as a context value: ``-c domain=example.org``.
"""

import os

import aws_cdk as cdk
from help_desk import HelpDesk

app = cdk.App()
HelpDesk(
    app,
    "HelpDesk",
    domain=app.node.try_get_context("domain") or "example.com",
    team=["team@example.net"],
    env=cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"),
        region=os.environ.get("CDK_DEFAULT_REGION"),
    ),
)
app.synth()
