"""Faults of operation: rotation, races, rollbacks, and the end of the local AWS itself."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import smtplib
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from faults.accounting import Account, Item
from faults.apps import DESK, FAULTS
from faults.proxy import Wrong
from faults.scene import CUSTOMER, SUPPORT, Scene
from mailroom_local import Credentials, SmtpRefused
from mailroom_local.control.processes import runs

_SECONDS = 90.0
_WRONG_LOGIN = 535


def secret_rotated(scene: Scene) -> Iterator[Account]:
    """A program sends all the time; it reads the secret again only when its password is refused."""
    client = _Client(scene)
    with client.sending():
        for rotation in ("2", "3"):
            status = _updated(scene, "Faults", Rotation=rotation)
            time.sleep(1)
    sent = Counter(one["Subject"] for one in scene.aws.sent() if one["MessageId"] in client.ids)
    for item in client.items:
        item.done = ["mail sent"] * sent[item.id]
    account = Account(
        fault="SMTP credentials are rotated twice while a client sends",
        items=client.items,
        remark=f"the client's password was refused {client.refused} times; it read the secret "
        "again, and sent the same mail with the new one",
    )
    if status != "UPDATE_COMPLETE" or not client.refused:
        account.problems.append(f"{status}, {client.refused} passwords refused")
    yield account


class _Client:
    """A program that submits one mail after the other."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._stop = threading.Event()
        self.items: list[Item] = []
        self.ids: set[str] = set()
        self.refused = 0

    @contextlib.contextmanager
    def sending(self) -> Iterator[None]:
        thread = threading.Thread(target=self._send)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(_SECONDS)

    def _send(self) -> None:
        credentials = self._read()
        while not self._stop.wait(0.1):
            message = EmailMessage()
            subject = f"rotation-{len(self.items)}"
            message["From"], message["To"] = f"news@{FAULTS}", "reader@example.net"
            message["Subject"] = subject
            message.set_content("Nothing new.")
            self.items.append(
                Item(id=subject, what="mail", due=("mail sent",), at_most_once=("mail sent",))
            )
            for _ in range(3):
                try:
                    sent = self._scene.aws.submit(
                        message,
                        mail_from=f"news@{FAULTS}",
                        rcpt_tos=["reader@example.net"],
                        credentials=credentials,
                    )
                except SmtpRefused as refusal:
                    if refusal.code != _WRONG_LOGIN:
                        raise
                    self.refused += 1
                    credentials = self._read()
                else:
                    self.ids.add(sent.message_id)
                    break

    def _read(self) -> Credentials:
        secret = self._scene.outputs["Faults"]["Secret"]
        answer = self._scene.aws.client("secretsmanager").get_secret_value(SecretId=secret)
        found = json.loads(answer["SecretString"])
        return Credentials(user=found["username"], password=found["password"])


def rules_raced(scene: Scene) -> Iterator[Account]:
    ses = scene.aws.client("ses")
    ours = _active(scene)
    ses.create_receipt_rule_set(RuleSetName="third")

    def third() -> None:
        ses.set_active_receipt_rule_set(RuleSetName="third")

    change = {"service": "ses", "operation": "SetActiveReceiptRuleSet", "times": 1}
    with scene.proxy.wrong(Wrong(**change, before=third)):
        created = _Stack(scene, "Replacing")
        account = created.account("another stack activates its rules between intent and change")
    account.problems += _expected(
        status=(created.status, "CREATE_COMPLETE"), active=(_active(scene), "replacing")
    )
    created.delete()
    account.problems += _expected(active=(_active(scene), ours))
    yield account

    with scene.proxy.wrong(Wrong(**change, after=third)):
        created = _Stack(scene, "Replacing")
        account = created.account("another stack activates its rules right after the change")
    # Two stacks must not take the mail from each other in turn.
    account.problems += _expected(
        status=(created.status, "ROLLBACK_COMPLETE"), active=(_active(scene), "third")
    )
    created.delete()
    account.problems += _expected(active=(_active(scene), "third"))
    account.remark = "the deployment fails, and the set of the other stack stays active"
    yield account
    ses.set_active_receipt_rule_set(RuleSetName=ours)
    ses.delete_receipt_rule_set(RuleSetName="third")

    def swap() -> None:
        names = [rule["Name"] for rule in ses.describe_receipt_rule_set(RuleSetName=ours)["Rules"]]
        last = [name for name in names if not name.startswith("joining")][-1]
        for name in ("joining-first", "joining-second"):
            ses.set_receipt_rule_position(RuleSetName=ours, RuleName=name, After=last)

    order = Wrong(service="ses", operation="DescribeReceiptRuleSet", times=2, before=swap)
    before = _order(scene, ours)
    with scene.proxy.wrong(order):
        created = _Stack(scene, "Joining")
        account = created.account("another stack moves rules while ours are put in order")
    account.problems += _expected(
        status=(created.status, "CREATE_COMPLETE"),
        order=(_order(scene, ours), [*before, "joining-first", "joining-second"]),
    )
    created.delete()
    account.problems += _expected(order=(_order(scene, ours), before))
    yield account


def rollback(scene: Scene) -> Iterator[Account]:
    ours = _active(scene)
    created = _Stack(scene, "Failing")
    account = created.account("a deployment fails after it has activated its rules")
    account.problems += _expected(
        status=(created.status, "ROLLBACK_COMPLETE"), active=(_active(scene), ours)
    )
    created.delete()
    yield account


class _Stack:
    """A stack of another team, created while mail comes in."""

    def __init__(self, scene: Scene, name: str) -> None:
        self._scene, self._name = scene, name
        self._client = scene.aws.client("cloudformation")
        # The local AWS may answer only when the stack is complete.
        creating = threading.Thread(target=self._create)
        creating.start()
        self.items: list[Item] = []
        deadline = time.monotonic() + _SECONDS
        self.status = ""
        while time.monotonic() < deadline:
            item = scene.mail(SUPPORT, "ticket", "answer")
            if any(one.startswith("refused") for one in item.done):
                item.due = ("refused with 550",)
            self.items.append(item)
            creating.join(0.3)
            if not creating.is_alive():
                self.status = self._status()
                if not self.status.endswith("_IN_PROGRESS"):
                    break
                time.sleep(0.3)

    def _create(self) -> None:
        self._client.create_stack(
            StackName=self._name,
            TemplateBody=self._scene.templates[self._name],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    def account(self, fault: str) -> Account:
        return self._scene.account(fault, self.items)

    def delete(self) -> None:
        self._client.delete_stack(StackName=self._name)
        deadline = time.monotonic() + _SECONDS
        with contextlib.suppress(self._client.exceptions.ClientError):
            while self._status() != "DELETE_COMPLETE" and time.monotonic() < deadline:
                time.sleep(0.2)

    def _status(self) -> str:
        return _status(self._scene, self._name)


def emulator_killed(scene: Scene) -> Iterator[Account]:
    """Kill it with a mail in a function, one in the rules, one in SMTP, an event and a letter."""
    slow = Wrong(service="s3", operation="GetObject", seconds=20)
    gate = f"gate@{FAULTS}"
    with scene.proxy.wrong(slow):
        done = scene.account("", [scene.mail(f"desk@{FAULTS}", "handled")]).items[0]
        in_rules = scene.mail(gate, content=scene.letter(gate, "please hang"))
        in_function = scene.mail(SUPPORT)
        letter = scene.office()
        scene.aws.client("lambda").update_event_source_mapping(
            UUID=scene.outputs["Faults"]["Mapping"], Enabled=False
        )
        event = scene.sent()
        half = _Half(scene)
        time.sleep(1)
        children = _children(scene.aws.server.pid)
        os.kill(scene.aws.server.pid, signal.SIGKILL)
        scene.aws.wait_until(lambda: scene.aws.running, lambda runs: not runs, seconds=10)
    accepted = {
        "mail in a function": in_function,
        "mail in the rules": in_rules,
        "letter in the gateway": letter,
        "event": event,
    }
    for what, item in accepted.items():
        item.what, item.due = what, ("told by the next start",)
    unfinished = Item(id="half", what="mail without 250", due=("its sender knows",))
    unfinished.done = ["its sender knows"] * half.failed()
    scene.aws.stop()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        scene.aws.start()
    told = _told(scene)
    for item in accepted.values():
        if told.get(item.id):
            item.done.append("told by the next start")
            item.held.append("directory of the killed one")
    account = Account(
        fault="the local AWS is killed",
        items=[done, *accepted.values(), unfinished],
        remark="what waited in its queues is gone with it; `mailroom log --state` shows each "
        "message, and its bytes can be sent again",
    )
    if told.get(done.id):
        account.problems.append("a mail that was done is called unfinished")
    if not any("was killed" in str(one.message) for one in warned):
        account.problems.append("the next start says nothing")
    left = [pid for pid in children if runs(pid)]
    if left:
        account.problems.append(f"{len(left)} processes of functions have outlived it")
    yield account

    aside = scene.aws.state.root.with_name(f"{scene.aws.state.root.name}-killed")
    raw = (aside / "messages" / f"{in_function.id}.eml").read_bytes()
    scene.aws.verify_identity(DESK)
    scene.aws.deploy(app=scene.templates["assembly"], stacks=["HelpDesk"])
    scene.connect()
    again = scene.mail(SUPPORT, "ticket", "answer", content=raw, mark=scene.mark(in_function))
    yield scene.account("what was kept is sent again, after a new deployment", [again])


class _Half:
    """A client in the middle of a message when its server ends."""

    def __init__(self, scene: Scene) -> None:
        self._smtp = smtplib.SMTP("127.0.0.1", scene.aws.server.smtp_port, timeout=10)
        self._smtp.ehlo()
        self._smtp.starttls()
        self._smtp.ehlo()
        self._smtp.mail(CUSTOMER)
        self._smtp.rcpt(SUPPORT)
        self._smtp.docmd("DATA")
        self._smtp.send("Subject: Half\r\n\r\nHal")

    def failed(self) -> bool:
        """Return whether the client learns that its message was not accepted."""
        with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
            self._smtp.send("f\r\n.\r\n")
            return self._smtp.getreply()[0] >= 400
        return True


def _told(scene: Scene) -> dict[str, list[str]]:
    from mailroom_local import LocalAws

    root = scene.aws.state.root
    killed = LocalAws(state=root.with_name(f"{root.name}-killed"))
    return {str(one.message_id): one.problems for one in killed.messages()}


def _children(parent: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rpartition(")")[2].split()[3]) == parent:
                found.append(int(folder.name))
    return found


def _active(scene: Scene) -> str:
    found = scene.aws.client("ses").describe_active_receipt_rule_set()
    return str((found.get("Metadata") or {}).get("Name"))


def _order(scene: Scene, rule_set: str) -> list[str]:
    found = scene.aws.client("ses").describe_receipt_rule_set(RuleSetName=rule_set)
    return [rule["Name"] for rule in found["Rules"]]


def _expected(**found: tuple[Any, Any]) -> list[str]:
    return [
        f"{name} is {value}, not {wanted}"
        for name, (value, wanted) in found.items()
        if value != wanted
    ]


def _updated(scene: Scene, stack: str, **parameters: str) -> str:
    scene.aws.client("cloudformation").update_stack(
        StackName=stack,
        UsePreviousTemplate=True,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
        ],
    )
    return scene.aws.wait_until(
        lambda: _status(scene, stack),
        lambda status: not status.endswith("_IN_PROGRESS"),
        seconds=_SECONDS,
    )


def _status(scene: Scene, stack: str) -> str:
    found = scene.aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return str(found["StackStatus"])
