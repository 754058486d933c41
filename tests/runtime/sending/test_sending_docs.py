"""The snippets of the pages that send."""

from __future__ import annotations

from typing import Any

import pytest

from snippets import Snippet, marked


@pytest.mark.parametrize("snippet", marked("send"), ids=str)
def test_a_snippet_sends_what_it_says(
    client: Any, monkeypatch: pytest.MonkeyPatch, snippet: Snippet
) -> None:
    """Each call that it shows reaches SES."""
    monkeypatch.setattr("mailroom._api._client", lambda: client)
    monkeypatch.setenv("MAILROOM_CONFIGURATION_SET", "outbound")
    exec(compile(snippet.code, snippet.page, "exec"), {"__name__": "snippet"})
    assert len(client.calls) >= snippet.code.count("sender.send_")
    if "for_tenant" in snippet.code:
        assert [call["TenantName"] for call in client.calls] == ["acme", "globex"]
