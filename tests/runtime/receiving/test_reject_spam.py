"""The synchronous gate that stops mail by SES's verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailroom.errors import NotConfigured
from mailroom.handlers.receiving import reject_spam
from mailroom.receiving import Disposition
from mailroom.testing import received_mail


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MAILROOM_REJECT", raising=False)
    monkeypatch.setattr(reject_spam, "_settings", None)


@pytest.mark.parametrize("check", ["spam", "virus"])
def test_default_stops_failed_mail(check: str) -> None:
    """Without a setting, failed spam and virus checks stop the rule set."""
    verdict: Any = {check: "FAIL"}
    mail = received_mail(synchronous=True, **verdict)
    assert reject_spam.on_mail(mail) is Disposition.STOP_RULE_SET


@pytest.mark.parametrize("status", ["PASS", "GRAY", "DISABLED", "NEW"])
def test_what_is_not_named_continues(status: str | None) -> None:
    """A status that the setting does not name lets the mail pass."""
    mail = received_mail(synchronous=True, spam=status, virus=status, dmarc="FAIL", spf="FAIL")
    assert reject_spam.on_mail(mail) is Disposition.CONTINUE


@pytest.mark.parametrize("check", ["spam", "virus"])
def test_mail_that_ses_could_not_check_is_stopped_and_logged(check: str, capsys: Any) -> None:
    """Malforming a mail is no way past the control."""
    verdict: Any = {check: "PROCESSING_FAILED"}
    mail = received_mail(synchronous=True, **verdict)
    assert reject_spam.on_mail(mail) is Disposition.STOP_RULE_SET
    line = json.loads(capsys.readouterr().out)
    assert line["reason"] == f"no verdict: {check} PROCESSING_FAILED"


def test_mail_that_ses_could_not_check_passes_on_request(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """It is logged nevertheless."""
    monkeypatch.setenv("MAILROOM_REJECT_UNCHECKED", "0")
    mail = received_mail(synchronous=True, spam="PROCESSING_FAILED")
    assert reject_spam.on_mail(mail) is Disposition.CONTINUE
    assert json.loads(capsys.readouterr().out)["outcome"] == "CONTINUE"


def test_strongest_disposition_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several hits, the one that stops most is answered, in whatever order they come."""
    wanted = {"spam": {"GRAY": "STOP_RULE_SET"}, "dmarc": {"FAIL": "STOP_RULE"}}
    monkeypatch.setenv("MAILROOM_REJECT", json.dumps(wanted))
    both = received_mail(synchronous=True, spam="GRAY", dmarc="FAIL")
    assert reject_spam.on_mail(both) is Disposition.STOP_RULE_SET
    one = received_mail(synchronous=True, dmarc="FAIL")
    assert reject_spam.on_mail(one) is Disposition.STOP_RULE


def test_empty_setting_rejects_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty object is a choice, not the default."""
    monkeypatch.setenv("MAILROOM_REJECT", "{}")
    mail = received_mail(synchronous=True, spam="FAIL", virus="FAIL")
    assert reject_spam.on_mail(mail) is Disposition.CONTINUE


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "not JSON"),
        ("[]", "an object"),
        ('{"spamm": {}}', "'spamm'"),
        ('{"spam": "FAIL"}', "'FAIL'"),
        ('{"spam": {"FIAL": "STOP_RULE"}}', "'FIAL'"),
        ('{"spam": {"FAIL": "STOP"}}', "'STOP'"),
        ('{"spam": {"FAIL": ["STOP_RULE"]}}', "STOP_RULE"),
    ],
)
def test_the_error_names_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, text: str, named: str
) -> None:
    """A misspelt setting fails with its value instead of leaving the gate open."""
    monkeypatch.setenv("MAILROOM_REJECT", text)
    with pytest.raises(NotConfigured, match="MAILROOM_REJECT") as caught:
        reject_spam.settings()
    assert named in str(caught.value)


def test_asynchronous_action_is_an_error() -> None:
    """In an asynchronous action the answer would be ignored, so there the gate fails loudly."""
    with pytest.raises(NotConfigured, match="RequestResponse"):
        reject_spam.on_mail(received_mail(spam="FAIL"))


_statuses = st.sampled_from(reject_spam.STATUSES)
_answers = st.sampled_from([item.value for item in Disposition])


@given(
    st.dictionaries(
        st.sampled_from(reject_spam.CHECKS), st.dictionaries(_statuses, _answers, max_size=5)
    ),
    st.fixed_dictionaries({check: st.none() | _statuses for check in reject_spam.CHECKS}),
)
def test_the_strongest_matching_answer_wins(
    wanted: dict[str, dict[str, str]], verdicts: dict[str, Any]
) -> None:
    """For every setting and every set of verdicts the answer is one that the setting names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILROOM_REJECT", json.dumps(wanted))
        rejections = reject_spam.settings()
    answer = reject_spam.decide(received_mail(synchronous=True, **verdicts), rejections)
    order = ["CONTINUE", "STOP_RULE", "STOP_RULE_SET"]
    hits = [by[verdicts[check]] for check, by in wanted.items() if verdicts[check] in by]
    assert answer.value == max(hits, key=order.index, default="CONTINUE")
