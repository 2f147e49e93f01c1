"""The address policy against an independent statement of it, and every known way to write an address that is not public."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.sources.addresses import AddressPolicy, is_public
from rubric_factory.sources.urls import BadUrl, literal, parse

PUBLIC_ONLY = AddressPolicy()

# IANA IPv4 special-purpose registry, blocks that are not globally reachable (or multicast, or deprecated), as first and last address.
SPECIAL = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "255.255.255.255"),
    ("168.63.129.16", "168.63.129.16"),
]


def _number(text):
    first, second, third, fourth = (int(part) for part in text.split("."))
    return ((first * 256 + second) * 256 + third) * 256 + fourth


RANGES = [(_number(first), _number(last)) for first, last in SPECIAL]


def _special(number):
    return any(first <= number <= last for first, last in RANGES)


edges = st.sampled_from([n for first, last in RANGES for n in (first - 1, first, last, last + 1) if 0 <= n < 2**32])
ipv4 = st.one_of(st.integers(0, 2**32 - 1), edges)


@given(ipv4)
def test_an_ipv4_address_is_public_exactly_outside_the_special_blocks(number):
    assert is_public(ipaddress.IPv4Address(number)) == (not _special(number))


@given(ipv4)
def test_an_ipv6_form_of_an_ipv4_address_is_judged_as_that_address(number):
    mapped = ipaddress.IPv6Address((0xFFFF << 32) | number)
    nat64 = ipaddress.IPv6Address((0x0064FF9B << 96) | number)
    six_to_four = ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)
    assert {is_public(mapped), is_public(nat64), is_public(six_to_four)} == {not _special(number)}


@given(st.integers(0, 2**128 - 1))
def test_no_ipv6_address_outside_global_unicast_is_public_but_nat64_and_mapped_forms(number):
    address = ipaddress.IPv6Address(number)
    inside = number >> 125 == 1
    embedding = number >> 32 in (0xFFFF, 0x0064FF9B << 64)
    assert not is_public(address) or inside or embedding


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "::7f00:1",  # IPv4-compatible
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",  # a cloud's metadata
        "ff02::1",
        "ff0e::1",
        "2001::1",  # Teredo
        "2001:db8::1",
        "3fff::1",
        "64:ff9b:1::a00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "100::1",
        "5f00::1",
        "4000::1",
        "169.254.169.254",
        "100.100.100.200",
        "not an address",
        "",
    ],
)
def test_refused(address):
    assert not PUBLIC_ONLY.permits(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::1", "::ffff:1.1.1.1", "64:ff9b::808:808"])
def test_permitted(address):
    assert PUBLIC_ONLY.permits(address)


def test_a_named_network_is_permitted_and_nothing_beside_it():
    policy = AddressPolicy.of(("10.1.0.0/16", "fd00::/8"))
    assert policy.permits("10.1.2.3") and policy.permits("fd12::1") and policy.permits("::ffff:10.1.2.3")
    assert not policy.permits("10.2.0.1") and not policy.permits("127.0.0.1") and not policy.permits("fe80::1")
    assert not policy.permits("64:ff9b::a01:203"), "through a translator, that is another network's 10.1.2.3"


@pytest.mark.parametrize(
    "text",
    [
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://1.2.3.4.5/",
        "http://example.0x1/",
        "http://[fe80::1%25eth0]/",
        "http://a%2eb/",
        "http://a_b..c/",
        "http://exa mple.org/",
        "http://example.org\\@127.0.0.1/",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://@example.org/",
        "http://:80/",
        "http:///path",
        "http://example.org:0/",
        "http://example.org:99999/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "//example.org/",
        "example.org/x",
        "javascript:alert(1)",
        "gopher://example.org/",
        "http://example.org/\x00",
        "http://example.org/a\nHost: b",
        "http://example.org/" + "a" * 5000,
        "http://[::1/",
        "",
    ],
)
def test_a_bad_url_is_refused_unasked(text):
    with pytest.raises(BadUrl):
        parse(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("HTTP://Example.ORG:80/a/../b?q=1#part", "http://example.org/b?q=1"),
        ("https://example.org:443", "https://example.org/"),
        ("https://example.org.:8443/", "https://example.org:8443/"),
        ("http://münchen.de/ä", "http://xn--mnchen-3ya.de/%C3%A4"),
        ("http://[2606:4700:0:0::1111]/x", "http://[2606:4700::1111]/x"),
        ("http://①②⑦.0.0.1/", "http://127.0.0.1/"),  # an address after all, which the policy then refuses
    ],
)
def test_normal_form(text, normal):
    assert str(parse(text)) == normal


@given(st.text(max_size=60))
def test_whatever_is_accepted_is_http_to_a_plain_host_and_stays_as_it_is(text):
    for candidate in (text, f"http://{text}/"):
        try:
            url = parse(candidate)
        except BadUrl:
            continue
        assert url.scheme in ("http", "https") and url.raw_user is None and not url.raw_fragment
        host = url.raw_host
        assert literal(host) or set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-._")
        assert parse(str(url)) == url
