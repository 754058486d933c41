"""`Sender.send_bulk`: one outcome for each entry, no mail twice, never above the rate."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from mailroom.sending import (
    BulkEntry,
    BulkInterrupted,
    InvalidMessage,
    ListUnsubscribe,
    NotSent,
    Sender,
)


def refusal(code: str, status: int, text: str = "no") -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "SendBulkEmail",
    )


class BulkSes:
    """SES's side of SendBulkEmail: `decide` says what happens, the ledger what was taken."""

    def __init__(self, clock: Any, rate: float = 100.0) -> None:
        self.clock = clock
        self.rate = rate
        self.taken: Counter[str] = Counter()
        self.calls: list[tuple[float, dict[str, Any]]] = []
        self.whole: list[Any] = []
        self.status: dict[str, list[str]] = {}

    def get_account(self) -> dict[str, Any]:
        return {"SendQuota": {"MaxSendRate": self.rate}}

    def send_bulk_email(self, **request: Any) -> dict[str, Any]:
        self.calls.append((self.clock(), request))
        addresses = [e["Destination"]["ToAddresses"][0] for e in request["BulkEmailEntries"]]
        step = self.whole.pop(0) if self.whole else None
        if callable(step):
            step = step(addresses)
        if isinstance(step, BaseException):
            raise step
        results = []
        for address in addresses:
            status = (self.status.get(address) or ["SUCCESS"]).pop(0)
            if status == "SUCCESS":
                self.taken[address] += 1
                results.append({"Status": status, "MessageId": f"id-{address}"})
            else:
                results.append({"Status": status, "Error": f"because {status}"})
        return {"BulkEmailEntryResults": results}


@pytest.fixture
def bulk(clock: Any) -> BulkSes:
    return BulkSes(clock)


@pytest.fixture
def sender(bulk: BulkSes, clock: Any) -> Sender:
    return Sender(
        configuration_set="outbound",
        tags={"app": "shop"},
        from_address="shop@example.com",
        client=bulk,
        clock=clock,
        sleep=clock.sleep,
    )


def people(count: int) -> list[str]:
    return [f"p{number}@example.com" for number in range(count)]


def statuses(result: Any) -> Counter[str]:
    return Counter(one.status for one in result)


def test_ten_thousand_recipients_are_each_accounted_for_exactly_once(clock: Any) -> None:
    """Throttling, transient and lasting failures and lost answers: one outcome, and it is true."""
    dice = random.Random(4)
    taken: Counter[str] = Counter()
    lost: set[str] = set()
    calls: list[tuple[float, int]] = []

    class Chaos(BulkSes):
        def send_bulk_email(self, **request: Any) -> dict[str, Any]:
            addresses = [e["Destination"]["ToAddresses"][0] for e in request["BulkEmailEntries"]]
            assert 1 <= len(addresses) <= 50
            calls.append((clock(), len(addresses)))
            luck = dice.random()
            if luck < 0.10:
                raise refusal("TooManyRequestsException", 429, "Maximum sending rate exceeded.")
            if luck < 0.13:
                raise EndpointConnectionError(endpoint_url="https://ses")
            if luck < 0.15:
                if dice.random() < 0.5:  # SES took them, and its answer was lost
                    taken.update(addresses)
                lost.update(addresses)
                raise ReadTimeoutError(endpoint_url="https://ses")
            if luck < 0.16:
                lost.update(addresses)
                raise refusal("InternalFailure", 500)
            if any(address.startswith("poison") for address in addresses):
                raise refusal("BadRequestException", 400, "poison")
            results: list[dict[str, str]] = []
            for address in addresses:
                status = dice.choices(
                    ["SUCCESS", "TRANSIENT_FAILURE", "ACCOUNT_THROTTLED", "MESSAGE_REJECTED"],
                    [90, 6, 2, 2],
                )[0]
                if status == "SUCCESS":
                    taken[address] += 1
                results.append({"Status": status, "MessageId": f"id-{address}"})
            return {"BulkEmailEntryResults": results}

    everybody = people(10_000)
    for at in range(0, 10_000, 1111):
        everybody[at] = f"poison{at}@example.com"
    read = 0

    def source() -> Iterator[BulkEntry]:
        nonlocal read
        for address in everybody:
            read += 1
            yield BulkEntry(address)

    sender = Sender(
        configuration_set="outbound",
        from_address="shop@example.com",
        client=Chaos(clock),
        clock=clock,
        sleep=clock.sleep,
    )
    result = sender.send_bulk(source(), template="news")
    assert Counter(one.entry.to for one in result) == Counter(dict.fromkeys(everybody, 1))
    assert max(taken.values()) == 1, "somebody got it twice"
    sent = {one.entry.to for one in result.sent}
    failed = {one.entry.to for one in result.failed}
    unknown = {one.entry.to for one in result.unknown}
    assert sent <= set(taken)
    assert not failed & set(taken)
    assert unknown == lost
    assert len(sent) > 8_000
    assert {a for a in everybody if a.startswith("poison")} <= failed | unknown
    assert all(one.message_id == f"id-{one.entry.to}" for one in result.sent)
    for start, _ in calls:
        assert sum(count for at, count in calls if start <= at < start + 0.999) <= 100


def test_entries_are_read_lazily_while_sending(sender: Sender, bulk: BulkSes) -> None:
    """When the first call is made, no more than one call's worth has been read."""
    read = 0
    seen: list[int] = []

    def source() -> Iterator[str]:
        nonlocal read
        for address in people(500):
            read += 1
            yield address

    bulk.whole = [lambda addresses: seen.append(read)]
    sender.send_bulk(source(), template="news")
    assert seen == [50]


def test_no_more_than_fifty_go_into_one_call(sender: Sender, bulk: BulkSes) -> None:
    """120 recipients make three calls."""
    result = sender.send_bulk(people(120), template="news")
    assert [len(call["BulkEmailEntries"]) for _, call in bulk.calls] == [50, 50, 20]
    assert len(result.sent) == 120


@pytest.mark.parametrize("rate", [1.0, 14.0, 30.0, 200.0])
def test_the_accounts_rate_is_kept(bulk: BulkSes, sender: Sender, rate: float) -> None:
    """No second sees more recipients than MaxSendRate, and no call asks for more than that."""
    bulk.rate = rate
    sender.send_bulk(people(90), template="news")
    for start, _ in bulk.calls:
        window = [c for at, c in bulk.calls if start <= at < start + 0.999]
        assert sum(len(call["BulkEmailEntries"]) for call in window) <= max(50, rate)
    assert all(len(call["BulkEmailEntries"]) <= max(1, rate) for _, call in bulk.calls)


def test_without_the_rate_nothing_is_sent(bulk: BulkSes, sender: Sender) -> None:
    """Not being allowed to ask is an error with its remedy, not a guess."""

    def denied() -> dict[str, Any]:
        raise refusal("AccessDeniedException", 403)

    bulk.get_account = denied  # type: ignore[method-assign]
    with pytest.raises(NotSent, match=r"ses:GetAccount.*max_send_rate"):
        sender.send_bulk(people(1), template="news")
    assert not bulk.calls


def test_default_tags_alone_are_given_once_a_call(sender: Sender, bulk: BulkSes) -> None:
    """If no entry has tags of its own, DefaultEmailTags says it once."""
    sender.send_bulk(people(2), template="news", tags={"campaign": "may"})
    ((_, call),) = bulk.calls
    assert call["DefaultEmailTags"] == [
        {"Name": "app", "Value": "shop"},
        {"Name": "campaign", "Value": "may"},
    ]
    assert all("ReplacementTags" not in entry for entry in call["BulkEmailEntries"])
    assert call["ConfigurationSetName"] == "outbound"


def test_tags_of_one_entry_make_every_entry_carry_all_tags(sender: Sender, bulk: BulkSes) -> None:
    """Whether SES joins or replaces, each message has the defaults and its own, which win."""
    entries = [BulkEntry("a@example.com", tags={"app": "mine", "x": "1"}), "b@example.com"]
    result = sender.send_bulk(entries, template="news")
    ((_, call),) = bulk.calls
    assert "DefaultEmailTags" not in call
    assert [entry["ReplacementTags"] for entry in call["BulkEmailEntries"]] == [
        [{"Name": "app", "Value": "mine"}, {"Name": "x", "Value": "1"}],
        [{"Name": "app", "Value": "shop"}],
    ]
    assert [one.tags for one in result] == [{"app": "mine", "x": "1"}, {"app": "shop"}]


def test_an_entry_has_its_own_data_and_unsubscribe_link(sender: Sender, bulk: BulkSes) -> None:
    """Replacement data and headers are those of the entry."""
    link = ListUnsubscribe(https="https://example.com/u/1")
    entry = BulkEntry("a@example.com", data={"name": "Zoë"}, list_unsubscribe=link)
    sender.send_bulk([entry], template="news", data={"name": "you"})
    sent = bulk.calls[0][1]["BulkEmailEntries"][0]
    data = sent["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
    assert data == '{"name": "Zo\\u00eb"}'
    assert sent["ReplacementHeaders"] == [
        {"Name": "List-Unsubscribe", "Value": "<https://example.com/u/1>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    ]


def test_an_invalid_entry_fails_alone_before_ses_is_called(sender: Sender, bulk: BulkSes) -> None:
    """The others are sent; the error names what is wrong with it."""
    entries = [
        "a@example.com",
        BulkEntry("b@example.com", tags={"bad tag": "x"}),
        "jörg@example.com",
    ]
    result = sender.send_bulk(entries, template="news")
    assert statuses(result) == {"sent": 1, "failed": 2}
    assert {one.code for one in result.failed} == {"INVALID"}
    assert "'bad tag'" in result.failed[0].error
    assert list(bulk.taken) == ["a@example.com"]


def test_invalid_arguments_are_refused_before_anything_is_sent(
    sender: Sender, bulk: BulkSes
) -> None:
    """Default tags that SES would refuse raise, as they would fail everybody."""
    with pytest.raises(InvalidMessage, match="'bad tag'"):
        sender.send_bulk(people(1), template="news", tags={"bad tag": "x"})
    assert not bulk.calls


def test_one_poison_entry_does_not_affect_the_others(sender: Sender, bulk: BulkSes) -> None:
    """A call that SES refuses is divided until the culprit alone has failed."""

    def check(addresses: list[str]) -> Any:
        bad = "p7@example.com" in addresses
        return refusal("BadRequestException", 400, "p7") if bad else None

    bulk.whole = [check] * 40
    result = sender.send_bulk(people(50), template="news")
    assert [one.entry.to for one in result.failed] == ["p7@example.com"]
    assert len(result.sent) == 49
    assert max(bulk.taken.values()) == 1


def test_an_entry_that_failed_temporarily_is_retried_alone(sender: Sender, bulk: BulkSes) -> None:
    """Those that SES took with the first call are not in the second."""
    bulk.status = {"p1@example.com": ["TRANSIENT_FAILURE", "ACCOUNT_THROTTLED"]}
    result = sender.send_bulk(people(3), template="news")
    assert len(result.sent) == 3
    assert [len(call["BulkEmailEntries"]) for _, call in bulk.calls] == [3, 1, 1]


def test_each_entry_is_tried_again_when_its_own_wait_is_over(
    sender: Sender, bulk: BulkSes, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the entry that waits longest."""
    waits = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr("mailroom.sending.bulk.backoff", lambda _: next(waits))
    bulk.status = {address: ["TRANSIENT_FAILURE"] for address in people(3)}
    start = clock()
    assert len(sender.send_bulk(people(3), template="news").sent) == 3
    assert [time - start for time, _ in bulk.calls] == pytest.approx([0, 1, 2, 3])


def test_entries_whose_waits_end_together_are_tried_again_together(
    sender: Sender, bulk: BulkSes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailroom.sending.bulk.backoff", lambda _: 1.0)
    bulk.status = {address: ["TRANSIENT_FAILURE"] for address in people(3)}
    assert len(sender.send_bulk(people(3), template="news").sent) == 3
    assert [len(call["BulkEmailEntries"]) for _, call in bulk.calls] == [3, 3]


def test_retries_are_limited(sender: Sender, bulk: BulkSes) -> None:
    """After five attempts the entry has failed, with SES's own words."""
    bulk.status = {"p0@example.com": ["TRANSIENT_FAILURE"] * 9}
    result = sender.send_bulk(people(1), template="news")
    (outcome,) = result
    assert (outcome.status, outcome.code) == ("failed", "TRANSIENT_FAILURE")
    assert outcome.error == "because TRANSIENT_FAILURE"
    assert len(bulk.calls) == 5


def test_failed_entries_can_be_sent_again_from_the_result(sender: Sender, bulk: BulkSes) -> None:
    """`retry` gives those that failed for a passing reason: not the sent, unknown or hopeless."""
    bulk.status = {
        "p0@example.com": ["TRANSIENT_FAILURE"] * 5,
        "p1@example.com": ["MESSAGE_REJECTED"],
    }
    first = sender.send_bulk(people(4), template="news")
    again = sender.send_bulk(first.retry(), template="news")
    assert [one.entry.to for one in again] == ["p0@example.com"]
    assert again.sent
    assert max(bulk.taken.values()) == 1


def test_an_unanswered_call_is_never_repeated(sender: Sender, bulk: BulkSes) -> None:
    """Its entries are unknown, whether SES took them or not; the next call goes out."""
    bulk.whole = [ReadTimeoutError(endpoint_url="https://ses")]
    result = sender.send_bulk(people(60), template="news")
    assert statuses(result) == {"unknown": 50, "sent": 10}
    assert not list(result.retry())


def test_an_answer_that_does_not_fit_is_unknown(sender: Sender, bulk: BulkSes) -> None:
    """Fewer results than entries cannot be matched, so no entry counts as sent."""
    bulk.send_bulk_email = lambda **_: {"BulkEmailEntryResults": []}  # type: ignore[method-assign]
    result = sender.send_bulk(people(2), template="news")
    assert statuses(result) == {"unknown": 2}


def test_three_unanswered_calls_stop_sending(sender: Sender, bulk: BulkSes) -> None:
    """Nothing is gained by more timeouts; the rest is accounted for as not tried."""
    bulk.whole = [ReadTimeoutError(endpoint_url="https://ses")] * 9
    result = sender.send_bulk(people(500), template="news")
    assert len(bulk.calls) == 3
    assert statuses(result) == {"unknown": 150, "failed": 350}
    assert {one.code for one in result.failed} == {"NOT_TRIED"}
    assert len(list(result.retry())) == 350


def test_a_throttled_call_is_an_answer(sender: Sender, bulk: BulkSes) -> None:
    """Three timeouts stop sending only if SES said nothing in between."""
    timeout = ReadTimeoutError(endpoint_url="https://ses")
    throttled = refusal("TooManyRequestsException", 429, "Maximum sending rate exceeded.")
    bulk.whole = [timeout, timeout, throttled, timeout]
    result = sender.send_bulk(people(500), template="news")
    assert statuses(result) == {"unknown": 150, "sent": 350}


def test_an_ses_that_nobody_can_reach_stops_sending(sender: Sender, bulk: BulkSes) -> None:
    """After three calls were given up; the others are not tried to the end."""
    bulk.whole = [EndpointConnectionError(endpoint_url="https://ses")] * 100
    result = sender.send_bulk(people(500), template="news")
    codes = Counter(one.code for one in result)
    assert codes.keys() == {"EndpointConnectionError", "NOT_TRIED"}
    assert codes["EndpointConnectionError"] <= 150


@pytest.mark.parametrize(
    "code", ["TEMPLATE_NOT_FOUND", "ACCOUNT_SENDING_PAUSED", "ACCOUNT_DAILY_QUOTA_EXCEEDED"]
)
def test_an_error_that_concerns_every_recipient_stops_sending(
    sender: Sender, bulk: BulkSes, code: str
) -> None:
    """A missing template or a used-up quota meets the others too: they are not tried."""
    bulk.status = {"p0@example.com": [code]}
    result = sender.send_bulk(people(200), template="news")
    assert len(bulk.calls) == 1
    assert statuses(result) == {"sent": 49, "failed": 151}
    assert code in result.failed[-1].error


def test_a_used_up_daily_quota_is_an_error_at_once(
    sender: Sender, bulk: BulkSes, clock: Any
) -> None:
    """It comes as throttling, but no backoff outlasts a day."""
    bulk.whole = [refusal("ThrottlingException", 400, "Daily message quota exceeded.")]
    result = sender.send_bulk(people(60), template="news")
    assert len(bulk.calls) == 1
    assert len(result.failed) == 60


def test_an_error_of_the_source_carries_the_result_so_far(sender: Sender, bulk: BulkSes) -> None:
    """The exception has the result of everything that was read."""

    def source() -> Iterator[str]:
        yield from people(70)
        raise RuntimeError("database gone")

    with pytest.raises(BulkInterrupted) as caught:
        sender.send_bulk(source(), template="news")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "50 sent, 20 failed, 0 unknown" in str(caught.value)
    assert statuses(caught.value.result) == {"sent": 50, "failed": 20}
    assert len(bulk.taken) == 50


def test_a_signal_during_a_call_leaves_it_unknown(sender: Sender, bulk: BulkSes) -> None:
    """Ctrl-C is not swallowed, and what was in flight is reported too."""
    told: list[Any] = []
    bulk.whole = [None, KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        sender.send_bulk(people(120), template="news", on_outcome=told.append)
    assert statuses(told) == {"sent": 50, "unknown": 50}
    assert {one.code for one in told[50:]} == {"INTERRUPTED"}


def test_each_call_is_announced_before_it_is_made(sender: Sender, bulk: BulkSes) -> None:
    """So that a process that is killed during a call has told which entries were in it."""
    calls: list[tuple[int, list[str]]] = []

    def before(entries: Sequence[BulkEntry]) -> None:
        calls.append((len(bulk.calls), [entry.to for entry in entries]))

    bulk.status = {"p3@example.com": ["TRANSIENT_FAILURE"]}
    bulk.whole = [None, refusal("BadRequestException", 400)]
    sender.send_bulk(people(70), template="news", before=before)
    assert [made for made, _ in calls] == list(range(len(bulk.calls)))
    assert [told for _, told in calls] == [
        [entry["Destination"]["ToAddresses"][0] for entry in request["BulkEmailEntries"]]
        for _, request in bulk.calls
    ]


@pytest.mark.parametrize("error", [OSError("disk full"), SystemExit(1)])
def test_a_call_that_could_not_be_announced_is_not_made(
    sender: Sender, bulk: BulkSes, error: BaseException
) -> None:
    """Without the record nobody would know that it was in flight."""
    told: list[Any] = []

    def before(entries: Sequence[BulkEntry]) -> None:
        if bulk.calls:
            raise error

    with pytest.raises((BulkInterrupted, SystemExit)):
        sender.send_bulk(people(70), template="news", before=before, on_outcome=told.append)
    assert len(bulk.calls) == 1
    if isinstance(error, SystemExit):
        assert [one.code for one in told[50:]] == ["NOT_TRIED"] * 20


def test_every_outcome_is_reported_once(sender: Sender, bulk: BulkSes) -> None:
    """`on_outcome` sees what the result has, in the same order."""
    told: list[Any] = []
    bulk.status = {"p3@example.com": ["TRANSIENT_FAILURE"]}
    result = sender.send_bulk(people(70), template="news", on_outcome=told.append)
    assert told == result.outcomes


def test_reprs_have_no_addresses(sender: Sender) -> None:
    """A repr that ends up in a log names no one."""
    result = sender.send_bulk(["jane@example.com"], template="news")
    result.outcomes[0].message_id = "0100018"
    shown = repr(result) + repr(result.outcomes) + repr(result.outcomes[0].entry)
    assert "@" not in shown
    assert "1 sent, 0 failed, 0 unknown" in shown
