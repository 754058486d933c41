"""What the program promises: permissions, comparison, clean-up, and what is not run."""

import json
import ssl
from typing import Any

import pytest
from botocore.exceptions import ClientError

from conformance import __main__ as program
from conformance import permissions, records, report, running
from conformance.beliefs import Belief
from conformance.check import Check, Need, NotRun, all_checks
from conformance.comparing import differences, masked
from conformance.place import Place
from conformance.site import Site

ROW = Belief(section="Receiving", text="A belief", source="unknown", how="")


class Service:
    """A client that has what was made and not deleted."""

    def __init__(self) -> None:
        self.there: list[str] = []
        self.refuses_to_delete = False
        self.active: str | None = None

    def make(self, name: str) -> None:
        self.there.append(name)

    def delete(self, name: str) -> None:
        if self.refuses_to_delete:
            raise error("AccessDenied", "no permission")
        if name not in self.there:
            raise error("NoSuchThing", "it is not there")
        self.there.remove(name)

    def describe_active_receipt_rule_set(self) -> dict[str, Any]:
        return {"Metadata": {"Name": self.active}} if self.active else {}


def error(code: str, words: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, "Delete")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def site(service: Service) -> Site:
    return Site(
        kind="AWS",
        account="111122223333",
        region="eu-west-1",
        domain="",
        prefix="mailroom-conformance-abc123",
        inbound=("inbound-smtp.eu-west-1.amazonaws.com", 25),
        submission=("email-smtp.eu-west-1.amazonaws.com", 587),
        tls=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
        make_client=lambda *_: service,
    )


@pytest.fixture(autouse=True)
def _unwatched(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A stub has no events to watch, and nothing is recorded for what is checked here."""
    monkeypatch.setattr("conformance.site.watch", lambda client: None)
    monkeypatch.setattr(records, "FOLDER", tmp_path)


def make(run: Any, **more: Any) -> Check:
    declared: dict[str, Any] = {
        "name": "a.check",
        "belief": "A belief",
        "run": run,
        "actions": frozenset(),
        "needs": (),
        "creates": "a thing",
        "dollars": 0.25,
        "minutes": 3,
        "expects": None,
        "here": "",
    }
    return Check(**{**declared, **more})


def thing(place: Place) -> str:
    name = place.name("thing")
    made = place.client("any")
    place.cleanup.add(f"thing {name}", made.delete, name=name)
    made.make(name)
    return name


def outcome(check: Check, site: Site) -> running.Outcome:
    (found,) = running.run([check], site, lambda _: ROW).outcomes
    return found


def test_what_a_check_made_is_deleted_after_it(site: Site, service: Service) -> None:
    found = outcome(make(thing), site)
    assert service.there == []
    assert found.data == "<prefix>-achec-thing-1"


@pytest.mark.parametrize("failure", [OSError("on purpose"), KeyboardInterrupt(), NotRun("why")])
def test_what_a_check_made_is_deleted_whatever_happens(
    site: Site, service: Service, failure: BaseException
) -> None:
    def check(place: Place) -> None:
        thing(place)
        raise failure

    run = running.run([make(check), make(thing)], site, lambda _: ROW)
    assert service.there == []
    assert run.left == []
    assert run.outcomes[0].verdict == ("failed" if isinstance(failure, OSError) else "not run")
    assert run.interrupted == isinstance(failure, KeyboardInterrupt)


def test_an_interrupted_run_says_of_each_other_check_that_it_was_not_run(site: Site) -> None:
    def check(place: Place) -> None:
        raise KeyboardInterrupt

    run = running.run([make(check), make(thing), make(thing)], site, lambda _: ROW)
    assert [each.details for each in run.outcomes] == [["interrupted"]] * 3
    assert not report.result(run, site=site, seconds=1, command="", whole=True).holds


def test_what_a_waiting_check_made_is_deleted_on_interruption(site: Site, service: Service) -> None:
    def waiting(place: Place) -> Any:
        thing(place)
        yield 3_600

    def stops(place: Place) -> None:
        assert service.there
        raise KeyboardInterrupt

    running.run([make(waiting), make(stops)], site, lambda _: ROW)
    assert service.there == []


def test_others_run_while_a_check_waits(site: Site) -> None:
    order = []

    def waiting(place: Place) -> Any:
        order.append("begins")
        yield 0.05
        order.append("ends")
        return 1

    def other(place: Place) -> int:
        order.append("other")
        return 2

    run = running.run([make(waiting), make(other)], site, lambda _: ROW)
    assert order == ["begins", "other", "ends"]
    assert [each.data for each in run.outcomes] == [1, 2]


def test_what_could_not_be_deleted_is_listed(site: Site, service: Service) -> None:
    service.refuses_to_delete = True
    run = running.run([make(thing)], site, lambda _: ROW)
    made = report.result(run, site=site, seconds=1, command="", whole=True)
    assert not made.holds
    (note,) = made.notes
    assert note.startswith("not deleted: thing mailroom-conformance-abc123-achec-thing-1:")
    assert "no permission" in note


def test_ctrl_c_while_something_is_deleted_neither_leaves_it_nor_goes_on(
    site: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    presses = iter([True, False])
    delete = service.delete

    def interrupted(name: str) -> None:
        if next(presses, False):
            raise KeyboardInterrupt
        delete(name)

    monkeypatch.setattr(service, "delete", interrupted)
    run = running.run([make(thing), make(thing)], site, lambda _: ROW)
    assert (service.there, run.left, run.interrupted) == ([], [], True)
    assert [each.verdict for each in run.outcomes] == ["observed", "not run"]


def test_what_is_gone_already_counts_as_deleted(site: Site, service: Service) -> None:
    def check(place: Place) -> None:
        service.delete(thing(place))

    assert running.run([make(check)], site, lambda _: ROW).left == []


def test_an_active_rule_set_is_never_displaced(site: Site, service: Service) -> None:
    service.active = "theirs"
    found = outcome(make(lambda place: place.site.active_rule_set()), site)
    assert found.verdict == "not run"
    assert found.details == ["the receipt rule set theirs is active, and is not displaced"]


def test_a_check_without_what_it_needs_is_reported_with_the_reason(site: Site) -> None:
    found = outcome(make(thing, needs=(Need.DOMAIN,)), site)
    assert (found.verdict, found.details) == ("not run", ["no domain: pass --domain"])


def test_an_undeclared_iam_action_fails_its_check(site: Site) -> None:
    class Model:
        name = "ListObjectsV2"
        service_model = type("Service", (), {"service_name": "s3"})

    def check(place: Place) -> int:
        permissions.note(Model)
        return 1

    found = outcome(make(check), site)
    assert found.verdict == "failed"
    assert found.details == ["needs IAM actions that it does not declare: s3:ListBucket"]
    assert outcome(make(check, actions=frozenset({"s3:ListBucket"})), site).verdict != "failed"


def test_the_policy_allows_no_wildcard_action_and_names_what_has_a_name() -> None:
    policy = permissions.policy(
        report.actions_of(all_checks()), account="111122223333", region="eu-west-1"
    )
    named = ("iam:", "lambda:", "s3:", "sqs:", "sns:", "cloudformation:", "ses:Send", "sts:")
    for statement in policy["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == ["*"] and "Condition" not in statement:
            everywhere = [one for one in statement["Action"] if one.startswith(named)]
            assert set(everywhere) <= {"lambda:ListFunctions", "sns:Unsubscribe"}


def test_a_key_is_only_deleted_if_it_has_the_tag_of_this_program() -> None:
    policy = permissions.policy({"kms:ScheduleKeyDeletion"}, account="1", region="eu-west-1")
    (deleting,) = (one for one in policy["Statement"] if "kms:ScheduleKeyDeletion" in one["Action"])
    tagged = {"aws:ResourceTag/mailroom-conformance": "yes"}
    assert deleting["Condition"] == {"StringEquals": tagged}


def test_a_role_can_only_be_passed_to_services_that_checks_use() -> None:
    policy = permissions.policy({"iam:PassRole"}, account="1", region="eu-west-1")
    (passing,) = (one for one in policy["Statement"] if "iam:PassRole" in one["Action"])
    assert "iam:PassedToService" in passing["Condition"]["StringEquals"]


def test_the_announcement_says_what_is_made_needed_and_paid(site: Site) -> None:
    text = report.announcement(
        [make(thing, actions=frozenset({"s3:CreateBucket"})), make(thing, needs=(Need.DOMAIN,))],
        site,
    )
    assert "creates: a thing" in text
    assert "not run: no domain" in text
    assert "s3:CreateBucket" in text
    assert "About $0.25 and 3 minutes" in text


def test_nothing_is_created_before_the_answer_is_yes(
    site: Site, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "aws_site", lambda **_: site)
    monkeypatch.setattr(program, "chosen", lambda names: [make(thing)])
    monkeypatch.setattr("builtins.input", lambda _: "n")
    made: list[str] = []
    monkeypatch.setattr(service, "make", made.append)
    assert program.main(["--aws"]) == 2
    assert made == []


def test_a_difference_is_a_sentence() -> None:
    before = {"order": ["one", "two"], "reply": {"code": 250, "text": "OK"}, "stored": True}
    now = {"order": ["two", "one"], "reply": {"code": 550}, "again": False}
    assert differences(before, now) == [
        "order > 1: recorded one, now two",
        "order > 2: recorded two, now one",
        "reply > code: recorded 250, now 550",
        "reply > text: recorded OK, now absent",
        "stored: recorded yes, now absent",
        "again: now no, not recorded",
    ]


def test_a_record_of_others_counts_only_for_what_it_has() -> None:
    assert differences({"a": 1}, {"a": 1, "b": 2}, part=True) == []
    assert differences({"a": {"c": 1}}, {"a": {"c": 2}, "b": 2}, part=True) == [
        "a > c: recorded 1, now 2"
    ]


def test_what_depends_on_the_run_is_masked() -> None:
    seen = {
        "of 111122223333": [
            "0102018f-0000-4000-8000-aabbccddeeff-000000",
            "2026-11-27T22:10:16.123Z",
            "17at0jiq08p0449huhf16qsmdi6sa1ltm069t801",
        ]
    }
    assert masked(seen, {"111122223333": "<account>"}) == {
        "of <account>": ["<message id>", "<time>", "<message id>"]
    }


def test_an_unknown_belief_is_never_confirmed_by_the_local_aws(site: Site) -> None:
    site.local = object()  # type: ignore[assignment]
    found = running.judged(make(thing), ROW, {"next action ran": True}, site)
    assert found.verdict == "unknown"
    assert found.data == {"next action ran": True}


@pytest.mark.parametrize(
    ("kept", "now", "verdict"),
    [
        ({"aws": ("AWS, 2026-11-27, eu-west-1", {"a": 1})}, {"a": 1}, "as recorded"),
        ({"aws": ("recorded from AWS by others: x", {"a": 1})}, {"a": 1}, "as recorded"),
        (
            {"aws": ("recorded from AWS by others: x", {"a": 1})},
            {"a": 1, "b": 2},
            "as recorded, in part",
        ),
        ({"aws": ("AWS, 2026-11-27, eu-west-1", {"a": 1})}, {"a": 1, "b": 2}, "differs"),
        ({"local": ("local AWS", {"a": 1})}, {"a": 2}, "differs"),
        ({"local": ("local AWS", {"a": 1})}, {"a": 1}, "unknown"),
    ],
)
def test_the_records_make_the_verdict(
    site: Site, kept: dict[str, tuple[str, Any]], now: Any, verdict: str
) -> None:
    site.local = object()  # type: ignore[assignment]
    for kind, (source, observed) in kept.items():
        records.write("a.check", kind, source=source, observed=observed)
    assert running.judged(make(thing), ROW, now, site).verdict == verdict


def test_what_aws_does_is_kept_next_to_what_the_local_aws_does(site: Site, tmp_path: Any) -> None:
    records.write("a.check", "local", source="local AWS", observed={"a": 1})
    found = running.judged(make(thing), ROW, {"a": 2}, site)
    assert found.details == ["a: recorded of the local AWS 1, now 2"]
    records.write("a.check", "aws", source="AWS, 2026-11-27, eu-west-1", observed={"a": 2})
    assert set(json.loads((tmp_path / "a.check.json").read_text())) == {"aws", "local"}


def test_a_difference_that_is_meant_does_not_fail_and_must_not_outlive_itself(
    site: Site, tmp_path: Any
) -> None:
    site.local = object()  # type: ignore[assignment]
    kept = {
        "aws": {"source": "AWS, 2026-11-27, eu-west-1", "observed": {"a": 1}},
        "accepted": {"a": "for a reason"},
    }
    (tmp_path / "a.check.json").write_text(json.dumps(kept))
    assert running.judged(make(thing), ROW, {"a": 2}, site).verdict == "known difference"
    assert running.judged(make(thing), ROW, {"a": 1}, site).verdict == "differs"
