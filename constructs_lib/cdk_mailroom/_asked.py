"""What the CDK says of a thing and does not change, asked once: its answers come from Node."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import TypeVar
from weakref import WeakKeyDictionary

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct

__all__ = [
    "account_of",
    "architecture_name",
    "bucket_key",
    "bucket_name",
    "duration",
    "queue_arn",
    "queue_key",
    "runtime_name",
    "service",
    "stack_of",
]

_Thing = TypeVar("_Thing")
_Answer = TypeVar("_Answer")


def _once(question: Callable[[_Thing], _Answer]) -> Callable[[_Thing], _Answer]:
    answers: WeakKeyDictionary[_Thing, _Answer] = WeakKeyDictionary()

    @wraps(question)
    def ask(thing: _Thing) -> _Answer:
        if thing not in answers:
            answers[thing] = question(thing)
        return answers[thing]

    return ask


@_once
def bucket_name(bucket: s3.IBucket) -> str:
    """Return the name of *bucket*."""
    return bucket.bucket_name


@_once
def bucket_key(bucket: s3.IBucket) -> kms.IKey | None:
    """Return the customer key that *bucket* is encrypted with."""
    return bucket.encryption_key


@_once
def queue_arn(queue: sqs.IQueue) -> str:
    """Return the ARN of *queue*."""
    return queue.queue_arn


@_once
def queue_key(queue: sqs.IQueue) -> kms.IKey | None:
    """Return the customer key that *queue* is encrypted with."""
    return queue.encryption_master_key


@_once
def stack_of(construct: IConstruct) -> Stack:
    """Return the stack of *construct*."""
    return Stack.of(construct)


@_once
def account_of(stack: Stack) -> str:
    """Return the account of *stack*."""
    return stack.account


@_once
def runtime_name(runtime: lambda_.Runtime) -> str:
    """Return the name of *runtime*, such as ``python3.13``."""
    return runtime.name


@_once
def architecture_name(architecture: lambda_.Architecture) -> str:
    """Return the name of *architecture*, such as ``arm64``."""
    return architecture.name


@cache
def duration(seconds: int) -> Duration:
    """Return a duration of so many *seconds*."""
    return Duration.seconds(seconds)


@cache
def service(name: str) -> iam.ServicePrincipal:
    """Return the principal of a service, without conditions."""
    return iam.ServicePrincipal(name)
