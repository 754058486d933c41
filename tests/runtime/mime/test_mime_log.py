"""Where one finds what could not be read of a message."""

from __future__ import annotations

import json
from io import BytesIO

import pytest

from mailroom import mime


def test_what_could_not_be_read_is_in_the_log_of_a_function(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not in the output of any other program, such as a test that prints JSON itself."""
    mail = b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\nHello"
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    assert mime.read_logged(BytesIO(mail), "mailroom.receiving.read", "id").defects
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "Handler")
    mime.read_logged(BytesIO(mail), "mailroom.receiving.read", "id")
    line = json.loads(capsys.readouterr().out)
    assert (line["level"], line["message_id"]) == ("WARNING", "id")
    assert "closing boundary" in line["defects"][0]
