"""What reading a mail costs in time and memory: everything that a handler can ask for.

Each reads the addresses, the subject, both texts and all attachments; what they read is compared.
Each candidate is a process of its own, whose memory is what it takes beyond the mail's bytes.
"""

from __future__ import annotations

import argparse
import base64
import functools
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from benchmarks.measuring import (
    Comparison,
    Cost,
    Costs,
    Growth,
    Report,
    environ,
    in_turns,
    median,
    ratio,
    table,
)

_OURS = "cdk-mailroom, ReceivedMail"
_DEFAULT = "stdlib email, policy.default"
_COMPAT = "stdlib email, compat32"
_PARSER = "mail-parser"
_SIZES = {10_000: "10 KB", 1_000_000: "1 MB", 40_000_000: "40 MB"}
_REPEATS = {10_000: 20, 1_000_000: 3, 40_000_000: 1}
_LINES = {"text": "It prints, but only on Tuesdays, and never in colour.\n", "tag": "<p>{}</p>\n"}


def measure(*, quick: bool = False) -> Report:
    """Compare mails of three sizes."""
    costs: dict[int, Costs] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in _SIZES:
            path = Path(folder, f"{size}.eml")
            path.write_bytes(mail(size))
            rounds = 1 if quick and size > 1_000_000 else 3 if quick or size > 1_000_000 else 5
            costs[size] = _costs(path, size, rounds)
    report = Report(
        tables=[
            table(f"A mail of {name}, read in full", costs[size], _DEFAULT, memory=True)
            for size, name in _SIZES.items()
        ]
    )
    for by in ("cpu", "memory"):
        report.growth.append(
            Growth(
                title="A mail read in full",
                unit="KB",
                sizes=tuple(size // 1000 for size in _SIZES),
                costs={
                    name: [median(costs[size][name], by) for size in _SIZES] for name in _READERS
                },
                by=by,
            )
        )
        for size in list(_SIZES) if by == "cpu" else [40_000_000]:
            report.comparisons += [
                Comparison(
                    subject="Reading a mail" if by == "cpu" else "Memory for a mail",
                    what=_SIZES[size],
                    peer=peer,
                    ratio=ratio(costs[size][_OURS], costs[size][peer], by),
                    by=by,
                    why=_WHY if by == "cpu" else "",
                )
                for peer in (_DEFAULT, _COMPAT, _PARSER)
            ]
    return report


def _costs(path: Path, size: int, rounds: int) -> Costs:
    answers: set[str] = set()
    work = {
        name: functools.partial(_apart, name, path, _REPEATS[size], answers) for name in _READERS
    }
    costs = in_turns(work, rounds, warm=size < 1_000_000)
    if len(answers) > 1:
        raise RuntimeError(f"the candidates do not read the same mail: {answers}")
    return costs


_WHY = (
    "It reads malformed parts, names, charsets and encodings as mail programs do, and never raises."
)


def mail(size: int) -> bytes:
    """A mail of about *size* bytes: text, HTML, and attachments that fill the rest."""
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = "Jürgen Doe <juergen@customer.example>"
    message["To"] = "Support <support@example.com>, sales@example.com"
    message["Subject"] = "Der Drucker im zweiten Stock: noch einmal"
    message["Message-ID"] = "<4711@customer.example>"
    text = _LINES["text"] * 30
    message.set_content(text)
    message.add_alternative(_LINES["tag"].format(_LINES["text"].strip()) * 30, subtype="html")
    chance = random.Random(4711)
    rest = (size - len(bytes(message))) * 57 // 78
    for number in range(2):
        content = chance.randbytes(rest // 2)
        name = f"Übersicht {number}.pdf"
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return bytes(message)


def _apart(name: str, path: Path, repeats: int, answers: set[str]) -> Cost:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.reading", name, str(path), str(repeats)],
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed:\n{done.stderr}")
    found = json.loads(done.stdout)
    answers.add(found.pop("answer"))
    return Cost(**found)


def _one(name: str, path: Path, repeats: int) -> None:
    """Read the mail, and print the cost and what was read."""
    data = path.read_bytes()
    reader = _READERS[name]
    reader(mail(5_000))  # what is imported on first use is not the mail's cost
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        answer = reader(data)
    taken = Cost(
        wall=(time.perf_counter() - wall) / repeats,
        cpu=(time.process_time() - cpu) / repeats,
        memory=max(0, _resident("VmHWM") - before),
    )
    sys.stdout.write(json.dumps({**asdict(taken), "answer": _digest(answer)}))


def _resident(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}: this needs Linux")


def _digest(answer: tuple[Any, ...]) -> str:
    sender, to, subject, text, html, files = answer
    digests = [(name, hashlib.sha256(content).hexdigest()) for name, content in files]
    said = [part.replace("\r\n", "\n").strip() for part in (text, html)]
    return hashlib.sha256(repr((sender, to, subject, said, digests)).encode()).hexdigest()


@functools.cache
def _event() -> dict[str, Any]:
    """SES's event, which holds the header fields of a mail of any size."""
    from mailroom.testing import received_mail_event

    event = received_mail_event(mail(5_000))
    return event["Records"][0]["ses"]  # type: ignore[no-any-return]


def _ours(data: bytes) -> tuple[Any, ...]:
    from mailroom.receiving import ReceivedMail
    from mailroom.testing import MemoryStore

    ses = _event()
    mail = ReceivedMail(ses, store=MemoryStore({ses["mail"]["messageId"]: data}))
    sender = mail.sender
    assert sender is not None
    return (
        sender.address,
        [one.address for one in mail.to_addresses],
        mail.subject,
        mail.text,
        mail.html,
        [(one.name, one.read()) for one in mail.attachments],
    )


def _default(data: bytes) -> tuple[Any, ...]:
    message: Any = message_from_bytes(data, policy=policy.default)
    return (
        message["From"].addresses[0].addr_spec,
        [one.addr_spec for one in message["To"].addresses],
        str(message["Subject"]),
        message.get_body(("plain",)).get_content(),
        message.get_body(("html",)).get_content(),
        [(one.get_filename(), one.get_content()) for one in message.iter_attachments()],
    )


def _compat(data: bytes) -> tuple[Any, ...]:
    from email.header import decode_header, make_header

    message = message_from_bytes(data)
    texts, files = {}, []
    for part in message.walk():
        content: Any = part.get_payload(decode=True)
        name = part.get_filename()
        if name:
            files.append((str(make_header(decode_header(name))), content))
        elif content is not None:
            charset = part.get_content_charset() or "ascii"
            texts[part.get_content_type()] = content.decode(charset)
    return (
        getaddresses([message["From"]])[0][1],
        [address for _, address in getaddresses([message["To"]])],
        str(make_header(decode_header(message["Subject"]))),
        texts["text/plain"],
        texts["text/html"],
        files,
    )


def _mail_parser(data: bytes) -> tuple[Any, ...]:
    import mailparser

    read = mailparser.parse_from_bytes(data)
    return (
        read.from_[0][1],
        [address for _, address in read.to],
        read.subject,
        "\n".join(read.text_plain),
        "\n".join(read.text_html),
        [(one["filename"], base64.b64decode(one["payload"])) for one in read.attachments],
    )


_READERS: dict[str, Callable[[bytes], tuple[Any, ...]]] = {
    _OURS: _ours,
    _DEFAULT: _default,
    _COMPAT: _compat,
    _PARSER: _mail_parser,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure one reader of one mail.")
    parser.add_argument("reader", choices=_READERS)
    parser.add_argument("path", type=Path)
    parser.add_argument("repeats", type=int)
    options = parser.parse_args()
    _one(options.reader, options.path, options.repeats)


if __name__ == "__main__":
    main()
