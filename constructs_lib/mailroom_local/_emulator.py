"""Every touch of ministack's internals, and nothing else.

ministack stores receipt rule sets but neither provisions them from CloudFormation nor checks them
as SES does. :func:`install` adds both to the modules that the server serves. All of it rests on
names that ministack does not promise to keep, so the version is pinned exactly and
``tests/local/test_emulator.py`` asserts that each name in :data:`INTERNALS` is still there.
"""

from __future__ import annotations

import base64
import copy
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email import message_from_bytes
from email.utils import parseaddr
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

from mailroom_local import _rules
from mailroom_local._rules import Rule
from mailroom_local.errors import SesError

MINISTACK_VERSION = "1.5.33"

INTERNALS: Mapping[str, tuple[str, ...]] = {
    "ministack.app": ("AUTH", "_enforce_data_plane", "_enforce_ses_v2", "app"),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "_gather_role_policies",
        "evaluate",
        "evaluate_resource_policy",
    ),
    "ministack.core.lambda_runtime": ("reset",),
    "ministack.core.responses": ("AccountRegionScopedDict", "get_account_id", "get_region"),
    "ministack.services.cloudformation.provisioners": (
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_delete_predecessor",
        "_physical_name",
    ),
    "ministack.services.iam": ("_roles",),
    "ministack.services.kms": ("_resolve_key",),
    "ministack.services.lambda_svc": ("_functions",),
    "ministack.services.s3": (
        "_bucket_default_sse_headers",
        "_bucket_policies",
        "_buckets",
        "_put_object",
    ),
    "ministack.services.ses": (
        "_active_receipt_rule_set",
        "_create_receipt_rule",
        "_create_receipt_rule_set",
        "_error",
        "_identities",
        "_message_rejection",
        "_receipt_result",
        "_receipt_rule_error",
        "_receipt_rule_from_params",
        "_receipt_rule_sets",
        "_record_send",
        "_sent_emails",
        "_xml",
        "handle_request",
        "reset",
    ),
    "ministack.services.ses_v2": ("_identities",),
    "ministack.services.sns": ("_topics",),
}

Response = tuple[int, dict[str, str], bytes]
Parameters = dict[str, list[str]]
_Handler = Callable[[str, str, Any, bytes, Any], Awaitable[Response]]

_SES_PRINCIPAL = "ses.amazonaws.com"

# Imported by name rather than by statement: ministack carries no types, and reads its settings
# from the environment when it is first imported, which the server arranges beforehand.
_app = import_module("ministack.app")
_iam = import_module("ministack.services.iam")
_kms = import_module("ministack.services.kms")
_lambda = import_module("ministack.services.lambda_svc")
_policies = import_module("ministack.core.iam_evaluator")
_provisioners = import_module("ministack.services.cloudformation.provisioners")
_responses = import_module("ministack.core.responses")
_s3 = import_module("ministack.services.s3")
_ses = import_module("ministack.services.ses")
_ses_v2 = import_module("ministack.services.ses_v2")
_sns = import_module("ministack.services.sns")
_workers = import_module("ministack.core.lambda_runtime")

_received: dict[str, str] = {}
_filters: Any = _responses.AccountRegionScopedDict()
_original_handle_request: _Handler = _ses.handle_request
_original_enforce_ses_v2: Callable[..., Response | None] = _app._enforce_ses_v2
_original_reset: Callable[[], None] = _ses.reset


def install() -> None:
    """Extend ministack's SES and CloudFormation with what receiving mail needs. Idempotent."""
    vars(_app).update(_enforce_ses_v2=_enforce_ses_v2)
    vars(_ses).update(handle_request=_handle_request, reset=_reset)
    # The table that says which changed property makes CloudFormation replace a resource. A rule
    # replaces itself: its name, which is its id, may be the same in another rule set.
    _provisioners._REPLACING_PROPERTIES.update(
        {
            "AWS::SES::ReceiptRuleSet": ("RuleSetName",),
            "AWS::SES::ReceiptFilter": ("Filter",),
        }
    )
    _provisioners._RESOURCE_HANDLERS.update(
        {
            "AWS::SES::ReceiptRuleSet": {
                "create": _provision_rule_set,
                "delete": _delete_rule_set_resource,
            },
            "AWS::SES::ReceiptRule": {
                "create": _provision_rule,
                "update": _update_rule_resource,
                "update_with_logical_id": True,
                "delete": _delete_rule_resource,
            },
            "AWS::SES::ReceiptFilter": {
                "create": _provision_filter,
                "delete": _delete_filter_resource,
            },
        }
    )


def asgi_app() -> Callable[..., Awaitable[None]]:
    """ministack's gateway."""
    gateway: Callable[..., Awaitable[None]] = _app.app
    return gateway


def enforce_permissions(enforced: bool) -> None:
    """Let a function do only what its execution role allows, or again whatever it likes.

    ministack asks this switch on every request. A function takes its credentials along when its
    process starts, so processes that run already are ended.
    """
    vars(_app).update(AUTH=enforced)
    stop_functions()


def remember_received(message_id: str, mail_from: str) -> None:
    """Let SendBounce know of a message that came in over SMTP."""
    _received[message_id] = mail_from


def sent_messages() -> list[dict[str, Any]]:
    """Every message that the account sent, oldest first, as ministack recorded it."""
    everything = _ses._sent_emails.to_dict()
    found = [
        record for key, records in everything.items() if key[-1] == "entries" for record in records
    ]
    return sorted(found, key=lambda record: float(record["Timestamp"]))


def stop_functions() -> None:
    """End the processes in which Lambda functions run, and remove their folders."""
    _workers.reset()


# --- the SES API -------------------------------------------------------------------------------


async def _handle_request(
    method: str, path: str, headers: Any, body: bytes, query_params: Any
) -> Response:
    operation = None
    if method == "POST" and not path.startswith("/v2/"):
        parameters: Parameters = dict(query_params)
        parameters.update(parse_qs(body.decode("utf-8", errors="replace"), keep_blank_values=True))
        operation = _OPERATIONS.get(_one(parameters, "Action") or "")
    if operation is None:
        return await _original_handle_request(method, path, headers, body, query_params)
    try:
        return operation(parameters)
    except SesError as error:
        response: Response = _ses._error(error.code, error.message, 400, "Sender")
        return response


def _create_rule_set(parameters: Parameters) -> Response:
    _room_for_rule_set()
    response: Response = _ses._create_receipt_rule_set(parameters)
    return response


def _clone_rule_set(parameters: Parameters) -> Response:
    original = _rule_set(_required(parameters, "OriginalRuleSetName", "originalRuleSetName"))
    _room_for_rule_set()
    _raise_for(_ses._create_receipt_rule_set(parameters))
    clone = _rule_set(_required(parameters, "RuleSetName", "ruleSetName"))
    clone["Rules"] = copy.deepcopy(original["Rules"])
    return _done("CloneReceiptRuleSet")


def _create_rule(parameters: Parameters) -> Response:
    rule = _ses._receipt_rule_from_params(parameters)
    set_name = _one(parameters, "RuleSetName") or ""
    # ministack's own operation validates form and names; it must not store anything before the
    # live checks have passed, and those presuppose a well-formed rule.
    _raise_for(_ses._receipt_rule_error(rule))
    if set_name in _ses._receipt_rule_sets:
        _room_for_rule(set_name)
        _check_rule(set_name, rule)
    response: Response = _ses._create_receipt_rule(parameters)
    _raise_for(response)
    _announce_setup(rule, previous=None)
    return response


def _update_rule(parameters: Parameters) -> Response:
    rule = _ses._receipt_rule_from_params(parameters)
    _required(parameters, "Rule.Name", "rule.name")
    _replace_rule(_required(parameters, "RuleSetName", "ruleSetName"), rule)
    return _done("UpdateReceiptRule")


def _set_rule_position(parameters: Parameters) -> Response:
    rule_set = _rule_set(_required(parameters, "RuleSetName", "ruleSetName"))
    name = _required(parameters, "RuleName", "ruleName")
    _move(rule_set, name, after=_one(parameters, "After"))
    return _done("SetReceiptRulePosition")


def _reorder_rule_set(parameters: Parameters) -> Response:
    rule_set = _rule_set(_required(parameters, "RuleSetName", "ruleSetName"))
    rule_set["Rules"] = _rules.reorder(rule_set["Rules"], _members(parameters, "RuleNames"))
    return _done("ReorderReceiptRuleSet")


def _create_filter(parameters: Parameters) -> Response:
    _store_filter(
        {
            "Name": _one(parameters, "Filter.Name") or "",
            "IpFilter": {
                "Policy": _one(parameters, "Filter.IpFilter.Policy") or "",
                "Cidr": _one(parameters, "Filter.IpFilter.Cidr") or "",
            },
        }
    )
    return _done("CreateReceiptFilter")


def _list_filters(parameters: Parameters) -> Response:
    response: Response = _ses._receipt_result(
        "ListReceiptFilters", {"Filters": [_filters[name] for name in sorted(_filters)]}
    )
    return response


def _delete_filter(parameters: Parameters) -> Response:
    _filters.pop(_required(parameters, "FilterName", "filterName"), None)
    return _done("DeleteReceiptFilter")


def _send_bounce(parameters: Parameters) -> Response:
    """Send a delivery status notification to where a received message came from."""
    sender = _required(parameters, "BounceSender", "bounceSender")
    original = _required(parameters, "OriginalMessageId", "originalMessageId")
    if original not in _received:
        raise SesError("MessageRejected", f"No message of the last 24 hours has the id {original}")
    if rejection := _ses._message_rejection(sender):
        raise SesError("MessageRejected", rejection)
    recipients = [
        _one(parameters, f"BouncedRecipientInfoList.member.{number}.Recipient") or ""
        for number in range(1, _count(parameters, "BouncedRecipientInfoList") + 1)
    ]
    if not recipients:
        raise SesError("InvalidParameterValue", "BouncedRecipientInfoList must not be empty")
    message_id = _ses._record_send(
        source=sender,
        to_addrs=[_received[original]],
        subject="Delivery Status Notification (Failure)",
        body_text=_one(parameters, "Explanation") or "",
        type_name="SendBounce",
        extra={"OriginalMessageId": original, "BouncedRecipients": recipients},
    )
    response: Response = _ses._xml(
        200,
        "SendBounceResponse",
        f"<SendBounceResult><MessageId>{message_id}</MessageId></SendBounceResult>",
    )
    return response


_OPERATIONS: Mapping[str, Callable[[Parameters], Response]] = {
    "CloneReceiptRuleSet": _clone_rule_set,
    "CreateReceiptFilter": _create_filter,
    "CreateReceiptRule": _create_rule,
    "CreateReceiptRuleSet": _create_rule_set,
    "DeleteReceiptFilter": _delete_filter,
    "ListReceiptFilters": _list_filters,
    "ReorderReceiptRuleSet": _reorder_rule_set,
    "SendBounce": _send_bounce,
    "SetReceiptRulePosition": _set_rule_position,
    "UpdateReceiptRule": _update_rule,
}


# --- permission to send ------------------------------------------------------------------------


def _enforce_ses_v2(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Response | None:
    """The refusal of a call, if permissions are enforced and the caller has none for it.

    ministack asks for ``ses:SendEmail`` on ``*`` and without condition keys. SES asks for it on
    the identity that the message is sent from, and on the configuration set too.
    """
    if not _app.AUTH or (method, path) != ("POST", "/v2/email/outbound-emails"):
        return _original_enforce_ses_v2(method, path, headers, body, query_params, request_id)
    try:
        request = json.loads(body)
    except ValueError:
        return None
    display, address = parseaddr(str(request.get("FromEmailAddress") or _raw_sender(request)))
    domain = address.rpartition("@")[2]
    known = address in _ses._identities or address in _ses_v2._identities
    resources = [f"identity/{address if known else domain}"]
    if configuration_set := request.get("ConfigurationSetName"):
        resources.append(f"configuration-set/{configuration_set}")
    destinations = (request.get("Destination") or {}).values()
    context = {
        "ses:FromAddress": address,
        "ses:FromDisplayName": display,
        "ses:Recipients": [recipient for listed in destinations for recipient in listed],
    }
    scope = f"arn:aws:ses:{_responses.get_region()}:{_responses.get_account_id()}"
    for resource in resources:
        refusal: Response | None = _app._enforce_data_plane(
            "sesv2",
            "ses:SendEmail",
            headers,
            query_params,
            request_id,
            resource_arn=f"{scope}:{resource}",
            service_context=context,
            named_resource=f"{scope}:{resource}",
        )
        if refusal is not None:
            return refusal
    return None


def _raw_sender(request: Mapping[str, Any]) -> str:
    data = ((request.get("Content") or {}).get("Raw") or {}).get("Data", "")
    return str(message_from_bytes(base64.b64decode(data)).get("From", ""))


# --- the CloudFormation types ------------------------------------------------------------------


def _provision_rule_set(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("RuleSetName") or _generated_name(stack_name, logical_id)
    with _CloudFormationErrors():
        _room_for_rule_set()
        _raise_for(_ses._create_receipt_rule_set({"RuleSetName": [name]}))
    return name, {}


def _delete_rule_set_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    with _CloudFormationErrors():
        if _ses._active_receipt_rule_set.get("name") == physical_id:
            raise SesError("CannotDelete", f"Cannot delete active rule set: {physical_id}")
        _ses._receipt_rule_sets.pop(physical_id, None)


def _provision_rule(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    declared = properties.get("Rule") or {}
    name = declared.get("Name") or _generated_name(stack_name, logical_id)
    set_name = str(properties.get("RuleSetName", ""))
    rule = _rules.rule_from_properties(declared, name=name)
    with _CloudFormationErrors():
        rule_set = _rule_set(set_name)
        _raise_for(_ses._receipt_rule_error(rule))
        if any(existing["Name"] == name for existing in rule_set["Rules"]):
            raise SesError("AlreadyExists", f"Rule already exists: {name}")
        _room_for_rule(set_name)
        _check_rule(set_name, rule)
        rule_set["Rules"] = _rules.insert(
            rule_set["Rules"], rule, after=properties.get("After") or None
        )
        _announce_setup(rule, previous=None)
    return name, {}


def _update_rule_resource(
    physical_id: str,
    old_properties: Mapping[str, Any],
    new_properties: Mapping[str, Any],
    stack_name: str,
    logical_id: str,
) -> tuple[str, dict[str, Any]]:
    declared = new_properties.get("Rule") or {}
    set_name = str(new_properties.get("RuleSetName", ""))
    renamed = declared.get("Name") != (old_properties.get("Rule") or {}).get("Name")
    if renamed or set_name != old_properties.get("RuleSetName"):
        # A rollback comes here to go back to a rule that the failed update has not deleted yet.
        kept = _ses._receipt_rule_sets.get(set_name, {}).get("Rules", [])
        name = declared.get("Name") or physical_id
        if _rules.rule_from_properties(declared, name=name) not in kept:
            name, _ = _provision_rule(logical_id, new_properties, stack_name)
        _provisioners._delete_predecessor(_delete_rule_resource, physical_id, old_properties)
        return name, {}
    with _CloudFormationErrors():
        _replace_rule(set_name, _rules.rule_from_properties(declared, name=physical_id))
        if new_properties.get("After") != old_properties.get("After"):
            _move(_rule_set(set_name), physical_id, after=new_properties.get("After") or None)
    return physical_id, {}


def _delete_rule_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    rule_set = _ses._receipt_rule_sets.get(str(properties.get("RuleSetName", "")))
    if rule_set is not None:
        rule_set["Rules"] = [rule for rule in rule_set["Rules"] if rule["Name"] != physical_id]


def _provision_filter(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    declared = properties.get("Filter") or {}
    name = declared.get("Name") or _generated_name(stack_name, logical_id)
    with _CloudFormationErrors():
        _store_filter({"Name": name, "IpFilter": dict(declared.get("IpFilter") or {})})
    return name, {}


def _delete_filter_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    _filters.pop(physical_id, None)


class _CloudFormationErrors:
    """Turns an SES error into the sentence that a stack event on AWS carries."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SesError):
            raise ValueError(
                f"{error.message} (Service: AmazonSimpleEmailService; Status Code: 400; "
                f"Error Code: {error.code}; Request ID: {uuid.uuid4()}; Proxy: null)"
            ) from error


def _generated_name(stack_name: str, logical_id: str) -> str:
    # 64 characters are allowed; the last of ministack's names is a letter or digit, as SES wants.
    name: str = _provisioners._physical_name(stack_name, logical_id, max_len=63)
    return name


# --- what both have in common ------------------------------------------------------------------


def _rule_set(name: str) -> dict[str, Any]:
    rule_set: dict[str, Any] | None = _ses._receipt_rule_sets.get(name)
    if rule_set is None:
        raise SesError("RuleSetDoesNotExist", f"Rule set does not exist: {name}")
    return rule_set


def _room_for_rule_set() -> None:
    if len(_ses._receipt_rule_sets) >= _rules.MAX_RULE_SETS:
        raise SesError(
            "LimitExceeded", f"Number of rule sets exceeds the limit: {_rules.MAX_RULE_SETS}"
        )


def _room_for_rule(set_name: str) -> None:
    if len(_rule_set(set_name)["Rules"]) >= _rules.MAX_RULES_PER_SET:
        raise SesError(
            "LimitExceeded",
            f"Number of rules in rule set {set_name} exceeds the limit: {_rules.MAX_RULES_PER_SET}",
        )


def _replace_rule(set_name: str, rule: Rule) -> None:
    rule_set = _rule_set(set_name)
    index = _rules.index_of(rule_set["Rules"], rule["Name"])
    _raise_for(_ses._receipt_rule_error(rule))
    _check_rule(set_name, rule)
    previous = rule_set["Rules"][index]
    rule_set["Rules"][index] = rule
    _announce_setup(rule, previous=previous)


def _move(rule_set: dict[str, Any], name: str, *, after: str | None) -> None:
    rule = rule_set["Rules"][_rules.index_of(rule_set["Rules"], name)]
    others = [other for other in rule_set["Rules"] if other["Name"] != name]
    rule_set["Rules"] = _rules.insert(others, rule, after=after)


def _store_filter(receipt_filter: dict[str, Any]) -> None:
    _rules.check_filter(receipt_filter)
    name = receipt_filter["Name"]
    if name in _filters:
        raise SesError("AlreadyExists", f"Filter already exists: {name}")
    if len(_filters) >= _rules.MAX_FILTERS:
        raise SesError(
            "LimitExceeded", f"Number of filters exceeds the limit: {_rules.MAX_FILTERS}"
        )
    _filters[name] = receipt_filter


def _reset() -> None:
    _original_reset()
    _filters.clear()
    _received.clear()


def _announce_setup(rule: Rule, *, previous: Rule | None) -> None:
    """Write the object by which SES proves that it can write to a bucket."""
    before = _rules.actions(previous or {})
    known = {_target(fields) for kind, fields in before if kind == "S3Action"}
    for kind, fields in _rules.actions(rule):
        if kind == "S3Action" and _target(fields) not in known:
            key = fields.get("ObjectKeyPrefix", "") + _rules.SETUP_NOTIFICATION
            _s3._put_object(fields["BucketName"], key, _setup_message(fields), {})


def _target(fields: Mapping[str, str]) -> tuple[str, str]:
    return fields.get("BucketName", ""), fields.get("ObjectKeyPrefix", "")


def _setup_message(fields: Mapping[str, str]) -> bytes:
    lines = (
        "From: no-reply@amazonses.com",
        "To: undisclosed-recipients:;",
        "Subject: Amazon SES Setup Notification",
        "",
        f"Mail for this rule will be written to the bucket {fields['BucketName']}.",
        "",
    )
    return "\r\n".join(lines).encode()


# --- the live checks ---------------------------------------------------------------------------


def _check_rule(set_name: str, rule: Rule) -> None:
    """Check, as SES does whenever a rule is written, that it may carry out every action."""
    _rules.check_quotas(rule)
    source = _Source(
        account=_responses.get_account_id(),
        region=_responses.get_region(),
        rule_set=set_name,
        rule=rule["Name"],
    )
    for kind, fields in _rules.actions(rule):
        if kind == "LambdaAction":
            _check_function(source, fields.get("FunctionArn", ""))
        if kind == "S3Action":
            _check_bucket(source, fields)
        if fields.get("TopicArn") or kind == "SNSAction":
            _check_topic(source, fields.get("TopicArn", ""))


class _Source:
    """On whose behalf SES acts: what the conditions of a policy are compared with."""

    def __init__(self, *, account: str, region: str, rule_set: str, rule: str) -> None:
        self.account = account
        self.region = region
        self.rule = rule
        self.arn = f"arn:aws:ses:{region}:{account}:receipt-rule-set/{rule_set}:receipt-rule/{rule}"

    def may(
        self, action: str, resource: str, policy: str | Mapping[str, Any] | None, **context: str
    ) -> str:
        """``Allow``, ``Deny`` or ``ImplicitDeny``, for SES, by this resource policy."""
        decision: str = _policies.evaluate_resource_policy(
            policy, self.context(action, resource, **context), _SES_PRINCIPAL
        ).decision
        return decision

    def context(self, action: str, resource: str, **context: str) -> Any:
        return _policies.EvalContext(
            principal_arn=_SES_PRINCIPAL,
            principal_type="Service",
            principal_account=self.account,
            action=action,
            resource_arn=resource,
            region=self.region,
            source_ip="127.0.0.1",
            secure_transport=True,
            service_context={
                "aws:sourceaccount": self.account,
                "aws:sourcearn": self.arn,
                # What SES sent before aws:SourceAccount existed; older templates still ask for it.
                "aws:referer": self.account,
                "aws:principalisawsservice": "true",
                "aws:principalservicename": _SES_PRINCIPAL,
                **context,
            },
        )


def _check_function(source: _Source, arn: str) -> None:
    refusal = SesError("InvalidLambdaFunction", f"Could not invoke Lambda function: {arn}")
    parts = arn.split(":")
    if len(parts) < 7 or parts[2] != "lambda" or parts[3] != source.region:
        raise refusal
    function = _lambda._functions.get(parts[6])
    if function is None or parts[4] != source.account:
        raise refusal
    if source.may("lambda:InvokeFunction", arn, function.get("policy")) != "Allow":
        raise refusal


def _check_bucket(source: _Source, fields: Mapping[str, str]) -> None:
    bucket = fields.get("BucketName", "")
    refusal = SesError("InvalidS3Configuration", f"Could not write to bucket: {bucket}")
    if bucket not in _s3._buckets:
        raise refusal
    prefix = fields.get("ObjectKeyPrefix", "")
    resource = f"arn:aws:s3:::{bucket}/{prefix}{_rules.SETUP_NOTIFICATION}"
    policy = _s3._bucket_policies.get(bucket)
    if role := fields.get("IamRoleArn"):
        if not _role_may(source, role, "s3:PutObject", resource):
            raise SesError(
                "InvalidS3Configuration", f"Could not assume the provided IAM Role: {role}"
            )
        if source.may("s3:PutObject", resource, policy) == "Deny":
            raise refusal
    elif source.may("s3:PutObject", resource, policy) != "Allow":
        raise refusal
    encryption = _s3._bucket_default_sse_headers(bucket)
    if "kms" in encryption.get("x-amz-server-side-encryption", "") and not fields.get("IamRoleArn"):
        key = encryption.get("x-amz-server-side-encryption-aws-kms-key-id", "alias/aws/s3")
        if not _key_serves(
            source,
            key,
            ("kms:GenerateDataKey", "kms:Decrypt"),
            {
                "kms:viaservice": f"s3.{source.region}.amazonaws.com",
                "kms:encryptioncontext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
            },
        ):
            raise refusal
    if (key := fields.get("KmsKeyArn", "")) and not key.endswith(":alias/aws/ses"):
        context = {
            "kms:encryptioncontext:aws:ses:rule-name": source.rule,
            "kms:encryptioncontext:aws:ses:source-account": source.account,
            "kms:encryptioncontext:aws:ses:message-id": _rules.SETUP_NOTIFICATION,
        }
        if not _key_serves(source, key, ("kms:GenerateDataKey",), context):
            raise SesError("InvalidS3Configuration", f"Could not encrypt with KMS key: {key}")


def _check_topic(source: _Source, arn: str) -> None:
    refusal = SesError("InvalidSnsTopic", f"Invalid SNS topic: {arn}")
    topic = _sns._topics.get(arn)
    if topic is None or arn.endswith(".fifo"):
        raise refusal
    attributes = topic.get("attributes", {})
    # A topic of the same account needs no statement for SES; it must only not be refused.
    if source.may("sns:Publish", arn, attributes.get("Policy")) == "Deny":
        raise refusal
    key = attributes.get("KmsMasterKeyId")
    if key and not _key_serves(
        source,
        key,
        ("kms:GenerateDataKey", "kms:Decrypt"),
        {"kms:viaservice": f"sns.{source.region}.amazonaws.com"},
    ):
        raise refusal


def _key_serves(
    source: _Source, key: str, actions: Sequence[str], context: Mapping[str, str]
) -> bool:
    # The policy of a key that AWS manages cannot be changed, so it never admits SES.
    record = None if "alias/aws/" in key else _kms._resolve_key(key)
    return record is not None and all(
        source.may(action, record["Arn"], record.get("Policy"), **context) == "Allow"
        for action in actions
    )


def _role_may(source: _Source, arn: str, action: str, resource: str) -> bool:
    name = arn.rsplit("/", 1)[-1]
    role = _iam._roles.get(name)
    if role is None:
        return False
    trust = role.get("AssumeRolePolicyDocument")
    if source.may("sts:AssumeRole", arn, trust) != "Allow":
        return False
    granted = _policies._gather_role_policies(name, source.account)
    decision: str = _policies.evaluate(source.context(action, resource), granted).decision
    return decision == "Allow"


# --- query parameters and answers --------------------------------------------------------------


def _one(parameters: Parameters, key: str) -> str | None:
    values = parameters.get(key)
    return values[0] if values else None


def _required(parameters: Parameters, key: str, field: str) -> str:
    value = _one(parameters, key)
    if not value:
        raise SesError(
            "ValidationError",
            f"1 validation error detected: Value at '{field}' failed to satisfy constraint: "
            "Member must not be null",
        )
    return value


def _count(parameters: Parameters, key: str) -> int:
    prefix = f"{key}.member."
    numbers = {name.removeprefix(prefix).split(".")[0] for name in parameters if prefix in name}
    return len(numbers)


def _members(parameters: Parameters, key: str) -> list[str]:
    return [
        _one(parameters, f"{key}.member.{number}") or ""
        for number in range(1, _count(parameters, key) + 1)
    ]


def _done(operation: str) -> Response:
    response: Response = _ses._receipt_result(operation)
    return response


def _raise_for(response: Response | None) -> None:
    """Raise the error that one of ministack's own answers carries."""
    if response is None or response[0] < 400:
        return
    root = ElementTree.fromstring(response[2])  # noqa: S314  # ministack wrote it just now
    texts = {element.tag.rpartition("}")[2]: element.text or "" for element in root.iter()}
    raise SesError(texts.get("Code", "InternalFailure"), texts.get("Message", ""))
