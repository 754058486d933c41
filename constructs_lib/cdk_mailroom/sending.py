"""Send so that events are published: identities, SMTP credentials, templates, contact lists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aws_cdk import CustomResource, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ses as ses
from constructs import Construct

from cdk_mailroom import _assembly, _provisioning, _quotas
from cdk_mailroom._checks import Problems, check_address, check_domain, resolved
from cdk_mailroom._grants import SMTP_ACTIONS, grant_sending, identity_names
from cdk_mailroom._reviewed import reviewed
from cdk_mailroom.events import EventPublishing

__all__ = [
    "ContactList",
    "EmailTemplate",
    "OwnKey",
    "SendingIdentity",
    "SmtpCredentials",
    "runtime_code",
]


def runtime_code(
    folder: str | Path,
    *,
    requirements: str | Path | None = None,
    runtime: lambda_.Runtime | None = None,
    architecture: lambda_.Architecture | None = None,
) -> lambda_.AssetCode:
    """Return the code of a function of your own that imports ``mailroom``, to send for example.

    The contents of *folder*, its requirements and those modules of the runtime that they import,
    put together without Docker; for ``aws_lambda.Function(code=…)``. *requirements*: by default
    ``requirements.txt`` in the folder, if there is one. *runtime*, *architecture*: the function's,
    Python 3.13 and arm64; they decide which wheels are installed.
    """
    root = Path(folder).absolute()
    problems = Problems("runtime_code")
    if not root.is_dir():
        problems.add("folder", str(root), "there is no such folder")
    own = root / "requirements.txt" if requirements is None else Path(requirements).absolute()
    if requirements is not None and not own.is_file():
        problems.add("requirements", str(own), "there is no such file")
    problems.raise_if_any()
    return _assembly.code(
        modules=(),
        folder=root,
        requirements=own if own.is_file() else None,
        runtime=runtime or lambda_.Runtime.PYTHON_3_13,
        architecture=architecture or lambda_.Architecture.ARM_64,
    )


class OwnKey:
    """A DKIM key of your own, in place of the ones that SES makes and rotates (Easy DKIM)."""

    def __init__(
        self, *, selector: str, private_key: SecretValue, public_key: str | None = None
    ) -> None:
        """Describe the key.

        *private_key*: RSA of 1024 or 2048 bits, base64 without the PEM lines; a reference to a
        secret, as the template would show anything else. *public_key*: the same way, for the TXT
        record; without it you publish that record yourself.
        """
        self.selector = selector
        self.private_key = private_key
        self.public_key = public_key


class SendingIdentity(Construct):
    """A domain or an address that SES may send from, with the DNS records that prove it.

    Creates the identity and, in *hosted_zone*, its DKIM records, the MX and SPF records of its MAIL
    FROM domain, and a DMARC record. Without a hosted zone, `records` tells what to publish.

    https://docs.aws.amazon.com/ses/latest/dg/configure-identities.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        domain: str | None = None,
        address: str | None = None,
        hosted_zone: route53.IHostedZone | None = None,
        own_key: OwnKey | None = None,
        mail_from_domain: str | None = None,
        reject_without_mx: bool = False,
        dmarc: str | None = None,
        publishing: EventPublishing | None = None,
        configuration_set: ses.IConfigurationSet | None = None,
        feedback_forwarding: bool | None = None,
    ) -> None:
        """Create the identity.

        *domain*, or *address*, or neither and a *hosted_zone* whose name it then is. *own_key*:
        instead of Easy DKIM with 2048 bits. *mail_from_domain*: a subdomain for the envelope
        sender, so that SPF passes for your domain and not for Amazon's; *reject_without_mx*: do
        not send at all while its MX record is missing. *dmarc*: the record's text, such as
        ``v=DMARC1; p=none; rua=mailto:dmarc@example.com``; none is published unless given.
        *publishing* or *configuration_set*: what mail from here goes through if it names none.
        *feedback_forwarding*: SES mails bounces and complaints to the sender; on, unless
        *publishing* handles them.

        Raises `ConfigurationError` for arguments that contradict each other.
        """
        super().__init__(scope, construct_id)
        problems = Problems(self)
        name = address or domain or _zone_name(hosted_zone)
        self._check_name(problems, domain, address, hosted_zone)
        if address is not None:
            for argument, value in (
                ("hosted_zone", hosted_zone),
                ("own_key", own_key),
                ("dmarc", dmarc),
            ):
                if value is not None:
                    problems.add(argument, str(value), "it has no effect on an address's identity")
        if configuration_set is not None and publishing is not None:
            problems.add("configuration_set", "given", "publishing= brings one; leave one out")
        if dmarc is not None:
            _check_dmarc(problems, dmarc, hosted_zone)
        _check_mail_from(problems, name, mail_from_domain, reject_without_mx=reject_without_mx)
        problems.raise_if_any()
        self.name = name
        """The domain or address."""
        self._zone = hosted_zone
        self._own_key = own_key
        self.publishing = publishing
        """What handles the events of its mail, if that was given."""
        default = publishing.configuration_set if publishing is not None else configuration_set
        if feedback_forwarding is None and publishing is not None:
            feedback_forwarding = False
        self.identity = ses.EmailIdentity(
            self,
            "Identity",
            identity=ses.Identity.email(name) if address else ses.Identity.domain(name),
            dkim_identity=None
            if own_key is None
            else ses.DkimIdentity.byo_dkim(
                selector=own_key.selector, private_key=own_key.private_key
            ),
            configuration_set=default,
            feedback_forwarding=feedback_forwarding,
            mail_from_domain=mail_from_domain,
            mail_from_behavior_on_mx_failure=(
                ses.MailFromBehaviorOnMxFailure.REJECT_MESSAGE if reject_without_mx else None
            ),
        )
        """The identity itself."""
        self.records = [] if address else self._records(mail_from_domain, dmarc)
        """The DNS records that the identity needs: published, if a hosted zone was given."""
        if hosted_zone is not None:
            for construct_id_of_record, record in self.records:
                self._publish(construct_id_of_record, record, hosted_zone)

    @staticmethod
    def _check_name(
        problems: Problems,
        domain: str | None,
        address: str | None,
        zone: route53.IHostedZone | None,
    ) -> None:
        if domain is not None and address is not None:
            problems.add("address", address, "an identity is a domain or an address, not both")
        if domain is None and address is None and zone is None:
            problems.add("domain", None, "give a domain, an address, or a hosted zone")
        if address is not None:
            check_address(problems, "address", address)
        if domain is not None:
            check_domain(problems, "domain", domain)

    def grant_send(
        self,
        grantee: iam.IGrantable,
        *,
        from_address: str | None = None,
        templates: Sequence[str] = (),
        bulk: bool = False,
    ) -> iam.Grant:
        """Let *grantee* send from this identity, through its configuration set.

        *from_address*: the only From address that it may use. *templates*: names. *bulk*: to
        many in one call too.
        """
        publishing = self.publishing
        if publishing is not None:
            publishing.tell_sender(grantee)
        return grant_sending(
            grantee,
            stack=Stack.of(self),
            identities=[self.name],
            configuration_set_name=(
                None if publishing is None else publishing.configuration_set_name
            ),
            templates=templates,
            from_address=from_address,
            bulk=bulk,
        )

    def _records(
        self, mail_from_domain: str | None, dmarc: str | None
    ) -> list[tuple[str, Mapping[str, Any]]]:
        records: list[tuple[str, Mapping[str, Any]]] = []
        if self._own_key is None:
            records += [
                (f"DkimRecord{number}", _record(found.name, "CNAME", found.value))
                for number, found in enumerate(self.identity.dkim_records, start=1)
            ]
        elif self._own_key.public_key is not None:
            name = f"{self._own_key.selector}._domainkey.{self.name}"
            records.append(
                ("DkimRecord", _record(name, "TXT", _quoted(f"p={self._own_key.public_key}")))
            )
        if mail_from_domain is not None:
            region = Stack.of(self).region
            records += [
                (
                    "MailFromMxRecord",
                    _record(mail_from_domain, "MX", f"10 feedback-smtp.{region}.amazonses.com"),
                ),
                (
                    "MailFromSpfRecord",
                    _record(mail_from_domain, "TXT", '"v=spf1 include:amazonses.com ~all"'),
                ),
            ]
        if dmarc is not None:
            records.append(("DmarcRecord", _record(f"_dmarc.{self.name}", "TXT", _quoted(dmarc))))
        return records

    def _publish(
        self, construct_id: str, record: Mapping[str, Any], zone: route53.IHostedZone
    ) -> None:
        # Not the L2 records: they complete names, and these are whole, tokens included.
        route53.CfnRecordSet(
            self,
            construct_id,
            hosted_zone_id=zone.hosted_zone_id,
            name=record["name"],
            type=record["type"],
            resource_records=[record["value"]],
            ttl="1800",
        )


def _check_dmarc(problems: Problems, dmarc: str, zone: route53.IHostedZone | None) -> None:
    if resolved(dmarc) and not dmarc.replace(" ", "").startswith("v=DMARC1;p="):
        problems.add("dmarc", dmarc, "write it as 'v=DMARC1; p=none; …' (RFC 7489)")
    if zone is None:
        problems.add("dmarc", dmarc, "it has no effect without a hosted_zone to publish it in")


def _check_mail_from(
    problems: Problems, name: str, mail_from_domain: str | None, *, reject_without_mx: bool
) -> None:
    if mail_from_domain is None:
        if reject_without_mx:
            problems.add("reject_without_mx", True, "it has no effect without a mail_from_domain")
        return
    domain = name.rpartition("@")[2]
    known = resolved(mail_from_domain) and resolved(name)
    if known and not mail_from_domain.endswith(f".{domain}"):
        problems.add("mail_from_domain", mail_from_domain, f"SES wants a subdomain of {domain}")


def _record(name: str, kind: str, value: str) -> Mapping[str, Any]:
    return {"name": name, "type": kind, "value": value}


def _quoted(text: str) -> str:
    # A TXT record is strings of at most 255 characters each (RFC 1035).
    if not resolved(text):
        return f'"{text}"'
    return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text), 255))


def _zone_name(zone: route53.IHostedZone | None) -> str:
    return "" if zone is None else zone.zone_name.removesuffix(".")


class SmtpCredentials(Construct):
    """A user name and password for SES's SMTP interface, in a secret and nowhere else.

    Creates an IAM user that may send raw mail from the identities, through the configuration set,
    and do nothing else; a function of ours makes its access key, derives the password as AWS
    documents, and puts both straight into the secret: they are in no template, log or output.

    https://docs.aws.amazon.com/ses/latest/dg/smtp-credentials.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        identities: Sequence[ses.IEmailIdentity | SendingIdentity | str],
        publishing: EventPublishing | None = None,
        from_address: str | None = None,
        encryption_key: kms.IKey | None = None,
        rotation: str = "1",
    ) -> None:
        """Create the credentials.

        *identities*: what may be sent from. *publishing*: whose configuration set may be named.
        *from_address*: the only From address that may be used. *encryption_key*: of the secret.
        *rotation*: any text; changing it makes new credentials, puts them into the secret, and
        then ends the old ones, so whoever reads the secret once should read it again.
        """
        super().__init__(scope, construct_id)
        problems = Problems(self)
        if isinstance(identities, str) or not identities:
            problems.add("identities", identities, "give a list of at least one identity")
        if from_address is not None:
            check_address(problems, "from_address", from_address)
        if resolved(rotation) and not str(rotation):
            problems.add("rotation", rotation, "give some text, such as a number or a date")
        problems.raise_if_any()
        self.user = iam.User(self, "User")
        """The IAM user behind the credentials."""
        grant_sending(
            self.user,
            stack=Stack.of(self),
            identities=identity_names(
                [
                    item.identity if isinstance(item, SendingIdentity) else item
                    for item in identities
                ]
            ),
            configuration_set_name=(
                None if publishing is None else publishing.configuration_set_name
            ),
            from_address=from_address,
            actions=SMTP_ACTIONS,
        )
        self.secret = secretsmanager.Secret(
            self,
            "Secret",
            description="SMTP credentials for SES: username, password, host, port",
            encryption_key=encryption_key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        """JSON with ``username``, ``password``, ``host`` and ``port``."""
        reviewed(self.secret, "SMG4", "it is rotated by changing rotation=, as SES cannot")
        provider = _provisioning.provider(
            self, "MailroomSmtpCredentials", "mailroom.provisioning.smtp_credentials"
        )
        provider.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:ListAccessKeys"],
                resources=[self.user.user_arn],
            )
        )
        self.secret.grant_write(provider.function)
        # By the version that is there it knows a second delivery of a request again.
        provider.function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:DescribeSecret"], resources=[self.secret.secret_arn]
            )
        )
        resource = CustomResource(
            self,
            "Resource",
            service_token=provider.service_token,
            resource_type="Custom::SesSmtpCredentials",
            properties={
                "UserName": self.user.user_name,
                "SecretArn": self.secret.secret_arn,
                "Region": Stack.of(self).region,
                "Rotation": rotation,
            },
        )
        # On delete, the key goes while there is still permission to end it.
        resource.node.add_dependency(provider.function)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let *grantee* read the credentials."""
        return self.secret.grant_read(grantee)


class EmailTemplate(Construct):
    """A template whose text lies in a folder of yours, checked against its sample data.

    The folder holds ``subject.txt``, ``text.txt`` or ``body.html`` or both, and ``sample.json``. At
    synth every variable of the text must be in the sample data, and everything in the sample data
    must be used: SES finds a missing one only when mail is sent, as a Rendering Failure.

    https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-advanced.html
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        folder: str | Path,
        template_name: str | None = None,
    ) -> None:
        """Create the template; CloudFormation makes a name unless given."""
        super().__init__(scope, construct_id)
        self.folder = Path(folder).absolute()
        problems = Problems(self)
        parts = {
            name: path.read_text(encoding="utf-8")
            for name in _PARTS
            if (path := self.folder / name).is_file()
        }
        if "subject.txt" not in parts or len(parts) < 2:
            problems.add(
                "folder",
                str(self.folder),
                "it must hold subject.txt, and text.txt or body.html or both",
            )
        size = sum(len(text.encode()) for text in parts.values())
        if size > _quotas.TEMPLATE_BYTES:
            problems.add("folder", f"{size} bytes", f"SES takes {_quotas.TEMPLATE_BYTES}")
        sample = self._sample(problems)
        if sample is not None:
            _compare(problems, parts, sample)
        problems.raise_if_any()
        self.sample = sample or {}
        """The sample data, for tests and previews."""
        resource = ses.CfnTemplate(
            self,
            "Resource",
            template=ses.CfnTemplate.TemplateProperty(
                template_name=template_name,
                subject_part=parts["subject.txt"].strip(),
                text_part=parts.get("text.txt"),
                html_part=parts.get("body.html"),
            ),
        )
        self.template_name = template_name or resource.ref
        """Its name, for the sender."""

    def _sample(self, problems: Problems) -> dict[str, Any] | None:
        path = self.folder / "sample.json"
        try:
            sample = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            problems.add("folder", str(self.folder), "it must hold sample.json, if only '{}'")
            return None
        except ValueError as error:
            problems.add("sample.json", str(path), f"it is no JSON: {error}")
            return None
        if not isinstance(sample, dict):
            problems.add("sample.json", str(path), "it must be one JSON object")
            return None
        return sample


_PARTS = ("subject.txt", "text.txt", "body.html")

_TAG = re.compile(r"\{\{\{?\s*(?P<sign>[#/^&!>]?)\s*(?P<body>[^{}]*?)\s*\}?\}\}")
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s]+")
_LITERALS = frozenset({"this", ".", "else", "true", "false", "null", "undefined"})
# SES's own: https://docs.aws.amazon.com/ses/latest/dg/sending-email-subscription-management.html
_BUILT_IN: Final = frozenset({"amazonSESUnsubscribeUrl"})
_BLOCKS = frozenset({"if", "unless", "each", "with"})


def variables(text: str) -> set[str]:
    """Return the names at the top of the data that *text*, a template of SES's, refers to.

    Inside ``{{#each x}}`` and ``{{#with x}}`` names are looked up in ``x``, so only ``x`` counts,
    and paths that lead up and out with ``../``.
    """
    found: set[str] = set()
    depth = 0
    stack: list[bool] = []
    for tag in _TAG.finditer(text):
        sign, words = tag["sign"], _WORD.findall(tag["body"])
        if sign in ("!", ">") or not words:
            continue
        if sign == "/":
            depth -= stack.pop() if stack else 0
            continue
        if sign in ("#", "^"):
            block = words[0] if words[0] in _BLOCKS else "each"
            arguments = words[1:] if words[0] in _BLOCKS else words
            found |= _roots(arguments, depth)
            narrows = block in ("each", "with")
            stack.append(narrows)
            depth += narrows
            continue
        found |= _roots(words if len(words) == 1 else words[1:] or words, depth)
    return found - _BUILT_IN


def _roots(words: Sequence[str], depth: int) -> set[str]:
    found = set()
    for word in words:
        if word[0] in "\"'@|" or word in _LITERALS or word.replace(".", "").isdigit():
            continue
        if word == "as":
            break  # block parameters: {{#each items as |item|}}
        up = word.count("../")
        path = word.replace("../", "").removeprefix("this.").removeprefix("this/")
        if up >= depth and path and path not in _LITERALS:
            found.add(re.split(r"[./\[]", path)[0])
    return found


def _compare(problems: Problems, parts: Mapping[str, str], sample: Mapping[str, Any]) -> None:
    used: set[str] = set()
    for name, text in parts.items():
        needed = variables(text)
        used |= needed
        for variable in sorted(needed - sample.keys()):
            problems.add(name, f"{{{{{variable}}}}}", f"sample.json has no {variable!r}; add it")
    for name in sorted(sample.keys() - used):
        problems.add("sample.json", name, "no part of the template uses it; take it out")


class ContactList(Construct):
    """The contact list of an account and region, of which SES allows one, with its topics.

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

        *topics*: name to display name. *opted_in*: topics that a contact receives unless they say
        otherwise; all others they must ask for.
        """
        super().__init__(scope, construct_id)
        problems = Problems(self)
        if not topics:
            problems.add("topics", dict(topics), "name at least one topic")
        if len(topics) > _quotas.TOPICS_PER_CONTACT_LIST:
            problems.add(
                "len(topics)", len(topics), f"SES allows {_quotas.TOPICS_PER_CONTACT_LIST}"
            )
        for name in opted_in:
            if name not in topics:
                problems.add("opted_in", name, f"it is none of the topics {sorted(topics)}")
        problems.raise_if_any()
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
