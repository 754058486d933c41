"""Saving attachments: which ones, under what names, and the manifest that comes last."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from mailroom import _runtime
from mailroom.errors import NotConfigured
from mailroom.handlers.receiving import save_attachments
from mailroom.handlers.receiving.save_attachments import attachments, safe_name
from mailroom.mime import parse
from mailroom.testing import message, received_mail


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILROOM_ATTACHMENTS_BUCKET", "files")
    monkeypatch.setenv("MAILROOM_ATTACHMENTS_PREFIX", "in/")
    monkeypatch.delenv("MAILROOM_ATTACHMENTS_MAX_BYTES", raising=False)
    monkeypatch.delenv("MAILROOM_ATTACHMENTS_MAX_COUNT", raising=False)
    monkeypatch.setattr(save_attachments, "_settings", None)


@pytest.fixture
def s3(aws: None) -> Any:
    """Make an empty bucket."""
    client = _runtime.client("s3")
    client.create_bucket(
        Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    return client


def keys(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket="files").get("Contents", ())]


def manifest(s3: Any, message_id: str = "m1") -> Any:
    return json.loads(
        s3.get_object(Bucket="files", Key=f"in/{message_id}/manifest.json")["Body"].read()
    )


def multipart(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    """Return a mail whose parts are written by hand, header and body each."""
    start = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    return start + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


# Which ones


def test_attachment_is_saved_with_its_facts(s3: Any) -> None:
    """One object an attachment, downloaded rather than shown, with its digest."""
    auto = message(attachments={"plan.pdf": b"%PDF"})
    save_attachments.on_mail(received_mail(auto, message_id="m1"))
    assert keys(s3) == ["in/m1/01-plan.pdf", "in/m1/manifest.json"]
    found = s3.get_object(Bucket="files", Key="in/m1/01-plan.pdf")
    assert found["Body"].read() == b"%PDF"
    assert found["ContentType"] == "application/octet-stream"
    assert found["ContentDisposition"] == 'attachment; filename="plan.pdf"'
    assert found["Metadata"] == {"sha256": hashlib.sha256(b"%PDF").hexdigest()}


def test_manifest_lists_everything(s3: Any) -> None:
    """The manifest has original and safe name, key, size, type and digest."""
    auto = message(attachments={"a/plan.pdf": b"%PDF"})
    save_attachments.on_mail(received_mail(auto, message_id="m1", spam="GRAY"))
    assert manifest(s3) == {
        "version": 1,
        "message_id": "m1",
        "verdicts": {"spam": "GRAY", "virus": "PASS"},
        "reason": None,
        "omitted": 0,
        "attachments": [
            {
                "index": 1,
                "name": "a/plan.pdf",
                "safe_name": "plan.pdf",
                "content_type": "application/octet-stream",
                "size": 4,
                "sha256": hashlib.sha256(b"%PDF").hexdigest(),
                "key": "in/m1/01-plan.pdf",
                "reason": None,
            }
        ],
    }


def test_mail_without_attachments_has_a_manifest(s3: Any) -> None:
    """An empty manifest says that there was nothing, as against not yet."""
    save_attachments.on_mail(received_mail(message_id="m1"))
    assert keys(s3) == ["in/m1/manifest.json"]
    assert manifest(s3)["attachments"] == []


def test_text_without_a_name_is_not_saved() -> None:
    """Plain and HTML bodies are the mail itself."""
    mail = message()
    mail.add_alternative("<p>Hello</p>", subtype="html")
    assert list(attachments(parse(mail.as_bytes()))) == []


def test_text_with_a_name_is_an_attachment() -> None:
    """Text with a file name, or marked as an attachment, is one."""
    mail = parse(
        multipart(
            b'Content-Type: text/plain; name="log.txt"\r\n\r\n1',
            b"Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n2",
            b"Content-Type: text/plain\r\n\r\n3",
        )
    )
    assert list(attachments(mail)) == [("log.txt", "text/plain", b"1"), (None, "text/html", b"2")]


def test_inline_image_is_an_attachment() -> None:
    """Images shown inside HTML are saved too, with or without a name."""
    mail = parse(
        b"Content-Type: multipart/related; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<img>\r\n"
        b"--b\r\nContent-Type: image/png\r\nContent-ID: <i>\r\nContent-Disposition: inline\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\niVBO\r\n--b--\r\n"
    )
    assert list(attachments(mail)) == [(None, "image/png", b"\x89PN")]


def test_attached_message_is_one_file() -> None:
    """A forwarded message is saved whole, byte for byte, and not opened."""
    inner = (
        b"From: a@example.org\r\nSubject: odd   spacing\r\n  folded\r\n"
        b"Content-Type: multipart/mixed; boundary=c\r\n\r\n"
        b"--c\r\nContent-Disposition: attachment; filename=x\r\n\r\nx\r\n--c--\r\n"
    )
    mail = parse(multipart(b"Content-Type: message/rfc822\r\n\r\n" + inner))
    ((name, content_type, content),) = attachments(mail)
    assert (name, content_type) == (None, "message/rfc822")
    assert content == inner


def test_attached_message_in_base64_is_decoded() -> None:
    """Some senders encode an attached message against the rule; it is decoded all the same."""
    part = (
        b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        b"U3ViamVjdDogeAoKaGkK"
    )
    ((_, _, content),) = attachments(parse(multipart(part)))
    assert content == b"Subject: x\n\nhi\n"


def test_delivery_report_is_kept() -> None:
    """A report's machine-readable part is a file like any other."""
    part = (
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed"
    )
    ((_, content_type, content),) = attachments(parse(multipart(part)))
    assert content_type == "message/delivery-status"
    assert b"Reporting-MTA: dns; x" in content
    assert b"Action: failed" in content


def test_outlook_file_is_kept_as_it_is() -> None:
    """TNEF is not opened; it keeps Outlook's name for it."""
    part = b"Content-Type: application/ms-tnef\r\n\r\n\x78\x9f\x3e\x22"
    ((name, content_type, content),) = attachments(parse(multipart(part)))
    assert (safe_name(name, content_type), content) == ("winmail.dat", b"\x78\x9f\x3e\x22")


def test_malformed_base64_does_not_lose_the_other_parts() -> None:
    """Broken base64 is saved as far as it goes; the parts after it are saved whole."""
    bad = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVB*ERg=x=="
    good = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG"
    first, second = attachments(parse(multipart(bad, good)))
    assert first[1] == "application/pdf"
    assert first[2]
    assert second == (None, "image/gif", b"GIF")


def test_cut_off_mail_keeps_what_there_is() -> None:
    """Without the closing boundary the last attachment is saved as well."""
    part = b"Content-Type: image/gif\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG"
    assert [one[2] for one in attachments(parse(multipart(part, end=b"")))] == [b"GIF"]


def test_multipart_without_boundary_is_kept_as_a_file() -> None:
    """What claims to have parts and names no boundary is saved in one piece."""
    mail = parse(b"Content-Type: multipart/mixed\r\n\r\nwhatever it was")
    assert [one[2] for one in attachments(mail)] == [b"whatever it was"]


@pytest.mark.parametrize(
    "disposition",
    [
        b'attachment; filename="=?utf-8?Q?gr=C3=BC=C3=9Fe.pdf?="',
        b"attachment; filename*=UTF-8''gr%C3%BC%C3%9Fe.pdf",
        b"attachment; filename*0*=UTF-8''gr%C3%BC; filename*1*=%C3%9Fe.pdf",
    ],
)
def test_encoded_names_are_decoded(disposition: bytes) -> None:
    """RFC 2231 names, and RFC 2047 ones where they do not belong, are read."""
    part = b"Content-Type: application/pdf\r\nContent-Disposition: " + disposition + b"\r\n\r\n1"
    assert [one[0] for one in attachments(parse(multipart(part)))] == ["grüße.pdf"]


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Type: text/plain; charset=x-unknown; name=a\r\n",
        b"Content-Type: ; ; =\r\nContent-Disposition: attachment; filename=\r\n",
        b"Content-Type: image/png; name*=x''%FF%FE\r\n",
        b"Content-Disposition: attachment; filename*=\r\n",
        b"Content-Disposition: attachment; filename*0*=''; filename*1=\"\r\n",
        b"Content-Transfer-Encoding: x-none\r\nContent-Disposition: attachment\r\n",
        b"Content-Type: image/\xff\r\n",
        b'Content-Type: message/rfc822; name="\r\n',
        b"Content-Disposition: attachment\r\nContent-Transfer-Encoding: x-uuencode\r\n",
    ],
)
def test_malformed_fields_do_not_raise(fields: bytes) -> None:
    """However broken a part's own fields are, it is saved."""
    data = multipart(fields + b"\r\n\xff\xfe data")
    (found,) = attachments(parse(data))
    assert b"data" in found[2]
    assert save_attachments._CONTENT_TYPE.fullmatch(found[1])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    b"text/plain",
                    b"message/rfc822",
                    b"message/delivery-status",
                    b"image/png",
                    b"multipart/mixed; boundary=b",
                    b"multipart/alternative; boundary=c",
                    b"\xff",
                ]
            ),
            st.sampled_from([b"base64", b"quoted-printable", b"x-uuencode", b"8bit", b"\xff", b""]),
            st.binary(max_size=30),
            st.binary(max_size=60),
        ),
        max_size=5,
    )
)
def test_any_message_can_be_parsed(parts: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
    """No message, however malformed, makes the function raise."""
    data = multipart(
        *(
            b"Content-Type: "
            + kind
            + b"\r\nContent-Transfer-Encoding: "
            + encoding
            + b"\r\nContent-Disposition: attachment; filename="
            + name
            + b"\r\n\r\n"
            + body
            for kind, encoding, name, body in parts
        )
    )
    for name, content_type, content in attachments(parse(data)):
        assert isinstance(content, bytes)
        assert save_attachments._CONTENT_TYPE.fullmatch(content_type)
        safe_name(name, content_type)


def test_what_is_nested_too_deeply_is_saved_in_one_piece(s3: Any) -> None:
    """The manifest says that it was not opened; its bytes are all there."""
    head = "".join(
        f"Content-Type: multipart/mixed; boundary=n{number}\r\n\r\n--n{number}\r\n"
        for number in range(3000)
    )
    data = head.encode() + b"Content-Type: image/png\r\n\r\nx"
    save_attachments.on_mail(received_mail(data, message_id="m1"))
    found = manifest(s3)
    assert any("nested more than 100 deep" in defect for defect in found["defects"])
    (entry,) = found["attachments"]
    content = s3.get_object(Bucket="files", Key=entry["key"])["Body"].read()
    assert content.endswith(b"Content-Type: image/png\r\n\r\nx")


def test_same_names_do_not_overwrite_each_other(s3: Any) -> None:
    """Two attachments of one name are two objects."""
    part = b"Content-Type: image/gif; name=a.gif\r\n\r\n"
    data = multipart(part + b"1", part + b"2")
    save_attachments.on_mail(received_mail(data, message_id="m1"))
    assert keys(s3) == ["in/m1/01-a.gif", "in/m1/02-a-2.gif", "in/m1/manifest.json"]


# Limits


def test_an_attachment_that_is_too_large_is_listed_but_not_saved(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An attachment over the limit is in the manifest with its digest; the others are saved."""
    monkeypatch.setenv("MAILROOM_ATTACHMENTS_MAX_BYTES", "3")
    mail = received_mail(message(attachments={"a": b"1234", "b": b"123"}), message_id="m1")
    save_attachments.on_mail(mail)
    assert keys(s3) == ["in/m1/02-b", "in/m1/manifest.json"]
    first, second = manifest(s3)["attachments"]
    assert (first["reason"], first["key"], first["size"]) == ("too large", None, 4)
    assert (second["reason"], second["key"]) == (None, "in/m1/02-b")


def test_attachments_beyond_the_limit_are_listed_but_not_saved(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attachments over the number are in the manifest, undecoded."""
    monkeypatch.setenv("MAILROOM_ATTACHMENTS_MAX_COUNT", "1")
    mail = received_mail(message(attachments={"a": b"1", "b": b"2"}), message_id="m1")
    save_attachments.on_mail(mail)
    assert keys(s3) == ["in/m1/01-a", "in/m1/manifest.json"]
    second = manifest(s3)["attachments"][1]
    assert (second["reason"], second["name"], second["sha256"]) == ("too many", "b", None)


def test_manifest_is_bounded(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail of countless empty parts makes no countless manifest."""
    monkeypatch.setenv("MAILROOM_ATTACHMENTS_MAX_COUNT", "0")
    monkeypatch.setattr(save_attachments, "_LISTED", 5)
    data = multipart(*[b"Content-Type: image/gif\r\n\r\n"] * 12)
    save_attachments.on_mail(received_mail(data, message_id="m1"))
    found = manifest(s3)
    assert (len(found["attachments"]), found["omitted"]) == (5, 7)


def test_infected_mail_saves_nothing(s3: Any) -> None:
    """A failed virus check leaves only a manifest, which says so."""
    mail = received_mail(message(attachments={"a": b"1"}), message_id="m1", virus="FAIL")
    save_attachments.on_mail(mail)
    assert keys(s3) == ["in/m1/manifest.json"]
    assert manifest(s3)["reason"] == "virus check failed"


def test_name_with_lone_surrogates_can_be_listed(s3: Any) -> None:
    """Undecodable bytes in a name spoil neither manifest nor object."""
    fields = b"Content-Type: image/gif\r\nContent-Disposition: attachment; filename=\xff\xfe.gif"
    part = fields + b"\r\n\r\n1"
    save_attachments.on_mail(received_mail(multipart(part), message_id="m1"))
    (found,) = manifest(s3)["attachments"]
    found["name"].encode()
    assert found["key"] in keys(s3)


# Failures and repetitions


def test_same_mail_twice_gives_the_same_objects(s3: Any) -> None:
    """A repeated delivery changes nothing, not a byte."""
    seen = []
    for _ in range(2):
        mail = received_mail(message(attachments={"a": b"1", "A": b"2"}), message_id="m1")
        # One built message has a random boundary; the attachments do not depend on it.
        save_attachments.on_mail(mail)
        seen.append({key: s3.head_object(Bucket="files", Key=key)["ETag"] for key in keys(s3)})
    assert seen[0] == seen[1]
    assert len(seen[0]) == 3


@pytest.mark.parametrize("failing", ["01-a", "02-b"])
def test_failed_save_leaves_no_manifest(
    s3: Any, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """What S3 refuses propagates, and the manifest that would say complete is not written."""
    put = s3.put_object

    def refuse(**arguments: Any) -> Any:
        if arguments["Key"].endswith(failing):
            raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")
        return put(**arguments)

    monkeypatch.setattr(s3, "put_object", refuse)
    with pytest.raises(ClientError, match="SlowDown"):
        save_attachments.on_mail(
            received_mail(message(attachments={"a": b"1", "b": b"2"}), message_id="m1")
        )
    assert "in/m1/manifest.json" not in keys(s3)


def test_manifest_is_written_last(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The manifest's presence means that everything else is there."""
    order: list[str] = []
    put = s3.put_object
    monkeypatch.setattr(
        s3,
        "put_object",
        lambda **kw: order.append(kw["Key"]) or put(**kw),  # type: ignore[func-returns-value]
    )
    mail = received_mail(message(attachments={"a": b"1", "b": b"2"}), message_id="m1")
    save_attachments.on_mail(mail)
    assert order == ["in/m1/01-a", "in/m1/02-b", "in/m1/manifest.json"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILROOM_ATTACHMENTS_BUCKET", ""),
        ("MAILROOM_ATTACHMENTS_MAX_BYTES", "1 MB"),
        ("MAILROOM_ATTACHMENTS_MAX_COUNT", "-1"),
    ],
)
def test_the_error_names_a_wrong_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A setting that cannot work is refused by name."""
    monkeypatch.setenv(name, value)
    with pytest.raises(NotConfigured, match=name):
        save_attachments.Settings()
