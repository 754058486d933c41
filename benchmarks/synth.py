"""What a synth costs: rules with their functions, beside the same resources in plain aws-cdk-lib.

As on a real synth, one process synthesizes one app: two cases, whose ratio is limited. How the cost
grows is measured in a process that synthesizes apps one after the other; a first one, which is not
counted, loads what is loaded once. CPU time is that of Python and of Node, which runs as its child.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import (
    Comparison,
    Cost,
    Costs,
    Growth,
    Report,
    cpu_of,
    environ,
    in_turns,
    median,
    ratio,
    table,
)

_OURS, _PLAIN = "cdk-mailroom", "aws-cdk-lib"
_SIZES = (1, 10, 50, 200)
_RECIPIENTS = 10
_WHOLE = ((50, 10), (10, 500))
_HANDLER = "def on_mail(mail):\n    print(mail.subject)\n"
_LIMIT = 1.3

Case = tuple[int, int]
"""The number of rules, and of the recipients of each."""


def measure(*, quick: bool = False) -> Report:
    """Compare both with many rules and many recipients, and as the rules become more."""
    counts: dict[str, int] = {}
    growing = [(rules, _RECIPIENTS) for rules in _SIZES]
    costs: dict[Case, Costs] = {}
    for cases in ([case] for case in _WHOLE):
        costs[cases[0]] = _costs(cases, counts, rounds=1 if quick else 2)[0]
    warm = dict(zip(growing, _costs(growing, counts, rounds=1 if quick else 2), strict=True))
    report = Report(
        tables=[
            table(f"Synth of {_named(case)}, whole", found, _PLAIN) for case, found in costs.items()
        ],
        growth=[
            Growth(
                title=f"Synth of rules of {_RECIPIENTS} recipients, once all is loaded",
                unit="rules",
                sizes=_SIZES,
                costs={
                    kind: [median(found[kind], "cpu") for found in warm.values()]
                    for kind in (_OURS, _PLAIN)
                },
            )
        ],
    )
    for found, limit, how in ((costs, _LIMIT, "whole"), (warm, None, "all loaded")):
        report.comparisons += [
            Comparison(
                subject="Synth",
                what=f"{_named(case)}, {how}",
                peer="plain aws-cdk-lib",
                ratio=ratio(one[_OURS], one[_PLAIN]),
                limit=limit,
                why=_WHY,
            )
            for case, one in found.items()
        ]
    report.notes.append(
        f"Synth: with 50 rules, the template of cdk-mailroom has {counts[_OURS]} resources and "
        f"that of plain aws-cdk-lib {counts[_PLAIN]}. CloudFormation takes 500 in a stack: the "
        "synth of 200 rules is measured with the CDK's check of this limit off, and deployed they "
        "need several stacks."
    )
    return report


_WHY = (
    "It checks each argument, packs its runtime with each handler, limits each permission to the "
    "account and the rule, activates the rule set, keeps its rules in order and watches it."
)


def _named(case: Case) -> str:
    rules, recipients = case
    return f"{rules} rule{'s' if rules > 1 else ''} of {recipients} recipients"


def _costs(cases: list[Case], counts: dict[str, int], *, rounds: int) -> list[Costs]:
    """The costs of each case, of which one process synthesizes all."""
    found = in_turns(
        {kind: functools.partial(_apart, kind, cases, counts) for kind in (_OURS, _PLAIN)},
        rounds,
        warm=False,
    )
    return [
        {kind: [one[number] for one in turns] for kind, turns in found.items()}
        for number in range(len(cases))
    ]


def _apart(kind: str, cases: list[Case], counts: dict[str, int]) -> list[Cost]:
    given = [f"{rules}x{recipients}" for rules, recipients in cases]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.synth", kind, *given],
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{kind} failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    for case, one in zip(cases, found, strict=True):
        if case == (50, 10):
            counts[kind] = one["resources"]
    return [Cost(wall=one["wall"], cpu=one["cpu"]) for one in found]


def _recipients(rule: int, count: int) -> list[str]:
    return [f"rule{rule}.user{number}@example.com" for number in range(count)]


def _ours(stack: Any, folder: Path, rules: int, count: int) -> None:
    from cdk_mailroom import InboundMail, PythonHandler

    inbound = InboundMail(stack, "Inbound")
    for rule in range(rules):
        inbound.add_rule(
            f"Rule{rule}",
            recipients=_recipients(rule, count),
            handler=PythonHandler(folder, "app:on_mail"),
        )


def _plain(stack: Any, folder: Path, rules: int, count: int) -> None:
    """The same rules, functions, permissions, roles, log groups, bucket and queue."""
    from aws_cdk import Duration, RemovalPolicy
    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_lambda_destinations as destinations
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_ses as ses
    from aws_cdk import aws_ses_actions as ses_actions
    from aws_cdk import aws_sqs as sqs

    rule_set = ses.ReceiptRuleSet(stack, "RuleSet")
    queue = sqs.Queue(
        stack,
        "DeadLetterQueue",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(14),
    )
    queue.metric_approximate_number_of_messages_visible(
        statistic="Maximum", period=Duration.minutes(1)
    ).create_alarm(
        stack,
        "Alarm",
        threshold=1,
        evaluation_periods=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    )
    bucket = s3.Bucket(
        stack,
        "Bucket",
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(90))],
    )
    previous = None
    for rule in range(rules):
        name = f"Rule{rule}"
        log_group = logs.LogGroup(
            stack,
            f"{name}Logs",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            stack, f"{name}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com")
        )
        log_group.grant_write(role)
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"], resources=[bucket.arn_for_objects(f"{name}/*")]
            )
        )
        function = lambda_.Function(
            stack,
            f"{name}Function",
            code=lambda_.Code.from_asset(str(folder)),
            handler="app.on_mail",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            memory_size=512,
            timeout=Duration.seconds(60),
            role=role,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            environment={
                "MAILROOM_HANDLER": "app:on_mail",
                "MAILROOM_RULE": name,
                "MAILROOM_BUCKET": bucket.bucket_name,
                "MAILROOM_PREFIX": f"{name}/",
            },
            on_failure=destinations.SqsDestination(queue),
            retry_attempts=2,
            max_event_age=Duration.hours(6),
        )
        previous = ses.ReceiptRule(
            stack,
            name,
            rule_set=rule_set,
            after=previous,
            recipients=_recipients(rule, count),
            enabled=True,
            scan_enabled=True,
            tls_policy=ses.TlsPolicy.REQUIRE,
            actions=[
                ses_actions.S3(bucket=bucket, object_key_prefix=f"{name}/"),
                ses_actions.Lambda(function=function),
            ],
        )


def _synthesize(kind: str, rules: int, recipients: int) -> dict[str, float]:
    """Build and synthesize one app."""
    import aws_cdk as cdk

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "handlers")
        folder.mkdir()
        (folder / "app.py").write_text(_HANDLER)
        cpu, wall = cpu_of(os.getpid()), time.perf_counter()
        app = cdk.App(
            outdir=str(Path(name, "out")),
            analytics_reporting=False,
            context={"@aws-cdk/core:stackResourceLimit": 0},
        )
        stack = cdk.Stack(
            app, "Stack", env=cdk.Environment(account="111122223333", region="eu-west-1")
        )
        (_ours if kind == _OURS else _plain)(stack, folder, rules, recipients)
        app.synth()
        taken = {"wall": time.perf_counter() - wall, "cpu": cpu_of(os.getpid()) - cpu}
        template = json.loads(Path(name, "out", "Stack.template.json").read_text())
    return {**taken, "resources": len(template["Resources"])}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the synths of one kind.")
    parser.add_argument("kind", choices=(_OURS, _PLAIN))
    parser.add_argument("cases", nargs="+", metavar="RULESxRECIPIENTS")
    options = parser.parse_args()
    cases = [tuple(map(int, one.split("x"))) for one in options.cases]
    if len(cases) > 1:
        _synthesize(options.kind, 1, 1)
    sys.stdout.write(json.dumps([_synthesize(options.kind, *case) for case in cases]))


if __name__ == "__main__":
    main()
