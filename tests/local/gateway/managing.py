"""Mail Manager for tests: each in an account of its own, so that nothing need be removed."""

import itertools
import json
import urllib.error
import urllib.request
from functools import cached_property
from typing import Any

from mailroom_local import LocalAws

_accounts = itertools.count(310_000_000_001)

TO_US = {
    "Action": "ALLOW",
    "Conditions": [
        {
            "StringExpression": {
                "Evaluate": {"Attribute": "RECIPIENT"},
                "Operator": "ENDS_WITH",
                "Values": ["@example.com"],
            }
        }
    ],
}
DROP = {"Name": "Drop", "Actions": [{"Drop": {}}]}
PRIVATE = {"PrivateNetworkConfiguration": {"VpcEndpointId": "vpce-0123456789abcdef0"}}
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class Manager:
    """The Mail Manager of a new account."""

    def __init__(self, aws: LocalAws, *, region: str = "us-east-1") -> None:
        self.aws, self.region = aws, region
        self.account = str(next(_accounts))
        self.arn = f"arn:aws:ses:{region}:{self.account}"

    @cached_property
    def api(self) -> Any:
        """A client of boto3."""
        return self.client("mailmanager")

    def client(self, service: str) -> Any:
        """A client of another service in this account."""
        return self.aws.client(service, account=self.account, region=self.region)

    def call(self, operation: str, body: Any = None, /, **given: Any) -> tuple[int, dict[str, Any]]:
        """Call an operation without the checks of boto3."""
        content = json.dumps(given) if body is None else body
        scope = f"Credential={self.account}/20261127/{self.region}/ses/aws4_request"
        request = urllib.request.Request(  # the local AWS
            self.aws.server.endpoint,
            data=content.encode(),
            headers={
                "X-Amz-Target": f"MailManagerSvc.{operation}",
                "Content-Type": "application/x-amz-json-1.0",
                "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
            },
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def refusal(self, operation: str, /, **given: Any) -> tuple[str, str]:
        """The error that refuses a call, and its text."""
        status, answer = self.call(operation, **given)
        assert status >= 400, answer
        return answer["__type"], answer["Message"]

    def made(self, operation: str, /, **given: Any) -> str:
        """The id of what is created."""
        status, answer = self.call(operation, **given)
        assert status == 200, answer
        return str(next(value for name, value in answer.items() if name.endswith("Id")))

    def policy(self, name: str = "policy", **fields: Any) -> str:
        return self.made(
            "CreateTrafficPolicy",
            TrafficPolicyName=name,
            **{"PolicyStatements": [TO_US], "DefaultAction": "DENY", **fields},
        )

    def rule_set(self, *rules: Any, name: str = "rules") -> str:
        return self.made("CreateRuleSet", RuleSetName=name, Rules=list(rules) or [DROP])

    def point(self, name: str = "point", **fields: Any) -> str:
        return self.made("CreateIngressPoint", **self.of_point(name, **fields))

    def of_point(self, name: str = "point", **fields: Any) -> dict[str, Any]:
        """The input for an ingress point, by default an open one, with new policy and rules."""
        targets = {} if "RuleSetId" in fields else self.targets(name)
        return {"IngressPointName": name, "Type": "OPEN", **targets, **fields}

    def targets(self, name: str = "point") -> dict[str, str]:
        """A new policy and rule set."""
        return {
            "TrafficPolicyId": self.policy(f"{name}-policy"),
            "RuleSetId": self.rule_set(name=f"{name}-rules"),
        }

    def key(self, *statements: dict[str, Any]) -> str:
        """The ARN of a customer managed key whose policy has these statements."""
        policy = {"Statement": [self.root(), *statements]}
        made = self.client("kms").create_key(Policy=json.dumps(policy))
        return str(made["KeyMetadata"]["Arn"])

    def root(self) -> dict[str, Any]:
        return {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }

    def secret(
        self,
        value: Any,
        *actions: str,
        resource: str = "mailmanager-ingress-point",
        key: str | None = None,
        principal: str = "ses.amazonaws.com",
        account: str | None = None,
    ) -> str:
        """The ARN of a secret that SES may use by these actions, for resources of this kind."""
        secrets = self.client("secretsmanager")
        text = value if isinstance(value, str) else json.dumps(value)
        options = {} if key is None else {"KmsKeyId": key}
        arn = str(secrets.create_secret(Name="password", SecretString=text, **options)["ARN"])
        if actions:
            policy = {"Statement": [self.to_ses(*actions, resource=resource, principal=principal)]}
            policy["Statement"][0]["Condition"]["StringEquals"] = {
                "aws:SourceAccount": account or self.account
            }
            secrets.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(policy))
        return arn

    def to_ses(
        self,
        *actions: str,
        resource: str | None = "mailmanager-ingress-point",
        principal: str = "ses.amazonaws.com",
        via: str | None = None,
    ) -> dict[str, Any]:
        """A statement that allows SES these actions for resources of this kind."""
        condition: dict[str, Any] = {}
        if resource:
            condition["ArnLike"] = {"aws:SourceArn": f"{self.arn}:{resource}/*"}
        if via:
            condition["StringEquals"] = {"kms:ViaService": f"{via}.{self.region}.amazonaws.com"}
        return {
            "Effect": "Allow",
            "Principal": {"Service": principal},
            "Action": list(actions),
            "Resource": "*",
            "Condition": condition,
        }
