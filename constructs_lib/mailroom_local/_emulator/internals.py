"""The modules of ministack, and every member of theirs that this package touches.

ministack promises none of these names, so its version is pinned exactly, and
``tests/local/server/test_emulator.py`` checks :data:`INTERNALS` against that version.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

INTERNALS: Mapping[str, tuple[str, ...]] = {
    "ministack.app": ("AUTH", "_enforce_data_plane", "_enforce_ses_v2", "app"),
    "ministack.core.iam_actions": ("extract_iam_action", "extract_resource_arn"),
    "ministack.core.iam_evaluator": (
        "EvalContext",
        "_gather_role_policies",
        "evaluate",
        "evaluate_resource_policy",
        "request_caller_arn",
    ),
    "ministack.core.lambda_runtime": (
        "Worker",
        "ensure_spawned",
        "get_or_create_worker",
        "reset",
        "subprocess",
    ),
    "ministack.core.responses": (
        "AccountRegionScopedDict",
        "get_account_id",
        "get_region",
        "get_request_client_ip",
        "request_scope",
    ),
    "ministack.services.cloudformation.changesets": ("_evaluate_conditions",),
    "ministack.services.cloudformation.engine": ("_evaluate_conditions",),
    "ministack.services.cloudformation": ("_stacks",),
    "ministack.services.cloudformation.handlers": ("_ACTION_HANDLERS", "_evaluate_conditions"),
    "ministack.services.cloudformation.provisioners": (
        "_REPLACING_PROPERTIES",
        "_RESOURCE_HANDLERS",
        "_delete_predecessor",
        "_physical_name",
        "_ses_email_identity_apply",
        "_ses_email_identity_delete",
        "_ses_event_destination_definition",
        "_ses_event_destination_put",
        "_STACK_TAG_PROPERTY",
    ),
    "ministack.services.cloudformation.stacks": ("_evaluate_conditions",),
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
    "ministack.services.secretsmanager": (
        "_delete_resource_policy",
        "_put_resource_policy",
        "_resource_policies",
        "_resolve",
    ),
    "ministack.services.ses": (
        "_active_receipt_rule_set",
        "_configuration_sets",
        "_create_receipt_rule",
        "_create_receipt_rule_set",
        "_dkim_tokens",
        "_identities",
        "_make_identity",
        "_message_rejection",
        "_receipt_rule_error",
        "_receipt_rule_from_params",
        "_receipt_rule_sets",
        "_sent_emails",
        "_templates",
        "handle_request",
        "reset",
    ),
    "ministack.services.ses_v2": (
        "_CONFIG_SET_OPTION_MEMBERS",
        "_config_sets",
        "_create_config_set",
        "_identities",
        "_put_config_set_option",
        "_put_event_destination",
        "_resolve_send_template",
        "_tenant_request",
        "_tenant_resources",
        "_tenants",
        "handle_request",
    ),
    "ministack.services.sns": (
        "_deliver_to_sqs",
        "_topics",
        "publish_internal",
    ),
    "ministack.services.sqs": (
        "_queue_by_arn",
        "queue_policy_allows",
    ),
    "ministack.services.athena": (
        "_DUCKDB_TYPE_MAP",
        "_create_named_query",
        "_data_format",
        "_delete_named_query",
        "_executions",
        "_hidden",
        "_named_queries",
        "_run_duckdb",
        "_save_query_results",
        "_start_query_execution",
        "_stop_query_execution",
        "_table_references",
        "_table_relation",
        "_workgroups",
        "get_athena_engine",
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
        "_put_record",
        "_put_s3_object",
        "_s3_bucket_from_arn",
        "_streams",
    ),
    "ministack.services.glue": ("_create_table", "_tables", "_update_table"),
    "ministack.services.cloudwatch_logs": (
        "_create_delivery",
        "_create_log_stream",
        "_deliveries",
        "_delivery_destinations",
        "_delivery_sources",
        "_put_delivery_destination",
        "_put_delivery_source",
        "_put_log_events",
    ),
    "ministack.services.eventbridge": (
        "_create_archive",
        "_delete_archive",
        "_put_events",
        "_update_archive",
    ),
}


class Part:
    """A module of ministack: its declared members by their names without a leading underscore."""

    def __init__(self, name: str) -> None:
        # Imported here rather than by a statement: ministack has no types, and reads its settings
        # from the environment when it is first imported, which the server sets beforehand.
        self.module = import_module(name)
        self.declared = {member.lstrip("_"): member for member in INTERNALS[name]}

    def __getattr__(self, name: str) -> Any:
        if name not in self.declared:
            raise AttributeError(f"{name} of {self.module.__name__} is not in INTERNALS")
        return getattr(self.module, self.declared[name])

    def patch(self, **members: Any) -> None:
        """Put other members in place of declared ones."""
        replaced = {self.declared[name]: member for name, member in members.items()}
        vars(self.module).update(replaced)


actions = Part("ministack.core.iam_actions")
app = Part("ministack.app")
athena = Part("ministack.services.athena")
changesets = Part("ministack.services.cloudformation.changesets")
iam = Part("ministack.services.iam")
kms = Part("ministack.services.kms")
eventbridge = Part("ministack.services.eventbridge")
firehose = Part("ministack.services.firehose")
glue = Part("ministack.services.glue")
functions = Part("ministack.services.lambda_svc")
logs = Part("ministack.services.cloudwatch_logs")
policies = Part("ministack.core.iam_evaluator")
provisioners = Part("ministack.services.cloudformation.provisioners")
responses = Part("ministack.core.responses")
s3 = Part("ministack.services.s3")
secrets = Part("ministack.services.secretsmanager")
ses = Part("ministack.services.ses")
ses_v2 = Part("ministack.services.ses_v2")
sns = Part("ministack.services.sns")
sqs = Part("ministack.services.sqs")
stack_records = Part("ministack.services.cloudformation")
stack_requests = Part("ministack.services.cloudformation.handlers")
stacks = Part("ministack.services.cloudformation.stacks")
template_engine = Part("ministack.services.cloudformation.engine")
workers = Part("ministack.core.lambda_runtime")
