"""What there is in an account, to see whether a run left anything behind."""

from __future__ import annotations

import contextlib
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from conformance.site import Site

# Service, operation, the list in its answer, and what names an entry of it.
_LISTS = (
    ("s3", "list_buckets", "Buckets", "Name"),
    ("sqs", "list_queues", "QueueUrls", None),
    ("sns", "list_topics", "Topics", "TopicArn"),
    ("sns", "list_subscriptions", "Subscriptions", "SubscriptionArn"),
    ("lambda", "list_functions", "Functions", "FunctionName"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
    ("iam", "list_roles", "Roles", "RoleName"),
    ("iam", "list_users", "Users", "UserName"),
    ("iam", "list_policies", "Policies", "Arn"),
    ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    ("logs", "describe_delivery_sources", "deliverySources", "name"),
    ("logs", "describe_deliveries", "deliveries", "id"),
    ("ses", "list_receipt_rule_sets", "RuleSets", "Name"),
    ("ses", "list_receipt_filters", "Filters", "Name"),
    ("ses", "list_identities", "Identities", None),
    ("ses", "list_templates", "TemplatesMetadata", "Name"),
    ("sesv2", "list_configuration_sets", "ConfigurationSets", None),
    ("sesv2", "list_contact_lists", "ContactLists", "ContactListName"),
    ("sesv2", "list_suppressed_destinations", "SuppressedDestinationSummaries", "EmailAddress"),
    ("sesv2", "list_tenants", "Tenants", "TenantName"),
    ("sesv2", "list_multi_region_endpoints", "MultiRegionEndpoints", "EndpointName"),
    ("events", "list_rules", "Rules", "Name"),
    ("firehose", "list_delivery_streams", "DeliveryStreamNames", None),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    ("secretsmanager", "list_secrets", "SecretList", "Name"),
    ("ssm", "describe_parameters", "Parameters", "Name"),
    ("kms", "list_keys", "Keys", "KeyId"),
    ("dynamodb", "list_tables", "TableNames", None),
    ("athena", "list_work_groups", "WorkGroups", "Name"),
    ("glue", "get_databases", "DatabaseList", "Name"),
    ("mailmanager", "list_ingress_points", "IngressPoints", "IngressPointName"),
    ("mailmanager", "list_rule_sets", "RuleSets", "RuleSetName"),
    ("mailmanager", "list_traffic_policies", "TrafficPolicies", "PolicyName"),
    ("mailmanager", "list_archives", "Archives", "ArchiveName"),
    ("mailmanager", "list_address_lists", "AddressLists", "AddressListName"),
    ("mailmanager", "list_relays", "Relays", "RelayName"),
    ("mailmanager", "list_addon_instances", "AddonInstances", "AddonInstanceId"),
)


def everything(site: Site) -> set[str]:
    """Everything in the account, as `service: name`; kinds that cannot be listed are left out."""
    found = {f"cloudformation: {name}" for name in _stacks(site)}
    for service, operation, key, name in _LISTS:
        with contextlib.suppress(ClientError, BotoCoreError, KeyError):
            answer = getattr(site.client(service), operation)()
            for entry in answer.get(key, []):
                found.add(f"{service} {operation.partition('_')[2]}: {_name(entry, name)}")
    with contextlib.suppress(ClientError):
        active = site.client("ses").describe_active_receipt_rule_set().get("Metadata")
        found |= {f"active rule set: {active['Name']}"} if active else set()
    return found


def _stacks(site: Site) -> list[str]:
    listed = site.client("cloudformation").list_stacks()["StackSummaries"]
    return [one["StackName"] for one in listed if one["StackStatus"] != "DELETE_COMPLETE"]


def _name(entry: Any, key: str | None) -> str:
    return str(entry[key] if key else entry)
