"""An identity is the same one for both APIs."""

from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.mark.parametrize("identity", ["both.example", "jane@both.example"])
def test_what_v1_verifies_v2_describes_until_v1_deletes_it(account: Any, identity: str) -> None:
    """As `mailroom up --identity` verifies by v1, and apps ask by v2."""
    if "@" in identity:
        account.ses.verify_email_identity(EmailAddress=identity)
    else:
        account.ses.verify_domain_identity(Domain=identity)
    found = account.v2.get_email_identity(EmailIdentity=identity)
    assert found["VerifiedForSendingStatus"]
    assert "ConfigurationSetName" not in found
    assert found["IdentityType"] == ("EMAIL_ADDRESS" if "@" in identity else "DOMAIN")
    account.ses.delete_identity(Identity=identity)
    with pytest.raises(ClientError, match="NotFoundException"):
        account.v2.get_email_identity(EmailIdentity=identity)


@pytest.mark.parametrize("identity", ["both.example", "jane@both.example"])
def test_what_v2_creates_v1_lists_until_v2_deletes_it(account: Any, identity: str) -> None:
    """With its DKIM tokens unchanged."""
    created = account.v2.create_email_identity(EmailIdentity=identity)
    assert identity in account.ses.list_identities()["Identities"]
    found = account.v2.get_email_identity(EmailIdentity=identity)
    assert found["DkimAttributes"].get("Tokens") == created["DkimAttributes"].get("Tokens")
    account.v2.delete_email_identity(EmailIdentity=identity)
    assert identity not in account.ses.list_identities()["Identities"]
