"""The read interface: pages, filters, histories, and that nobody reads what is another's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tenon.kafka import KafkaSettings
from tests.integration.notifier.support import ADMIN_KEY, CLINIC, MILL, Bench, bench, eventually
from tests.support.told import START, demand_position, docking, offer_position, resource_position


async def test_a_demand_has_its_reasons_and_the_history_of_its_dockings(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(demand_position(), docking(), docking(status="confirmed", revision=2), docking("d-2"))
        await eventually(lambda: _last(b, address, 3))
        shown = await b.get(f"{address}/v1/demands/clinic/demand-1", CLINIC)
        assert shown["reasons"]["failed"] == {"price": 2, "region": 1}
        assert [each["docking"] for each in shown["dockings"]] == ["d-2", "d-1"]
        assert [step["status"] for step in shown["dockings"][1]["steps"]] == ["proposed", "confirmed"]
        assert shown["dockings"][1]["supply"]["party"] == "mill"
        assert shown["dockings"][0]["supply"]["party"].startswith("~")


async def test_an_offer_and_a_docking_have_their_histories(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(offer_position(), docking(), docking(status="declined", revision=2))
        await eventually(lambda: _last(b, address, 2))
        await eventually(lambda: _found(b, f"{address}/v1/offers/mill/offer-1", MILL))
        shown = await b.get(f"{address}/v1/offers/mill/offer-1", MILL)
        assert [each["status"] for each in shown["dockings"]] == ["declined"]
        one = await b.get(f"{address}/v1/dockings/d-1", CLINIC)
        assert [(step["revision"], step["status"]) for step in one["steps"]] == [
            (1, "proposed"),
            (2, "declined"),
        ]


async def test_a_party_reads_what_is_consumed_of_its_resources_until_they_are_forgotten(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        (told,) = await b.tell(resource_position())
        await eventually(lambda: _found(b, f"{address}/v1/resources/mill/line", MILL))
        shown = await b.get(f"{address}/v1/resources/mill/line", MILL)
        assert [(part["consumed"], part["free"]) for part in shown["windows"]] == [(2700, 900)]
        assert await b.status(f"{address}/v1/resources/mill/line", CLINIC) == 404
        assert (await b.get(f"{address}/v1/resources?class=own:mask&status=open", MILL))["items"] == [shown]
        assert (await b.get(f"{address}/v1/resources", CLINIC))["items"] == []
        await b.write([told._replace(value=None, headers=[("ce_sequence", f"{9:020d}".encode())])])
        await eventually(lambda: _is_gone(b, f"{address}/v1/resources/mill/line", MILL))


async def test_a_docking_with_many_steps_shows_the_newest(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(demand_position(), *[docking("d-1", "shipped", revision) for revision in range(1, 61)])
        await b.tell(docking("d-2", proposed_at=START - timedelta(days=1)))
        await eventually(lambda: _last(b, address, 61))
        await eventually(lambda: _found(b, f"{address}/v1/demands/clinic/demand-1", CLINIC))
        shown = await b.get(f"{address}/v1/demands/clinic/demand-1", CLINIC)
        many, one = shown["dockings"]
        assert [step["revision"] for step in many["steps"]] == list(range(11, 61))
        assert [step["revision"] for step in one["steps"]] == [1]


async def test_what_is_anothers_is_not_there(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        await b.tell(
            offer_position(), demand_position(), docking("d-1"), docking("d-9", supply="x", demand="y")
        )
        await eventually(lambda: _last(b, address, 2))
        await eventually(lambda: _found(b, f"{address}/v1/demands/clinic/demand-1", CLINIC))
        for path in ("demands/clinic/demand-1", "dockings/d-9", "dockings/d-none", "offers/mill/none"):
            assert await b.status(f"{address}/v1/{path}", MILL) == 404
        assert await b.status(f"{address}/v1/offers/mill/offer-1", CLINIC) == 404
        assert [each["docking"] for each in await _items(b, f"{address}/v1/dockings", MILL)] == ["d-1"]
        assert await _items(b, f"{address}/v1/demands", MILL) == []
        assert await b.status(f"{address}/v1/dockings", MILL, party="clinic") == 403
        assert len(await _items(b, f"{address}/v1/dockings", ADMIN_KEY)) == 2
        assert len(await _items(b, f"{address}/v1/dockings", ADMIN_KEY, party="x")) == 1
        assert await b.status(f"{address}/v1/dockings", None) == 401


async def test_lists_are_paged_without_gaps_and_doubles(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        names = [f"n-{number:03d}" for number in range(23)]
        sides = [{"supply": "mill", "demand": "clinic"}, {"supply": "clinic", "demand": "mill"}]
        steps = [
            docking(name, proposed_at=START + timedelta(seconds=index // 4), **sides[index % 2])  # type: ignore[arg-type]
            for index, name in enumerate(names)
        ]
        await b.tell(*steps, *[demand_position("mill", name) for name in names])
        await eventually(lambda: _last(b, address, 23))
        await eventually(lambda: _found(b, f"{address}/v1/demands/mill/{names[-1]}", MILL))
        found = await _pages(b, f"{address}/v1/dockings", MILL, limit="5")
        assert [each["docking"] for each in found] == names[::-1]
        assert [each["demand"] for each in await _pages(b, f"{address}/v1/demands", MILL, limit="7")] == names
        assert await b.status(f"{address}/v1/dockings", MILL, page="nonsense") == 400


async def test_filters_leave_out_the_rest(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        late = START + timedelta(days=2)
        await b.tell(docking("d-1"), docking("d-2", "confirmed"), docking("d-3", at=late))
        await eventually(lambda: _last(b, address, 3))
        url = f"{address}/v1/dockings"
        cases: list[tuple[dict[str, str], list[str]]] = [
            ({"status": "confirmed"}, ["d-2"]),
            ({"status": "confirmed", "class": "own:gown"}, []),
            ({"status": "declined"}, []),
            ({"class": "own:ma"}, ["d-3", "d-2", "d-1"]),
            ({"class": "own:MASK"}, ["d-3", "d-2", "d-1"]),
            ({"class": "own:m_sk"}, []),
            ({"class": "hs:mask"}, []),
            ({"since": "2026-03-03T00:00:00Z"}, ["d-3"]),
        ]
        for given, wanted in cases:
            assert [each["docking"] for each in await _items(b, url, MILL, **given)] == wanted, given
        assert await b.status(url, MILL, since="2026-03-03T00:00:00") == 422
        assert await b.status(url, MILL, since="soon") == 422
        assert await b.status(url, MILL, limit="0") == 422


@pytest.mark.parametrize("path", ["/v1/nowhere", "/v1/dockings/d-1", "/v1/demands/a/b", "/page/none.js"])
async def test_every_fault_is_a_problem_document(kafka: KafkaSettings, postgres: str, path: str) -> None:
    async with (
        bench(kafka, postgres) as b,
        b.notifier() as address,
        b.session.get(address + path) as answer,
    ):
        assert answer.status in (401, 404)
        assert answer.content_type == "application/problem+json"
        assert (await answer.json(content_type=None))["status"] == answer.status


async def test_the_page_loads_nothing_from_elsewhere(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as address:
        async with b.session.get(f"{address}/") as answer:
            assert answer.status == 200
            assert "default-src 'self'" in answer.headers["content-security-policy"]
            text = await answer.text()
        assert "http://" not in text
        assert "https://" not in text
        assert "style=" not in text
        for name in ("main.js", "style.css", "icon.svg"):
            assert f"/page/{name}" in text
            assert await b.status(f"{address}/page/{name}", None) == 200
        async with b.session.get(f"{address}/docs") as answer:
            assert "cdn" not in await answer.text()


async def _is_gone(b: Bench, url: str, key: str) -> bool:
    return await b.status(url, key) == 404


async def _items(b: Bench, url: str, key: str, **params: str) -> list[Any]:
    return list((await b.get(url, key, **params))["items"])


async def _pages(b: Bench, url: str, key: str, **params: str) -> list[Any]:
    found: list[Any] = []
    page: dict[str, str] = {}
    while True:
        answer = await b.get(url, key, **params, **page)
        found += answer["items"]
        if "next" not in answer:
            return found
        page = {"page": answer["next"]}


async def _last(b: Bench, address: str, number: int) -> bool:
    return bool((await b.get(f"{address}/v1/totals"))["last"] == number)


async def _found(b: Bench, url: str, key: str) -> bool:
    return await b.status(url, key) == 200
