"""Message tags: which ones SES takes, and which ones events have."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SUCCESS, sender, simple
from conformance.permissions import CONFIGURATION_SET
from conformance.place import Place

CASES = {
    "a colon in the name": ("bad:name", "x"),
    "a colon in the value": ("x", "bad:value"),
    "a dot and an at sign in the value": ("x", "jane.doe@example.com"),
    "a blank in the value": ("x", "a b"),
    "a name of 255 characters": ("n" * 255, "x"),
    "a name of 256 characters": ("n" * 256, "x"),
    "a value of 255 characters": ("x", "v" * 255),
    "a value of 256 characters": ("x", "v" * 256),
    "neither name nor value": ("", ""),
    "no name": ("", "x"),
    "no value": ("x", ""),
    "ses:feedback-id-a": ("ses:feedback-id-a", "may.1"),
    "another name that begins with ses:": ("ses:other", "x"),
}


@check(
    "Characters and lengths of message tags",
    actions=("ses:SendEmail",),
    needs=(Need.DOMAIN,),
    dollars=0.001,
    minutes=1,
)
def limits(place: Place) -> Json:
    """Send with a tag at each limit, by API v1, and at some of them by API v2."""
    found = {
        case: place.error(
            place.client("ses").send_email,
            Source=sender(place),
            Destination={"ToAddresses": [SUCCESS]},
            Message=simple(),
            Tags=[{"Name": name, "Value": value}],
        )
        for case, (name, value) in CASES.items()
    }
    by_v2 = ("a colon in the name", "a value of 256 characters", "no value")
    for case in by_v2:
        name, value = CASES[case]
        tags = [{"Name": name, "Value": value}]
        found[f"{case}, by API v2"] = place.error(place.send_email, EmailTags=tags)
    return found


@check(
    "v1 `SendBulkTemplatedEmail` ignores `DefaultTags`",
    actions=(
        *CONFIGURATION_SET,
        "ses:CreateTemplate",
        "ses:DeleteTemplate",
        "ses:SendBulkTemplatedEmail",
    ),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, a template",
    minutes=1,
)
def default_tags_of_v1(place: Place) -> Json:
    """Send in bulk by API v1 with default and replacement tags: which ones do the events have?"""
    listener = Listener(place, "SEND")
    ses, template = place.client("ses"), place.name("template")
    place.cleanup.add(f"template {template}", ses.delete_template, TemplateName=template)
    ses.create_template(Template={"TemplateName": template, "SubjectPart": "x", "TextPart": "x"})
    found = {}
    for case, own in (("default tags only", []), ("and a tag of the entry", ["own"])):
        replaced: dict[str, Any] = (
            {"ReplacementTags": [{"Name": name, "Value": "x"} for name in own]} if own else {}
        )
        answer = ses.send_bulk_templated_email(
            Source=sender(place),
            Template=template,
            ConfigurationSetName=listener.name,
            Destinations=[{"Destination": {"ToAddresses": [SUCCESS]}, **replaced}],
            DefaultTemplateData="{}",
            DefaultTags=[{"Name": "default", "Value": "x"}],
        )
        story = listener.story(answer["Status"][0]["MessageId"], "Send")
        tags = story[0]["mail"]["tags"] if story else {}
        found[case] = sorted(name for name in tags if not name.startswith("ses:"))
    return found
