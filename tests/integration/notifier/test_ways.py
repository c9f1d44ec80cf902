"""What holds for every way: one suite, run by each, against real receivers.

Deterministic is what comes and in which order; an event may come twice where a replica was taken over.
"""

from __future__ import annotations

from decimal import Decimal

import aiomqtt
import msgspec
import pytest

from tenon.kafka import KafkaSettings
from tests.integration.notifier.subscribers import WAYS, broker
from tests.integration.notifier.support import CLINIC, MILL, Bench, bench, eventually
from tests.support.told import demand_position, docking, offer_position

by_each_way = pytest.mark.parametrize("way", WAYS)


@by_each_way
async def test_a_subscriber_gets_what_it_wants_of_its_feed_in_order_and_again_when_it_asks(
    kafka: KafkaSettings, postgres: str, way: str
) -> None:
    async with WAYS[way](kafka) as there, bench(kafka, postgres, **there.settings) as b, b.notifier() as url:
        where = f"{url}/v1/subscriptions"
        asked = {**there.asked, "where": ["status=proposed|confirmed", "quantity>=40"]}
        status, made = await b.post(where, MILL, asked)
        assert (status, made["status"]) == (201, "untested"), made
        await b.tell(offer_position())
        await eventually(lambda: _is_told(b, url))
        await b.tell(
            docking("d-1"),
            docking("d-2", quantity=Decimal(39)),
            docking("d-1", "confirmed", 2),
            docking("d-1", "shipped", 3),
        )
        await eventually(lambda: _feed_reaches(b, url, 4))
        assert there.events == []
        assert (await b.post(f"{where}/{made['id']}/ping", MILL))[1]["subscription"] == "active"
        first, second = await there.got(2)
        assert [each["type"] for each in (first, second)] == [
            "tenon.docking.proposed.v1",
            "tenon.docking.confirmed.v1",
        ]
        assert (first["sequence"], second["sequence"]) == (f"{2:020d}", f"{4:020d}")
        assert first["data"]["demand"]["party"].startswith("~")
        assert second["data"]["demand"]["party"] == "clinic"
        await eventually(lambda: _settled(b, f"{where}/{made['id']}", 5))
        status, replayed = await b.post(f"{where}/{made['id']}/replay", MILL, {"from": 3})
        assert (status, replayed) == (202, {"events": 0, "ranges": [[3, 5]]})
        again = await there.got(3)
        assert {**again[2], "time": ""} == {**second, "time": ""}
        attempts = (await b.get(f"{where}/{made['id']}/attempts", MILL))["items"]
        assert [each["number"] for each in attempts] == [4, 4, 2]
        assert all(each["taken"] for each in attempts)


@by_each_way
async def test_another_replica_goes_on_where_one_stopped(
    kafka: KafkaSettings, postgres: str, way: str
) -> None:
    steps = [docking(f"d-{number}") for number in range(60)]
    async with WAYS[way](kafka) as there, bench(kafka, postgres, webhook_batch=5, **there.settings) as b:
        async with b.notifier() as second:
            async with b.notifier() as first:
                made = await b.subscribe(first, MILL, **there.asked, per_second=40)
                await b.tell(*steps)
                await there.got(10)
            await eventually(lambda: _settled(b, f"{second}/v1/subscriptions/{made['id']}", 60))
        arrived = [each["data"]["docking"] for each in await there.got(60)]
    assert list(dict.fromkeys(arrived)) == [step.docking for step in steps]


async def test_whoever_comes_later_finds_the_last_state_of_each_offer_and_demand(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with broker() as port, bench(kafka, postgres, mqtt_url=f"mqtt://127.0.0.1:{port}") as b:
        async with b.notifier() as url:
            made = await b.subscribe(url, CLINIC, way="mqtt")
            await b.tell(demand_position(open_=60), docking(), demand_position(open_=20))
            await eventually(lambda: _settled(b, f"{url}/v1/subscriptions/{made['id']}", 3, CLINIC))
        async with aiomqtt.Client("127.0.0.1", port) as late:
            await late.subscribe("tenon/clinic/#", qos=1)
            message = await anext(aiter(late.messages))
    assert (str(message.topic), message.retain) == ("tenon/clinic/demand/demand-1", True)
    assert msgspec.json.decode(bytes(message.payload))["data"]["windows"][0]["open"] == 20


async def test_a_broker_of_mqtt_that_is_away_is_waited_for(kafka: KafkaSettings, postgres: str) -> None:
    async with broker() as port:
        pass
    async with bench(kafka, postgres, mqtt_url=f"mqtt://127.0.0.1:{port}") as b, b.notifier() as url:
        status, made = await b.post(f"{url}/v1/subscriptions", MILL, {"way": "mqtt"})
        trial = (await b.post(f"{url}/v1/subscriptions/{made['id']}/ping", MILL))[1]
        assert (status, trial["taken"], trial["subscription"]) == (201, False, "untested")
        assert "the broker did not take it" in trial["detail"]


async def test_a_way_that_is_not_there_or_does_not_fit_is_refused_with_the_reason(
    kafka: KafkaSettings, postgres: str
) -> None:
    async with bench(kafka, postgres) as b, b.notifier() as url:
        for asked, pointer in (
            ({"way": "mqtt"}, "/way"),
            ({"way": "pigeon"}, "/way"),
            ({"way": "kafka", "url": "https://a.example/"}, "/url"),
            ({"way": "kafka", "signature": "v1a"}, "/signature"),
            ({"way": "kafka", "principal": "*"}, "/principal"),
            ({"url": "http://127.0.0.1:9/", "principal": "x"}, "/principal"),
            ({"url": "http://127.0.0.1:9/", "order": "strict", "skip_after": 2}, "/skip_after"),
            ({"url": "http://127.0.0.1:9/", "where": ["status=lost"]}, "/where"),
            ({"url": "http://127.0.0.1:9/", "types": ["tenon.round.decided.v1"]}, "/types"),
        ):
            status, problem = await b.post(f"{url}/v1/subscriptions", MILL, asked)
            assert (status, problem["errors"][0]["pointer"]) == (422, pointer), asked


async def _settled(b: Bench, where: str, number: int, key: str = MILL) -> bool:
    return bool((await b.get(where, key))["cursor"] >= number)


async def _is_told(b: Bench, url: str) -> bool:
    return bool((await b.get(f"{url}/v1/offers", MILL))["items"])


async def _feed_reaches(b: Bench, url: str, number: int) -> bool:
    return bool((await b.get(f"{url}/v1/totals"))["last"] >= number)
