"""Bulk sending: the pace, the retries, and exactly one outcome for every recipient.

The rule on which everything rests: **a recipient is tried again only after an answer, or a failed
connection, that proves that SES took nothing for it.** No answer is no proof, so it is `unknown`.
"""

from __future__ import annotations

from mailroom.errors import MailroomError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from mailroom._outgoing import ListUnsubscribe, Tags

__all__ = [
    "BulkEntry",
    "BulkInterrupted",
    "BulkResult",
    "Failure",
    "Outcome",
    "backoff",
    "classify",
    "run",
]

MAX_ENTRIES = 50
"""Destinations of one call, which AWS counts like the recipients of one message."""

NOT_TRIED = "NOT_TRIED"
INVALID = "INVALID"

# Beyond this many that wait for another try, nothing new is read, so that memory stays small.
_MAX_WAITING = 500
# Calls in a row that SES did not answer: a timeout costs a minute, and 50 unknown outcomes.
_MAX_SILENCE = 3
# Recipients in a row that were refused one by one for the very same reason: it is not theirs.
_MAX_ALIKE = 20

_THROTTLED = frozenset(
    (
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    )
)
_UNREACHED = ("ConnectTimeoutError", "EndpointConnectionError", "ProxyConnectionError")
_BEFORE_SENDING = (
    "BaseEndpointResolverError",
    "CredentialRetrievalError",
    "EndpointProviderError",
    "InvalidRegionError",
    "LoginError",
    "MetadataRetrievalError",
    "NoAuthTokenError",
    "NoCredentialsError",
    "NoRegionError",
    "ParamValidationError",
    "PartialCredentialsError",
    "SSOError",
    "TokenRetrievalError",
)

_TRY_AGAIN = frozenset(("ACCOUNT_THROTTLED", "TRANSIENT_FAILURE"))
# What is wrong with one recipient or its data, so that a chunk that holds it is worth dividing.
_ONES_OWN = frozenset(("BadRequestException", "MessageRejected", "ParamValidationError"))
# What is wrong with the account or the call, and so meets every other recipient as well.
_EVERYBODYS = frozenset(
    (
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "CONFIGURATION_SET_DOES_NOT_EXIST",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "INVALID_SENDING_POOL_NAME",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "TEMPLATE_DOES_NOT_EXIST",
        "TEMPLATE_NOT_FOUND",
    )
)
_HOPELESS = frozenset(
    (INVALID, "BadRequestException", "INVALID_PARAMETER", "MESSAGE_REJECTED", "MessageRejected")
)


class Failure:
    """What an exception of a sending call says: ``kind``, SES's ``code`` and its ``text``.

    ``again``: SES surely took nothing, and may take it later. ``refused``: it surely took nothing,
    and trying again as it stands is no use. ``unknown``: it may have taken it.
    """

    __slots__ = ("code", "kind", "text")

    def __init__(self, kind: str, code: str, text: str) -> None:
        self.kind = kind
        self.code = code
        self.text = text


def classify(error: BaseException, operation: str) -> Failure:
    """Return what *error*, raised by a call of *operation*, proves. In doubt it proves nothing."""
    from botocore import exceptions

    name = type(error).__name__
    if isinstance(error, exceptions.ClientError):
        return _answered(error, operation)
    kinds = {base.__name__ for base in type(error).__mro__}
    if kinds.intersection(_UNREACHED):
        return Failure("again", name, str(error))
    if kinds.intersection(_BEFORE_SENDING) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Failure("refused", name, str(error))
    return Failure("unknown", name, str(error))


def _answered(error: Any, operation: str) -> Failure:
    code = str(error.response.get("Error", {}).get("Code") or "")
    text = str(error.response.get("Error", {}).get("Message") or "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    if getattr(error, "operation_name", operation) != operation:
        # A call that fetches credentials, say; the one that sends was never made.
        return Failure("refused", code, text)
    if code in _THROTTLED or status == 429:
        # The day's quota comes as throttling too, and no backoff outlasts it.
        return Failure("refused" if "daily" in text.lower() else "again", code, text)
    # 408 says that the connection, and 5xx that the answer, was lost somewhere behind the door.
    if 400 <= status < 500 and status != 408:
        return Failure("refused", code, text)
    return Failure("unknown", code or str(status), text)


def backoff(attempt: int) -> float:
    """Return seconds to wait after the *attempt*-th failure: 0.5, 1, 2 … 20, less up to half."""
    from random import random

    return min(20.0, 0.5 * 2.0 ** (attempt - 1)) * (1 - random() / 2)  # noqa: S311


class BulkEntry:
    """One recipient of `mailroom.sending.Sender.send_bulk`, with what is its own.

    *data* completes the template's default data, *tags* the default tags; *headers* and
    *list_unsubscribe* take the place of those of the whole call.
    """

    __slots__ = ("data", "headers", "list_unsubscribe", "tags", "to")

    def __init__(
        self,
        to: str,
        *,
        data: Mapping[str, Any] | None = None,
        tags: Tags | None = None,
        headers: Mapping[str, str] | None = None,
        list_unsubscribe: ListUnsubscribe | None = None,
    ) -> None:
        self.to = to
        self.data = data
        self.tags = tags
        self.headers = headers
        self.list_unsubscribe = list_unsubscribe

    def __repr__(self) -> str:
        return f"<BulkEntry: {len(self.data or ())} values>"


class Outcome:
    """What became of one entry: ``sent``, ``failed`` (surely not sent) or ``unknown``.

    ``code`` and ``error`` are SES's own words, or ``INVALID`` if we refused the entry, or
    ``NOT_TRIED`` with the reason for which sending stopped before it. The repr has no address.
    """

    __slots__ = ("code", "entry", "error", "message_id", "status", "tags")

    def __init__(
        self,
        entry: BulkEntry,
        status: str,
        *,
        tags: Mapping[str, str] | None = None,
        message_id: str = "",
        code: str = "",
        error: str = "",
    ) -> None:
        self.entry = entry
        self.status = status
        self.tags = dict(tags or {})
        self.message_id = message_id
        self.code = code
        self.error = error

    @property
    def retryable(self) -> bool:
        """Whether it surely was not sent, for a reason that lies outside of the entry itself."""
        return self.status == "failed" and self.code not in _HOPELESS

    def __repr__(self) -> str:
        return f"<Outcome: {self.status} {self.message_id or self.code}>"


class BulkResult:
    """Exactly one `Outcome` for every entry, in the order in which they became known.

    ``sender.send_bulk(result.retry(), …)`` sends again what failed, and nothing else. What is
    `unknown` may have been sent: only a person, or the events, can tell.
    """

    __slots__ = ("configuration_set", "outcomes")

    def __init__(self, configuration_set: str | None) -> None:
        self.configuration_set = configuration_set
        self.outcomes: list[Outcome] = []

    @property
    def sent(self) -> list[Outcome]:
        """What SES took, each with its message id."""
        return [one for one in self.outcomes if one.status == "sent"]

    @property
    def failed(self) -> list[Outcome]:
        """What was surely not sent."""
        return [one for one in self.outcomes if one.status == "failed"]

    @property
    def unknown(self) -> list[Outcome]:
        """What may or may not have been sent."""
        return [one for one in self.outcomes if one.status == "unknown"]

    def retry(self) -> Iterator[BulkEntry]:
        """Yield the entries that failed for a reason outside of themselves."""
        return (one.entry for one in self.outcomes if one.retryable)

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        return (
            f"<BulkResult: {len(self.sent)} sent, {len(self.failed)} failed, "
            f"{len(self.unknown)} unknown>"
        )


class BulkInterrupted(MailroomError):
    """Reading the entries, or telling an outcome, failed; ``result`` has every entry read so far.

    The exception that did it is the cause.
    """

    def __init__(self, result: BulkResult) -> None:
        super().__init__(f"bulk sending was interrupted: {result!r}; see the cause")
        self.result = result


class Job:
    """An entry that passed the checks, ready to be put into a request."""

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


def run(
    entries: Iterable[BulkEntry | str],
    *,
    admit: Callable[[BulkEntry], Job],
    call: Callable[[Sequence[Job]], Mapping[str, Any]],
    rate: float,
    attempts: int,
    configuration_set: str | None,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
    on_outcome: Callable[[Outcome], object] | None,
) -> BulkResult:
    """Send to all *entries* and return what became of each."""
    return _Run(
        admit=admit,
        call=call,
        rate=rate,
        attempts=attempts,
        configuration_set=configuration_set,
        clock=clock,
        sleep=sleep,
        on_outcome=on_outcome,
    ).through(entries)


class _Run:
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
        on_outcome: Callable[[Outcome], object] | None,
    ) -> None:
        self.admit = admit
        self.call = call
        self.rate = rate
        # AWS: "the number of destinations in a single call can be limited by the sending rate".
        self.size = min(MAX_ENTRIES, max(1, int(rate))) if rate > 0 else MAX_ENTRIES
        self.attempts = attempts
        self.clock = clock
        self.sleep = sleep
        self.on_outcome = on_outcome
        self.result = BulkResult(configuration_set)
        self.told = 0
        self.open: dict[Job, None] = {}  # read and without an outcome yet
        self.flying: Sequence[Job] = ()  # in the call that is under way
        self.waiting: list[tuple[float, int, Job]] = []  # a heap, by the time to try again
        self.serial = 0
        self.held_until = clock()
        self.recent: list[tuple[float, int]] = []  # when calls were made, and for how many
        self.throttles = 0
        self.silence = 0
        self.alike = ("", "", 0)
        self.stopped: Failure | None = None

    def through(self, entries: Iterable[BulkEntry | str]) -> BulkResult:
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
                self._tell()
        except BaseException as error:
            self._wind_up()
            if isinstance(error, Exception):
                raise BulkInterrupted(self.result) from error
            raise
        return self.result

    def _wind_up(self) -> None:
        # Whatever was raised, a signal included, each entry that was read gets its outcome.
        for job in list(self.open):
            if job in self.flying:
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
            # An error would leave open what became of those before it.
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
        self.flying = jobs
        try:
            answer = self.call(jobs)
            results = answer["BulkEmailEntryResults"]
            if len(results) != len(jobs):
                raise LookupError(f"SES answered {len(results)} results for {len(jobs)} entries")
        except Exception as error:
            failure = classify(error, "SendBulkEmail")
        else:
            self._answered(jobs, results)
            self.flying = ()
            return
        self.flying = ()
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
            self._silent(failure)
        elif failure.kind == "again":
            reached = failure.code not in _UNREACHED
            given_up = [job for job in jobs if not self._again(job, failure)]
            self._hold()
            if reached:
                self.silence = 0
            elif given_up:
                self._silent(failure)
        elif failure.code not in _ONES_OWN:
            for job in jobs:
                self._settle(job, "failed", failure)
            self.stopped = failure
        elif len(jobs) > 1:
            # SES took nothing of the call, so its halves can be sent; the one bad entry must not
            # cost the others their mail.
            middle = len(jobs) // 2
            self._send(jobs[:middle])
            self._send(jobs[middle:])
        else:
            self._settle(jobs[0], "failed", failure)
            self._alike(failure)

    def _answered(self, jobs: Sequence[Job], results: Sequence[Mapping[str, Any]]) -> None:
        self.silence = 0
        throttled = False
        for job, result in zip(jobs, results, strict=True):
            status = str(result.get("Status") or "no status")
            failure = Failure("refused", status, str(result.get("Error") or ""))
            if status == "SUCCESS":
                self.alike = ("", "", 0)
                self._settle(job, "sent", message_id=str(result.get("MessageId") or ""))
            elif status in _TRY_AGAIN:
                throttled = throttled or status == "ACCOUNT_THROTTLED"
                self._again(job, failure)
            else:
                self._settle(job, "failed", failure)
                if status in _EVERYBODYS:
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

    def _silent(self, failure: Failure) -> None:
        self.silence += 1
        if self.silence >= _MAX_SILENCE:
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

    def _tell(self) -> None:
        # Only once all of a call is settled, since telling is the user's code and may raise.
        while self.on_outcome and self.told < len(self.result.outcomes):
            self.told += 1
            self.on_outcome(self.result.outcomes[self.told - 1])
