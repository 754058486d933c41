"""Mail of tenants: tags, refusals, and the list of suppressed addresses."""

from __future__ import annotations

from typing import Any

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SIMULATOR, SUCCESS, raw, send_raw
from conformance.permissions import CONFIGURATION_SET
from conformance.place import Place
from conformance.tenants import TENANT, Tenant

MADE = f"{LISTENER}, a tenant"
OUTCOMES = {
    "success": ("Delivery", "Send"),
    "bounce": ("Bounce", "Send"),
    "complaint": ("Complaint", "Delivery", "Send"),
}


def _tenant(place: Place, *types: str, **options: Any) -> tuple[Tenant, Listener]:
    listener = Listener(place, *types, **options)
    tenant = Tenant(place)
    tenant.associate(f"configuration-set/{listener.name}")
    return tenant, listener


@check(
    "Only bounces and complaints have the tag `ses:tenant-name`",
    actions=(*CONFIGURATION_SET, *TENANT, "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=MADE,
    minutes=3,
    expects={"Bounce": "tagged", "Complaint": "tagged"},
)
def tag(place: Place) -> Json:
    """Send for a tenant to addresses of the simulator: which events name the tenant?"""
    tenant, listener = _tenant(place, "SEND", "DELIVERY", "BOUNCE", "COMPLAINT")
    given = {"ConfigurationSetName": listener.name, "TenantName": tenant.name}
    sent = {name: place.send_email(f"{name}@{SIMULATOR}", **given) for name in OUTCOMES}
    found = {}
    for name, message_id in sent.items():
        for event in listener.story(message_id, *OUTCOMES[name], seconds=120):
            named = event["mail"]["tags"].get("ses:tenant-name") == [tenant.name]
            found[event["eventType"]] = "tagged" if named else "not tagged"
    return found


@check(
    "What a send through a tenant is refused with",
    actions=(
        *TENANT,
        "ses:CreateConfigurationSet",
        "ses:DeleteConfigurationSet",
        "ses:SendBulkEmail",
        "ses:SendEmail",
    ),
    needs=(Need.DOMAIN,),
    creates="a tenant, a configuration set",
    minutes=1,
)
def refusals(place: Place) -> Json:
    """Send for a tenant that does not exist, and with a configuration set that is not its own."""
    tenant, ses, name = Tenant(place), place.client("sesv2"), place.name("set")
    place.mask(name, "set")
    place.cleanup.add(
        f"configuration set {name}", ses.delete_configuration_set, ConfigurationSetName=name
    )
    ses.create_configuration_set(ConfigurationSetName=name)
    template = {"TemplateContent": {"Subject": "Subject", "Text": "Hi"}, "TemplateData": "{}"}
    bulk = {
        "FromEmailAddress": f"conformance@{place.domain}",
        "DefaultContent": {"Template": template},
        "BulkEmailEntries": [{"Destination": {"ToAddresses": [SUCCESS]}}],
    }
    foreign = {"TenantName": tenant.name, "ConfigurationSetName": name}
    return {
        "an unknown tenant": place.error(place.send_email, TenantName="ghost"),
        "an unknown tenant, in bulk": place.error(ses.send_bulk_email, **bulk, TenantName="ghost"),
        "a foreign configuration set": place.error(place.send_email, **foreign),
        "a foreign configuration set, in bulk": place.error(ses.send_bulk_email, **bulk, **foreign),
    }


@check(
    "A paused tenant's mail is refused",
    actions=(
        *TENANT,
        "ses:GetTenant",
        "ses:SendEmail",
        "ses:UpdateReputationEntityCustomerManagedStatus",
    ),
    needs=(Need.DOMAIN,),
    creates="a tenant, which is paused",
    minutes=2,
    here="the local AWS cannot pause a tenant",
)
def paused(place: Place) -> Json:
    """Pause a tenant, and send for it."""
    tenant, ses = Tenant(place), place.client("sesv2")
    arn = ses.get_tenant(TenantName=tenant.name)["Tenant"]["TenantArn"]
    ses.update_reputation_entity_customer_managed_status(
        ReputationEntityType="RESOURCE", ReputationEntityReference=arn, SendingStatus="DISABLED"
    )
    return {
        "sent": place.until(
            lambda: place.error(place.send_email, TenantName=tenant.name),
            lambda answer: answer != "accepted",
            seconds=60,
        )
    }


@check(
    "The field `X-SES-TENANT` names the tenant",
    actions=(*CONFIGURATION_SET, *TENANT, "ses:SendRawEmail"),
    needs=(Need.DOMAIN,),
    creates=MADE,
    minutes=2,
)
def header_field(place: Place) -> Json:
    """Name the tenant in the header of raw mail by API v1 that bounces: does the event name it?"""
    tenant, listener = _tenant(place, "BOUNCE")
    to = f"bounce@{SIMULATOR}"
    content = raw(place, f"X-SES-TENANT: {tenant.name}", to=to)
    sent = send_raw(place, content, to=to, ConfigurationSetName=listener.name)
    story = listener.story(sent, "Bounce", seconds=120)
    tags = story[0]["mail"]["tags"] if story else {}
    return {"API v1": "named" if tags.get("ses:tenant-name") == [tenant.name] else "not named"}


@check(
    "Putting an address on the list of a tenant",
    actions=(
        *CONFIGURATION_SET,
        *TENANT,
        "ses:DeleteSuppressedDestination",
        "ses:PutSuppressedDestination",
        "ses:SendEmail",
    ),
    needs=(Need.DOMAIN,),
    creates=f"{MADE}, an entry of its suppression list",
    minutes=2,
)
def list_of_a_tenant(place: Place) -> Json:
    """Put an address on the list of a tenant that uses the account's list, and send to it."""
    tenant, listener = _tenant(place, "SEND", "DELIVERY", "BOUNCE")
    ses, address = place.client("sesv2"), f"success+{place.name('label')}@{SIMULATOR}"
    of = {"EmailAddress": address, "TenantName": tenant.name}
    place.cleanup.add(f"suppression of {address}", ses.delete_suppressed_destination, **of)
    answer = place.error(ses.put_suppressed_destination, Reason="BOUNCE", **of)
    given = {"ConfigurationSetName": listener.name, "TenantName": tenant.name}
    sent = place.send_email(address, **given)
    listener.until(lambda: listener.kinds(sent) & {"Bounce", "Delivery"}, seconds=60)
    return {"put": answer, "events": sorted(listener.kinds(sent))}


@check(
    "Which addresses do not pass automatic validation",
    actions=(*CONFIGURATION_SET, "ses:PutConfigurationSetSuppressionOptions", "ses:SendEmail"),
    needs=(Need.DOMAIN, Need.PRODUCTION),
    creates=LISTENER,
    minutes=2,
)
def validation(place: Place) -> Json:
    """Send to an address in a domain that cannot exist, with a set that validates addresses."""
    listener = Listener(place, "SEND", "DELIVERY", "BOUNCE")
    threshold = {
        "ConditionThresholdEnabled": "ENABLED",
        "OverallConfidenceThreshold": {"ConfidenceVerdictThreshold": "HIGH"},
    }
    place.client("sesv2").put_configuration_set_suppression_options(
        ConfigurationSetName=listener.name,
        SuppressedReasons=["BOUNCE", "COMPLAINT"],
        ValidationOptions={"ConditionThreshold": threshold},
    )
    address = f"nobody@{place.name('domain')}.invalid"
    place.mask(address, "nobody")
    sent = place.send_email(address, ConfigurationSetName=listener.name)
    listener.until(lambda: listener.kinds(sent) & {"Bounce", "Delivery"}, seconds=60)
    bounces = [each["bounce"] for each in listener.all_of(sent) if "bounce" in each]
    return {
        "events": sorted(listener.kinds(sent)),
        "subtype": bounces[0]["bounceSubType"] if bounces else "none",
        "diagnostic": bounces[0]["bouncedRecipients"][0].get("diagnosticCode")
        if bounces
        else "none",
    }
