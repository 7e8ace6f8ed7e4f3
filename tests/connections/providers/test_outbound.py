"""Which servers can be called."""

import pytest

from connections.providers.base import AddressRefused
from connections.providers.outbound import OutboundGuard
from tests.connections.providers.caldav_servers import look_up

PUBLIC_V4, PUBLIC_V6 = "17.248.190.1", "2a01:b740:a41::1"


def resolve(*addresses: str, allowed: tuple[str, ...] = ()) -> list[str]:
    guard = OutboundGuard(allowed, look_up=look_up(*addresses))
    return [endpoint[4][0] for endpoint in guard.resolve("calendar.example", 443)]


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "::1", "0.0.0.0", "::"),  # this machine
        *("10.0.0.1", "172.16.5.4", "192.168.1.1", "fc00::1", "fd12::1", "fec0::1"),  # at home
        *("169.254.169.254", "fe80::1%lo"),  # link-local, where clouds keep secrets
        *("100.64.0.1", "198.18.0.1", "192.0.0.8", "192.88.99.1"),  # carriers, tests, relays
        *("192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"),  # documentation
        *("224.0.0.1", "239.1.1.1", "ff02::1", "255.255.255.255", "240.0.0.1"),  # not one machine
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),  # in disguise
        *("64:ff9b:1::1", "2002:7f00:1::", "2001::1", "::127.0.0.1", "5f00::1", "100::1"),
    ],
)
def test_address_that_is_not_on_the_public_internet_is_refused(address):
    with pytest.raises(AddressRefused, match="private network"):
        resolve(address)


@pytest.mark.parametrize(
    "address", [PUBLIC_V4, PUBLIC_V6, f"::ffff:{PUBLIC_V4}", "64:ff9b::11f8:be01"]
)
def test_public_address_is_called(address):
    assert resolve(address) == [address]


def test_one_private_address_among_public_ones_refuses_the_name():
    with pytest.raises(AddressRefused):
        resolve(PUBLIC_V4, "10.0.0.1")


def test_two_addresses_of_each_family_are_tried_at_most():
    four = ["17.1.1.1", "17.1.1.2", "17.1.1.3"]
    six = ["2a01::1", "2a01::2", "2a01::3"]

    assert resolve(*six, *four) == ["2a01::1", "2a01::2", "17.1.1.1", "17.1.1.2"]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "fd12::1", "100.64.0.1"])
def test_allowed_host_may_be_private(address):
    assert resolve(address, allowed=("calendar.example",)) == [address]


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "::ffff:169.254.169.254"]
)
def test_allowed_host_is_never_the_clouds_own(address):
    with pytest.raises(AddressRefused):
        resolve(address, allowed=("calendar.example",))


# --- addresses by their looks --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://calendar.example/", "https only"),
        ("ftp://calendar.example/", "https only"),
        ("file:///etc/passwd", "not the address of a server"),
        ("https://", "not the address of a server"),
        ("https:calendar.example", "not the address of a server"),
        ("https://calendar.example\\@evil.example/", "not the address of a server"),
        ("https://calendar.example\n.evil.example/", "not the address of a server"),
        ("https://calendar example/", "not the address of a server"),
        ("https://[::1/", "not the address of a server"),
        ("https://calendar.example:99999/", "not the address of a server"),
        ("https://calendar.example:0/", "not the address of a server"),
        ("https://ada:secret@calendar.example/", "a name or a password"),
        ("https://calendar.example:25/", "Port 25"),
        ("https://calendar.example:80/", "Port 80"),
    ],
)
def test_address_is_refused_by_its_looks(url, reason):
    with pytest.raises(AddressRefused, match=reason) as refusal:
        OutboundGuard().check(url)

    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://calendar.example/dav/",
        "https://calendar.example:443/",
        "https://calendar.example:8443/",
        "https://[2a01::1]:5232/",
    ],
)
def test_https_address_passes(url):
    OutboundGuard().check(url)


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("nas.local", "http://nas.local/"),
        ("nas.local", "http://NAS.local.:5232/"),
        ("nas.local:5232", "http://nas.local:5232/"),
        (" NAS.local ", "https://nas.local:80/"),
        ("[fd12::1]:5232", "http://[fd12::1]:5232/"),
    ],
)
def test_allowed_host_may_be_called_over_plain_http(allowed, url):
    OutboundGuard([allowed]).check(url)


@pytest.mark.parametrize(
    "url", ["http://nas.local/", "http://nas.local:5233/", "http://other.local:5232/"]
)
def test_allowed_port_allows_no_other(url):
    with pytest.raises(AddressRefused):
        OutboundGuard(["nas.local:5232"]).check(url)
