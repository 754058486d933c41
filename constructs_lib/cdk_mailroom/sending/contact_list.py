"""The contact list of an account and region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom._checks import Problems, check_list
from cdk_mailroom._construct import MailConstruct
from mailroom.ses import TOPICS_PER_CONTACT_LIST

__all__ = ["ContactList"]


class ContactList(MailConstruct):
    """The contact list, with its topics; SES allows one for an account and region.

    https://docs.aws.amazon.com/ses/latest/dg/sending-email-list-management.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        contact_list_name: str,
        topics: Mapping[str, str],
        opted_in: Sequence[str] = (),
        description: str | None = None,
    ) -> None:
        """Create the list.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*.
            contact_list_name: The name of the list.
            topics: The display name of each topic, by topic name; 1 to 20.
            opted_in: Topics that a contact receives until they opt out. All others they must opt
                in to.
            description: The description of the list.

        Raises:
            ConfigurationError: Too many topics, none, or a topic of *opted_in* that is not one.
        """
        problems = Problems(scope, construct_id)
        if not 0 < len(topics) <= TOPICS_PER_CONTACT_LIST:
            problems.add(
                "len(topics)", len(topics), f"pass 1 to {TOPICS_PER_CONTACT_LIST}, SES's limits"
            )
        if check_list(problems, "opted_in", opted_in):
            for name in opted_in:
                if name not in topics:
                    problems.add("opted_in", name, f"use one of the topics {sorted(topics)}")
        problems.raise_if_any()
        super().__init__(scope, construct_id)
        self.contact_list_name = contact_list_name
        """Its name, for the sender."""
        ses.CfnContactList(
            self,
            "Resource",
            contact_list_name=contact_list_name,
            description=description,
            topics=[
                ses.CfnContactList.TopicProperty(
                    topic_name=name,
                    display_name=display_name,
                    default_subscription_status="OPT_IN" if name in opted_in else "OPT_OUT",
                )
                for name, display_name in topics.items()
            ],
        )
