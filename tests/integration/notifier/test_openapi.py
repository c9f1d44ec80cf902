"""The description says what the interface does: real answers against their schemas."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from notifier.generated import document
from tenon.kafka import KafkaSettings
from tests.integration.notifier.receiver import receiving, statuses
from tests.integration.notifier.support import ADMIN_KEY, CLINIC, MILL, Bench, bench, eventually
from tests.support.told import demand_position, docking, offer_position, resource_position, round_decided


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return dict(document())


def test_the_description_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)


def test_every_address_says_what_it_answers_and_which_problems_may_come(described: dict[str, Any]) -> None:
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            assert {"401", "503"} <= operation["responses"].keys(), path
            for status, response in operation["responses"].items():
                if status[0] in "45":
                    assert list(response["content"]) == ["application/problem+json"], (path, status)


async def test_answers_are_as_described(
    kafka: KafkaSettings, postgres: str, described: dict[str, Any]
) -> None:
    async with (
        bench(kafka, postgres, webhook_retry_schedule="") as b,
        b.notifier() as address,
        receiving(statuses(500)) as receiver,
    ):
        await eventually(lambda: _answers(b, f"{address}/v1/subscriptions", MILL))
        _, made = await b.post(f"{address}/v1/subscriptions", MILL, {"url": receiver.url, "after": 0})
        one = f"/v1/subscriptions/{made['id']}"
        _check(described, "/v1/subscriptions", made, "post", "201")
        _, trial = await b.post(f"{address}{one}/ping", MILL)
        _check(described, "/v1/subscriptions/{subscription}/ping", trial, "post")
        _, secret = await b.post(f"{address}{one}/secret", MILL)
        _check(described, "/v1/subscriptions/{subscription}/secret", secret, "post")
        await b.tell(
            demand_position(), offer_position(), resource_position(), docking(), docking("d-2", "confirmed")
        )
        await b.tell(round_decided(0, 1))
        await receiver.wait(3)
        await eventually(lambda: _answers(b, f"{address}/v1/offers/mill/offer-1", MILL))
        await eventually(lambda: _answers(b, f"{address}/v1/demands/clinic/demand-1", CLINIC))
        for body, headers in zip(receiver.got, receiver.headers, strict=True):
            call = described["webhooks"][body["type"]]["post"]
            (content,) = call["requestBody"]["content"].values()
            schema = {**content["schema"], "components": described["components"]}
            jsonschema.Draft202012Validator(schema).validate(body)
            assert {each["name"] for each in call["parameters"]} <= headers.keys()
        await eventually(lambda: _answers(b, f"{address}/v1/resources/mill/line", MILL))
        for template, path, keys in (
            ("/v1/dockings", "/v1/dockings", (MILL, CLINIC, ADMIN_KEY)),
            ("/v1/dockings/{docking}", "/v1/dockings/d-1", (MILL, CLINIC, ADMIN_KEY)),
            ("/v1/demands", "/v1/demands", (CLINIC, ADMIN_KEY)),
            ("/v1/demands/{party}/{demand}", "/v1/demands/clinic/demand-1", (CLINIC, ADMIN_KEY)),
            ("/v1/offers", "/v1/offers", (MILL, ADMIN_KEY)),
            ("/v1/resources", "/v1/resources", (MILL, ADMIN_KEY)),
            ("/v1/resources/{party}/{resource}", "/v1/resources/mill/line", (MILL, ADMIN_KEY)),
            ("/v1/offers/{party}/{offer}", "/v1/offers/mill/offer-1", (MILL, ADMIN_KEY)),
            ("/v1/subscriptions", "/v1/subscriptions", (MILL,)),
            ("/v1/subscriptions/{subscription}", one, (MILL,)),
            ("/v1/subscriptions/{subscription}/attempts", f"{one}/attempts", (MILL,)),
            ("/v1/subscriptions/{subscription}/parked", f"{one}/parked", (MILL,)),
            ("/v1/totals", "/v1/totals", (MILL,)),
            ("/v1/places", "/v1/places", (MILL,)),
            ("/v1/partitions", "/v1/partitions", (ADMIN_KEY,)),
        ):
            for key in keys:
                _check(described, template, await b.get(address + path, key))
        async with b.session.get(f"{address}/v1/dockings/none") as answer:
            _check(described, "/v1/dockings/{docking}", await answer.json(content_type=None), status="401")


def _check(
    described: dict[str, Any], path: str, answer: object, method: str = "get", status: str = "200"
) -> None:
    (content,) = described["paths"][path][method]["responses"][status]["content"].values()
    schema = {**content["schema"], "components": described["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer)


async def _answers(b: Bench, url: str, key: str) -> bool:
    return await b.status(url, key) == 200
