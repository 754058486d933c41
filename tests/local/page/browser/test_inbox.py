"""The list of messages: what it shows, how it is searched, and that it is kept up to date."""

from __future__ import annotations

import time
from typing import Any

from playwright.sync_api import expect

from local.page.browser.conftest import Mail, Site
from mailroom_local import LocalAws

MANY = 10_000
COUNTS = {
    name: {"total": MANY, "unread": 0} for name in ("all", "received", "sent", "refused", "failed")
}
FILTERS: dict[str, list[str]] = {"rules": [], "outcomes": [], "events": []}


def summary(number: int) -> dict[str, Any]:
    return {
        "key": f"key-{number}",
        "message_id": f"key-{number}",
        "kind": "received",
        "at": "2026-11-27T12:00:00+00:00",
        "from": "jane@customer.example",
        "from_name": "Jane",
        "to": ["support@example.com"],
        "subject": f"Message {number}",
        "size": 100,
        "status": "ok",
        "why": "",
        "rules": [],
        "events": {},
        "outcomes": [],
        "attachments": 0,
        "unread": False,
    }


def serve(site: Site, asked: list[str] | None = None) -> None:
    """Answer as an account with many messages does."""

    def reply(route: Any) -> None:
        query = dict(
            part.split("=") for part in route.request.url.partition("?")[2].split("&") if part
        )
        if asked is not None:
            asked.append(query.get("before", ""))
        first = int(query.get("before", 0))
        messages = [summary(number) for number in range(first, min(first + 100, MANY))]
        following = str(first + 100) if first + 100 < MANY else None
        route.fulfill(
            json={
                "messages": messages,
                "next": following,
                "total": MANY,
                "counts": COUNTS,
                "filters": FILTERS,
            }
        )

    site.reply("/api/messages", reply)


def test_each_message_shows_who_wrote_about_what_and_how_it_ended(site: Site, mail: Mail) -> None:
    site.open()
    question = site.row("The printer smökes").filter(has_text="Jane Doe")
    expect(question).to_contain_text(mail.rules["support"])
    expect(question.get_by_title("Attachments")).to_have_text("2 attachments")
    expect(site.row("broken printer").first).to_contain_text("failed: handler")
    expect(site.row("refused: ").first).to_contain_text("jane@customer.example")
    expect(site.row("To reader@example.net").first).to_contain_text("Delivery")


def test_a_folder_shows_its_messages_only(site: Site, mail: Mail) -> None:
    page = site.open()
    page.get_by_role("navigation", name="Folders").get_by_text("Failed").click()
    expect(site.row("broken printer").first).to_be_visible()
    expect(site.row("The printer smökes")).to_have_count(0)
    assert page.url.endswith("?folder=failed")


def test_the_search_finds_parts_of_words_and_says_how_many(site: Site, mail: Mail) -> None:
    page = site.open()
    page.get_by_role("searchbox").fill("brok")
    expect(site.row("The printer smökes")).to_have_count(0)
    expect(site.row("broken printer")).to_have_count(1)
    expect(page.locator(".found")).to_contain_text("1 message")
    page.get_by_role("searchbox").fill("nowhere to be found")
    expect(page.get_by_text("No message matches")).to_be_visible()


def test_filters_by_rule_outcome_and_event_are_kept_in_the_address(site: Site, mail: Mail) -> None:
    page = site.open()
    page.get_by_label("Any rule").select_option(mail.rules["sales"])
    expect(site.row("broken printer")).to_have_count(0)
    expect(site.row("An offer").first).to_be_visible()
    page.reload()
    expect(site.row("An offer").first).to_be_visible()
    expect(site.row("broken printer")).to_have_count(0)
    page.get_by_label("Any rule").select_option("")
    page.get_by_label("Any outcome").select_option("failed")
    expect(site.row("An offer")).to_have_count(0)
    expect(site.row("broken printer").first).to_be_visible()
    page.get_by_label("Any outcome").select_option("")
    page.get_by_label("Any event").select_option("Delivery")
    expect(site.row("To reader@example.net").first).to_be_visible()
    expect(site.row("Jane Doe")).to_have_count(0)


def test_new_mail_appears_without_a_reload(site: Site, mail: Mail, aws: LocalAws) -> None:
    page = site.open()
    expect(site.row("The printer smökes").first).to_be_visible()
    page.evaluate("window.before = true")
    message = f"Subject: Live mail\r\n\r\nIt is there at {time.time()}.\r\n".encode()
    aws.send(message, mail_from="jane@customer.example", rcpt_tos=["sales@example.com"])
    row = site.row("Live mail").first
    expect(row).to_contain_text(mail.rules["sales"])
    expect(row).to_contain_text("Unread")
    assert page.evaluate("window.before")


def test_opening_a_message_marks_it_as_read_and_u_as_unread(site: Site, mail: Mail) -> None:
    page = site.open("/?q=An+offer")
    row = site.row("An offer").first
    expect(row).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="An offer")).to_be_focused()
    expect(row).not_to_contain_text("Unread")
    page.keyboard.press("u")
    expect(row).to_contain_text("Unread")


def test_the_keyboard_alone_reads_mail(site: Site, mail: Mail) -> None:
    page = site.open()
    expect(site.row("Jane Doe").first).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("example")
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).not_to_be_focused()
    expect(site.rows()).not_to_have_count(0)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    first = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press("k")
    page.wait_for_url(first)
    page.keyboard.press("Escape")
    expect(page.get_by_text("No message is open")).to_be_visible()
    expect(page.get_by_role("listbox")).to_be_focused()


def test_what_was_typed_does_not_bring_back_the_list_that_was_left(site: Site) -> None:
    page = site.open()
    page.get_by_role("searchbox").fill("left at once")
    page.get_by_role("link", name="Deployments").click()
    page.wait_for_timeout(400)
    expect(page.get_by_role("heading", name="Deployments")).to_be_visible()
    assert page.url.endswith("/deployments")


def test_a_question_mark_shows_the_keys_and_escape_gives_the_focus_back(site: Site) -> None:
    page = site.open("/deployments")
    # Whoever goes to another view is taken to its heading first.
    expect(page.get_by_role("heading", name="Deployments")).to_be_focused()
    button = page.get_by_role("button", name="Keyboard")
    button.focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_contain_text("next message")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(button).to_be_focused()


def test_of_ten_thousand_messages_only_those_in_sight_exist(site: Site) -> None:
    asked: list[str] = []
    serve(site, asked)
    page = site.open()
    rows = site.rows()
    expect(rows.first).to_contain_text("Message 0")
    assert rows.count() < 40
    assert set(asked) == {""}
    scroller = page.get_by_role("listbox")
    for following in (100, 200, 300):
        scroller.evaluate("one => one.scrollTop = one.scrollHeight")
        expect(site.row(f"Message {following}")).to_have_count(1)
    assert rows.count() < 40
    # What is new is asked for again.
    assert list(dict.fromkeys(asked))[:3] == ["", "100", "200"]
    expect(rows.first).to_have_attribute("aria-setsize", str(MANY))


def test_moving_through_many_messages_takes_milliseconds(site: Site) -> None:
    serve(site)
    page = site.open()
    expect(site.rows().first).to_be_visible()
    ms = page.evaluate(
        """() => {
          const press = () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "j" }));
          const began = performance.now();
          for (let count = 0; count < 50; count += 1) press();
          return (performance.now() - began) / 50;
        }"""
    )
    assert ms < 40


def test_an_empty_account_says_how_to_send_the_first_mail(site: Site) -> None:
    """To a recipient that a rule takes."""
    nothing = {name: {"total": 0, "unread": 0} for name in COUNTS}
    empty = {"messages": [], "next": None, "total": 0, "counts": nothing, "filters": FILTERS}
    site.answer("/api/messages", empty)
    rule = {"enabled": True, "recipients": ["help@example.com"]}
    site.answer(
        "/api/stack", {"environments": [{"rule_sets": [{"active": True, "rules": [rule]}]}]}
    )
    page = site.open()
    expect(page.get_by_text("No mail yet")).to_be_visible()
    expect(page.locator(".command")).to_contain_text("mailroom send --from jane@customer.example")
    expect(page.locator(".command")).to_contain_text("--to help@example.com --subject")


def test_an_error_is_shown_in_the_words_of_the_api(site: Site) -> None:
    said = "the journal cannot be read: start the local AWS again"
    site.answer("/api/messages", {"error": said}, status=500)
    page = site.open()
    expect(page.get_by_text(said)).to_be_visible()
