"""Which addresses webhooks may call, and how a socket is refused."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.addresses import is_public
from notifier.webhooks.guard import AddressDenied, BadUrl, check_url, socket_factory


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.31.255.255", "192.168.0.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "2001:db8::1", "::127.0.0.1", "x", "",
    ],
)  # fmt: skip
def test_what_is_not_the_public_internet_is_denied(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_nothing_that_python_calls_private_is_public(address: IPv4Address) -> None:
    assert not (is_public(str(address)) and (address.is_private or address.is_multicast))


def test_a_socket_to_a_private_address_is_never_made() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with pytest.raises(AddressDenied, match=r"127\.0\.0\.1 is not a public address"):
        socket_factory(False)(info)
    socket_factory(True)(info).close()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "https:///x", "https://10.0.0.1/",
        "https://[::1]:8443/", "https://u:p@example.org/", "https://example.org/#f", "https://example.org:x/",
        "https://e.org/" + "x" * 2000, "", "//example.org", "https://exa mple.org/", "https://e.org/\0",
        "https://e.org/\r\nhost: x", "https://e.org\\@10.0.0.1/", "https://e.org:99999/", "https://e.org/#",
        "https://127.1/", "https://2130706433/", "https://１２７.0.0.1/", "https://①②⑦.0.0.1/", "https://:p@e.org/",
        "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/", "https://169.254.169.254/latest/meta-data",
    ],
)  # fmt: skip
def test_urls_that_can_never_be_called_are_refused(url: str) -> None:
    with pytest.raises(BadUrl):
        check_url(url, allow_private=False)


def test_private_urls_and_plain_http_are_for_development() -> None:
    assert check_url("http://127.0.0.1:9/hook", allow_private=True)
    assert check_url("https://example.org:8443/hook?x=1", allow_private=False)
