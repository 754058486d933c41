"""The checks themselves, by property: nothing valid is refused, nothing dangerous passes."""

from __future__ import annotations

import re
import string

import pytest
from aws_cdk import CfnParameter, Duration
from hypothesis import assume, given
from hypothesis import strategies as st

from cdk_mailroom import ConfigurationError
from cdk_mailroom._checks import (
    Problems,
    check_address,
    check_cidr,
    check_number,
    check_recipients,
    check_retention,
    check_rule_name,
    check_seconds,
    resolved,
)

ALNUM = string.ascii_letters + string.digits
# RFC 5322, 3.2.3: dot-atom. RFC 1035, 2.3.1, with RFC 1123's leading digit: labels.
ATOM = st.text(ALNUM + "!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=12)
LOCAL_PART = st.lists(ATOM, min_size=1, max_size=3).map(".".join)
LABEL = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
DOMAIN = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
ADDRESS = st.tuples(LOCAL_PART, DOMAIN).map("@".join)

# jsii is asked about each value, whether it is a token.


def complaints(check, *arguments) -> str:
    """Return what *check* finds wrong, empty if nothing."""
    problems = Problems("Here")
    check(problems, *arguments)
    try:
        problems.raise_if_any()
    except ConfigurationError as error:
        return str(error)
    return ""


@given(ADDRESS)
def test_no_valid_address_is_refused(address):
    """Any dot-atom at any domain of two or more labels."""
    assert complaints(check_address, "to", address) == ""
    assert complaints(check_recipients, [address]) == ""


@given(DOMAIN)
def test_no_valid_domain_is_refused_as_a_recipient(domain):
    """Itself, and with a dot for its subdomains."""
    assert complaints(check_recipients, [domain, f".{domain}"]) == ""


@given(ADDRESS, st.sampled_from('\r\n\0 \t<>,;:"()[]\\\x7f\x85\u2028'), st.data())
def test_nothing_that_could_end_a_header_is_an_address(address, character, data):
    """An address ends up in From, To and environment variables."""
    position = data.draw(st.integers(0, len(address)))
    injected = address[:position] + character + address[position:]
    assert "to is" in complaints(check_address, "to", injected)


@given(ADDRESS, st.sampled_from(["\r\nBcc: x@example.com", "\n", "\r", "\r\n "]))
def test_a_header_cannot_be_injected_behind_an_address(address, tail):
    """A trailing line break too, which ``$`` in a pattern would overlook."""
    assert complaints(check_address, "to", address + tail)
    assert complaints(check_recipients, [address + tail])


@given(st.text(max_size=70))
def test_a_rule_name_passes_only_if_ses_takes_it(name):
    """API_ReceiptRule: letters, digits, _ and -, a letter or digit at each end, under 64."""
    valid = (
        0 < len(name) < 64
        and set(name) <= set(ALNUM + "_-")
        and name[0] in ALNUM
        and name[-1] in ALNUM
    )
    assert (complaints(check_rule_name, "rule_name", name) == "") is valid


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", fullmatch=True))
def test_no_valid_rule_name_is_refused(name):
    """The same rule from the other side."""
    assert complaints(check_rule_name, "rule_name", name) == ""


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_every_network_is_a_cidr(address, length):
    """With zero host bits, in its shortest or its long form."""
    import ipaddress

    network = ipaddress.ip_network((address, length), strict=False)
    assert complaints(check_cidr, "cidr", str(network)) == ""
    assert complaints(check_cidr, "cidr", str(address)) == ""


@given(st.text(max_size=20))
def test_text_is_seldom_a_cidr(text):
    """What passes consists of digits, letters of hexadecimal, and three signs."""
    assume(not re.fullmatch(r"[0-9a-fA-F.:/]+", text))
    assume("%" not in text)
    assert complaints(check_cidr, "cidr", text)


@given(st.integers())
def test_a_number_passes_only_within_its_range(number):
    """Both ends included."""
    assert (complaints(check_number, "n", number, range(1, 11), "things") == "") is (
        1 <= number <= 10
    )


@pytest.mark.parametrize(("seconds", "valid"), [(0, False), (1, True), (30, True), (31, False)])
def test_seconds_pass_only_within_their_range(seconds, valid):
    """Both ends included; and the unit may be any."""
    assert (complaints(check_seconds, "t", Duration.seconds(seconds), range(1, 31)) == "") is valid
    assert (
        complaints(check_seconds, "t", Duration.millis(1000 * seconds), range(1, 31)) == ""
    ) is valid


def test_problems_are_listed_one_per_line():
    """Each with argument, value and remedy, below the name of what they are about."""
    problems = Problems("Stack/Inbound/Rule")
    problems.add("recipients", [], "name one")
    problems.add("timeout", "31 s", "stay below")
    with pytest.raises(ConfigurationError) as caught:
        problems.raise_if_any()
    assert str(caught.value) == (
        "Stack/Inbound/Rule:\n  - recipients is []: name one\n  - timeout is '31 s': stay below"
    )


def test_a_configuration_error_is_a_value_error():
    """Code that catches `ValueError` also catches ours."""
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        (Duration.days(0), "'0 days': pass whole days"),
        (Duration.hours(36), "'1.5 days': pass whole days"),
        (Duration.hours(1), "pass whole days, at least one"),
        ("never", "'never': pass a Duration"),
        (90, "90: pass a Duration"),
    ],
    ids=["0 days", "36 hours", "1 hour", "another word", "a number"],
)
def test_a_retention_that_is_not_whole_days_is_refused(retention, words):
    """S3 and the others count days, and 0 would mean either never or forever."""
    problems = Problems("x")
    check_retention(problems, "retention", retention)
    with pytest.raises(ConfigurationError, match=words):
        problems.raise_if_any()


@pytest.mark.parametrize(
    "retention",
    [None, "forever", Duration.days(1), Duration.hours(48)],
    ids=["none", "forever", "1 day", "48 hours"],
)
def test_a_retention_of_whole_days_is_accepted(retention):
    """It may be given in hours, or as ``"forever"``."""
    problems = Problems("x")
    check_retention(problems, "retention", retention)
    problems.raise_if_any()


def test_a_token_is_recognised_in_every_form(stack):
    """Text, a number and a list are looked at here; everything else is asked of aws-cdk-lib."""
    number = CfnParameter(stack, "Number", type="Number")
    texts = CfnParameter(stack, "Texts", type="CommaDelimitedList")
    for token in (
        number.value_as_number,
        number.value_as_string,
        f"a{number.value_as_string}b",
        texts.value_as_list,
        number.value,
        Duration.seconds(number.value_as_number).to_seconds(),
    ):
        assert not resolved(token)


@pytest.mark.parametrize(
    "value",
    ["", "a", "$", "${a}", 0, -1, 1.5, -1e300 / 1e20, True, None, [], ["a"], ("a",), object()],
)
def test_a_value_that_is_not_a_token_is_recognised(value):
    """Also large numbers."""
    assert resolved(value)


def test_a_value_unknown_to_jsii_is_not_a_token():
    """It is refused where it is used, with a better message than jsii's."""
    assert resolved(object())
    assert resolved(print)
