"""Webhooks reach the address that was checked and no other, whatever a name, an answer or the machine says.

Real servers on this machine; only what a name points to is the test's own, at the edge where the system would
be asked. What can be refused when somebody subscribes is in `tests/unit/notifier/test_addresses.py`.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from notifier.domain.ways import Message
from notifier.ways import Report, Target
from notifier.ways.webhook import Webhooks
from tenon.clock import WallClock
from tenon.guard import LookUp, Resolver, connector_of
from tests.integration.notifier.receiver import Receiver, receiving

SECRET = "whsec_" + "YWJj" * 16
PUBLIC = "93.184.216.34"


def pointing(*answers: Sequence[str]) -> tuple[LookUp, list[str]]:
    """Return a look-up that gives these answers in turn, and the names that it was asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: object) -> list[Any]:
        addresses = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in addresses
        ]

    return look_up, asked


@asynccontextmanager
async def calling(look_up: LookUp, *, allow_private: bool, **more: Any) -> AsyncIterator[Webhooks]:
    """Lend what calls endpoints, with another look-up."""
    resolver = Resolver(threads=1, allow_private=allow_private, look_up=look_up)
    connector = connector_of(resolver, allow_private=allow_private, connections=4)
    timeout = aiohttp.ClientTimeout(total=10, sock_connect=1)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, trust_env=False, **more
    ) as session:
        yield Webhooks(session, response_bytes=1_024, clock=WallClock())
    await resolver.close()


async def called(caller: Webhooks, url: str) -> Report:
    target = Target("sub_1", "mill", "webhook", url, (SECRET,))
    sending = caller.send(target, [Message(1, "e1", "tenon.docking.proposed.v1", "d-1", b'{"data":{}}')])
    return await anext(sending)


def port_of(receiver: Receiver) -> str:
    return receiver.url.split(":")[2].split("/")[0]


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["0.0.0.0"], ["169.254.169.254"], ["fd00::1"],
        ["64:ff9b::7f00:1"], ["2002:7f00:1::"], [PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC],
    ],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_not_followed(addresses: list[str]) -> None:
    look_up, asked = pointing(addresses)
    async with receiving() as inside, calling(look_up, allow_private=False) as caller:
        report = await called(caller, f"http://hook.example:{port_of(inside)}/")
        assert asked == ["hook.example"]
        assert report.attempt.status is None
        assert report.attempt.detail == "not allowed: this name has an address that is not public"
        assert inside.got == []


async def test_a_name_that_changes_after_it_was_checked_changes_nothing() -> None:
    look_up, asked = pointing([PUBLIC], ["127.0.0.1"])
    async with receiving() as inside, calling(look_up, allow_private=False) as caller:
        url = f"http://hook.example:{port_of(inside)}/"
        first = await called(caller, url)
        assert first.attempt.status is None
        assert "not allowed" not in first.attempt.detail
        await called(caller, url)
        assert asked == ["hook.example"]
        assert inside.got == []


async def test_a_call_goes_to_the_address_that_its_name_was_given() -> None:
    look_up, asked = pointing(["127.0.0.1"], [PUBLIC])
    async with receiving() as receiver, calling(look_up, allow_private=True) as caller:
        url = f"http://hook.example:{port_of(receiver)}/"
        assert (await called(caller, url)).attempt.status == 204
        assert (await called(caller, url)).attempt.status == 204
        assert asked == ["hook.example"]
        assert receiver.headers[0]["host"] == f"hook.example:{port_of(receiver)}"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "0.0.0.0", "127.1", "2130706433", "0x7f.1", "0177.1"])
async def test_an_address_in_any_spelling_is_checked_again_when_it_is_called(host: str) -> None:
    async with receiving() as inside, calling(socket.getaddrinfo, allow_private=False) as caller:
        report = await called(caller, f"http://{host}:{port_of(inside)}/")
        assert report.attempt.status is None
        assert any(why in report.attempt.detail for why in ("not allowed: ", "not a canonical IPv4 address"))
        assert inside.got == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_a_failure_and_not_followed(status: int) -> None:
    look_up, _ = pointing(["127.0.0.1"])
    async with receiving() as inside:

        async def elsewhere(_: int) -> web.Response:
            return web.Response(status=status, headers={"location": inside.url})

        async with receiving(elsewhere) as outside, calling(look_up, allow_private=True) as caller:
            report = await called(caller, outside.url)
        assert report.attempt.status == status
        assert (len(outside.got), inside.got) == (1, [])


async def test_a_proxy_of_the_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up, _ = pointing(["127.0.0.1"])
    async with receiving() as proxy, receiving() as receiver, calling(look_up, allow_private=True) as caller:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        url = f"http://hook.example:{port_of(receiver)}/"
        assert (await called(caller, url)).attempt.status == 204
        assert proxy.got == []
