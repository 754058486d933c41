"""WorkMail organizations are found, with the time that they have left."""

from datetime import UTC, datetime

from mailroom_cli.doctor.findings import Level
from mailroom_local import LocalAws

from ..conftest import Account

ORGANIZATION = "m-" + "0c" * 16


def test_an_organization_is_a_warning_that_says_when_workmail_ends(
    local_aws: LocalAws, account: Account
) -> None:
    assert account.look("workmail") == []
    local_aws.workmail_organization(
        ORGANIZATION, domains=["workmail.example"], users=[], account=account.id, region="us-east-1"
    )
    [finding] = account.look("workmail", now=datetime(2026, 11, 27, tzinfo=UTC))
    assert finding.level is Level.WARNING
    assert f"ends on 2027-03-31, in 124 days; there is {ORGANIZATION}" in finding.found
    assert account.look("workmail", region="eu-central-1") == []
