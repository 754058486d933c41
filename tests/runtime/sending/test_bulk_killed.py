"""A process that is killed in the middle of `Sender.send_bulk` has told what was in flight."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# The journal of the method's own example, and an SES that takes a call and then kills its caller.
SENDING = """
import os, signal
from mailroom.sending import Sender

class Ses:
    calls = 0

    def get_account(self):
        return {"SendQuota": {"MaxSendRate": 1000.0}}

    def send_bulk_email(self, **request):
        self.calls += 1
        entries = request["BulkEmailEntries"]
        with open("taken.txt", "a") as taken:
            taken.writelines(entry["Destination"]["ToAddresses"][0] + "\\n" for entry in entries)
        if self.calls == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = {"Status": "SUCCESS", "MessageId": "id"}
        return {"BulkEmailEntryResults": [answer for _ in entries]}

journal = open("journal.txt", "a", buffering=1)
sender = Sender(configuration_set="out", from_address="shop@example.com", client=Ses())
sender.send_bulk(
    [f"p{number}@example.com" for number in range(120)],
    template="news",
    before=lambda some: journal.writelines(f"calling {one.to}\\n" for one in some),
    on_outcome=lambda one: journal.write(f"{one.status} {one.entry.to}\\n"),
)
"""


def test_what_was_in_flight_is_in_the_journal_of_a_killed_process(tmp_path: Path) -> None:
    """Called without an outcome: perhaps sent, so not to be sent again without a look."""
    done = subprocess.run([sys.executable, "-c", SENDING], cwd=tmp_path, check=False)
    assert done.returncode == -9
    lines = [line.split(" ", 1) for line in (tmp_path / "journal.txt").read_text().splitlines()]
    called = {address for word, address in lines if word == "calling"}
    outcomes = {address for word, address in lines if word == "sent"}
    assert called == set((tmp_path / "taken.txt").read_text().split())
    assert len(called) == 100
    assert called - outcomes == {f"p{number}@example.com" for number in range(50, 100)}
