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
from constructs import IConstruct, Node

__all__ = [
    "account_of",
    "architecture_name",
    "bucket_arn",
    "bucket_key",
    "bucket_name",
    "duration",
    "in_one_stack",
    "node_of",
    "once",
    "queue_arn",
    "queue_key",
    "region_of",
    "runtime_name",
    "service",
    "stack_of",
]

_Thing = TypeVar("_Thing")
_Answer = TypeVar("_Answer")


def once(question: Callable[[_Thing], _Answer]) -> Callable[[_Thing], _Answer]:
    """Ask *question* of each thing once, and keep the answer as long as the thing."""
    answers: WeakKeyDictionary[_Thing, _Answer] = WeakKeyDictionary()

    @wraps(question)
    def ask(thing: _Thing) -> _Answer:
        if thing not in answers:
            answers[thing] = question(thing)
        return answers[thing]

    return ask


@once
def bucket_arn(bucket: s3.IBucket) -> str:
    """Return the ARN of *bucket*."""
    return bucket.bucket_arn


@once
def bucket_name(bucket: s3.IBucket) -> str:
    """Return the name of *bucket*."""
    return bucket.bucket_name


@once
def bucket_key(bucket: s3.IBucket) -> kms.IKey | None:
    """Return the customer key that *bucket* is encrypted with."""
    return bucket.encryption_key


@once
def queue_arn(queue: sqs.IQueue) -> str:
    """Return the ARN of *queue*."""
    return queue.queue_arn


@once
def queue_key(queue: sqs.IQueue) -> kms.IKey | None:
    """Return the customer key that *queue* is encrypted with."""
    return queue.encryption_master_key


@once
def node_of(construct: IConstruct) -> Node:
    """Return the node of *construct*."""
    return construct.node


@once
def stack_of(construct: IConstruct) -> Stack:
    """Return the stack of *construct*."""
    return Stack.of(construct)


def in_one_stack(one: IConstruct, other: IConstruct) -> bool:
    """Return whether both constructs are in the same stack."""
    stack, its = stack_of(one), stack_of(other)
    # A stack that the CDK made is another object each time.
    return stack is its or stack.node.addr == its.node.addr


def account_of(construct: IConstruct) -> str:
    """Return the account of the stack of *construct*."""
    return _place(stack_of(construct))[0]


def region_of(construct: IConstruct) -> str:
    """Return the region of the stack of *construct*."""
    return _place(stack_of(construct))[1]


@once
def _place(stack: Stack) -> tuple[str, str]:
    return stack.account, stack.region


@once
def runtime_name(runtime: lambda_.Runtime) -> str:
    """Return the name of *runtime*, such as ``python3.13``."""
    return runtime.name


@once
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
