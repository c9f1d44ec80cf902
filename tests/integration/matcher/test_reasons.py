"""All reasons of a demand, asked over HTTP and answered from what the rounds stored.

What is deterministic: the reasons, as long as nothing docks in between.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import pytest

from matcher.domain.explain import MOST_MISSES
from matcher.reasons import Explainer, Question
from tenon.contracts.values import Money
from tenon.errors import Transient
from tenon.kafka import KafkaSettings
from tests.support.market import MARKET, demand, item, offer
from tests.support.matching import append, log_record, matching, prepare, settings_of, until_decided

ADMIN = "an-administrators-key"
TOO_DEAR = 7
ASK = f"/v1/markets/{MARKET}/demands/clinic/d/reasons"


def euros(amount: str) -> Money:
    return Money(amount=amount, currency="EUR")


@asynccontextmanager
async def asking(kafka: KafkaSettings, postgres: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A matcher that has decided: a demand stays open, for every offer left is too dear in its own way."""
    await prepare(kafka, postgres)
    dear = [
        offer(f"dear{number}", 10, price=euros(f"{1 + number / 5:.2f}")) for number in range(1, 1 + TOO_DEAR)
    ]
    filled = offer("tailor", 5, item=item("gown")), demand("ward", 5, item=item("gown"))
    said = [*dear, offer("near", 4, price=euros("1")), demand("clinic", highest_price=euros("1")), *filled]
    await append(kafka, [log_record(each, number) for number, each in enumerate(said)])
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with matching(settings_of(kafka, postgres, admin_key=ADMIN), listening.set_result):
        await until_decided(kafka, len(said))
        async with aiohttp.ClientSession(await listening) as session:
            yield session


def key(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


async def test_the_full_answer_holds_every_nearest_miss(kafka: KafkaSettings, postgres: str) -> None:
    async with asking(kafka, postgres) as session, session.get(ASK, headers=key(ADMIN)) as answer:
        assert answer.status == HTTPStatus.OK
        reasons = await answer.json()
    assert TOO_DEAR > MOST_MISSES
    assert reasons["considered"] == TOO_DEAR + 2
    assert reasons["failed"] == {"class": 1, "price": TOO_DEAR, "exhausted": 1}
    assert [miss["change"] for miss in reasons["nearest"]] == [
        f"pay {percent} % more" for percent in range(20, 20 + 20 * TOO_DEAR, 20)
    ]


async def test_only_the_administrator_may_ask_and_only_for_what_is_open(
    kafka: KafkaSettings, postgres: str
) -> None:
    nowhere, filled = ASK.replace("clinic", "nobody"), ASK.replace("clinic", "ward")
    async with asking(kafka, postgres) as session:
        for path, headers, status in (
            (ASK, {}, HTTPStatus.UNAUTHORIZED),
            (ASK, key("some-other-secret-key"), HTTPStatus.FORBIDDEN),
            (nowhere, key(ADMIN), HTTPStatus.NOT_FOUND),
            (filled, key(ADMIN), HTTPStatus.NOT_FOUND),
        ):
            async with session.get(path, headers=headers) as answer:
                assert answer.status == status
                assert answer.content_type == "application/problem+json"


async def test_a_process_that_can_not_answer_is_said_to_be_unavailable() -> None:
    nowhere = Explainer(lambda _: "postgresql://nobody@127.0.0.1:1/none", deadline_ms=2_000)
    with pytest.raises(Transient):
        await nowhere.ask(Question(0, MARKET, "clinic/d", live=True))
