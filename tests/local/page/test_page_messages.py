"""The list of messages, a message as people see it, and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def invoice() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Zoë Müller <zoe@customer.example>"
    message["To"] = "support@example.com"
    message["Subject"] = "Rechnung für Möbel"
    message.set_content("Please find the Xylophone invoice attached.")
    message.add_alternative('<p>See the <img src="cid:logo@x"> invoice</p>', subtype="html")
    html = message.get_payload()[1]
    html.add_related(PNG, "image", "png", cid="<logo@x>", filename="logo.png", disposition="inline")
    message.add_attachment(b"%PDF-1.7", "application", "pdf", filename="Rechnung März.pdf")
    message.add_attachment(b"<svg onload=1>", "image", "png", filename="picture.png")
    return message


@pytest.fixture(scope="module")
def keys(account: Any, page: Any) -> Iterator[dict[str, str]]:
    """A received, a refused, a failed and a sent message."""
    name = account.rule_set()
    account.ses.set_active_receipt_rule_set(RuleSetName=name)
    account.rule(
        name,
        {"AddHeaderAction": {"HeaderName": "X-Seen", "HeaderValue": "yes"}},
        Recipients=["support@example.com"],
        Name="seen-rule",
    )
    gone = {"BucketName": account.bucket()}
    account.rule(name, {"S3Action": gone}, Recipients=["store@example.com"])
    account.s3.delete_bucket_policy(Bucket=gone["BucketName"])
    for found in account.s3.list_objects_v2(Bucket=gone["BucketName"]).get("Contents", []):
        account.s3.delete_object(Bucket=gone["BucketName"], Key=found["Key"])
    account.s3.delete_bucket(Bucket=gone["BucketName"])
    received = account.aws.send(
        invoice(), mail_from="zoe@customer.example", rcpt_tos=["support@example.com"]
    ).message_id
    account.aws.wait(received)
    failed = account.send(to="store@example.com").message_id
    with pytest.raises(Exception, match="550"):
        account.aws.send(
            b"Subject: x\r\n\r\n", mail_from="a@b.example", rcpt_tos=["no@example.org"]
        )
    sent = account.mail(to="reader@example.net")
    account.story(sent)
    listed = page.get("/messages", folder="refused").json["messages"]
    yield {"received": received, "failed": failed, "sent": sent, "refused": listed[0]["key"]}
    account.ses.set_active_receipt_rule_set()


def listed(page: Any, **query: Any) -> list[str]:
    return [found["key"] for found in page.get("/messages", limit=500, **query).json["messages"]]


def test_the_newest_message_is_first(page: Any, keys: dict[str, str]) -> None:
    found = listed(page)
    order = ["sent", "refused", "failed", "received"]
    assert [key for key in found if key in keys.values()] == [keys[name] for name in order]


@pytest.mark.parametrize("folder", ["received", "sent", "refused", "failed"])
def test_each_folder_has_its_messages(page: Any, keys: dict[str, str], folder: str) -> None:
    found = page.get("/messages", folder=folder, limit=500).json
    assert keys[folder] in [message["key"] for message in found["messages"]]
    assert found["total"] == len(found["messages"]) == found["counts"][folder]["total"]


def test_a_message_in_the_list_says_what_became_of_it(page: Any, keys: dict[str, str]) -> None:
    found = {each["key"]: each for each in page.get("/messages", limit=500).json["messages"]}
    received, failed = found[keys["received"]], found[keys["failed"]]
    assert received["subject"] == "Rechnung für Möbel"
    assert received["from"] == "zoe@customer.example"
    assert received["from_name"] == "Zoë Müller"
    assert (received["status"], received["rules"]) == ("ok", ["seen-rule"])
    assert received["attachments"] == 3
    assert failed["status"] == "failed"
    assert failed["why"].startswith("S3: ")
    assert found[keys["refused"]]["why"].startswith("no enabled rule of the active rule set")
    assert found[keys["refused"]]["message_id"] is None


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("für möb", "received"),
        ("zoe@cust", "received"),
        ("Müll", "received"),
        ("XYLOPH", "received"),
        ("xylophone invoice rechnung", "received"),
        ("rz.pdf", "received"),
        ("no@exam", "refused"),
    ],
)
def test_parts_of_words_are_found(
    page: Any, account: Any, keys: dict[str, str], asked: str, name: str
) -> None:
    """In subject, addresses, names and text."""
    found = account.aws.wait_until(
        lambda: listed(page, q=asked), lambda f: keys[name] in f, seconds=5
    )
    assert keys[name] in found
    assert keys["sent"] not in found


def test_an_id_is_found_by_its_beginning(page: Any, keys: dict[str, str]) -> None:
    assert listed(page, q=keys["received"][:12]) == [keys["received"]]


def test_what_no_message_has_is_not_found(page: Any, keys: dict[str, str]) -> None:
    assert page.get("/messages", q='xylophone" OR "a').json["total"] == 0


@pytest.mark.parametrize(
    ("query", "name"),
    [({"rule": "seen-rule"}, "received"), ({"outcome": "failed"}, "failed")],
)
def test_filters_choose_by_rule_and_outcome(
    page: Any, keys: dict[str, str], query: dict[str, str], name: str
) -> None:
    found = listed(page, **query)
    assert keys[name] in found
    assert keys["sent"] not in found
    known = page.get("/messages").json["filters"]
    ((field, value),) = query.items()
    assert value in known[f"{field}s"]


def test_the_list_is_read_page_by_page(page: Any, keys: dict[str, str]) -> None:
    pages, before = [], None
    while len(pages) < 3:
        found = page.get("/messages", limit=2, **({"before": before} if before else {})).json
        pages.append([message["key"] for message in found["messages"]])
        before = found["next"]
        if before is None:
            break
    everything = listed(page)
    assert [key for found in pages for key in found] == everything[: sum(map(len, pages))]


def test_messages_are_marked_as_read_and_as_unread(page: Any, keys: dict[str, str]) -> None:
    key = keys["received"]
    before = page.get("/messages").json["counts"]["received"]["unread"]
    counts = page.post("/read", {"keys": [key]}).json["counts"]
    assert counts["received"]["unread"] == before - 1
    assert page.message(key)["unread"] is False
    assert (
        page.post("/read", {"keys": [key], "unread": True}).json["counts"]["received"]["unread"]
        == before
    )
    assert page.post("/read", {"all": True}).json["counts"]["all"]["unread"] == 0
    page.post("/read", {"all": True, "unread": True})


def test_reading_changes_nothing(page: Any, keys: dict[str, str]) -> None:
    for path in (f"/messages/{keys['received']}", f"/messages/{keys['received']}/raw", "/messages"):
        assert page.get(path).status == 200
    assert page.message(keys["received"])["unread"] is True


def test_a_message_is_shown_as_mail_programs_show_it(page: Any, keys: dict[str, str]) -> None:
    found = page.message(keys["received"])
    assert found["text"] == "Please find the Xylophone invoice attached.\r\n"
    assert (found["html"], found["remote"]) == (True, False)
    assert [(f["name"], f["type"], f["inline"], f["preview"]) for f in found["attachments"]] == [
        ("logo.png", "image/png", True, True),
        ("Rechnung März.pdf", "application/pdf", False, False),
        ("picture.png", "image/png", False, False),
    ]
    fields = {field["name"]: field for field in found["headers"]}
    assert fields["Subject"]["value"] == "Rechnung für Möbel"
    assert fields["Subject"]["raw"] == "Rechnung =?utf-8?q?f=C3=BCr_M=C3=B6bel?="
    assert found["tree"]["type"] == "multipart/mixed"
    assert [part["type"] for part in found["tree"]["children"]] == [
        "multipart/alternative",
        "application/pdf",
        "image/png",
    ]
    assert found["verdicts"]["spf"] == "PASS"
    assert found["size"] > 1000


def test_its_bytes_are_those_that_came(page: Any, account: Any, keys: dict[str, str]) -> None:
    shown = page.get(f"/messages/{keys['received']}/raw")
    saved = page.get(f"/messages/{keys['received']}/raw", download=1)
    assert shown.body == saved.body == account.aws.raw(keys["received"])
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert saved.headers["content-type"] == "message/rfc822"
    assert f'filename="{keys["received"]}.eml"' in saved.headers["content-disposition"]


def test_an_attachment_is_saved_never_shown(page: Any, keys: dict[str, str]) -> None:
    answer = page.get(f"/messages/{keys['received']}/parts/1")
    assert answer.body == b"%PDF-1.7"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    assert "Rechnung%20M%C3%A4rz.pdf" in answer.headers["content-disposition"]
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_only_what_is_an_image_is_previewed(page: Any, keys: dict[str, str]) -> None:
    key = keys["received"]
    assert page.get(f"/messages/{key}/parts/0", preview=1).headers["content-type"] == "image/png"
    assert page.get(f"/messages/{key}/parts/2", preview=1).status == 415
    assert page.get(f"/messages/{key}/parts/9").status == 404


def test_a_hostile_file_name_harms_nothing(page: Any, account: Any, keys: Any) -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        b"Content-Type: text/html\r\nContent-Disposition: attachment;"
        b' filename="../../a\\"b=?utf-8?q?=0D=0ASet-Cookie:_x?=\xff.html"\r\n\r\n<b>1</b>\r\n'
    )
    sent = account.aws.send(raw, mail_from="", rcpt_tos=["support@example.com"])
    answer = page.get(f"/messages/{sent.message_id}/parts/0")
    assert answer.status == 200
    assert "set-cookie" not in answer.headers
    name = answer.headers["content-disposition"].split("filename=")[1].partition(";")[0]
    assert "/" not in name
    assert name.count('"') == 2
    assert answer.headers["content-security-policy"].startswith("sandbox")


def test_a_name_does_not_look_like_another_and_a_type_is_one(page: Any, account: Any) -> None:
    """Letters that turn the direction are removed; a long name keeps its end."""
    raw = (
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n"
        f'Content-Type: text/\x01html; name="{"n" * 9_000}\u202egpj.exe"\r\n\r\n1\r\n--x--\r\n'
    ).encode()
    sent = account.aws.send(raw, mail_from="", rcpt_tos=["support@example.com"])
    answer = page.get(f"/messages/{sent.message_id}/parts/0")
    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert "_gpj.exe" in disposition
    assert "%E2%80%AE" not in disposition
    assert len(disposition) < 600


@pytest.mark.parametrize("path", ["/messages/{received}/parts/{many}", "/messages?limit={many}"])
def test_a_number_beyond_measure_is_refused(page: Any, keys: dict[str, str], path: str) -> None:
    answer = page.ask("/api" + path.format(many="9" * 5_000, **keys))
    assert answer.status in (400, 404)


def test_half_of_a_surrogate_pair_is_shown_and_nothing_is_found_by_nul(
    page: Any, account: Any, keys: dict[str, str]
) -> None:
    """UTF-7 can say it."""
    raw = b"Subject: =?utf-7?q?+2AA-?=\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA-\r\n"
    sent = account.aws.send(raw, mail_from="", rcpt_tos=["support@example.com"])
    found = page.message(sent.message_id)
    assert (found["subject"], found["text"].strip()) == ("\ufffd", "\ufffd")
    assert page.get("/messages", q="abc\0def").json["messages"] == []


def test_json_beyond_measure_is_refused(page: Any) -> None:
    token = {"X-Mailroom-Token": page.aws.server.page_token}
    answer = page.ask("/api/read", method="POST", body=b"[" * 100_000, headers=token)
    assert answer.status == 400


def test_a_sent_message_has_what_the_call_said(page: Any, keys: dict[str, str]) -> None:
    found = page.message(keys["sent"])
    assert (found["kind"], found["operation"], found["rcpt_tos"]) == (
        "sent",
        "SendEmail",
        ["reader@example.net"],
    )


def test_a_refused_message_has_neither_bytes_nor_text(page: Any, keys: dict[str, str]) -> None:
    found = page.message(keys["refused"])
    assert (found["raw"], found["text"], found["html"], found["headers"]) == (
        False,
        None,
        False,
        [],
    )
    assert page.get(f"/messages/{keys['refused']}/raw").status == 404


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/messages", {"folder": "spam"}, 400),
        ("/messages", {"limit": "many"}, 400),
        ("/messages/unknown", {}, 404),
        ("/messages/unknown/html", {}, 404),
    ],
)
def test_a_wrong_argument_is_named(
    page: Any, path: str, query: dict[str, str], status: int
) -> None:
    answer = page.get(path, **query)
    assert answer.status == status
    assert next(iter([*query.values(), "unknown"])) in answer.json["error"]


def test_mail_that_cannot_be_read_is_shown_as_far_as_it_can(
    page: Any, account: Any, keys: Any
) -> None:
    raw = (
        b"From: \xff\xfe <a@b\r\nSubject: =?utf-8?q?=ff=fe?=\r\n"
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/html;"
        b" charset=nope\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!\xff<![x]>\r\n"
    )
    sent = account.aws.send(raw, mail_from="", rcpt_tos=["support@example.com"])
    found = page.get(f"/messages/{sent.message_id}")
    assert found.status == 200
    assert found.json["defects"]
    assert page.get(f"/messages/{sent.message_id}/html").status == 200
