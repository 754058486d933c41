"""The event types that only a certain message, or its reader, causes."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import Any

from conformance.arriving import arrived, reader
from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener, observed
from conformance.mailing import SUCCESS, send_raw, simple, with_attachment
from conformance.permissions import BUCKET, CONFIGURATION_SET, RULE
from conformance.place import Place

# Harmless; every scanner takes it for a virus, and SES's guide sends it. Here in two halves, so
# that no scanner takes this file for one.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PAYLOADS = "The payloads of `Reject`, `Rendering Failure`, `Subscription`"
TEMPLATES = (
    "ses:CreateEmailTemplate",
    "ses:DeleteEmailTemplate",
    "ses:SendEmail",
    "ses:SendTemplatedEmail",
)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"


def _templated(place: Place, text: str, data: str) -> Json:
    """What a template and its data lead to: the mail, or another event."""
    listener = Listener(place, "SEND", "DELIVERY", "RENDERING_FAILURE")
    ses, template = place.client("sesv2"), place.name("template")
    place.mask(template, "template")
    place.cleanup.add(f"template {template}", ses.delete_email_template, TemplateName=template)
    ses.create_email_template(
        TemplateName=template, TemplateContent={"Subject": "Subject", "Text": text}
    )
    content = {"Template": {"TemplateName": template, "TemplateData": data}}
    sent = place.send_email(SUCCESS, Content=content, ConfigurationSetName=listener.name)
    listener.until(lambda: listener.kinds(sent) & {"Delivery", "Rendering Failure"}, seconds=60)
    return listener.told(sent)


@check(
    PAYLOADS,
    actions=(*CONFIGURATION_SET, *TEMPLATES),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, a template",
    minutes=1,
    expects={"Rendering Failure": {"eventType": "Rendering Failure"}},
)
def rendering_failure(place: Place) -> Json:
    """Send from a template whose variable the data do not have."""
    return _templated(place, "Hello {{name}}", "{}")


@check(
    "Template data with a null value are accepted",
    actions=(*CONFIGURATION_SET, *TEMPLATES),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, a template",
    minutes=1,
)
def null_in_template_data(place: Place) -> Json:
    """Send from a template with data whose value is null: which events are published?"""
    return _templated(place, "Hello {{name}}", '{"name": null}')


@check(
    PAYLOADS,
    actions=(*CONFIGURATION_SET, "ses:SendRawEmail"),
    needs=(Need.DOMAIN,),
    creates=LISTENER,
    minutes=1,
    expects={"Reject": {"reject": {"reason": "Bad content"}}},
)
def reject(place: Place) -> Json:
    """Send the test file of virus scanners as an attachment."""
    listener = Listener(place, "SEND", "REJECT", "DELIVERY")
    content = with_attachment(place, "sample.txt", EICAR.encode())
    sent = send_raw(place, content, ConfigurationSetName=listener.name)
    return listener.told(sent, "Reject")


@check(
    "`open` and `click` say in `isBotEvent`",
    actions=(*CONFIGURATION_SET, *BUCKET, *RULE, "ses:SendEmail"),
    needs=(Need.DOMAIN, Need.MX, Need.ACTIVATION),
    creates=f"{LISTENER}, a bucket, a receipt rule",
    minutes=3,
)
def open_and_click(place: Place) -> Json:
    """Load the pixel and follow the link of a mail as a script, and as a browser would."""
    listener = Listener(place, "OPEN", "CLICK")
    place.mask(listener.name, "set")
    html = (
        '<p><a ses:tags="colour:red;size:xl" href="https://example.com/?a=1&amp;b=2">Link</a></p>'
    )
    found: dict[str, Any] = {}
    for who, agent in (("by a script", "Python-urllib/3"), ("by a browser", BROWSER)):
        mailbox = reader(place)
        sent = place.send_email(
            mailbox.address,
            Content={"Simple": simple(html=html)},
            ConfigurationSetName=listener.name,
        )
        content = arrived(place, mailbox, sent).get_body(("html",)).get_content()
        for pattern in (r'<img[^>]*src="([^"]+)"', r'<a[^>]*href="([^"]+)"'):
            address = re.search(pattern, content)
            if address is not None:
                _visit(address[1].replace("&amp;", "&"), agent)
        place.mask(mailbox.address, "reader")
        found[who] = listener.told(sent, "Open", "Click", seconds=120)
    return found


@check(
    PAYLOADS,
    actions=(
        *CONFIGURATION_SET,
        *BUCKET,
        *RULE,
        "ses:CreateContact",
        "ses:CreateContactList",
        "ses:DeleteContactList",
        "ses:SendEmail",
    ),
    needs=(Need.DOMAIN, Need.MX, Need.ACTIVATION),
    creates=f"{LISTENER}, a bucket, a receipt rule, a contact list",
    minutes=3,
)
def subscription(place: Place) -> Json:
    """Unsubscribe by the link of a mail with one POST, as mail programs do, and read the event."""
    listener = Listener(place, "SUBSCRIPTION")
    contacts = place.name("contacts")
    place.mask(contacts, "contact list")
    ses, mailbox = place.client("sesv2"), reader(place)
    place.mask(mailbox.address, "reader")
    topic = {
        "TopicName": "news",
        "DisplayName": "News",
        "DefaultSubscriptionStatus": "OPT_IN",
    }
    made = place.error(ses.create_contact_list, ContactListName=contacts, Topics=[topic])
    if made != "accepted":
        return {"contact list": made}
    place.cleanup.add("contact list", ses.delete_contact_list, ContactListName=contacts)
    ses.create_contact(ContactListName=contacts, EmailAddress=mailbox.address)
    html = '<p>Hi <a href="{{amazonSESUnsubscribeUrl}}">no more</a></p>'
    sent = place.send_email(
        mailbox.address,
        Content={"Simple": simple(html=html)},
        ConfigurationSetName=listener.name,
        ListManagementOptions={"ContactListName": contacts, "TopicName": "news"},
    )
    message = arrived(place, mailbox, sent)
    url = str(message["List-Unsubscribe"]).split(",")[0].strip(" <>")
    _visit(url, BROWSER, data=b"List-Unsubscribe=One-Click")
    return {
        "List-Unsubscribe-Post": str(message["List-Unsubscribe-Post"]),
        "events": [observed(each) for each in listener.story(sent, "Subscription", seconds=120)],
    }


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: where a link leads is nobody's business here."""

    def redirect_request(self, *given: Any, **more: Any) -> None:
        return None


def _visit(url: str, agent: str, *, data: bytes | None = None) -> None:
    proxies = (
        urllib.request.ProxyHandler({}) if "127.0.0.1" in url else urllib.request.ProxyHandler()
    )
    request = urllib.request.Request(url, data=data, headers={"User-Agent": agent})
    try:
        urllib.request.build_opener(proxies, _Stay()).open(request, timeout=20).read()
    except urllib.error.HTTPError as error:
        error.close()
