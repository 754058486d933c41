"""One message: its content, its story, and what can be done with it."""

from __future__ import annotations

from playwright.sync_api import expect

from local.page.browser.conftest import Mail, Site


def test_the_story_of_a_failure_ends_in_the_line_of_the_users_code(site: Site, mail: Mail) -> None:
    site.open(f"/messages/{mail.broken}")
    story = site.story()
    expect(story).to_contain_text("ValueError: a ticket needs a subject that works")
    expect(story.locator(".place").last).to_contain_text("app.py:")
    mark = story.locator("mark").last
    expect(mark).to_be_visible()
    expect(story.locator("mark").filter(has_text="raise ValueError")).not_to_have_count(0)
    expect(story.get_by_label("Output").first).to_contain_text("reading broken printer")
    expect(story).to_contain_text("try 2")
    expect(story).to_contain_text(f"Now in the dead-letter queue {mail.dead_letters}")
    story.get_by_text("1 earlier try").click()
    expect(story).to_contain_text("try 1")


def test_the_story_says_why_the_other_rules_did_not_match(site: Site, mail: Mail) -> None:
    site.open(f"/messages/{mail.question}")
    steps = site.story().get_by_role("listitem")
    expect(steps.filter(has_text=mail.rules["keep"])).to_contain_text("S3")
    expect(steps.filter(has_text=mail.rules["support"])).to_contain_text("handled")
    unmatched = steps.filter(has_text=mail.rules["sales"])
    expect(unmatched).to_contain_text("no recipient matches: sales@example.com")


def test_a_received_mail_links_to_the_answer_and_back(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    site.story().get_by_role("link", name="Answered Re: The printer smökes").click()
    expect(page.get_by_role("heading", name="Re: The printer smökes")).to_be_visible()
    site.story().get_by_role("link", name="Answer to The printer smökes").click()
    page.wait_for_url(f"**/messages/{mail.question}")


def test_each_tab_shows_the_content_in_another_way(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    frame = page.frame_locator(".mail-frame")
    expect(frame.get_by_text("smokes")).to_be_visible()
    content = page.get_by_role("region", name="Content")
    for tab, text in {
        "Text": "It smokes.",
        "Headers": "The printer smökes",
        "Structure": "multipart/alternative",
        "Source": "Content-Type: multipart/mixed",
        "Links": "https://example.com/printer",
    }.items():
        content.get_by_role("tab", name=tab).click()
        expect(content.get_by_role("tabpanel")).to_contain_text(text)
    content.get_by_role("tab", name="Headers").click()
    content.get_by_role("button", name="Raw").click()
    expect(content.get_by_role("tabpanel")).to_contain_text("=?utf-8?")


def test_arrows_move_between_the_tabs(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    page.get_by_role("tab", name="HTML").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Text")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_contain_text("It smokes.")


def test_pictures_are_previewed_and_attachments_are_downloaded(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    page.get_by_role("tab", name="Attachments 2").click()
    picture = page.get_by_role("img", name="Preview of photo.png")
    expect(picture).to_be_visible()
    picture.evaluate("one => one.decode()")
    expect(page.get_by_role("tabpanel")).to_contain_text("printer.log")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download printer.log").click()
    assert download.value.path().read_text() == "12:00 fire\n"


def test_a_message_is_downloaded_as_eml(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download .eml").first.click()
    assert download.value.suggested_filename == f"{mail.question}.eml"
    assert b"Subject: The printer" in download.value.path().read_bytes() or (
        b"Subject: =?utf-8?" in download.value.path().read_bytes()
    )


def test_verdicts_are_shown_as_badges(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.question}")
    expect(page.locator(".badge", has_text="Spam PASS")).to_be_visible()
    expect(page.locator(".badge", has_text="DKIM")).to_be_visible()


def test_a_refusal_is_told_with_its_reply_and_reason(site: Site, mail: Mail) -> None:
    site.open("/?folder=refused&q=suport")
    site.rows().first.click()
    expect(site.story()).to_contain_text("550 5.1.1")
    expect(site.story()).to_contain_text("no enabled rule of the active rule set matches")


def test_a_sent_mail_has_its_events_along_the_time(site: Site, mail: Mail) -> None:
    site.open(f"/messages/{mail.letter}")
    events = site.story().get_by_role("listitem").filter(has_text="Payload")
    expect(events).to_have_count(2)
    expect(events.nth(0)).to_contain_text("Send")
    expect(events.nth(1)).to_contain_text("Delivery")
    expect(events.nth(1)).to_contain_text("SNS")
    events.nth(1).get_by_text("Payload").click()
    expect(events.nth(1).get_by_label("Payload")).to_contain_text('"eventType": "Delivery"')


def test_an_event_is_made_to_happen_and_appears_by_itself(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.letter}")
    page.get_by_role("button", name="Make an event happen").click()
    page.get_by_label("Event", exact=True).select_option("Complaint")
    page.get_by_role("button", name="Make it happen").click()
    expect(site.story().get_by_role("heading", name="Complaint")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_hinders_an_event_is_said_in_the_dialog(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.letter}")
    said = "the mail was sent without a configuration set: send it with one"
    site.answer(f"/api/messages/{mail.letter}/events", {"error": said}, status=409)
    page.get_by_role("button", name="Make an event happen").click()
    page.get_by_role("button", name="Make it happen").click()
    expect(page.get_by_role("dialog")).to_contain_text(said)
    page.keyboard.press("Escape")


def test_a_mail_is_received_again(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.sales}")
    page.get_by_role("button", name="Receive again").click()
    page.wait_for_url(lambda url: "/messages/" in url and mail.sales not in url)
    expect(page.get_by_role("heading", name="An offer")).to_be_visible()


def test_a_page_of_an_earlier_local_aws_asks_to_be_reloaded(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.letter}")
    expect(site.story()).to_contain_text("Send")
    replace = """token => {
      const meta = document.querySelector("meta[name=mailroom-token]");
      const before = meta.content;
      meta.content = token;
      return before;
    }"""
    token = page.evaluate(replace, "that of another server")
    page.get_by_role("button", name="Mark as unread").click()
    expect(page.get_by_role("alert")).to_contain_text("reload the page")
    page.evaluate(replace, token)


def test_a_message_that_does_not_exist_says_so(site: Site) -> None:
    for address in ("nothing", "%", "%E0"):
        page = site.open(f"/messages/{address}")
        expect(page.get_by_role("heading", name="This message cannot be shown")).to_be_visible()
        expect(page.get_by_role("article").locator(".notice")).to_contain_text(address)
