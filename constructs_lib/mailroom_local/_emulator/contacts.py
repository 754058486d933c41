"""Contact lists and contacts, and templates in CloudFormation: ministack has neither."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from mailroom.ses import CONTACT_LISTS, TOPICS_PER_CONTACT_LIST
from mailroom_local._emulator import internals
from mailroom_local._emulator.cloudformation import CloudFormationErrors, generated_name
from mailroom_local._emulator.query import Response, answer, iso_now
from mailroom_local._ses_error import SesError
from mailroom_local.sending import contacts
from mailroom_local.sending.message import MailingList

_lists: Any = internals.responses.AccountRegionScopedDict()


def reset() -> None:
    """Forget everything."""
    _lists.clear()


def check(managed: MailingList) -> None:
    """Refuse a contact list or a topic that does not exist."""
    topics = [topic["TopicName"] for topic in _list(managed.contact_list).get("Topics", [])]
    if managed.topic is not None and managed.topic not in topics:
        raise SesError(
            "NotFound",
            f"Topic <{managed.topic}> does not exist in contact list <{managed.contact_list}>.",
        )


def wants(managed: MailingList, recipient: str) -> bool:
    """Whether a recipient is subscribed; SES adds unknown recipients to the list."""
    found = _list(managed.contact_list)
    if recipient.lower() not in found["contacts"]:
        _store(found, recipient, {})
    return contacts.wants(_view(found, recipient), managed.topic)


def _create_list(data: Mapping[str, Any]) -> Response:
    _make_list(data)
    return answer()


def _get_list(data: Mapping[str, Any], name: str) -> Response:
    found = _list(name)
    return answer({key: value for key, value in found.items() if key != "contacts"})


def _list_lists(data: Mapping[str, Any]) -> Response:
    fields = ("ContactListName", "LastUpdatedTimestamp")
    found = [{field: each[field] for field in fields} for each in _lists.values()]
    return answer({"ContactLists": found})


def _update_list(data: Mapping[str, Any], name: str) -> Response:
    found = _list(name)
    _check_topics(data)
    for key in ("Topics", "Description"):
        if key in data:
            found[key] = data[key]
    found["LastUpdatedTimestamp"] = int(time.time())
    return answer()


def _delete_list(data: Mapping[str, Any], name: str) -> Response:
    _list(name)
    del _lists[name]
    return answer()


def _create_contact(data: Mapping[str, Any], name: str) -> Response:
    found, address = _list(name), str(data.get("EmailAddress") or "")
    if "@" not in address:
        raise SesError("InvalidParameterValue", f"<{address}> is not an email address.")
    if address.lower() in found["contacts"]:
        raise SesError("AlreadyExists", f"Email <{address}> already exists in list <{name}>.")
    _store(found, address, data)
    return answer()


def _get_contact(data: Mapping[str, Any], name: str, address: str) -> Response:
    return answer({"ContactListName": name, **_view(_list(name), address)})


def _update_contact(data: Mapping[str, Any], name: str, address: str) -> Response:
    found = _list(name)
    _store(found, address, {**_contact(found, address), **data})
    return answer()


def _delete_contact(data: Mapping[str, Any], name: str, address: str) -> Response:
    found = _list(name)
    _contact(found, address)
    del found["contacts"][address.lower()]
    return answer()


def _list_contacts(data: Mapping[str, Any], name: str) -> Response:
    found = _list(name)
    asked = data.get("Filter") or {}
    topic = (asked.get("TopicFilter") or {}).get("TopicName")
    status = asked.get("FilteredStatus")
    views = [_view(found, address) for address in found["contacts"]]
    kept = [
        {key: value for key, value in view.items() if key != "AttributesData"}
        for view in views
        if status is None or contacts.wants(view, topic) is (status == "OPT_IN")
    ]
    return answer({"Contacts": kept})


ROUTES: Mapping[tuple[str, str], Callable[..., Response]] = {
    ("POST", r"/contact-lists"): _create_list,
    ("GET", r"/contact-lists"): _list_lists,
    ("GET", r"/contact-lists/([^/]+)"): _get_list,
    ("PUT", r"/contact-lists/([^/]+)"): _update_list,
    ("DELETE", r"/contact-lists/([^/]+)"): _delete_list,
    ("POST", r"/contact-lists/([^/]+)/contacts"): _create_contact,
    ("POST", r"/contact-lists/([^/]+)/contacts/list"): _list_contacts,
    ("GET", r"/contact-lists/([^/]+)/contacts/([^/]+)"): _get_contact,
    ("PUT", r"/contact-lists/([^/]+)/contacts/([^/]+)"): _update_contact,
    ("DELETE", r"/contact-lists/([^/]+)/contacts/([^/]+)"): _delete_contact,
}


def _provision_list(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    name = properties.get("ContactListName") or generated_name(stack_name, logical_id)
    with CloudFormationErrors():
        _make_list({**properties, "ContactListName": name})
    return name, {}


def _update_list_resource(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    with CloudFormationErrors():
        _update_list({"Topics": new.get("Topics") or [], **new}, physical_id)
    return physical_id, {}


def _delete_list_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    _lists.pop(physical_id, None)


def _provision_template(
    logical_id: str, properties: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    declared = properties.get("Template") or {}
    name = declared.get("TemplateName") or generated_name(stack_name, logical_id)
    with CloudFormationErrors():
        if name in internals.ses.templates:
            raise SesError("AlreadyExists", f"Template {name} already exists")
        _store_template(name, declared)
    return name, {"Id": name}


def _update_template_resource(
    physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str
) -> tuple[str, dict[str, Any]]:
    _store_template(physical_id, new.get("Template") or {})
    return physical_id, {"Id": physical_id}


def _delete_template_resource(physical_id: str, properties: Mapping[str, Any]) -> None:
    internals.ses.templates.pop(physical_id, None)


def _store_template(name: str, declared: Mapping[str, Any]) -> None:
    internals.ses.templates[name] = {
        "TemplateName": name,
        **{part: declared.get(part) or "" for part in ("SubjectPart", "TextPart", "HtmlPart")},
        "CreatedTimestamp": iso_now(),
    }


REPLACING: Mapping[str, tuple[str, ...]] = {"AWS::SES::ContactList": ("ContactListName",)}
RESOURCES: Mapping[str, Mapping[str, Any]] = {
    "AWS::SES::ContactList": {
        "create": _provision_list,
        "update": _update_list_resource,
        "delete": _delete_list_resource,
    },
    "AWS::SES::Template": {
        "create": _provision_template,
        "update": _update_template_resource,
        "delete": _delete_template_resource,
    },
}


def _list(name: str) -> dict[str, Any]:
    found: dict[str, Any] | None = _lists.get(name)
    if found is None:
        raise SesError("NotFound", f"List with name: {name} doesn't exist.")
    return found


def _make_list(data: Mapping[str, Any]) -> None:
    name = str(data.get("ContactListName") or "")
    if name in _lists:
        raise SesError("AlreadyExists", f"List with name {name} already exists.")
    if len(_lists) >= CONTACT_LISTS:
        raise SesError(
            "InvalidParameterValue", f"A maximum of {CONTACT_LISTS} Lists allowed per account."
        )
    _check_topics(data)
    now = int(time.time())
    _lists[name] = {
        "ContactListName": name,
        "Topics": list(data.get("Topics") or []),
        "Description": data.get("Description") or "",
        "Tags": list(data.get("Tags") or []),
        "CreatedTimestamp": now,
        "LastUpdatedTimestamp": now,
        "contacts": {},
    }


def _check_topics(data: Mapping[str, Any]) -> None:
    names = [topic.get("TopicName") for topic in data.get("Topics") or []]
    if len(set(names)) < len(names):
        raise SesError(
            "InvalidParameterValue", "Duplicate topic names are not allowed within a List."
        )
    if len(names) > TOPICS_PER_CONTACT_LIST:
        raise SesError(
            "LimitExceeded", f"A list can have {TOPICS_PER_CONTACT_LIST} topics at most."
        )


def _contact(found: Mapping[str, Any], address: str) -> dict[str, Any]:
    contact: dict[str, Any] | None = found["contacts"].get(address.lower())
    if contact is None:
        raise SesError("NotFound", f"{address} doesn't exist in List: {found['ContactListName']}.")
    return contact


def _store(found: Mapping[str, Any], address: str, data: Mapping[str, Any]) -> None:
    topics = [topic["TopicName"] for topic in found["Topics"]]
    for preference in data.get("TopicPreferences") or []:
        if preference["TopicName"] not in topics:
            raise SesError(
                "InvalidParameterValue", f"Topic <{preference['TopicName']}> does not exist."
            )
    known = found["contacts"].get(address.lower(), {})
    now = int(time.time())
    found["contacts"][address.lower()] = {
        "EmailAddress": address,
        "TopicPreferences": list(data.get("TopicPreferences") or []),
        "UnsubscribeAll": bool(data.get("UnsubscribeAll")),
        "AttributesData": data.get("AttributesData") or "",
        "CreatedTimestamp": known.get("CreatedTimestamp", now),
        "LastUpdatedTimestamp": now,
    }


def _view(found: Mapping[str, Any], address: str) -> dict[str, Any]:
    return {**_contact(found, address), "TopicDefaultPreferences": contacts.defaults(found)}
