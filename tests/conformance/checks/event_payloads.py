"""What SES publishes about sent mail, field by field."""

from __future__ import annotations

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SIMULATOR, SUCCESS, send_raw, sender, simple
from conformance.permissions import CONFIGURATION_SET
from conformance.place import Place

# What each address of the simulator leads to; the last event of each may take a minute.
OUTCOMES = {
    "success": ("Delivery", "Send"),
    "bounce": ("Bounce", "Send"),
    "ooto": ("Bounce", "Delivery", "Send"),
    "complaint": ("Complaint", "Delivery", "Send"),
    "suppressionlist": ("Bounce", "Send"),
}
TAGS = [{"Name": "custom-tag", "Value": "tag-value"}]


@check(
    "What each address of the mailbox simulator leads to",
    actions=(*CONFIGURATION_SET, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    dollars=0.001,
    minutes=3,
    expects={
        "with a label": {name: list(kinds) for name, kinds in OUTCOMES.items()},
        "bounce": {"Bounce": {"bounce": {"bounceType": "Permanent", "bounceSubType": "General"}}},
        "complaint": {"Complaint": {"complaint": {"complaintFeedbackType": "abuse"}}},
    },
)
def mailbox_simulator(place: Place) -> Json:
    """Send to every address of the simulator, with and without a label, and read the events."""
    types = ("SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "DELIVERY_DELAY")
    listener = Listener(place, *types)
    options = {"ConfigurationSetName": listener.name}
    sent = {
        (name, label): place.send_email(f"{name}{label}@{SIMULATOR}", **options)
        for label in ("", "+label")
        for name in OUTCOMES
    }
    told = {key: listener.told(sent[key], *OUTCOMES[key[0]], seconds=120) for key in sent}
    return {
        **{name: told[name, ""] for name in OUTCOMES},
        "with a label": {name: list(told[name, "+label"]) for name in OUTCOMES},
    }


@check(
    "Every event has `ses:source-tls-version`",
    actions=(*CONFIGURATION_SET, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=1,
)
def send_email(place: Place) -> Json:
    """Send text and HTML with a tag by API v1's `SendEmail`, and read the events."""
    listener = Listener(place, "SEND", "DELIVERY")
    content = simple()
    content["Body"]["Html"] = {"Data": "<p>Hi</p>"}
    sent = place.client("ses").send_email(
        Source=sender(place),
        Destination={"ToAddresses": [SUCCESS]},
        Message=content,
        ConfigurationSetName=listener.name,
        Tags=TAGS,
    )
    return listener.told(sent["MessageId"], "Send", "Delivery")


@check(
    "`ses:from-domain` is the domain of the `From` field",
    actions=(*CONFIGURATION_SET, "ses:SendRawEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=1,
)
def send_raw_email(place: Place) -> Json:
    """Send a raw message without any header field by API v1, and read the events."""
    listener = Listener(place, "SEND", "DELIVERY")
    content = b"\r\nno header at all\r\n"
    sent = send_raw(place, content, ConfigurationSetName=listener.name, Tags=TAGS)
    return listener.told(sent, "Send", "Delivery")


@check(
    "The Send event of `SendBulkTemplatedEmail`",
    actions=(
        *CONFIGURATION_SET,
        "ses:CreateTemplate",
        "ses:DeleteTemplate",
        "ses:SendBulkTemplatedEmail",
        "ses:SendTemplatedEmail",
    ),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, a template",
    minutes=1,
)
def send_templated_email(place: Place) -> Json:
    """Send from a template by API v1, one message and in bulk, and read the events."""
    listener = Listener(place, "SEND", "DELIVERY")
    ses, template = place.client("ses"), place.name("template")
    place.cleanup.add(f"template {template}", ses.delete_template, TemplateName=template)
    ses.create_template(
        Template={"TemplateName": template, "SubjectPart": "Subject", "TextPart": "Hi"}
    )
    to = {"ToAddresses": [SUCCESS]}
    given = {
        "Source": sender(place),
        "Template": template,
        "ConfigurationSetName": listener.name,
    }
    one = ses.send_templated_email(Destination=to, TemplateData="{}", Tags=TAGS, **given)
    bulk = ses.send_bulk_templated_email(
        Destinations=[{"Destination": to}], DefaultTemplateData="{}", DefaultTags=TAGS, **given
    )
    ids = {"one": one["MessageId"], "bulk": bulk["Status"][0]["MessageId"]}
    return {name: listener.told(sent, "Send", "Delivery") for name, sent in ids.items()}
