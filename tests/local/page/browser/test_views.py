"""The other views: compose, dead letters, deployments, the stack; and files that are dropped."""

from __future__ import annotations

import uuid
from typing import Any

from playwright.sync_api import expect

from local.page.browser.conftest import PNG, Mail, Site
from local.page.gates import gateway
from mailroom_local import LocalAws
from mailroom_local._journal import Journal

DROP = """([name, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name, { type: "message/rfc822" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer })
    );
  }
}"""


def test_a_composed_mail_is_received_and_opened(site: Site, mail: Mail) -> None:
    page = site.open("/compose")
    page.get_by_label("From").fill("jane@customer.example")
    page.get_by_label("To", exact=True).fill("sales@example.com")
    page.get_by_label("Subject").fill("Composed here")
    page.get_by_label("Text").fill("Hello")
    page.get_by_label("HTML").fill("<p>Hello</p>")
    page.get_by_label("Attachments").set_input_files(
        {"name": "photo.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_role("button", name="Add a header").click()
    page.get_by_label("Name of the header").fill("X-Ticket")
    page.get_by_label("Value of the header").fill("47")
    page.get_by_label("Spam").select_option("FAIL")
    page.get_by_role("button", name="Receive it").click()
    expect(page.get_by_role("heading", name="Composed here")).to_be_visible()
    expect(page.locator(".badge", has_text="Spam FAIL")).to_be_visible()
    expect(page.get_by_role("tab", name="Attachments 1")).to_be_visible()
    page.get_by_role("tab", name="Headers").click()
    expect(page.get_by_role("row", name="X-Ticket 47")).to_be_visible()


def test_a_refused_mail_says_why_and_keeps_what_was_written(site: Site, mail: Mail) -> None:
    page = site.open("/compose")
    page.get_by_label("From").fill("jane@customer.example")
    page.get_by_label("To", exact=True).fill("nobody@example.com")
    page.get_by_label("Subject").fill("Refused")
    page.get_by_role("button", name="Receive it").click()
    expect(page.locator("form .notice")).to_contain_text("550 5.1.1")
    expect(page.get_by_label("Subject")).to_have_value("Refused")
    page.get_by_role("link", name="See its story").click()
    expect(site.story()).to_contain_text("550 5.1.1")


def test_a_mail_is_sent_with_a_configuration_set(site: Site, mail: Mail) -> None:
    page = site.open("/compose?direction=send")
    page.get_by_label("From").fill("sender@sending.example")
    page.get_by_label("To", exact=True).fill("reader@example.net")
    page.get_by_label("Subject").fill("Sent from here")
    page.get_by_label("Text").fill("Hello")
    page.get_by_label("Configuration set").select_option(mail.set)
    page.get_by_role("button", name="Send it").click()
    expect(page.get_by_role("heading", name="Sent from here")).to_be_visible()
    expect(site.story().get_by_role("heading", name="Delivery")).to_be_visible()


def test_a_file_that_is_dropped_is_received(site: Site, mail: Mail) -> None:
    page = site.open("/stack")
    text = (
        "From: Jane <jane@customer.example>\r\nTo: sales@example.com\r\n"
        "Subject: From a file\r\n\r\nHello\r\n"
    )
    page.evaluate(DROP, ["mail.eml", text])
    dialog = page.get_by_role("dialog", name="A message from a file")
    expect(dialog).to_contain_text("mail.eml")
    dialog.get_by_role("button", name="Receive it").click()
    expect(page.get_by_role("heading", name="From a file", level=1)).to_be_visible()


def test_dead_letters_are_chosen_and_replayed(site: Site, mail: Mail) -> None:
    page = site.open("/dead-letters")
    queue = page.get_by_role("region", name=mail.dead_letters)
    expect(queue).to_contain_text("a ticket needs a subject that works")
    queue.get_by_text("Content").first.click()
    expect(queue.get_by_label("Payload")).to_contain_text("broken printer")
    expect(queue.get_by_role("button", name="Replay selected")).to_be_disabled()
    queue.get_by_role("checkbox").first.check()
    queue.get_by_role("button", name="Replay 1 selected").click()
    expect(page.get_by_text("1 dead letter replayed.")).to_be_visible()


def test_a_deployment_is_told_in_a_banner_while_it_runs_and_when_it_fails(
    site: Site, aws: LocalAws
) -> None:
    page = site.open("/compose")
    journal = Journal(aws.state.journal)
    journal.write("deployment", state="started", text="deploying the app", ms=None)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("A deployment is running")
    said = f"the rule name is taken {uuid.uuid4()}"
    journal.write("deployment", state="failed", text=f"ROLLBACK_COMPLETE\n{said}", ms=4200.0)
    expect(banner).to_contain_text("The deployment failed after 4.2 s")
    expect(banner).to_contain_text(said)
    banner.get_by_role("link", name="All deployments").click()
    expect(page.get_by_role("listitem").filter(has_text=said)).to_contain_text("Deployment failed")
    page.get_by_role("button", name="Dismiss").first.click()
    expect(banner).to_have_count(0)
    journal.write("deployment", state="succeeded", text="deployed the app", ms=2100.0)
    expect(banner).to_contain_text("Deployed after 2.1 s")


def test_the_stack_lists_rules_functions_queues_and_identities(site: Site, mail: Mail) -> None:
    page = site.open("/stack")
    rules = page.get_by_role("region", name="Receipt rules").get_by_role("listitem")
    expect(rules).to_have_count(4)
    expect(rules.nth(1)).to_contain_text(f"2. {mail.rules['support']}")
    expect(rules.nth(1)).to_contain_text("support@example.com")
    expect(rules.nth(1)).to_contain_text(f"Lambda {mail.function}")
    queues = page.get_by_role("region", name="Queues").get_by_role("listitem")
    dead = queues.filter(has_text=mail.dead_letters)
    expect(dead).to_contain_text(f"dead letters of {mail.function}")
    identities = page.get_by_role("region", name="Identities")
    expect(identities).to_contain_text("sending.example")
    expect(page.get_by_role("region", name="Configuration sets")).to_contain_text(mail.set)


def test_the_picture_shows_the_path_of_a_message(site: Site, mail: Mail) -> None:
    page = site.open(f"/messages/{mail.broken}")
    page.get_by_role("link", name="Show its path").click()
    expect(page.get_by_label("Show the path of")).to_have_value(mail.broken)
    passed = page.locator(".node.on")
    names = [mail.rules["keep"], mail.rules["support"], mail.function, mail.dead_letters]
    for name in names:
        expect(passed.filter(has_text=name).first).to_be_visible()
    expect(passed.filter(has_text=mail.rules["sales"])).to_have_count(0)
    expect(page.locator(".edge.on")).to_have_count(3)
    page.get_by_label("Show the path of").select_option("")
    expect(page.locator(".node.on")).to_have_count(0)


def test_a_node_of_the_picture_leads_to_what_it_stands_for(site: Site, mail: Mail) -> None:
    page = site.open("/stack")
    page.get_by_role("link", name=f"{mail.dead_letters}, dead-letter queue").click()
    expect(page.locator(".thing:target")).to_contain_text(mail.dead_letters)


def test_an_empty_account_says_how_to_deploy(site: Site) -> None:
    parts = ("stacks", "rule_sets", "configuration_sets", "functions", "topics", "queues")
    parts += ("alarms", "identities", "ingress_points", "edges")
    nothing: dict[str, Any] = {name: [] for name in parts}
    place = {"account": "000000000000", "region": "us-east-1", **nothing}
    site.answer("/api/stack", {"environments": [place]})
    page = site.open("/stack")
    expect(page.get_by_text("mailroom up --watch")).to_be_visible()
    page.get_by_role("button", name="Copy the command").click()
    assert page.evaluate("navigator.clipboard.readText()") == "mailroom up --watch"


def test_a_gateway_is_in_the_picture_and_its_mail_says_what_decided(
    site: Site, mail: Mail, account: Any
) -> None:
    point = gateway(account)
    sent = account.send(gateway=point)
    name = sent.gateway["name"]
    page = site.open(f"/messages/{sent.message_id}")
    story = page.get_by_role("region", name="Story")
    expect(story).to_contain_text("support@example.com accepted: the default action is ALLOW")
    expect(story).to_contain_text("RECIPIENT EQUALS sales@example.com does not hold")
    expect(story).to_contain_text("the rule has no conditions")
    page.get_by_role("link", name="Show its path").click()
    passed = page.locator(".node.on")
    expect(passed.filter(has_text=name)).to_be_visible()
    expect(passed.filter(has_text="rest")).to_be_visible()
    expect(passed.filter(has_text="sales")).to_have_count(0)
    rules = page.get_by_role("region", name=f"Ingress point {name}").get_by_role("listitem")
    expect(rules.first).to_contain_text("1 condition")
