"""Receipt rules: those of the active rule set that can never run, or whose actions fail."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from mailroom_cli.doctor import policies, rule_sets
from mailroom_cli.doctor.findings import Finding
from mailroom_cli.doctor.place import Place, counted, named, several
from mailroom_cli.doctor.reading import Absent, Unseen
from mailroom_cli.doctor.shadows import shadowed

RANK = 40
NEEDS = (
    "kms:DescribeKey",
    "lambda:GetFunctionConfiguration",
    "lambda:GetPolicy",
    "s3:GetBucketPolicy",
    "ses:DescribeActiveReceiptRuleSet",
    "ses:GetIdentityVerificationAttributes",
    "ses:ListIdentities",
    "sns:GetTopicAttributes",
)

Rule = Mapping[str, Any]

_RULES = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-receipt-rules-console-walkthrough.html"
_PERMISSIONS = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-permissions.html"
_CONCEPTS = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-concepts.html"


def look(place: Place) -> Iterator[Finding]:
    """Look at each rule of the active set."""
    active = rule_sets.active(place)
    if active is None:
        return
    name, rules = active["Metadata"]["Name"], active.get("Rules", [])
    if not rules:
        yield place.problem(
            "empty",
            f"{name} is active and has no rules, so every message is refused",
            remedy="deploy an InboundMail with rules, or activate another set",
            source=_RULES,
        )
        return
    verified: set[str] | None = None
    with suppress(Unseen):
        if rule_sets.identities(place).complete:
            verified = rule_sets.verified_domains(place)
        else:
            yield place.warning(
                "not-all",
                f"there are more than {rule_sets.MOST_IDENTITIES} identities, so whether the "
                "domains of rules are verified was not looked at",
            )
    well = 0

    def about(position: int) -> Iterator[Finding]:
        return _about(place, name, rules[position], rules[:position], verified)

    for found in several(about, range(len(rules))):
        yield from found
        well += not found
    if well and place.saw_all:
        yield place.ok("can-run", f"{counted(well, 'rule')} of {len(rules)} can run")


def _about(
    place: Place, set_name: str, rule: Rule, earlier: list[Rule], verified: set[str] | None
) -> Iterator[Finding]:
    if not rule.get("Enabled"):
        yield place.warning(
            "disabled",
            f"rule {rule['Name']} is disabled, so it never runs",
            remedy="enable it where it is deployed from (enabled=True), or delete it:",
            command=place.aws(
                "ses", "delete-receipt-rule", rule_set_name=set_name, rule_name=rule["Name"]
            ),
            source=_RULES,
        )
        return
    yield from _shadow(place, set_name, rule, earlier)
    if verified is not None:
        yield from _unverified(place, rule, verified)
    source = place.arn("ses", f"receipt-rule-set/{set_name}:receipt-rule/{rule['Name']}")
    for action in rule.get("Actions", []):
        for kind, fields in action.items():
            look_at: _Look = _ACTIONS.get(kind, _topic_of)
            with suppress(Unseen):
                yield from look_at(place, rule["Name"], fields, source)


def _shadow(place: Place, set_name: str, rule: Rule, earlier: list[Rule]) -> Iterator[Finding]:
    hidden = shadowed(rule, earlier)
    if not hidden:
        return
    before = sorted(set(hidden.values()))
    wanted = rule.get("Recipients") or []
    whole = len(hidden) >= len(wanted)
    what = "" if whole else f" for {named(list(hidden))}"
    taken = "all of its recipients" if whole else "them too"
    report = place.problem if whole else place.warning
    yield report(
        "shadowed",
        f"rule {rule['Name']} never runs{what}: rule {named(before)} is before it, takes {taken}, "
        "and stops the rule set",
        remedy="put it before that rule (with the constructs: add it first), or narrow that "
        "rule's recipients; by hand:",
        command=place.aws(
            "ses", "set-receipt-rule-position", rule_set_name=set_name, rule_name=rule["Name"]
        ),
        source=_RULES,
    )


def _unverified(place: Place, rule: Rule, verified: set[str]) -> Iterator[Finding]:
    recipients = rule.get("Recipients") or []
    missing = [
        one for one in recipients if not rule_sets.is_covered(rule_sets.domain_of(one), verified)
    ]
    domains = sorted({rule_sets.domain_of(one) for one in missing})
    if not recipients and not verified:
        yield place.problem(
            "unverified",
            f"rule {rule['Name']} is for every verified domain, and there is none",
            remedy="verify a domain",
            source=_CONCEPTS,
        )
    for domain in domains:
        report = place.problem if len(missing) == len(recipients) else place.warning
        who = [one for one in missing if rule_sets.domain_of(one) == domain]
        yield report(
            "unverified",
            f"rule {rule['Name']} never runs for {named(who)}: {domain} is not a verified domain",
            remedy="verify it:"
            if place.is_local
            else "verify it; then publish the records that SES names:",
            command=place.aws("ses", "verify-domain-identity", domain=domain),
            source=_CONCEPTS,
        )


_Look = Callable[[Place, str, Mapping[str, Any], str], Iterator[Finding]]


def _bucket(place: Place, rule: str, fields: Mapping[str, Any], source: str) -> Iterator[Finding]:
    bucket = fields["BucketName"]
    policy: Any = None
    try:
        policy = place.reader.call(
            "s3",
            "get_bucket_policy",
            Bucket=bucket,
            absent=("NoSuchBucket", "NoSuchBucketPolicy"),
        )["Policy"]
    except Absent as error:
        cause: Any = error.__cause__
        if cause.response["Error"]["Code"] == "NoSuchBucket":
            yield place.problem(
                "bucket",
                f"rule {rule}: its bucket {bucket} does not exist, so its mail cannot be stored",
                remedy="deploy the stack that makes it again; by hand, make it and its policy:",
                command=place.aws("s3api", "create-bucket", bucket=bucket),
                source=_PERMISSIONS,
            )
            return
    if not fields.get("IamRoleArn") and not _may(
        place,
        policy,
        "s3:PutObject",
        f"arn:{place.partition}:s3:::{bucket}/{fields.get('ObjectKeyPrefix', '')}any",
        source,
    ):
        yield place.problem(
            "bucket-permission",
            f"rule {rule}: the policy of the bucket {bucket} does not let SES write to it",
            remedy="deploy the stack that owns the bucket again, or allow s3:PutObject to "
            f"ses.amazonaws.com for aws:SourceAccount {place.account}",
            source=_PERMISSIONS,
        )
    if (key := fields.get("KmsKeyArn", "")) and "alias/aws/" not in key:
        yield from _key(place, rule, key)
    yield from _topic_of(place, rule, fields, source)


def _key(place: Place, rule: str, key: str) -> Iterator[Finding]:
    state = "missing"
    with suppress(Absent):
        found = place.reader.call("kms", "describe_key", KeyId=key, absent=("NotFoundException",))
        state = found["KeyMetadata"]["KeyState"]
    if state != "Enabled":
        yield place.problem(
            "key",
            f"rule {rule}: its key {key} cannot be used ({state})",
            remedy="enable the key, or give the action another one",
            source=_PERMISSIONS,
        )


def _function(place: Place, rule: str, fields: Mapping[str, Any], source: str) -> Iterator[Finding]:
    arn = fields["FunctionArn"]
    name = arn.rpartition("function:")[2]
    missing = ("ResourceNotFoundException",)
    try:
        state = place.reader.call(
            "lambda", "get_function_configuration", FunctionName=arn, absent=missing
        )
    except Absent:
        yield place.problem(
            "function",
            f"rule {rule}: its function {name} does not exist, so its mail is not handled",
            remedy="deploy the stack that makes it again, or delete the rule",
            source=_PERMISSIONS,
        )
        return
    if state.get("State") in ("Failed", "Inactive"):
        yield place.problem(
            "function",
            f"rule {rule}: its function {name} is {state['State'].lower()}: "
            f"{state.get('StateReason', 'no reason')}",
            remedy="deploy the stack that makes it again",
        )
    policy = None
    with suppress(Absent):
        policy = place.reader.call("lambda", "get_policy", FunctionName=arn, absent=missing)[
            "Policy"
        ]
    if not _may(place, policy, "lambda:InvokeFunction", arn, source):
        yield place.problem(
            "function-permission",
            f"rule {rule}: SES may not invoke its function {name}",
            remedy="deploy the stack that makes it again; by hand:",
            command=place.aws(
                "lambda",
                "add-permission",
                function_name=name,
                statement_id="AllowSes",
                action="lambda:InvokeFunction",
                principal="ses.amazonaws.com",
                source_account=place.account,
                source_arn=source,
            ),
            source=_PERMISSIONS,
        )
    yield from _topic_of(place, rule, fields, source)


def _topic_of(place: Place, rule: str, fields: Mapping[str, Any], source: str) -> Iterator[Finding]:
    arn = fields.get("TopicArn")
    if not arn:
        return
    try:
        place.reader.call(
            "sns", "get_topic_attributes", TopicArn=arn, absent=("NotFound", "NotFoundException")
        )
    except Absent:
        name = arn.rpartition(":")[2]
        yield place.problem(
            "topic",
            f"rule {rule}: its topic {name} does not exist, so the action fails",
            remedy="deploy the stack that makes it again; by hand:",
            command=place.aws("sns", "create-topic", name=name),
            source=_PERMISSIONS,
        )


def _may(place: Place, policy: Any, action: str, resource: str, source: str) -> bool:
    may = functools.partial(policies.admits, policy, principal="ses.amazonaws.com")
    return may(action=action, resource=resource, source_arn=source, account=place.account)


_ACTIONS: Mapping[str, _Look] = {"LambdaAction": _function, "S3Action": _bucket}
