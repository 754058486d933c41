"""Two lakes, by default and with options, synthesized once for this folder."""

from __future__ import annotations

from datetime import date

import pytest
from aws_cdk import Duration, Size
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from synthesis import FOLDER, Template, synthesized

from cdk_mailroom import EventLake, EventPublishing, EventType, LakeFormat, PythonHandler
from cdk_mailroom.lake import LakeBuffer, LakeQueries, LakeStorage


def yours(**options) -> PythonHandler:
    """Return a transform of the user's."""
    return PythonHandler(FOLDER, "app:on_mail", **options)


@pytest.fixture(scope="session")
def plain() -> Template:
    """One line, as users write it."""
    return synthesized(lambda stack: EventPublishing(stack, "Out").to_lake())


@pytest.fixture(scope="session")
def optioned() -> Template:
    """Every option of a made lake."""

    def build(stack):
        lake = EventLake(
            stack,
            "Lake",
            encryption_key=kms.Key(stack, "Key"),
            format=LakeFormat.JSON,
            transform=yours(timeout=Duration.seconds(90), memory_size=1024),
            pseudonym_secret=secretsmanager.Secret(stack, "Secret"),
            retention=Duration.days(400),
            storage=LakeStorage(
                prefix="mail/",
                error_prefix="broken/",
                infrequent_access_after=Duration.days(30),
                glacier_after=Duration.days(60),
            ),
            buffer=LakeBuffer(size=Size.mebibytes(64), interval=Duration.seconds(900)),
            queries=LakeQueries(
                database_name="mail",
                workgroup_name="Mail",
                scan_limit=Size.gibibytes(1),
                first_day=date(2026, 5, 1),
                result_prefix="answers/",
                result_retention=Duration.days(1),
            ),
            freshness_limit=Duration.hours(1),
        )
        EventPublishing(stack, "Out").to_lake(lake, types=[EventType.BOUNCE, EventType.OPEN])

    return synthesized(build)
