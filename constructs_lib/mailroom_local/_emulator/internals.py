"""ministack's modules, and every name of theirs that this package touches.

None of these names is promised to stay, so the version is pinned exactly, and
``tests/local/test_emulator.py`` asserts that each of :data:`INTERNALS` is still there.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

MINISTACK_VERSION = "1.5.33"

INTERNALS: Mapping[str, tuple[str, ...]] = {
    "ministack.app": ("AUTH", "_enforce_data_plane", "_enforce_ses_v2", "app"),
    "ministack.core.iam_actions": ("extract_iam_action",),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "_gather_role_policies",
        "evaluate",
        "evaluate_resource_policy",
        "request_caller_arn",
    ),
    "ministack.core.lambda_runtime": ("reset",),
    "ministack.core.responses": (
        "AccountRegionScopedDict",
        "get_account_id",
        "get_region",
        "get_request_client_ip",
        "json_response",
        "set_request_region",
    ),
    "ministack.services.cloudformation.provisioners": (
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_delete_predecessor",
        "_physical_name",
        "_ses_event_destination_definition",
        "_ses_event_destination_put",
    ),
    "ministack.services.iam": (
        "_access_keys",
        "_roles",
    ),
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
        "_configuration_sets",
        "_create_receipt_rule",
        "_create_receipt_rule_set",
        "_error",
        "_identities",
        "_iso_now",
        "_message_rejection",
        "_missing_domain",
        "_receipt_element",
        "_receipt_result",
        "_receipt_rule_error",
        "_receipt_rule_from_params",
        "_receipt_rule_sets",
        "_record_send",
        "_send_notifications",
        "_sent_emails",
        "_sent_emails_list",
        "_templates",
        "_xml",
        "handle_request",
        "reset",
    ),
    "ministack.services.ses_v2": (
        "_config_sets",
        "_create_config_set",
        "_identities",
        "_json_err",
        "_put_config_set_option",
        "_put_event_destination",
        "_resolve_send_template",
        "handle_request",
        "reset",
    ),
    "ministack.services.sns": (
        "_topics",
        "publish_internal",
    ),
    "ministack.services.firehose": ("_streams",),
    "ministack.services.eventbridge": ("_put_events",),
}

# Imported by name rather than by statement: ministack carries no types, and reads its settings
# from the environment when it is first imported, which the server arranges beforehand.
actions = import_module("ministack.core.iam_actions")
app = import_module("ministack.app")
iam = import_module("ministack.services.iam")
kms = import_module("ministack.services.kms")
eventbridge = import_module("ministack.services.eventbridge")
firehose = import_module("ministack.services.firehose")
functions = import_module("ministack.services.lambda_svc")
policies = import_module("ministack.core.iam_evaluator")
provisioners = import_module("ministack.services.cloudformation.provisioners")
responses = import_module("ministack.core.responses")
s3 = import_module("ministack.services.s3")
ses = import_module("ministack.services.ses")
ses_v2 = import_module("ministack.services.ses_v2")
sns = import_module("ministack.services.sns")
workers = import_module("ministack.core.lambda_runtime")
