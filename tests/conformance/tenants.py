"""A tenant for a check, with what its mail needs."""

from __future__ import annotations

from conformance.place import Place

# What `Tenant` does.
TENANT = (
    "ses:CreateTenant",
    "ses:CreateTenantResourceAssociation",
    "ses:DeleteTenant",
    "ses:DeleteTenantResourceAssociation",
)


class Tenant:
    """A tenant that may use the verified domain, and what it is given besides."""

    def __init__(self, place: Place) -> None:
        self.place, self.name = place, place.name("tenant")
        self._scope = f"arn:aws:ses:{place.region}:{place.account}"
        ses = place.client("sesv2")
        place.mask(self.name, "tenant")
        place.cleanup.add(f"tenant {self.name}", ses.delete_tenant, TenantName=self.name)
        ses.create_tenant(TenantName=self.name)
        self.associate(f"identity/{place.domain}")

    def associate(self, resource: str) -> None:
        """Let the tenant use a resource, such as `configuration-set/NAME`."""
        ses = self.place.client("sesv2")
        of = {"TenantName": self.name, "ResourceArn": f"{self._scope}:{resource}"}
        self.place.cleanup.add(
            f"{resource} of {self.name}", ses.delete_tenant_resource_association, **of
        )
        ses.create_tenant_resource_association(**of)
