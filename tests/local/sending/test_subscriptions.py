"""Contact lists and one-click unsubscription."""

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

READER = "reader@example.net"
MANAGED = {"ContactListName": "readers", "TopicName": "news"}
BODY = "<p>Hi</p><a href='{{amazonSESUnsubscribeUrl}}'>no more</a>"


def click(url: str, data: bytes | None = None) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, data=data, timeout=10) as answer:
        return int(answer.status)


def address_of(account: Any, message_id: str) -> str:
    message = account.delivered(message_id)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = str(message["List-Unsubscribe"]).strip("<>")
    assert f"<a href='{url}'>" in message.get_content()
    return url


@pytest.fixture
def contact_list(account: Any) -> Iterator[str]:
    """The account's only contact list, made by CloudFormation."""
    stack = account.deploy(
        {
            "List": {
                "Type": "AWS::SES::ContactList",
                "Properties": {
                    "ContactListName": "readers",
                    "Topics": [
                        {
                            "TopicName": "news",
                            "DisplayName": "News",
                            "DefaultSubscriptionStatus": "OPT_IN",
                        }
                    ],
                },
            },
            "Template": {
                "Type": "AWS::SES::Template",
                "Properties": {
                    "Template": {"TemplateName": "from-stack", "SubjectPart": "Hi {{name}}"}
                },
            },
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    yield "readers"
    account.delete(stack["StackName"])


@pytest.mark.parametrize("data", [b"List-Unsubscribe=One-Click", None])
def test_one_click_unsubscribes_from_the_topic(
    account: Any, contact_list: str, data: bytes | None
) -> None:
    """By POST as RFC 8058 has it, and by GET; the event has preferences old and new."""
    name, _ = account.configuration_set("SUBSCRIPTION")
    sent = {"html": BODY, "ConfigurationSetName": name, "ListManagementOptions": MANAGED}
    message_id = account.mail(READER, **sent)
    account.story(message_id)
    assert click(address_of(account, message_id), data) == 200
    event = account.story(message_id, count=3)[-1]
    assert event["eventType"] == "Subscription"
    subscription = event["subscription"]
    assert subscription["contactList"] == contact_list
    old, new = subscription["oldTopicPreferences"], subscription["newTopicPreferences"]
    assert old["topicSubscriptionStatus"] == [{"topicName": "news", "subscriptionStatus": "OptIn"}]
    assert new["topicSubscriptionStatus"] == [{"topicName": "news", "subscriptionStatus": "OptOut"}]
    contact = account.v2.get_contact(ContactListName=contact_list, EmailAddress=READER)
    assert contact["TopicPreferences"] == [{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}]

    again = account.story(account.mail(READER, **sent))
    assert [each["eventType"] for each in again] == ["Send", "Bounce"]
    assert again[1]["bounce"]["bounceSubType"] == "UnsubscribedRecipient"


def test_without_a_topic_the_reader_unsubscribes_from_everything(
    account: Any, contact_list: str
) -> None:
    """The list's other mail does not come either."""
    name, _ = account.configuration_set("SUBSCRIPTION")
    managed = {"ContactListName": contact_list}
    message_id = account.mail(
        READER, html=BODY, ConfigurationSetName=name, ListManagementOptions=managed
    )
    account.story(message_id)
    click(address_of(account, message_id))
    new = account.story(message_id, count=3)[-1]["subscription"]["newTopicPreferences"]
    assert new["unsubscribeAll"] is True
    story = account.story(
        account.mail(READER, ConfigurationSetName=name, ListManagementOptions=MANAGED)
    )
    assert [each["eventType"] for each in story] == ["Send", "Bounce"]


def test_contacts_are_kept(account: Any, contact_list: str, refusal: Any) -> None:
    """Created, changed, listed by topic, deleted; one list and known topics only."""
    out = [{"TopicName": "news", "SubscriptionStatus": "OPT_OUT"}]
    contact = {"ContactListName": contact_list, "EmailAddress": "Ann@example.net"}
    account.v2.create_contact(**contact)
    with pytest.raises(ClientError) as error:
        account.v2.create_contact(**contact)
    assert refusal(error)[0] == "AlreadyExistsException"
    asked = {"FilteredStatus": "OPT_OUT", "TopicFilter": {"TopicName": "news"}}
    found = account.v2.list_contacts(ContactListName=contact_list, Filter=asked)
    assert found["Contacts"] == []
    account.v2.update_contact(**contact, TopicPreferences=out)
    found = account.v2.list_contacts(ContactListName=contact_list, Filter=asked)
    assert [each["EmailAddress"] for each in found["Contacts"]] == ["Ann@example.net"]
    account.v2.delete_contact(**contact)
    with pytest.raises(account.v2.exceptions.NotFoundException):
        account.v2.get_contact(**contact)
    with pytest.raises(ClientError) as error:
        account.v2.create_contact_list(ContactListName="second")
    assert refusal(error)[0] == "BadRequestException"
    unknown = {"ContactListName": contact_list, "TopicName": "weather"}
    with pytest.raises(ClientError) as error:
        account.mail(ListManagementOptions=unknown)
    assert refusal(error)[0] == "NotFoundException"


def test_a_stack_provides_a_template(account: Any, contact_list: str) -> None:
    """Which both APIs then know."""
    found = account.v2.get_email_template(TemplateName="from-stack")
    assert found["TemplateContent"]["Subject"] == "Hi {{name}}"
