"""The preferences of contacts. Contacts, lists and topics have the shape of API v2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Contact = Mapping[str, Any]
ContactList = Mapping[str, Any]

_STATUSES = {"OPT_IN": "OptIn", "OPT_OUT": "OptOut"}


def defaults(contact_list: ContactList) -> list[dict[str, str]]:
    """The preferences of a contact who has expressed none."""
    return [
        {
            "TopicName": topic["TopicName"],
            "SubscriptionStatus": topic["DefaultSubscriptionStatus"],
        }
        for topic in contact_list.get("Topics", [])
    ]


def wants(contact: Contact, topic: str | None) -> bool:
    """Whether a contact is subscribed to a topic, or without one to the list."""
    if contact.get("UnsubscribeAll"):
        return False
    return topic is None or _statuses(contact).get(topic) != "OPT_OUT"


def unsubscribed(contact: Contact, topic: str | None) -> dict[str, Any]:
    """The preferences of a contact after a one-click unsubscription from a topic or the list."""
    preferences = _said(contact)
    if topic is not None:
        preferences[topic] = "OPT_OUT"
    return {
        "TopicPreferences": [
            {"TopicName": name, "SubscriptionStatus": status}
            for name, status in preferences.items()
        ],
        "UnsubscribeAll": bool(contact.get("UnsubscribeAll")) or topic is None,
    }


def published(contact: Contact) -> dict[str, Any]:
    """The preferences of a contact, in the shape of a Subscription event."""
    return {
        "unsubscribeAll": bool(contact.get("UnsubscribeAll")),
        "topicSubscriptionStatus": [
            {"topicName": name, "subscriptionStatus": _STATUSES[status]}
            for name, status in _statuses(contact).items()
        ],
    }


def _said(contact: Contact) -> dict[str, str]:
    return {
        preference["TopicName"]: preference["SubscriptionStatus"]
        for preference in contact.get("TopicPreferences", [])
    }


def _statuses(contact: Contact) -> dict[str, str]:
    default = {
        preference["TopicName"]: preference["SubscriptionStatus"]
        for preference in contact.get("TopicDefaultPreferences", [])
    }
    return {**default, **_said(contact)}
