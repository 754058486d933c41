"""Lists of regions in the code, against what the SDK knows of AWS."""

from __future__ import annotations

import botocore.session
import pytest

from cdk_mailroom import _quotas
from cdk_mailroom.gateway import limits


@pytest.mark.parametrize(
    "regions", [_quotas.RECEIVING_REGIONS, _quotas.REGIONS_WITHOUT_SMTP, limits.REGIONS]
)
def test_each_region_that_is_named_has_ses(regions):
    session = botocore.session.get_session()
    partitions = session.get_available_partitions()
    known = {one for name in partitions for one in session.get_available_regions("ses", name)}
    assert regions <= known
