"""What WorkMail is documented to refuse."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_s3 as s3

from cdk_mailroom._checks import Problems, check_list, check_unit, resolved
from cdk_mailroom.handlers import PythonHandler
from cdk_mailroom.workmail import limits
from cdk_mailroom.workmail.handler import FlowHandler
from cdk_mailroom.workmail.modes import Asynchronous, FlowDirection, Synchronous, fallbacks

__all__ = [
    "ANY",
    "check_bucket",
    "check_handler",
    "check_mode",
    "check_organization",
    "check_patterns",
]

ANY = "*"
"""The pattern that matches every address."""


def check_organization(
    problems: Problems, *, region: str, organization_id: str, direction: FlowDirection | str
) -> None:
    """Report a region, an id or a direction that does not exist."""
    if resolved(region) and region not in limits.REGIONS:
        problems.add("region", region, f"WorkMail is only in {', '.join(sorted(limits.REGIONS))}")
    if resolved(organization_id) and not re.fullmatch(limits.ORGANIZATION_ID, organization_id):
        problems.add("organization_id", organization_id, "write 'm-' and 32 hexadecimal digits")
    if direction not in list(FlowDirection):
        problems.add("direction", direction, f"use one of {[str(one) for one in FlowDirection]}")


def check_patterns(problems: Problems, argument: str, patterns: Sequence[str]) -> None:
    """Report patterns that WorkMail refuses, or that are duplicates."""
    if not check_list(problems, argument, patterns):
        return
    if not patterns:
        problems.add(argument, [], "pass at least one pattern; ['*'] matches all")
    seen: set[str] = set()
    for position, pattern in enumerate(patterns):
        if not resolved(pattern):
            continue
        where = f"{argument}[{position}]"
        if not isinstance(pattern, str) or not re.fullmatch(
            limits.PATTERN, pattern, flags=re.ASCII
        ):
            problems.add(
                where,
                pattern,
                "write 'mailbox@example.com' (without '+'), 'example.com', '*.example.com' or '*'",
            )
        elif pattern.lower() in seen:
            problems.add(where, pattern, "duplicate pattern; pass each pattern once")
        seen.add(str(pattern).lower())
    if ANY in seen and len(patterns) > 1:
        problems.add(argument, list(patterns), "'*' matches all senders: pass only '*', or omit it")


def check_mode(
    problems: Problems,
    mode: object,
    *,
    direction: FlowDirection | str,
    destinations: Sequence[str],
) -> None:
    """Report what a synchronous rule cannot have."""
    if isinstance(mode, Asynchronous):
        return
    if not isinstance(mode, Synchronous):
        problems.add("mode", mode, "pass Synchronous(…) or Asynchronous()")
        return
    if list(destinations) != [ANY]:
        problems.add(
            "destinations",
            list(destinations),
            "omit it: a synchronous rule is for every destination; let the function look at the "
            "recipients",
        )
    longest = limits.TIMEOUT_MINUTES[-1]
    if mode.timeout.is_unresolved():
        check_unit(problems, "mode.timeout", mode.timeout.to_minutes, "Duration.minutes(…)")
    else:
        minutes = mode.timeout.to_minutes(integral=False)
        if minutes % 1 or not 0 <= minutes <= longest:
            problems.add("mode.timeout", f"{minutes:g} min", f"pass whole minutes, 0 to {longest}")
    allowed = fallbacks(direction)
    if mode.fallback not in allowed:
        problems.add(
            "mode.fallback",
            str(mode.fallback),
            f"use one of {', '.join(allowed)} in {direction} rules",
        )


def check_handler(
    problems: Problems, handler: object, mode: Synchronous | Asynchronous | object
) -> None:
    """Report a handler that was made for the other mode, or for received mail."""
    if not isinstance(handler, FlowHandler | PythonHandler):
        problems.add("handler", handler, "pass a FlowHandler, a bundled behaviour or PythonHandler")
        return
    handler.check_argument(problems, "a flow rule", ["FlowMail"])
    synchronous = isinstance(mode, Synchronous)
    if isinstance(handler, FlowHandler):
        name = "synchronous" if synchronous else "asynchronous"
        if handler.only not in (None, name):
            problems.add("mode", name, f"{type(handler).__name__} is for {handler.only} rules only")
        elif handler.replaces and not synchronous:
            problems.add("mode", name, "only a synchronous rule can replace messages; pass that")
    else:
        for argument, given, instead in (
            ("synchronous", handler.synchronous, "mode"),
            ("remember_handled", handler.remember_handled, "remember_answers"),
        ):
            if given:
                problems.add(
                    f"handler.{argument}",
                    True,
                    f"omit it: it is for receipt rules; a flow rule has {instead}",
                )
    longest = limits.SYNCHRONOUS_SECONDS
    if synchronous and not handler.timeout.is_unresolved():
        seconds = handler.timeout.to_seconds(integral=False)
        if seconds > longest:
            problems.add(
                "handler.timeout",
                f"{seconds:g} s",
                f"WorkMail waits {longest} s; pass timeout=Duration.seconds({longest}), or a "
                "FlowHandler, which has it by default",
            )


def check_bucket(
    problems: Problems, bucket: s3.IBucket | None, *, stack: Stack, replaces: bool
) -> None:
    """Report a bucket that WorkMail could not read, or that nothing uses."""
    if bucket is None:
        return
    if not replaces:
        problems.add(
            "bucket", bucket.node.path, "it has no effect: the handler does not replace messages"
        )
    if bucket.encryption_key is not None:
        problems.add(
            "bucket",
            bucket.node.path,
            "WorkMail cannot use a KMS key; use S3's own encryption (SSE-S3)",
        )
    name = bucket.bucket_name
    if resolved(name) and not re.fullmatch(limits.BUCKET_NAME, name):
        problems.add("bucket", name, "use a name of a-z, 0-9 and '-', without dots")
    for what in ("account", "region"):
        given, own = getattr(bucket.env, what), getattr(stack, what)
        if resolved(given) and resolved(own) and given != own:
            problems.add(f"bucket.env.{what}", given, f"use a bucket of the rule's {what}, {own}")
