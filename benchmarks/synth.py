"""Compares the time of a synth with cdk-mailroom and with plain aws-cdk-lib.

``make bench`` prints it; ``--json`` is for programs. Each measurement is a process of its own that
builds and synthesizes one app. The two take turns, so that a busy machine slows both alike, and
medians are compared. CPU time is that of Python and of Node together; the ratio of it is what
counts.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CASES = {"50 rules of 10 recipients": (50, 10), "10 rules of 500 recipients": (10, 500)}
HANDLER = "def on_mail(mail):\n    print(mail.subject)\n"


def recipients(rule: int, count: int) -> list[str]:
    return [f"rule{rule}.user{number}@example.com" for number in range(count)]


def ours(stack: Any, folder: Path, rules: int, count: int) -> None:
    from cdk_mailroom import InboundMail, PythonHandler

    inbound = InboundMail(stack, "Inbound")
    for rule in range(rules):
        inbound.add_rule(
            f"Rule{rule}",
            recipients=recipients(rule, count),
            handler=PythonHandler(folder, "app:on_mail"),
        )


def plain(stack: Any, folder: Path, rules: int, count: int) -> None:
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
            recipients=recipients(rule, count),
            enabled=True,
            scan_enabled=True,
            tls_policy=ses.TlsPolicy.REQUIRE,
            actions=[
                ses_actions.S3(bucket=bucket, object_key_prefix=f"{name}/"),
                ses_actions.Lambda(function=function),
            ],
        )


def synthesize(kind: str, rules: int, count: int) -> None:
    """Build and synthesize one app, and print the times."""
    import aws_cdk as cdk

    if kind == "ours":
        import cdk_mailroom  # noqa: F401

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "handlers")
        folder.mkdir()
        (folder / "app.py").write_text(HANDLER)
        started, cpu = time.perf_counter(), _cpu()
        app = cdk.App(outdir=str(Path(name, "out")), analytics_reporting=False)
        stack = cdk.Stack(
            app, "Stack", env=cdk.Environment(account="111122223333", region="eu-west-1")
        )
        (ours if kind == "ours" else plain)(stack, folder, rules, count)
        built = time.perf_counter()
        app.synth()
        ended = time.perf_counter()
    measured = {"wall": ended - started, "build": built - started, "cpu": _cpu() - cpu}
    sys.stdout.write(json.dumps(measured))


def _cpu() -> float:
    """Return the CPU seconds of this process and of Node, which runs as its child."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + sum(_seconds(child) for child in _descendants(os.getpid()))


def _descendants(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *_descendants(child)]
    return found


def _seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return the medians of each case, each way of writing it, and each measure."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "constructs_lib"), str(ROOT / "lambda_src")]),
    }
    results: dict[str, dict[str, dict[str, float]]] = {}
    for case, (rules, count) in CASES.items():
        samples: dict[str, list[dict[str, float]]] = {"plain": [], "ours": []}
        for _ in range(rounds):
            for kind, measured in samples.items():
                done = subprocess.run(
                    [sys.executable, __file__, "--one", kind, str(rules), str(count)],
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                )
                measured.append(json.loads(done.stdout))
        results[case] = {
            kind: {
                name: statistics.median(one[name] for one in measured)
                for name in ("wall", "build", "cpu")
            }
            for kind, measured in samples.items()
        }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each; 5")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        kind, rules, count = arguments.one
        synthesize(kind, int(rules), int(count))
        return
    results = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    for case, kinds in results.items():
        print(case)
        for name in ("wall", "build", "cpu"):
            without, with_ours = kinds["plain"][name], kinds["ours"][name]
            print(
                f"  {name:5}  plain {without:6.2f} s   cdk-mailroom {with_ours:6.2f} s   "
                f"ratio {with_ours / without:.2f}"
            )


if __name__ == "__main__":
    main()
