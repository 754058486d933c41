"""The SMTP conversation with an ingress point, as a sending server or a mail program sees it."""

import base64
import smtplib
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

CLOSED_TO_OTHERS = {
    "TrafficPolicyId": "tp-1",
    "TrafficPolicyName": "own",
    "DefaultAction": "DENY",
    "PolicyStatements": [
        {
            "Action": "ALLOW",
            "Conditions": [
                {
                    "StringExpression": {
                        "Evaluate": {"Attribute": "RECIPIENT"},
                        "Operator": "ENDS_WITH",
                        "Values": ["@example.com"],
                    }
                }
            ],
        }
    ],
}
PASSWORDS = ("current-password", "previous-password")


def test_the_policy_answers_rcpt_for_each_recipient(gate: Any) -> None:
    smtp = gate.connect(gate.point(policy=CLOSED_TO_OTHERS))
    smtp.mail("jane@example.net")
    assert smtp.rcpt("support@example.com")[0] == 250
    assert smtp.rcpt("a@example.org") == (550, b"5.7.1 Denied by the traffic policy")
    assert smtp.data(b"Subject: x\r\n\r\n")[0] == 250
    refused, accepted = gate.stories()
    assert refused.rcpt_tos == ["a@example.org"]
    assert "the default action is DENY" in refused.reason
    assert accepted.rcpt_tos == ["support@example.com"]


def test_a_change_of_the_policy_is_in_force_at_once(gate: Any) -> None:
    point = gate.point()
    smtp = gate.connect(point)
    smtp.mail("jane@example.net")
    assert smtp.rcpt("a@example.org")[0] == 250
    gate.change(point, policy=CLOSED_TO_OTHERS)
    assert smtp.rcpt("b@example.org")[0] == 550


def test_an_address_may_be_pretended_for_the_policy(gate: Any) -> None:
    denied = {
        "IpExpression": {
            "Evaluate": {"Attribute": "SENDER_IP"},
            "Operator": "CIDR_MATCHES",
            "Values": ["192.0.2.0/24"],
        }
    }
    policy = {
        "DefaultAction": "ALLOW",
        "PolicyStatements": [{"Action": "DENY", "Conditions": [denied]}],
    }
    smtp = gate.connect(gate.point(policy=policy))
    assert smtp.docmd("XCLIENT", "ADDR=192.0.2.7")[0] == 220
    smtp.mail("jane@example.net")
    assert smtp.rcpt("support@example.com")[0] == 550


def test_a_message_that_the_policy_finds_too_large_is_refused_after_data(gate: Any) -> None:
    point = gate.point(policy={"DefaultAction": "ALLOW", "MaxMessageSizeBytes": 100})
    smtp = gate.connect(point)
    smtp.mail("jane@example.net")
    smtp.rcpt("support@example.com")
    assert smtp.data(b"Subject: x\r\n\r\n" + b"x" * 100)[0] == 552
    [refused] = gate.stories()
    assert "the traffic policy allows 100" in refused.reason
    first, second = gate.logs("TRAFFIC_POLICY_DEBUG_LOGS")
    assert first["traffic_policy_verdict"] == "ACCEPT"
    assert second["traffic_policy_verdict"] == "REJECT"
    assert second["traffic_policy_evaluation"][-1] == {
        "action": "DENY",
        "allowedMessageSize": 100,
        "receivedMessageSize": 116,
        "scope": "Data",
    }


def test_a_message_has_40_mb_at_most(gate: Any) -> None:
    smtp = gate.connect(gate.point())
    assert smtp.esmtp_features["size"] == str(40 * 1024 * 1024)
    assert smtp.docmd("MAIL", f"FROM:<jane@example.net> SIZE={40 * 1024 * 1024 + 1}")[0] == 552
    assert gate.stories()[0].reason == "the message is larger than 40 MB"


def test_a_message_has_100_recipients_at_most(gate: Any) -> None:
    smtp = gate.connect(gate.point())
    smtp.mail("jane@example.net")
    codes = [smtp.rcpt(f"user{number}@example.com")[0] for number in range(101)]
    assert codes == [250] * 100 + [452]
    # Who is a recipient already may be named again.
    assert smtp.rcpt("user7@example.com")[0] == 250


@pytest.mark.parametrize("tls_policy", ["REQUIRED", "FIPS"])
def test_a_point_that_requires_tls_says_so_to_a_client_without(gate: Any, tls_policy: str) -> None:
    point = gate.point(tls_policy=tls_policy)
    smtp = gate.connect(point)
    assert smtp.mail("jane@example.net")[0] == 530
    smtp.starttls(context=gate.trusting())
    smtp.ehlo()
    assert smtp.mail("jane@example.net")[0] == 250
    [refused] = gate.stories()
    assert refused.reason == f"the ingress point requires TLS: its TLS policy is {tls_policy}"


def test_an_open_point_offers_no_authentication(gate: Any) -> None:
    smtp = gate.connect(gate.point(), tls=True)
    assert not smtp.has_extn("auth")
    assert smtp.has_extn("xclient")


def test_authentication_is_offered_only_inside_tls(gate: Any) -> None:
    """Also where the TLS policy would not require it."""
    point = gate.point(kind="AUTH", passwords=PASSWORDS)
    smtp = gate.connect(point)
    assert not smtp.has_extn("auth")
    assert smtp.docmd("AUTH", "LOGIN")[0] == 538
    assert smtp.mail("jane@example.net") == (530, b"5.7.0 Must issue a STARTTLS command first")
    smtp.starttls(context=gate.trusting())
    smtp.ehlo()
    assert smtp.esmtp_features["auth"].split() == ["LOGIN", "PLAIN"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_the_current_and_the_previous_password_are_accepted(
    gate: Any, password: str, mechanism: str
) -> None:
    point = gate.point(kind="AUTH", tls_policy="REQUIRED", passwords=PASSWORDS)
    smtp = gate.connect(point, tls=True)
    smtp.user, smtp.password = point.id, password
    answer = smtp.auth(mechanism, getattr(smtp, f"auth_{mechanism.lower()}"))
    assert answer == (235, b"2.7.0 Authentication successful")
    assert smtp.mail("jane@example.net")[0] == 250


@pytest.mark.parametrize(
    ("user", "password"), [("inp-gate", "another"), ("inp-other", PASSWORDS[0]), ("inp-gate", "")]
)
def test_other_credentials_are_refused(gate: Any, user: str, password: str) -> None:
    point = gate.point(kind="AUTH", tls_policy="REQUIRED", passwords=PASSWORDS)
    smtp = gate.connect(point, tls=True)
    with pytest.raises(smtplib.SMTPAuthenticationError) as error:
        smtp.login(user, password)
    assert error.value.smtp_code == 535
    assert smtp.mail("jane@example.net")[0] == 530
    assert gate.stories()[0].reason == (
        f"{user!r} and its password are not those of this ingress point"
    )


def test_a_refused_password_is_in_no_record(gate: Any) -> None:
    point = gate.point(kind="AUTH", tls_policy="REQUIRED", passwords=PASSWORDS)
    smtp = gate.connect(point, tls=True)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login(point.id, "correct horse")
    encoded = base64.b64encode(b"correct horse").decode()
    assert not any(text in gate.path.read_text() for text in ("correct horse", encoded))


def test_prompts_are_those_that_mail_programs_expect(gate: Any) -> None:
    point = gate.point(kind="AUTH", tls_policy="REQUIRED", passwords=PASSWORDS)
    smtp = gate.connect(point, tls=True)
    assert base64.b64decode(smtp.docmd("AUTH", "LOGIN")[1]) == b"Username:"
    user = base64.b64encode(point.id.encode()).decode()
    assert base64.b64decode(smtp.docmd(user)[1]) == b"Password:"


@pytest.mark.parametrize("status", ["CLOSED", "PROVISIONING", "FAILED"])
def test_a_point_that_is_not_active_takes_no_mail(gate: Any, status: str) -> None:
    point = gate.point(status=status)
    smtp = gate.connect(point)
    assert smtp.mail("jane@example.net")[0] == 421
    assert gate.stories()[0].reason == f"the ingress point is {status}"
    gate.change(point, status="ACTIVE")
    assert smtp.mail("jane@example.net")[0] == 250


def test_a_deleted_point_has_no_server(gate: Any) -> None:
    point = gate.point()
    host, port = gate.ingress.host_port(point.id)
    gate.connect(point).close()
    gate.emulator.points.clear()
    gate.ingress.refresh()
    assert gate.ingress.host_port(point.id) is None
    gate.ingress.close()
    with pytest.raises(OSError), socket.create_connection((host, port), timeout=1):
        pass


def test_a_point_of_the_same_name_gets_the_same_port(make_gate: Any) -> None:
    """As when the local AWS is started again, and the stack deployed to it."""
    first = make_gate()
    address = first.ingress.host_port(first.point(name="office").id)
    first.close()
    second = make_gate()
    assert second.ingress.host_port(second.point(name="office").id) == address


def test_a_port_that_is_taken_is_replaced_by_another(make_gate: Any) -> None:
    first, second = make_gate(), make_gate()
    taken = first.ingress.host_port(first.point(name="shop").id)
    point = second.point(name="shop")
    assert second.ingress.host_port(point.id) != taken
    assert second.connect(point).mail("jane@example.net")[0] == 250


def test_each_point_has_its_own_server(gate: Any) -> None:
    here, there = gate.point(name="here"), gate.point(name="there", region="eu-west-1")
    assert gate.ingress.host_port(here.id) != gate.ingress.host_port(there.id)
    assert gate.connect(there).ehlo_resp.startswith(b"inp-there.mail-manager-smtp.eu-west-1")


def test_a_web_page_cannot_hide_commands_in_a_request(gate: Any) -> None:
    point = gate.point()
    with socket.create_connection(gate.ingress.host_port(point.id), timeout=5) as client:
        body = b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\r\n.\r\n"
        client.sendall(b"POST / HTTP/1.1\r\n\r\n" + body)
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"421 4.7.0 HTTP is not spoken here" in answer
    assert b"354" not in answer


def test_every_refusal_names_the_gateway(gate: Any) -> None:
    smtp = gate.connect(gate.point(policy=CLOSED_TO_OTHERS))
    smtp.docmd("NONSENSE")
    assert gate.stories()[0].gateway["name"] == "gate"


def test_100_parallel_sessions_lose_nothing(gate: Any) -> None:
    point = gate.point()

    def one(number: int) -> str:
        raw = f"Subject: {number}\r\n\r\nHi\r\n".encode()
        return gate.send(point, raw, to=f"user{number}@example.com").subject

    with ThreadPoolExecutor(100) as pool:
        subjects = list(pool.map(one, range(100)))
    assert subjects == [str(number) for number in range(100)]
    stories = gate.stories()
    assert len(stories) == 100
    assert {one.rcpt_tos[0] for one in stories} == {f"user{n}@example.com" for n in range(100)}


def test_the_log_has_every_recipient_and_every_accepted_message(gate: Any) -> None:
    point = gate.point(policy=CLOSED_TO_OTHERS)
    smtp = gate.connect(point, tls=True)
    smtp.mail("jane@example.net")
    for address in ("a@example.com", "b@example.org"):
        smtp.rcpt(address)
    smtp.data(b"Subject: x\r\n\r\n")
    first, second = gate.logs("TRAFFIC_POLICY_DEBUG_LOGS")
    assert first["ingress_point_session_id"] == second["ingress_point_session_id"]
    assert (first["traffic_policy_verdict"], second["traffic_policy_verdict"]) == (
        "ACCEPT",
        "REJECT",
    )
    assert first["tls_protocol"] == "TLSv1.3"
    [accepted] = gate.logs("APPLICATION_LOGS")
    assert accepted | {"event_timestamp": 0, "message_id": "", "tls_cipher_suite": ""} == {
        "resource_arn": point.arn,
        "event_timestamp": 0,
        "ingress_point_type": "OPEN",
        "ingress_point_name": "gate",
        "message_id": "",
        "message_size_bytes": 14,
        "rule_set_id": "rs-1",
        "sender_ip_address": "127.0.0.1",
        "smtp_mail_from": "jane@example.net",
        "smtp_helo": "mx.example.net",
        "tls_protocol": "TLSv1.3",
        "tls_cipher_suite": "",
        "recipients": ["a@example.com"],
        "ingress_point_metadata": {},
    }


@pytest.mark.parametrize("address", ["<>", "<a\x00b@example.com>", "<a\x1b[2J@example.com>"])
def test_what_nobody_can_be_is_no_recipient(gate: Any, address: str) -> None:
    smtp = gate.connect(gate.point())
    smtp.mail("jane@example.net")
    assert smtp.docmd(f"RCPT TO:{address}")[0] == 501
    assert smtp.rcpt("support@example.com")[0] == 250


def test_commands_before_tls_begins_do_not_count_behind_it(gate: Any) -> None:
    """Somebody on the way may have put them there."""
    point = gate.point(kind="AUTH", tls_policy="REQUIRED", passwords=PASSWORDS)
    injected = b"EHLO mx\r\nSTARTTLS\r\nMAIL FROM:<evil@example.net>\r\nEHLO evil\r\n"
    with socket.create_connection(gate.ingress.host_port(point.id), timeout=10) as plain:
        plain.recv(1000)
        plain.sendall(injected)
        while b"220 Ready" not in plain.recv(1000):
            pass
        with gate.trusting().wrap_socket(plain, server_hostname="127.0.0.1") as encrypted:
            encrypted.sendall(b"NOOP\r\n")
            assert encrypted.recv(1000).startswith(b"250")
            encrypted.settimeout(0.1)
            with pytest.raises(TimeoutError):
                encrypted.recv(1000)
