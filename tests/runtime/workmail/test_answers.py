"""What an answer says to WorkMail, and what the builder refuses to say."""

from __future__ import annotations

import json

import pytest

from mailroom.errors import InvalidAnswer
from mailroom.workmail import FlowMail
from runtime.workmail.flow_events import PAYLOADS, documented, flow_mail


def payload(name: str) -> object:
    return json.loads((PAYLOADS / f"workmail_response_{name}.json").read_text())


MANY = [f"user{number}@example.com" for number in range(20)]


def test_the_documented_bounce_answer_is_reproduced():
    answer = FlowMail(documented()).answer().bounce("Email in breach of company policy.")
    assert answer.payload() == payload("bounce")


def test_the_documented_mixed_answer_is_reproduced():
    """One recipient by name, the rest together."""
    mail = flow_mail(recipients=["drop-recipient@example.com", "other@example.com"])
    answer = mail.answer().default().drop(recipients=["drop-recipient@example.com"])
    assert answer.payload() == payload("mixed")


def test_an_answer_has_an_action_though_the_mail_names_no_recipients():
    """WorkMail refuses an answer without any."""
    found = flow_mail(recipients=[]).answer().default().payload()
    assert found == {"actions": [{"action": {"type": "DEFAULT"}, "allRecipients": True}]}


def test_all_recipients_must_be_a_boolean():
    """AWS's older samples have strings."""
    text = json.dumps(flow_mail().answer().drop().payload())
    assert '"allRecipients": true' in text


def test_naming_every_recipient_makes_one_action():
    mail = flow_mail(recipients=MANY[:3])
    answer = mail.answer()
    for one in mail.recipients:
        answer.drop(recipients=[one])
    assert answer.payload() == {"actions": [{"action": {"type": "DROP"}, "allRecipients": True}]}


def test_equal_actions_are_merged():
    """Recipients of the same bounce stand together; another text is another action."""
    mail = flow_mail(recipients=MANY[:4])
    answer = mail.answer().default()
    answer.bounce("no", recipients=MANY[:1]).bounce("never", recipients=MANY[1:2])
    answer.bounce("no", recipients=MANY[2:3])
    assert [
        (one["action"]["type"], one.get("recipients")) for one in answer.payload()["actions"]
    ] == [("DEFAULT", None), ("BOUNCE", [MANY[0], MANY[2]]), ("BOUNCE", [MANY[1]])]


def test_a_recipient_with_everyones_action_is_not_listed():
    """A name with the action of all the others is one of the others."""
    answer = flow_mail().answer().default().default(recipients=["recipient1@example.com"])
    assert len(answer.payload()["actions"]) == 1


def test_an_action_without_recipients_is_left_out():
    """If each recipient is named, none is left for the rest."""
    mail = flow_mail()
    one, two = mail.recipients
    answer = mail.answer().default().drop(recipients=[one]).bounce("no", recipients=[two])
    assert [one["action"]["type"] for one in answer.payload()["actions"]] == ["DROP", "BOUNCE"]


def test_an_answer_can_be_read_twice():
    """It is not used up."""
    answer = flow_mail().answer().default().drop(recipients=["recipient1@example.com"])
    assert answer.payload() == answer.payload()


def test_addresses_are_compared_without_case():
    """And written as WorkMail wrote them."""
    answer = flow_mail().answer().default().drop(recipients=["RECIPIENT1@Example.com"])
    assert answer.payload()["actions"][1]["recipients"] == ["recipient1@example.com"]


def test_an_answer_has_at_most_ten_actions():
    """The documented most."""
    answer = flow_mail(recipients=MANY).answer().default()
    for number in range(9):
        answer.bounce(f"no {number}", recipients=[MANY[number]])
    assert len(answer.payload()["actions"]) == 10
    answer.bounce("one more", recipients=[MANY[9]])
    with pytest.raises(InvalidAnswer, match="11 actions; WorkMail accepts 10"):
        answer.payload()


def test_an_answer_is_at_most_256_kb():
    """As Lambda will send it."""
    answer = flow_mail().answer().bounce("x" * 262_100)
    with pytest.raises(InvalidAnswer, match="WorkMail accepts 262144"):
        answer.payload()
    assert flow_mail().answer().bounce("x" * 262_000).payload()


def test_outbound_mail_has_at_most_500_recipients():
    """Those that were added included."""
    mail = flow_mail(direction="OUTBOUND", recipients=[f"{n}@example.com" for n in range(499)])
    answer = mail.answer().default().deliver_also(["a@example.org"])
    with pytest.raises(InvalidAnswer, match="501 recipients; WorkMail accepts 500"):
        answer.deliver_also(["b@example.org"])


@pytest.mark.parametrize("name", ["move_to_junk", "bypass_spam_check"])
def test_outbound_mail_knows_three_types(name):
    """Junk folder and spam check are for mail that comes in."""
    assert getattr(flow_mail().answer(), name)().payload()
    with pytest.raises(InvalidAnswer, match=f"{name.upper()} is for INBOUND"):
        getattr(flow_mail(direction="OUTBOUND").answer(), name)()


def test_one_recipient_has_one_action():
    """By whatever spelling."""
    answer = flow_mail().answer().drop(recipients=["recipient1@example.com"])
    with pytest.raises(InvalidAnswer, match="DROP and DEFAULT"):
        answer.default(recipients=["Recipient1@example.com"])


def test_all_recipients_have_one_action():
    """The second would be ignored."""
    with pytest.raises(InvalidAnswer, match="DROP already: do not add DEFAULT"):
        flow_mail().answer().drop().default()


def test_an_address_that_is_not_a_recipient_is_refused():
    """WorkMail would deliver to an address with a typo as a further recipient."""
    with pytest.raises(InvalidAnswer, match="deliver_also"):
        flow_mail().answer().default(recipients=["recipient3@example.com"])


def test_another_recipient_can_be_added_explicitly():
    """On purpose."""
    answer = flow_mail().answer().default().deliver_also(["archive@example.com"])
    assert answer.payload()["actions"][1] == {
        "action": {"type": "DEFAULT"},
        "recipients": ["archive@example.com"],
    }


@pytest.mark.parametrize("address", ["recipient1@example.com", "no address", "a@b, c@d", ""])
def test_only_another_address_can_be_added(address):
    """One that the mail has needs no adding, and one that is none gets nothing."""
    with pytest.raises(InvalidAnswer, match="plain addresses"):
        flow_mail().answer().default().deliver_also([address])


def test_every_recipient_is_accounted_for():
    """Who is named nowhere would get what is meant for failures."""
    answer = flow_mail().answer().drop(recipients=["recipient1@example.com"])
    with pytest.raises(InvalidAnswer, match="1 of 2 recipients have no action"):
        answer.payload()
    with pytest.raises(InvalidAnswer, match="2 of 2 recipients have no action"):
        flow_mail().answer().payload()


def test_unnamed_recipients_are_not_forgotten():
    """If WorkMail cut the list, names alone can never be all, though any name may be right."""
    mail = flow_mail(truncated=True)
    answer = mail.answer().default(recipients=[*mail.recipients, "hidden@example.com"])
    with pytest.raises(InvalidAnswer, match="truncated"):
        answer.payload()
    actions = answer.drop().payload()["actions"]
    assert actions[0] == {"action": {"type": "DROP"}, "allRecipients": True}
    assert actions[1]["recipients"] == [*mail.recipients, "hidden@example.com"]


@pytest.mark.parametrize("text", ["", "  ", None, 3, "\ud800"])
def test_a_bounce_gives_its_reason(text):
    """In text that JSON can carry."""
    with pytest.raises(InvalidAnswer):
        flow_mail().answer().bounce(text)


@pytest.mark.parametrize("recipients", ["recipient1@example.com", [], [None]])
def test_recipients_are_a_list(recipients):
    """A string would be taken for its letters, and an empty list for all."""
    with pytest.raises(InvalidAnswer):
        flow_mail().answer().drop(recipients=recipients)
