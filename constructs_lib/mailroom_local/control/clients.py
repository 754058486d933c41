"""boto3 clients that can reach nothing but the local AWS."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import boto3

ACCOUNT = "000000000000"
REGION = "us-east-1"

# The user's own profile, role or endpoint must not lead a rehearsal to a real account, so these are
# removed from the environment of everything that runs against the local AWS.
FOREIGN_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_PROFILE",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


def environment(endpoint: str, *, region: str = REGION, account: str = ACCOUNT) -> dict[str, str]:
    """This process's environment, pointed at an account and region of the local AWS."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in FOREIGN_VARIABLES and not name.startswith("AWS_ENDPOINT_URL")
    }
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": endpoint,
        # The emulator takes an access key of twelve digits for the account.
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def session(*, region: str = REGION, account: str = ACCOUNT) -> boto3.Session:
    """A session that reads none of the user's profiles and credentials."""
    # To import boto3 takes longer than most commands that need no client.
    import boto3
    import botocore.session

    core = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    core.register_component("data_loader", _models())
    return boto3.Session(
        aws_access_key_id=account,
        aws_secret_access_key="local",  # noqa: S106  # the local AWS accepts any
        region_name=region,
        botocore_session=core,
    )


@functools.cache
def _models() -> Any:
    """The models of services, which every session would read and parse again."""
    from botocore.loaders import create_loader

    return create_loader()


def client(
    made: boto3.Session, service: str, endpoint: str, *, read_timeout: float = 60, retries: int = 2
) -> Any:
    """A client of the local AWS, with path-style addresses: ``bucket.127.0.0.1`` is not a host."""
    from botocore.config import Config

    config = Config(
        connect_timeout=5,
        read_timeout=read_timeout,
        retries={"total_max_attempts": 1 + retries, "mode": "standard"},
        s3={"addressing_style": "path"},
        proxies={},
        max_pool_connections=32,
    )
    # The overloads of boto3-stubs need a literal service name.
    factory: Any = made.client
    client = factory(service, endpoint_url=endpoint, config=config)
    if (answer := _answered_here.get(endpoint)) is not None:
        client.meta.events.register(
            "before-send", lambda request, **_: answer(request, seconds=read_timeout)
        )
    return client


def answer_here(endpoint: str, answer: Callable[..., Any] | None) -> None:
    """Let this process answer the requests of its clients to an endpoint, without a socket.

    ``answer`` gets a request of botocore and the seconds that it may take; ``None`` ends it.
    """
    _answered_here[endpoint] = answer


_answered_here: dict[str, Callable[..., Any] | None] = {}
