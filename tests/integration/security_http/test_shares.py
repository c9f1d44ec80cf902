"""One party takes no more than its share of the notifier, and is told so; the others notice nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tenon.kafka import KafkaSettings
from tests.integration.notifier.receiver import receiving
from tests.integration.notifier.support import (
    CLINIC,
    MILL,
    Bench,
    authorized,
    bench,
    eventually,
    take,
)
from tests.support.told import docking


async def test_a_party_has_its_share_of_streams_and_the_wall_half(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres, streams_per_party=2, stream_clients=6) as b, b.notifier() as address:
        async with AsyncExitStack() as stack:
            for key in (MILL, MILL, None, None, None):
                await stack.enter_async_context(b.stream(address, key, after="0"))
            await eventually(lambda: _streams(b, address, 5))
            for key in (MILL, None):
                status, later, slug = await asked(b, f"{address}/v1/stream", key)
                assert (status, later, slug) == (429, "5", "/problems/too-many-requests")
            await b.tell(docking())
            async with b.stream(address, CLINIC, after="0") as stream:
                assert len(await take(stream, 1)) == 1
        await eventually(lambda: _streams(b, address, 0))
        async with b.stream(address, MILL, after="0") as stream:
            assert len(await take(stream, 1)) == 1


async def test_who_asks_too_fast_is_told_when_to_come_back(kafka: KafkaSettings, postgres: str) -> None:
    rates = {"rate_requests_per_second": 1, "rate_burst_requests": 20}
    async with bench(kafka, postgres) as b, b.notifier() as usual, b.notifier(**rates) as address:
        await eventually(lambda: _signs_in(b, usual, MILL))
        told = [await asked(b, f"{address}/v1/offers", MILL) for _ in range(80)]
        assert {status for status, *_ in told} == {200, 429}
        assert all(int(later) >= 1 for status, later, _ in told if status == 429)
        for path, key in (("offers", CLINIC), ("totals", None)):
            assert (await asked(b, f"{address}/v1/{path}", key))[0] == 200
        for _ in range(80):
            status, *_ = await asked(b, f"{address}/v1/totals", None)
        assert status == 429
        assert (await asked(b, f"{address}/v1/offers", CLINIC))[0] == 200


async def test_a_party_has_its_share_of_endpoints(kafka: KafkaSettings, postgres: str) -> None:
    async with bench(kafka, postgres, subscriptions_per_party=2) as b, b.notifier() as address:
        async with receiving() as receiver:
            statuses = [
                (await b.post(f"{address}/v1/subscriptions", key, {"url": receiver.url}))[0]
                for key in (MILL, MILL, MILL, CLINIC)
            ]
        assert statuses == [201, 201, 429, 201]


async def asked(b: Bench, url: str, key: str | None) -> tuple[int, str, str]:
    """Return status, Retry-After and the kind of the problem."""
    async with b.session.get(url, headers=authorized(key), params={}) as answer:
        document = await answer.json(content_type=None) if answer.status != 200 else {}
        return answer.status, answer.headers.get("retry-after", ""), document.get("type", "")


async def _streams(b: Bench, address: str, number: int) -> bool:
    async with b.session.get(f"{address}/metrics") as answer:
        return f"tenon_notifier_streams {float(number)}" in await answer.text()


async def _signs_in(b: Bench, address: str, key: str) -> bool:
    return await b.status(f"{address}/v1/offers", key) == 200
