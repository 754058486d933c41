"""SES's terms and limits, each defined once; every number has its source next to it.

Strings, numbers and two enums: importing this costs next to nothing, in Lambda and elsewhere.
Patterns are strings, to be compiled where they are used.
"""

from __future__ import annotations

from enum import StrEnum

# Received mail.


class Disposition(StrEnum):
    """What happens after a synchronous receipt handler; ``None`` means `CONTINUE`.

    The return value of an asynchronous handler is ignored: SES does not wait for it.
    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
    """

    CONTINUE = "CONTINUE"
    """Run the rule's next action, then the next rule."""
    STOP_RULE = "STOP_RULE"
    """Run no further action of this rule; the next matching rule runs."""
    STOP_RULE_SET = "STOP_RULE_SET"
    """Run nothing further."""


VERDICTS = ("PASS", "FAIL", "GRAY", "PROCESSING_FAILED", "DISABLED")
"""https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html"""

SETUP_NOTIFICATION = "AMAZON_SES_SETUP_NOTIFICATION"
"""Message id, and name of the object, that SES writes when an S3 action is created. Not a mail."""


def object_key(prefix: str, name: str) -> str:
    """Return the name under which an S3 action with *prefix* stores the message id *name*.

    SES puts a slash between the two unless the prefix is empty or ends with one.
    https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-s3.html
    """
    return f"{prefix}{'' if not prefix or prefix.endswith('/') else '/'}{name}"


# https://docs.aws.amazon.com/ses/latest/dg/quotas.html, "Email receiving quotas"
RECEIVED_BYTES = 40 * 1024 * 1024
"""The largest mail that SES receives, as it is stored in S3."""
SNS_ACTION_BYTES = 150 * 1024
"""The largest mail that an SNS action publishes; SES bounces larger mail."""
RULE_SETS = 40
RULES_PER_RULE_SET = 200
ACTIONS_PER_RULE = 10
RECIPIENTS_PER_RULE = 500
IP_FILTERS = 100

# https://docs.aws.amazon.com/ses/latest/dg/receiving-email-action-lambda.html
SYNCHRONOUS_SECONDS = 30
"""How long SES waits for a function that it calls synchronously."""
WAITING = ("RequestResponse", "REQUEST_RESPONSE")
"""The invocation type of such a call, as receipt rules and as Mail Manager spell it."""
LAMBDA_HEADER_BYTES = 50 * 1024
"""The header fields in a Lambda event; SES cuts off the rest and sets ``headersTruncated``."""
SNS_HEADER_BYTES = 10 * 1024
"""The same for what SES publishes to SNS."""

# https://docs.aws.amazon.com/ses/latest/APIReference/API_ReceiptRule.html
RULE_NAME = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"

# https://docs.aws.amazon.com/ses/latest/APIReference/API_AddHeaderAction.html
ADDED_HEADER_NAME = r"[A-Za-z0-9-]{1,50}"
ADDED_HEADER_CHARACTERS = 2048

# Mail Manager.

# https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
ADDRESS_LIST_MEMBERS = 100_000
# https://docs.aws.amazon.com/ses/latest/dg/eb-archiving.html
ARCHIVE_SEARCH_DAYS = 30
"""The longest time that one search of an archive can look at."""
ARCHIVE_SEARCH_ROWS = 1000

# Sending events.


class EventType(StrEnum):
    """The ten sending events, as SES spells them in ``eventType``.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
    """

    BOUNCE = "Bounce"
    CLICK = "Click"
    COMPLAINT = "Complaint"
    DELIVERY = "Delivery"
    DELIVERY_DELAY = "DeliveryDelay"
    OPEN = "Open"
    REJECT = "Reject"
    RENDERING_FAILURE = "Rendering Failure"
    SEND = "Send"
    SUBSCRIPTION = "Subscription"


# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ses-configurationseteventdestination-eventdestination.html
CLOUDFORMATION_EVENT_NAMES = {
    EventType.BOUNCE: "bounce",
    EventType.CLICK: "click",
    EventType.COMPLAINT: "complaint",
    EventType.DELIVERY: "delivery",
    EventType.DELIVERY_DELAY: "deliveryDelay",
    EventType.OPEN: "open",
    EventType.REJECT: "reject",
    EventType.RENDERING_FAILURE: "renderingFailure",
    EventType.SEND: "send",
    EventType.SUBSCRIPTION: "subscription",
}
"""The types as CloudFormation and API v1 spell them."""

# https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-ses.html
EVENT_BRIDGE_NAMES = {
    EventType.BOUNCE: "Email Bounced",
    EventType.CLICK: "Email Clicked",
    EventType.COMPLAINT: "Email Complaint Received",
    EventType.DELIVERY: "Email Delivered",
    EventType.DELIVERY_DELAY: "Email Delivery Delayed",
    EventType.OPEN: "Email Opened",
    EventType.REJECT: "Email Rejected",
    EventType.RENDERING_FAILURE: "Email Rendering Failed",
    EventType.SEND: "Email Sent",
    EventType.SUBSCRIPTION: "Email Subscribed",
}
"""The types as EventBridge's ``detail-type`` spells them."""

# https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
FEEDBACK_TYPES = (EventType.BOUNCE, EventType.COMPLAINT, EventType.DELIVERY)
"""What an identity's feedback tells, in ``notificationType`` instead of ``eventType``."""

# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
HELD_BACK = frozenset(
    (
        "EmailValidationSuppressed",
        "OnAccountSuppressionList",
        "OnTenantSuppressionList",
        "Suppressed",
        "UnsubscribedRecipient",
    )
)
"""Subtypes of bounces and complaints about mail that SES did not try to deliver."""

VALIDATION_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."
"""What SES publishes, as plain text, when a topic becomes an event destination."""

# https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination.html
DESTINATIONS_PER_CONFIGURATION_SET = 10

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CloudWatchDimensionConfiguration.html
# and https://docs.aws.amazon.com/ses/latest/dg/event-publishing-add-event-destination-cloudwatch.html
METRIC_DIMENSIONS = 10
DIMENSION_NAME = r"[A-Za-z0-9_:-]{1,256}"
DIMENSION_VALUE = r"[A-Za-z0-9_.@-]{1,256}"

# Sending.

CONFIGURATION_SET_HEADER = "X-SES-CONFIGURATION-SET"
TAGS_HEADER = "X-SES-MESSAGE-TAGS"
LIST_MANAGEMENT_HEADER = "X-SES-LIST-MANAGEMENT-OPTIONS"
TENANT_HEADER = "X-SES-TENANT"
TENANT_TAG = "ses:tenant-name"
"""The tag by which an event names its tenant.

https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list-tenant-level.html
"""

# https://docs.aws.amazon.com/ses/latest/dg/quotas.html, "Email sending quotas"
SENT_BYTES = 40 * 1024 * 1024
"""The largest message that API v2 and SMTP take, encoded."""
SENT_BYTES_V1 = 10 * 1024 * 1024
"""The largest message that API v1 takes, encoded."""
RECIPIENTS_PER_MESSAGE = 50
"""To, Cc and Bcc together."""
PARTS_PER_MESSAGE = 500

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateConfigurationSet.html
CONFIGURATION_SET_NAME = r"[A-Za-z0-9_-]{1,64}"
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateTenant.html
TENANT_NAME = r"[A-Za-z0-9_-]{1,64}"
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateMultiRegionEndpoint.html
ENDPOINT_NAME = r"[A-Za-z0-9_-]{1,64}"
ENDPOINT_ID = r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
"""A multi-region endpoint's id, which begins its host name."""
DELIVERY_SECONDS = range(300, 50_401)
"""The bounds of a configuration set's ``MaxDeliverySeconds``; the default is the largest."""

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageTag.html says 256 and fewer
# characters; these are what SES was seen to accept.
TAG_NAME = r"[A-Za-z0-9_-]{1,255}|ses:feedback-id-[ab]"
"""The names of a sender's message tags.

Of SES's own prefix ``ses:``, senders may set the two that become part of ``Feedback-ID``.
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-send-email.html
"""
TAG_VALUE = r"[A-Za-z0-9_.@-]{1,255}"

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_CreateEmailTemplate.html
TEMPLATE_NAME = r"[!-~]{1,256}"
TEMPLATE_BYTES = 500_000
TEMPLATE_DATA_CHARACTERS = 262_144

# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Attachment.html
ATTACHMENT_NAME = r"[^/\\:*?\"<>|]{1,255}"
"""The characters that it leaves out are reported: https://github.com/govuk-forms/forms-runner/pull/1594."""
ATTACHMENT_DESCRIPTION_CHARACTERS = 1000
ATTACHMENT_TYPE = r"[A-Za-z0-9!#$&^_.+-]+/[!-~ ]+"
ATTACHMENT_ID = r"[!-;=?-~]{1,78}"
ATTACHMENT_TYPE_CHARACTERS = 78

# https://docs.aws.amazon.com/ses/latest/dg/mime-types.html
_EXTENSIONS = (
    "ade adp app asp bas bat cer chm cmd com cpl crt csh der exe fxp gadget hlp hta inf ins "
    "isp its js jse ksh lib lnk mad maf mag mam maq mar mas mat mau mav maw mda mdb mde mdt "
    "mdw mdz msc msh msh1 msh1xml msh2 msh2xml mshxml msi msp mst ops pcd pif plg prf prg ps1 "
    "ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb shs sys tmp url vb vbe vbs vps vsmacros "
    "vss vst vsw vxd ws wsc wsf wsh xnk "
)
REFUSED_EXTENSIONS = frozenset(_EXTENSIONS.split())
"""Files that SES does not send, by what follows the last dot of their names."""

# https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html
CONTACT_LISTS = 1
TOPICS_PER_CONTACT_LIST = 20

# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
SIMULATOR_DOMAIN = "simulator.amazonses.com"

# Addresses, as SES takes them: an addr-spec of RFC 5322 without quoting, comments or literals.

ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]"
LOCAL_PART = rf"(?:{ATEXT}+(?:\.{ATEXT}+)*)"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = rf"(?:(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+)"
"""Two or more labels (RFC 1035) up to the end of the text, in ASCII."""
