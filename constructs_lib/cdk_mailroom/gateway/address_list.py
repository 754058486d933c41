"""Lists of addresses that conditions of a gateway look into."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CustomResource, Duration, Fn, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom import _provisioning
from cdk_mailroom._asked import stack_of
from cdk_mailroom._checks import Problems, check_list, resolved
from cdk_mailroom._construct import MailConstruct
from cdk_mailroom._reviewed import reviewed_wildcard
from cdk_mailroom.gateway._members import check_members, members_of_file
from cdk_mailroom.gateway._names import tell

__all__ = ["AddressList", "ExistingAddressList"]

_NAME = r"[A-Za-z0-9_.-]{1,255}"
_ARN = r"arn:[a-z-]+:ses:[a-z0-9-]+:\d{12}:mailmanager-address-list/[A-Za-z0-9-]{1,255}"
# More than that are in a file beside the template.
_IN_TEMPLATE = 100

_READ = ("ses:GetMemberOfAddressList", "ses:ListMembersOfAddressList")
_CHANGE = ("ses:RegisterMemberToAddressList", "ses:DeregisterMemberFromAddressList")
_IMPORT = (
    "ses:CreateAddressListImportJob",
    "ses:StartAddressListImportJob",
    "ses:GetAddressListImportJob",
)


class ExistingAddressList(MailConstruct):
    """An address list that exists already; `AddressList.from_address_list_arn` returns it."""

    def __init__(self, scope: Construct, construct_id: str, *, address_list_arn: str) -> None:
        """Refer to the list; see `AddressList.from_address_list_arn`.

        Args:
            scope: The construct or stack that this belongs to.
            construct_id: Its id there.
            address_list_arn: Its ARN.
        """
        super().__init__(scope, construct_id)
        self.address_list_arn = address_list_arn
        """The ARN, for conditions."""
        self.address_list_id = Fn.select(1, Fn.split("/", address_list_arn))
        """The id."""

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* look up and list the members.

        A function also gets the list's id in ``MAILROOM_ADDRESS_LISTS``, where
        ``mailroom.gateway.AddressList`` finds it by the construct id.

        Args:
            grantee: Who may read.

        Returns:
            The grant.

        Raises:
            ConfigurationError: The function knows another list with the same construct id.
        """
        return self._grant(grantee, _READ)

    def grant_manage(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* add and remove members too; see `grant_read`.

        Args:
            grantee: Who may read and change the list.

        Returns:
            The grant.

        Raises:
            ConfigurationError: As in `grant_read`.
        """
        return self._grant(grantee, (*_READ, *_CHANGE))

    def _grant(self, grantee: iam.IGrantable, actions: Sequence[str]) -> iam.Grant:
        tell(grantee, "MAILROOM_ADDRESS_LISTS", self, self.address_list_id)
        return iam.Grant.add_to_principal(
            grantee=grantee, actions=[*actions], resource_arns=[self.address_list_arn]
        )


class AddressList(ExistingAddressList):
    """Addresses and domains, for the conditions ``in_list`` of traffic policies and rules.

    CloudFormation knows nothing of the members, so a custom resource adds and removes those that
    the code names. Others, which a function or a person adds, stay. Whoever is named is the code's,
    and is removed when the code does not name them any more.

    Mail Manager takes one call a second. A new list gets up to 100,000 members by an import job; a
    later deployment can add at most 600 and remove at most 600, because a rollback has to undo it
    one by one. Beyond that, give the list another construct id.

    https://docs.aws.amazon.com/ses/latest/dg/eb-addlist.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        members: Sequence[str] = (),
        members_file: str | Path | None = None,
        name: str | None = None,
        removal_policy: RemovalPolicy | None = None,
    ) -> None:
        """Create the list.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*, by which a function's code finds the list.
            members: Addresses (``user@example.com``), domains, and patterns with one ``*``:
                ``user*@example.com`` (at most 19 characters beside it), ``*@example.com``,
                ``user@*.example.com``, ``*.example.com`` (two to nine labels after it). None by
                default.
            members_file: A file of members instead: CSV with the header ``address``, or JSON, as
                AWS's page has them. They are in an asset, not in the template.
            name: 1 to 255 letters, digits, ``_``, ``.`` and ``-``. Another name makes another list.
                By default CloudFormation chooses one.
            removal_policy: What happens to the list, with members that others added, when it is
                removed from the app. It is deleted by default.

        Raises:
            ConfigurationError: A member or the name that Mail Manager would refuse, a member twice,
                or *members* and *members_file*.
        """
        problems = Problems(scope, construct_id)
        found = list(members) if check_list(problems, "members", members) else []
        argument = "members"
        if members_file is not None:
            argument = "members_file"
            if found:
                problems.add("members_file", str(members_file), "pass either a file or members")
            found = members_of_file(problems, argument, Path(members_file))
        check_members(problems, argument, found)
        if len(found) > _IN_TEMPLATE and not all(map(resolved, found)):
            problems.add(
                "members",
                f"{len(found)} with tokens",
                f"more than {_IN_TEMPLATE} are written to a file at synth: pass values known then",
            )
        if name is not None and resolved(name) and not re.fullmatch(_NAME, name):
            problems.add("name", name, "use 1 to 255 of A-Z a-z 0-9 _ . -")
        problems.raise_if_any()
        super().__init__(scope, construct_id, address_list_arn="/")
        addresses = ses.CfnMailManagerAddressList(self, "Resource", address_list_name=name)
        addresses.apply_removal_policy(removal_policy or RemovalPolicy.DESTROY)
        self.address_list_arn = addresses.attr_address_list_arn
        self.address_list_id = addresses.attr_address_list_id
        self._fill(found)

    @staticmethod
    def from_address_list_arn(
        scope: Construct, construct_id: str, address_list_arn: str
    ) -> ExistingAddressList:
        """Return a list that exists already; its members stay as they are.

        Args:
            scope: The parent construct.
            construct_id: The id below *scope*, by which a function's code finds the list.
            address_list_arn: Its ARN. Lists work within their own account and region.

        Raises:
            ConfigurationError: It is not the ARN of an address list.
        """
        problems = Problems(scope, construct_id)
        if resolved(address_list_arn) and not re.fullmatch(_ARN, address_list_arn):
            problems.add(
                "address_list_arn",
                address_list_arn,
                "pass arn:aws:ses:REGION:ACCOUNT:mailmanager-address-list/ID",
            )
        problems.raise_if_any()
        return ExistingAddressList(scope, construct_id, address_list_arn=address_list_arn)

    def _fill(self, members: Sequence[str]) -> None:
        provider = _provisioning.provider(
            self,
            "MailroomAddressLists",
            "mailroom.provisioning.address_list",
            timeout=Duration.minutes(15),
        )
        role = provider.function.role
        assert role is not None
        # A policy of its own: the role is shared by all lists of the stack.
        policy = iam.Policy(self, "Policy", roles=[role])
        policy.add_statements(
            iam.PolicyStatement(
                actions=[*_READ, *_CHANGE, *_IMPORT], resources=[self.address_list_arn]
            ),
            iam.PolicyStatement(
                # Nothing else says whether an update is a rollback.
                actions=["cloudformation:DescribeStacks"],
                resources=[stack_of(self).stack_id],
            ),
        )
        properties: dict[str, object] = {"AddressListId": self.address_list_id}
        if len(members) > _IN_TEMPLATE:
            asset = self._file(members)
            # The file before it too, whose name is another.
            files = asset.bucket.arn_for_objects("*.csv")
            policy.add_statements(iam.PolicyStatement(actions=["s3:GetObject"], resources=[files]))
            reviewed_wildcard(policy, files, "the file of the deployment before has another name")
            properties |= {
                "MembersBucket": asset.s3_bucket_name,
                "MembersKey": asset.s3_object_key,
            }
        else:
            properties["Members"] = [*members]
        resource = CustomResource(
            self,
            "Members",
            service_token=provider.service_token,
            # Lambda starts a function that died twice again.
            service_timeout=Duration.minutes(60),
            resource_type="Custom::MailManagerAddressListMembers",
            properties=properties,
        )
        resource.node.add_dependency(provider.function, policy)

    def _file(self, members: Sequence[str]) -> s3_assets.Asset:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "members.csv"
            path.write_text("\n".join(("address", *members, "")))
            return s3_assets.Asset(self, "File", path=str(path))
