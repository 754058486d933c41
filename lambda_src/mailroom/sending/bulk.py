"""Bulk sending: the pace, the retries, and exactly one outcome for every recipient.

The rule on which everything rests: **a recipient is tried again only after an answer, or a failed
connection, that proves that SES accepted nothing for it.** No answer is no proof: `unknown`.
"""

from __future__ import annotations

from contextlib import suppress

from mailroom import ses
from mailroom._failures import UNREACHED, Failure, backoff, classify
from mailroom.errors import MailroomError
from mailroom.sending.bulk_results import (
    INVALID,
    NOT_TRIED,
    BulkEntry,
    BulkInterrupted,
    BulkResult,
    Outcome,
)
from mailroom.sending.checks import pairs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

__all__ = ["BulkRun", "Job", "request"]


# With more than this waiting for another try, nothing new is read, so that memory stays small.
_MAX_WAITING = 500
# Calls in a row that SES did not answer: a timeout costs a minute, and 50 unknown outcomes.
_MAX_UNANSWERED = 3
# Recipients in a row that were refused one by one for the same reason: it is not their fault.
_MAX_ALIKE = 20

# Statuses by which SES says that it did not accept an entry. Any other, or none, proves nothing.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
_NOT_ACCEPTED = frozenset(
    (
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "ACCOUNT_THROTTLED",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "FAILED",
        "INVALID_PARAMETER",
        "INVALID_SENDING_POOL_NAME",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "MESSAGE_REJECTED",
        "TEMPLATE_NOT_FOUND",
        "TRANSIENT_FAILURE",
    )
)
_TRY_AGAIN = frozenset(("ACCOUNT_THROTTLED", "TRANSIENT_FAILURE"))
# What may be wrong with one recipient or its data, so that its call is worth dividing.
_ONE_RECIPIENTS = frozenset(("BadRequestException", "MessageRejected", "ParamValidationError"))
# What is wrong with the account or the call, and so applies to every other recipient as well.
_EVERY_RECIPIENTS = frozenset(
    (
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "INVALID_SENDING_POOL_NAME",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "TEMPLATE_NOT_FOUND",
    )
)


class Job:
    """An entry that passed the checks, in the form in which a request has it."""

    __slots__ = ("address", "attempts", "entry", "fields", "own_tags", "request_data", "tags")

    def __init__(
        self,
        entry: BulkEntry,
        address: str,
        request_data: str | None,
        tags: dict[str, str],
        own_tags: bool,
        fields: list[dict[str, str]] | None,
    ) -> None:
        self.entry = entry
        self.address = address
        self.request_data = request_data
        self.tags = tags
        self.own_tags = own_tags
        self.fields = fields
        self.attempts = 0


def request(
    shared: Mapping[str, Any], defaults: Mapping[str, str], jobs: Sequence[Job]
) -> dict[str, Any]:
    """Return the arguments of one SendBulkEmail for *jobs*, with the tags *defaults*."""
    # AWS does not say whether an entry's tags are added to the default ones or replace them. So a
    # call has either the defaults alone, or, if any entry has its own, every entry's whole set.
    apart = any(job.own_tags for job in jobs)
    entries = []
    for job in jobs:
        entry: dict[str, Any] = {"Destination": {"ToAddresses": [job.address]}}
        if apart and job.tags:
            entry["ReplacementTags"] = pairs(job.tags)
        if job.request_data is not None:
            entry["ReplacementEmailContent"] = {
                "ReplacementTemplate": {"ReplacementTemplateData": job.request_data}
            }
        if job.fields:
            entry["ReplacementHeaders"] = job.fields
        entries.append(entry)
    arguments = {**shared, "BulkEmailEntries": entries}
    if defaults and not apart:
        arguments["DefaultEmailTags"] = pairs(defaults)
    return arguments


class BulkRun:
    """One bulk sending; make a new one for each.

    Args:
        admit: Checks an entry; raises a `MailroomError` if it is wrong.
        call: Sends to some recipients and returns the answer of SendBulkEmail.
        rate: Recipients a second; 0 or less for no limit.
        attempts: Tries of one recipient, the first included.
        configuration_set: For the result.
        clock: Returns seconds, like `time.monotonic`.
        sleep: Waits for a number of seconds.
        before: Called with the entries of each call before the call is made.
        on_outcome: Called with each outcome as it becomes known.
    """

    def __init__(
        self,
        *,
        admit: Callable[[BulkEntry], Job],
        call: Callable[[Sequence[Job]], Mapping[str, Any]],
        rate: float,
        attempts: int,
        configuration_set: str | None,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        before: Callable[[Sequence[BulkEntry]], object] | None,
        on_outcome: Callable[[Outcome], object] | None,
    ) -> None:
        self.admit = admit
        self.call = call
        self.rate = rate
        # AWS counts a call's destinations like one message's recipients, and says that "the number
        # of destinations in a single call can be limited by the sending rate".
        self.size = (
            min(ses.RECIPIENTS_PER_MESSAGE, max(1, int(rate)))
            if rate > 0
            else ses.RECIPIENTS_PER_MESSAGE
        )
        self.attempts = attempts
        self.clock = clock
        self.sleep = sleep
        self.before = before
        self.on_outcome = on_outcome
        self.result = BulkResult(configuration_set)
        self.reported = 0
        self.open: dict[Job, None] = {}  # read, without an outcome yet
        self.calling: Sequence[Job] = ()  # in the call that is being made
        self.waiting: list[tuple[float, int, Job]] = []  # a heap, by the time of the next try
        self.serial = 0
        self.held_until = clock()
        self.recent: list[tuple[float, int]] = []  # when calls were made, and for how many
        self.throttles = 0
        self.unanswered = 0
        self.alike = ("", "", 0)
        self.stopped: Failure | None = None

    def through(self, entries: Iterable[BulkEntry | str]) -> BulkResult:
        """Send to all *entries* and return what became of each."""
        source = iter(entries)
        try:
            more = True
            while more or self.waiting:
                batch = self._due()
                while more and len(batch) < self.size and len(self.waiting) < _MAX_WAITING:
                    try:
                        entry = next(source)
                    except StopIteration:
                        more = False
                        break
                    if job := self._admitted(entry):
                        batch.append(job)
                if batch:
                    self._send(batch)
                elif self.waiting:
                    self.sleep(max(0.001, self.waiting[0][0] - self.clock()))
                self._report()
        except BaseException as error:
            self._wind_up()
            if isinstance(error, Exception):
                raise BulkInterrupted(self.result) from error
            # Ctrl-C and SystemExit are passed on and cannot carry the result.
            with suppress(Exception):
                self._report()
            raise
        return self.result

    def _wind_up(self) -> None:
        # Whatever was raised, even by a signal, each entry that was read gets its outcome.
        for job in list(self.open):
            if job in self.calling:
                self._settle(job, "unknown", Failure("unknown", "INTERRUPTED", ""))
            else:
                text = "sending was interrupted"
                self._settle(job, "failed", Failure("refused", NOT_TRIED, text))
        self.waiting.clear()

    def _due(self) -> list[Job]:
        from heapq import heappop

        found: list[Job] = []
        now = self.clock()
        while self.waiting and len(found) < self.size:
            if self.waiting[0][0] > now and not self.stopped:
                break
            found.append(heappop(self.waiting)[2])
        return found

    def _admitted(self, entry: BulkEntry | str) -> Job | None:
        if isinstance(entry, str):
            entry = BulkEntry(entry)
        try:
            job = self.admit(entry)
        except MailroomError as error:
            # Raising here would hide what became of the entries before it.
            self.result.outcomes.append(Outcome(entry, "failed", code=INVALID, error=str(error)))
            return None
        self.open[job] = None
        return job

    def _send(self, jobs: Sequence[Job]) -> None:
        if self.stopped:
            text = f"not tried after {self.stopped.code}: {self.stopped.text}"
            for job in jobs:
                self._settle(job, "failed", Failure("refused", NOT_TRIED, text))
            return
        self._pace(len(jobs))
        if self.before:
            self.before([job.entry for job in jobs])
        self.calling = jobs
        try:
            answer = self.call(jobs)
            results = [dict(result) for result in answer["BulkEmailEntryResults"]]
            if len(results) != len(jobs):
                raise LookupError(f"SES answered {len(results)} results for {len(jobs)} entries")
        except Exception as error:
            failure = classify(error, "SendBulkEmail")
        else:
            self._answered(jobs, results)
            self.calling = ()
            return
        self.calling = ()
        self._failed(jobs, failure)

    def _pace(self, count: int) -> None:
        wait = self.held_until - self.clock()
        if wait > 0:
            self.sleep(wait)
        if self.rate <= 0:
            return
        # A rate below one a second is kept over the time that one recipient takes.
        span = max(1.0, count / self.rate)
        while True:
            now = self.clock()
            self.recent = [one for one in self.recent if one[0] > now - span]
            if sum(one[1] for one in self.recent) + count <= self.rate * span + 1e-9:
                break
            self.sleep(max(0.001, self.recent[0][0] + span - now))
        self.recent.append((now, count))

    def _failed(self, jobs: Sequence[Job], failure: Failure) -> None:
        if failure.kind == "unknown":
            for job in jobs:
                self._settle(job, "unknown", failure)
            self._not_answered(failure)
        elif failure.kind == "again":
            reached = failure.code not in UNREACHED
            given_up = [job for job in jobs if not self._again(job, failure)]
            self._hold()
            if reached:
                self.unanswered = 0
            elif given_up:
                self._not_answered(failure)
        elif failure.code not in _ONE_RECIPIENTS:
            for job in jobs:
                self._settle(job, "failed", failure)
            self.stopped = failure
        elif len(jobs) > 1:
            # SES accepted nothing of the call, so its halves can be sent; one bad entry must not
            # cost the others their mail.
            middle = len(jobs) // 2
            self._send(jobs[:middle])
            self._send(jobs[middle:])
        else:
            self._settle(jobs[0], "failed", failure)
            self._alike(failure)

    def _answered(self, jobs: Sequence[Job], results: Sequence[Mapping[str, Any]]) -> None:
        self.unanswered = 0
        throttled = False
        for job, result in zip(jobs, results, strict=True):
            status = str(result.get("Status") or "no status")
            message_id = str(result.get("MessageId") or "").strip()
            failure = Failure("refused", status, str(result.get("Error") or ""))
            if status == "SUCCESS" and message_id:
                self.alike = ("", "", 0)
                self._settle(job, "sent", message_id=message_id)
            elif status not in _NOT_ACCEPTED:
                text = failure.text or "SES gave neither a message id nor a reason"
                self._settle(job, "unknown", Failure("unknown", status, text))
            elif status in _TRY_AGAIN:
                throttled = throttled or status == "ACCOUNT_THROTTLED"
                self._again(job, failure)
            else:
                self._settle(job, "failed", failure)
                if status in _EVERY_RECIPIENTS:
                    self.stopped = failure
        if throttled:
            self._hold()
        else:
            self.throttles = 0

    def _again(self, job: Job, failure: Failure) -> bool:
        from heapq import heappush

        job.attempts += 1
        if job.attempts >= self.attempts:
            self._settle(job, "failed", failure)
            return False
        self.serial += 1
        heappush(self.waiting, (self.clock() + backoff(job.attempts), self.serial, job))
        return True

    def _hold(self) -> None:
        self.throttles += 1
        self.held_until = self.clock() + backoff(self.throttles)

    def _not_answered(self, failure: Failure) -> None:
        self.unanswered += 1
        if self.unanswered >= _MAX_UNANSWERED:
            self.stopped = failure

    def _alike(self, failure: Failure) -> None:
        code, text, count = self.alike
        same = (code, text) == (failure.code, failure.text)
        self.alike = (failure.code, failure.text, count + 1 if same else 1)
        if self.alike[2] >= _MAX_ALIKE:
            self.stopped = failure

    def _settle(
        self, job: Job, status: str, failure: Failure | None = None, message_id: str = ""
    ) -> None:
        self.open.pop(job, None)
        self.result.outcomes.append(
            Outcome(
                job.entry,
                status,
                tags=job.tags,
                message_id=message_id,
                code=failure.code if failure else "",
                error=failure.text if failure else "",
            )
        )

    def _report(self) -> None:
        # Only when the whole call is settled, since on_outcome is the user's code and may raise.
        while self.on_outcome and self.reported < len(self.result.outcomes):
            self.reported += 1
            self.on_outcome(self.result.outcomes[self.reported - 1])
