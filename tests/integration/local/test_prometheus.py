"""A stack that is watched, as its operator sees it: one for this module, in the order of a day.

What is deterministic: that every number is there. What is not: the numbers.
"""

import asyncio
import json
import os
import re
import shlex
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import count
from math import isnan

import aiohttp
import pytest

from tenon.client import NotAllowed, TenonClient, new_event
from tenon.contracts import intake
from tenon.contracts.cloudevents import CloudEvent
from tenon.contracts.families import INTAKE
from tenon.contracts.values import Item, ItemClass, Position, Shape, Window
from tenon.db import Database
from tests.integration.notifier.receiver import receiving, statuses
from tests.support.commands import Home, home
from tests.support.examples import ROOT
from tests.support.panels import QUERIES
from tests.support.prometheus import program, promtool
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(300)

_TYPES = {family.data: family.name for family in INTAKE}
MASKS = Item(class_=ItemClass(scheme="own", code="mask"), unit="C62")
NOW = datetime.now(UTC).replace(microsecond=0)
SCRAPED_S = 60
Missing = list[tuple[str, str, str]]


@pytest.fixture(scope="module")
def here() -> Iterator[Home]:
    """A stack with Prometheus beside it, started as operators do."""
    program("prometheus")
    with home() as made:
        status, told = made.tenon("up", "--with-prometheus")
        assert status == 0, told
        assert f"prometheus {url_of(made)}\n" in told
        yield made


def url_of(home: Home) -> str:
    (port,) = (entry.port for entry in home.state().processes if entry.kind == "prometheus")
    return f"http://127.0.0.1:{port}"


def client_of(home: Home, key: str | None = None) -> TenonClient:
    state = home.state()
    (ingest,), (notifier,) = state.urls["ingest"], state.urls["notifier"]
    return TenonClient(ingest, notifier, key or state.admin_key)


async def asked(session: aiohttp.ClientSession, url: str, query: str) -> list[float]:
    """What Prometheus answers: a value per series."""
    async with session.get(f"{url}/api/v1/query", params={"query": query}) as response:
        told = await response.json()
    assert told["status"] == "success", told
    return [float(series["value"][1]) for series in told["data"]["result"]]


def event(data: Shape) -> CloudEvent:
    return new_event(_TYPES[type(data)], "test", data)


def party(name: str, revision: int = 1) -> Shape:
    return intake.PartyRegistered(
        party=name,
        revision=revision,
        name=name.title(),
        supply_confirmation="automatic",
        demand_confirmation="automatic",
    )


def site(name: str) -> Shape:
    place = Position(latitude=48.1, longitude=11.6)
    return intake.SitePublished(party=name, site="main", revision=1, position=place, region="DE-BY")


def windows(quantity: int) -> list[Window]:
    return [Window(id="w", from_=NOW, until=NOW + timedelta(days=30), quantity=Decimal(quantity))]


def turn(number: int) -> list[CloudEvent]:
    """A party that changes, an offer, a demand that is filled by it in part, and an event that is refused."""
    wanted = intake.DemandPublished(
        party="clinic", demand=f"d{number}", revision=1, site="main", item=MASKS, windows=windows(100)
    )
    offered = intake.OfferPublished(
        party="acme", offer=f"o{number}", revision=1, site="main", item=MASKS, windows=windows(70)
    )
    nobody = intake.OfferPublished(
        party="nobody", offer="o", revision=1, site="main", item=MASKS, windows=windows(1)
    )
    return [event(each) for each in (party("acme", number + 2), offered, wanted, nobody)]


async def work(admin: TenonClient, session: aiohttp.ClientSession, matcher: str) -> None:
    """Publish and read a little, over and over."""
    for number in count():
        told = await admin.publish(turn(number))
        assert [each.problem is None for each in told] == [True, True, True, False], told
        async with session.get(f"{matcher}/openapi.json") as response:
            assert response.status == 200
        await admin.totals()
        await asyncio.sleep(0.2)


async def is_known(client: TenonClient) -> bool:
    with suppress(NotAllowed):
        return await client.subscriptions() == []
    return False


async def listen(client: TenonClient) -> None:
    async for _ in client.stream():
        pass


@asynccontextmanager
async def at_work(home: Home, session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """A small load: two parties, a live stream, an endpoint that takes events and one that says 410."""
    async with client_of(home) as admin, receiving() as good, receiving(statuses(*[410] * 1_000)) as gone:
        await admin.publish(
            [event(each) for name in ("acme", "clinic") for each in (party(name), site(name))]
        )
        key = (await admin.make_key("acme"))["secret"]
        async with client_of(home, key) as acme:
            await until(partial(is_known, acme), "the notifier knows the key")
            for receiver in (good, gone):
                subscription = await acme.subscribe(receiver.url)
                assert await acme.ping(subscription["id"])
            (matcher,) = home.state().urls["matcher"]
            tasks = [
                asyncio.create_task(work(admin, session, matcher)),
                asyncio.create_task(listen(acme)),
            ]
            try:
                yield
                for task in tasks:
                    assert not task.done(), task
            finally:
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task


async def test_every_query_of_every_panel_returns_data(here: Home) -> None:
    missing: Missing = list(QUERIES)

    async def all_there() -> bool:
        nonlocal missing
        answers = [(each, await asked(session, url, each[2])) for each in missing]
        missing = [each for each, values in answers if all(isnan(value) for value in values)]
        return not missing

    url = url_of(here)
    async with aiohttp.ClientSession() as session, at_work(here, session):
        with suppress(AssertionError):
            await until(all_there, "every query has data", SCRAPED_S)
        assert missing == []


async def test_no_alert_fires_but_that_of_the_endpoint_that_is_gone(here: Home) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{url_of(here)}/api/v1/alerts") as response:
        alerts = (await response.json())["data"]["alerts"]
    firing = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    assert firing <= {"TenonEndpointsDisabled"}


async def test_promtool_has_nothing_to_say_about_what_services_report(here: Home) -> None:
    async with aiohttp.ClientSession() as session:
        for (url,) in here.state().urls.values():
            async with session.get(f"{url}/metrics") as response:
                assert promtool("check", "metrics", told=await response.read()) == ""


async def test_the_queries_that_the_runbook_names_can_be_asked(here: Home) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    queries = [shlex.split(line)[1] for line in re.findall(r"^rows \".*$", page, re.MULTILINE)]
    assert queries
    auditor = here.state().database_urls["auditor"]
    async with Database.connect(auditor, schema="matcher") as database:
        for query in queries:
            assert await database.fetch(query) is not None


def test_status_and_logs_show_prometheus_as_they_show_the_rest(here: Home) -> None:
    status, told = here.tenon("status")
    assert status == 0, told
    assert re.search(r"│ prometheus +│ +\d+ +│ +\d+ +│ ready", told), told
    assert here.tenon("logs", "prometheus")[0] == 0


async def test_a_prometheus_that_was_killed_is_started_again(here: Home) -> None:
    before = next(entry for entry in here.state().processes if entry.kind == "prometheus")
    os.kill(before.pid, signal.SIGKILL)

    async def back() -> bool:
        now = [entry for entry in here.state().processes if entry.kind == "prometheus"]
        return bool(now) and now[0].pid != before.pid and here.tenon("status")[0] == 0

    await until(back, "Prometheus is ready again", 30)


def test_down_stops_it_with_the_rest(here: Home) -> None:
    before = here.state()
    assert here.tenon("down") == (0, "stopped\n")
    assert [entry.name for entry in before.processes if entry.identity.is_alive()] == []
    read = json.loads((here.data_dir / "prometheus" / "prometheus.yml").read_text())
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in read["scrape_configs"]}
    assert scraped == {
        name: [url.removeprefix("http://") for url in urls] for name, urls in before.urls.items()
    }
