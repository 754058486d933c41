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
    "ministack.services.lambda_svc": (
        "_execute_function",
        "_functions",
        "_get_func_record_for_qualifier",
        "_resolve_name_and_qualifier",
    ),
    "ministack.services.s3": (
        "_bucket_default_sse_headers",
        "_bucket_policies",
        "_buckets",
        "_get_object_data",
        "_put_object",
    ),
    "ministack.services.ses": (
        "_active_receipt_rule_set",
        "_configuration_sets",
        "_create_receipt_rule",
        "_create_receipt_rule_set",
        "_dkim_tokens",
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
    "ministack.services.athena": (
        "_DUCKDB_TYPE_MAP",
        "_create_named_query",
        "_data_format",
        "_delete_named_query",
        "_executions",
        "_hidden",
        "_run_duckdb",
        "_save_query_results",
        "_start_query_execution",
        "_table_references",
        "_table_relation",
        "_workgroups",
    ),
    "ministack.services.firehose": (
        "_DeliveryError",
        "_arrival_time",
        "_convert_to_parquet",
        "_deliver_records_to_s3",
        "_evaluate_prefix",
        "_hive_to_duckdb_type",
        "_json_documents",
        "_metadata_extraction_keys",
        "_put_s3_object",
        "_s3_bucket_from_arn",
        "_streams",
    ),
    "ministack.services.glue": ("_create_table", "_tables", "_update_table"),
    "ministack.services.eventbridge": (
        "_create_archive",
        "_delete_archive",
        "_put_events",
        "_update_archive",
    ),
}

# Imported by name rather than by statement: ministack carries no types, and reads its settings
# from the environment when it is first imported, which the server arranges beforehand.
actions = import_module("ministack.core.iam_actions")
app = import_module("ministack.app")
athena = import_module("ministack.services.athena")
iam = import_module("ministack.services.iam")
kms = import_module("ministack.services.kms")
eventbridge = import_module("ministack.services.eventbridge")
firehose = import_module("ministack.services.firehose")
glue = import_module("ministack.services.glue")
functions = import_module("ministack.services.lambda_svc")
policies = import_module("ministack.core.iam_evaluator")
provisioners = import_module("ministack.services.cloudformation.provisioners")
responses = import_module("ministack.core.responses")
s3 = import_module("ministack.services.s3")
ses = import_module("ministack.services.ses")
ses_v2 = import_module("ministack.services.ses_v2")
sns = import_module("ministack.services.sns")
workers = import_module("ministack.core.lambda_runtime")
