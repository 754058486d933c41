"""What is deployed, as the services themselves describe it, in every account and region in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mailroom_local.control import sources
from mailroom_local.control.environments import Environment
from mailroom_local.control.gateways import IngressPoint
from mailroom_local.control.gateways import listed as ingress_points
from mailroom_local.page import gateways, needed, shapes
from mailroom_local.page.accounts import Accounts, on_failure, pages, queues, unless_missing
from mailroom_local.page.picture import edges

# The stack of the CDK's own bootstrapping.
_NOT_THE_APPS = "CDKToolkit"


def described(accounts: Accounts) -> dict[str, Any]:
    """Everything that mail may meet."""
    folders, points = sources.folders(accounts.state.cdk_out), ingress_points(accounts.server)

    def all_of(place: Environment) -> dict[str, Any]:
        here = (place.account, place.region)
        own = [one for one in points if (one.account, one.region) == here]
        return _Place(accounts, place, folders, own).all()

    return {"environments": [all_of(place) for place in accounts.all]}


@dataclass(frozen=True, slots=True)
class _Place:
    accounts: Accounts
    place: Environment
    folders: Mapping[str, str]
    points: Sequence[IngressPoint]

    def client(self, service: str) -> Any:
        return self.accounts.client(service, self.place)

    def all(self) -> dict[str, Any]:
        """The parts, and what joins them."""
        parts: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
            "stacks": self.stacks,
            "rule_sets": self.rule_sets,
            "ingress_points": lambda: gateways.described(self.client("mailmanager"), self.points),
            "configuration_sets": self.configuration_sets,
            "functions": self.functions,
            "topics": self.topics,
            "queues": self.queues,
            "alarms": self.alarms,
            "event_rules": self.event_rules,
        }
        with ThreadPoolExecutor(len(parts), thread_name_prefix="mailroom-stack") as pool:
            asked = {name: pool.submit(lambda ask: list(ask()), ask) for name, ask in parts.items()}
            found: dict[str, Any] = {name: answer.result() for name, answer in asked.items()}
        found["identities"] = list(needed.identities(self.client, found["rule_sets"]))
        return {
            "account": self.place.account,
            "region": self.place.region,
            **found,
            "edges": edges(found),
        }

    def stacks(self) -> Iterator[dict[str, Any]]:
        for stack in pages(self.client("cloudformation"), "describe_stacks", "Stacks"):
            deleted = stack["StackStatus"] == "DELETE_COMPLETE"
            if stack["StackName"] != _NOT_THE_APPS and not deleted:
                yield {"name": stack["StackName"], "status": stack["StackStatus"]}

    def rule_sets(self) -> Iterator[dict[str, Any]]:
        ses = self.client("ses")
        active = ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
        for listed in ses.list_receipt_rule_sets().get("RuleSets", []):
            name = listed["Name"]
            found = unless_missing(ses.describe_receipt_rule_set, RuleSetName=name)
            rules = [shapes.rule(rule) for rule in found.get("Rules", [])]
            yield {"name": name, "active": name == active, "rules": rules}

    def configuration_sets(self) -> Iterator[dict[str, Any]]:
        ses = self.client("sesv2")
        ask = ses.get_configuration_set_event_destinations
        for name in ses.list_configuration_sets().get("ConfigurationSets", []):
            found = unless_missing(ask, ConfigurationSetName=name).get("EventDestinations", [])
            yield {"name": name, "destinations": [shapes.destination(one) for one in found]}

    def functions(self) -> Iterator[dict[str, Any]]:
        functions = self.client("lambda")
        read: dict[str, list[str]] = {}
        for mapping in pages(functions, "list_event_source_mappings", "EventSourceMappings"):
            read.setdefault(mapping["FunctionArn"], []).append(mapping["EventSourceArn"])
        for found in pages(functions, "list_functions", "Functions"):
            yield {
                "name": found["FunctionName"],
                "arn": found["FunctionArn"],
                "handler": shapes.handler(found),
                "folder": sources.folder_of(found["FunctionName"], self.folders) or None,
                "invoked_by": read.get(found["FunctionArn"], []),
                "dead_letter_queue": on_failure(functions, found),
            }

    def topics(self) -> Iterator[dict[str, Any]]:
        sns = self.client("sns")
        subscribed: dict[str, list[dict[str, str]]] = {}
        for one in pages(sns, "list_subscriptions", "Subscriptions"):
            shown = {"protocol": one["Protocol"], "endpoint": one["Endpoint"]}
            subscribed.setdefault(one["TopicArn"], []).append(shown)
        for topic in pages(sns, "list_topics", "Topics"):
            arn = topic["TopicArn"]
            name = arn.rpartition(":")[2]
            yield {"name": name, "arn": arn, "subscriptions": subscribed.get(arn, [])}

    def queues(self) -> Iterator[dict[str, Any]]:
        found = list(queues(self.client("sqs")))
        for queue in found:
            yield {
                "name": queue.name,
                "arn": queue.arn,
                "depth": queue.depth,
                "in_flight": queue.in_flight,
                "dead_letter_queue": queue.dead_letter_queue,
                "dead_letter_of": [o.arn for o in found if o.dead_letter_queue == queue.arn],
            }

    def alarms(self) -> Iterator[dict[str, Any]]:
        for alarm in pages(self.client("cloudwatch"), "describe_alarms", "MetricAlarms"):
            yield {
                "name": alarm["AlarmName"],
                "state": alarm["StateValue"],
                "reason": alarm.get("StateReason", ""),
            }

    def event_rules(self) -> Iterator[dict[str, Any]]:
        """The rules of the default event bus that SES's events may match."""
        bus = self.client("events")
        for rule in bus.list_rules().get("Rules", []):
            if "aws.ses" in rule.get("EventPattern", ""):
                targets = bus.list_targets_by_rule(Rule=rule["Name"]).get("Targets", [])
                yield {"name": rule["Name"], "targets": [target["Arn"] for target in targets]}
