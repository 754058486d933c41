"""What joins the parts of a stack: the ways that a message and its events can take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from mailroom_local.page import gateways


def edges(found: Mapping[str, Any]) -> list[dict[str, str]]:
    """From where to where, by the ids of the parts: ``rule:NAME``, ``set:NAME``, or the ARN.

    Those of gateways are ``point:ID`` and ``gateway-rule:ID/NAME``.
    """
    joined = [
        *_of_rules(found),
        *(_edge(*one) for one in gateways.edges(found)),
        *_of_sets(found),
        *_of_others(found),
    ]
    unique = {(one["from"], one["to"], one["about"]): one for one in joined}
    return list(unique.values())


def _of_rules(found: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for rule_set in found["rule_sets"]:
        ids = [f"rule:{rule['name']}" for rule in rule_set["rules"]]
        for before, after in pairwise(ids):
            yield _edge(before, after, "next rule")
        for name, rule in zip(ids, rule_set["rules"], strict=True):
            for action in rule["actions"]:
                if action["arn"]:
                    yield _edge(name, action["arn"], action["kind"])
                if action["topic"] and action["topic"] != action["arn"]:
                    yield _edge(name, action["topic"], f"notification of {action['kind']}")


def _of_sets(found: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for one in found["configuration_sets"]:
        name = f"set:{one['name']}"
        for destination in one["destinations"]:
            about = ", ".join(destination["events"])
            if destination["type"] == "EventBridge":
                for rule in found["event_rules"]:
                    for target in rule["targets"]:
                        yield _edge(name, target, f"{about} by event rule {rule['name']}")
            elif destination["arn"]:
                yield _edge(name, destination["arn"], about)


def _of_others(found: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for topic in found["topics"]:
        for subscription in topic["subscriptions"]:
            yield _edge(topic["arn"], subscription["endpoint"], subscription["protocol"])
    for function in found["functions"]:
        for source in function["invoked_by"]:
            yield _edge(source, function["arn"], "reads")
        if function["dead_letter_queue"]:
            yield _edge(function["arn"], function["dead_letter_queue"], "on failure")
    for queue in found["queues"]:
        if queue["dead_letter_queue"]:
            yield _edge(queue["arn"], queue["dead_letter_queue"], "dead letters")


def _edge(origin: str, target: str, about: str) -> dict[str, str]:
    return {"from": origin, "to": target, "about": about}
