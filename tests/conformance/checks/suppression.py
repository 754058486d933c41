"""The suppression list of the account."""

from __future__ import annotations

from conformance.check import Json, Need, check
from conformance.events import LISTENER, Listener
from conformance.mailing import SIMULATOR
from conformance.permissions import CONFIGURATION_SET
from conformance.place import Place

LIST = ("ses:DeleteSuppressedDestination", "ses:PutSuppressedDestination")


@check(
    "`PutSuppressedDestination` may be refused in the sandbox",
    actions=(*LIST, "ses:GetAccount"),
    creates="an entry of the suppression list",
)
def put_in_the_sandbox(place: Place) -> Json:
    """Put an address on the suppression list."""
    ses = place.client("sesv2")
    address = f"success+{place.name('label')}@{SIMULATOR}"
    return {
        "in production": bool(ses.get_account()["ProductionAccessEnabled"]),
        "put": _put(place, address),
    }


@check(
    "Whether the suppression list ignores the case of an address",
    actions=(*CONFIGURATION_SET, *LIST, "ses:GetSuppressedDestination", "ses:SendEmail"),
    needs=(Need.DOMAIN,),
    creates=f"{LISTENER}, an entry of the suppression list",
    minutes=2,
)
def letter_case(place: Place) -> Json:
    """Put an address with capitals on the list, and send to it in both spellings."""
    listener = Listener(
        place,
        "SEND",
        "DELIVERY",
        "BOUNCE",
        SuppressionOptions={"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
    )
    label = place.name("label")
    capital, small = f"success+{label.upper()}@{SIMULATOR}", f"success+{label}@{SIMULATOR}"
    place.mask(label, "label")
    place.mask(label.upper(), "LABEL")
    if (answer := _put(place, capital)) != "accepted":
        return {"put": answer}
    ses = place.client("sesv2")
    found: dict[str, Json] = {
        "read as it was put": place.error(ses.get_suppressed_destination, EmailAddress=capital),
        "read in small letters": place.error(ses.get_suppressed_destination, EmailAddress=small),
    }
    for how, address in (("sent as it was put", capital), ("sent in small letters", small)):
        sent = place.send_email(address, ConfigurationSetName=listener.name)
        listener.until(lambda sent=sent: listener.kinds(sent) & {"Bounce", "Delivery"}, seconds=60)
        found[how] = [
            each["eventType"] + " " + each.get("bounce", {}).get("bounceSubType", "")
            for each in listener.all_of(sent)
        ]
    return found


def _put(place: Place, address: str) -> str:
    ses = place.client("sesv2")
    place.cleanup.add(
        f"suppression of {address}", ses.delete_suppressed_destination, EmailAddress=address
    )
    answer: str = place.error(ses.put_suppressed_destination, EmailAddress=address, Reason="BOUNCE")
    return answer
