"""Takes the pictures of the page in docs/images, from two examples and their demos' mail."""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from assemblies import EXAMPLES
from chromium import browser
from mailroom_cli.progress import Steps
from mailroom_local import LocalAws

IMAGES = Path(__file__).parents[1] / "docs" / "images"
WINDOW = {"width": 1160, "height": 700}
MOST_BYTES = 150_000
SECONDS = 15


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalAws(state=Path(folder, "state"), progress=Steps()) as aws,
    ):
        for example in ("helpdesk", "newsletter"):
            rehearse(aws, example)
        IMAGES.mkdir(exist_ok=True)
        with browser() as running:
            for scheme in ("light", "dark"):
                page = running.new_page(
                    viewport=WINDOW,
                    color_scheme=scheme,
                    locale="en-GB",
                    reduced_motion="reduce",
                )
                page.set_default_timeout(SECONDS * 1000)
                take(page, aws.server.page, scheme)


def rehearse(aws: LocalAws, example: str) -> None:
    """Deploy an example and send it the mail of its demo."""
    folder = EXAMPLES / example
    aws.deploy(cwd=folder, app=f"{sys.executable} app.py")
    demo = runpy.run_path(str(folder / "demo.py"))
    demo["prepare"](aws)
    with contextlib.redirect_stdout(io.StringIO()), aws.permissions_enforced():
        problems = list(demo["check"](aws))
    if problems:
        sys.exit("\n".join(problems))


def take(page: Page, url: str, scheme: str) -> None:
    page.goto(url)
    open_message(page, "To jane@customer.example", "News for Jane")
    save(page, f"page-inbox-{scheme}")
    open_message(page, "To sales@example.com", "An offer, please")
    page.get_by_role("region", name="Story").evaluate("one => one.scrollIntoView()")
    save(page, f"page-story-{scheme}")
    page.get_by_role("link", name="Show its path").click()
    page.locator(".node.on").first.wait_for()
    save(page, f"page-stack-{scheme}")


def open_message(page: Page, to: str, subject: str) -> None:
    page.locator(f".message-row:has-text('{to}'), .message-row[title='{to}']").first.click()
    page.get_by_role("heading", name=subject, level=1).wait_for()
    page.locator(".message-row[aria-selected=true]:not(.unread)").wait_for()


def save(page: Page, name: str) -> None:
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        sys.exit(f"{path} has {size} bytes: at most {MOST_BYTES} are wanted")
    print(f"{path} ({size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
