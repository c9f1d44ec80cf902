"""Liveness, readiness and metrics in front of a service's app."""

import asyncio
from collections.abc import Mapping

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from tenon.health import Ready, with_operations
from tenon.metrics import Metrics, gauge
from tests.support.asgi import ask

OPEN = gauge("health_test_open", "for this test")


async def fine() -> Mapping[str, str | None]:
    return {"kafka": None}


def app(ready: Ready = fine) -> ASGIApp:
    metrics = Metrics()
    metrics.set(OPEN, 1)
    return with_operations(PlainTextResponse("the service"), ready, metrics)


async def test_alive_does_not_ask_anybody() -> None:
    async def never() -> Mapping[str, str | None]:
        raise AssertionError

    assert (await ask(app(never), "GET", "/health/live")).json() == {"status": "alive"}


async def test_ready_names_what_is_missing() -> None:
    async def away() -> Mapping[str, str | None]:
        return {"kafka": None, "database": "the connection was lost"}

    assert (await ask(app(), "GET", "/health/ready")).json() == {"status": "ready", "checks": {"kafka": "ok"}}
    response = await ask(app(away), "GET", "/health/ready")
    assert response.status == 503
    assert response.json()["checks"] == {"kafka": "ok", "database": "the connection was lost"}


async def test_a_check_that_hangs_is_not_ready() -> None:
    async def hangs() -> Mapping[str, str | None]:
        await asyncio.sleep(60)
        return {}

    response = await ask(app(hangs), "GET", "/health/ready")
    assert (response.status, response.json()["status"]) == (503, "not ready")


async def test_a_check_that_does_not_let_go_is_not_waited_for() -> None:
    released = asyncio.Event()

    async def clings() -> Mapping[str, str | None]:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await released.wait()
        return {}

    response = await ask(app(clings), "GET", "/health/ready")
    assert (response.status, released.is_set()) == (503, False)
    released.set()


async def test_metrics_are_shown_and_everything_else_is_the_services() -> None:
    assert "tenon_health_test_open 1.0" in (await ask(app(), "GET", "/metrics")).text
    assert (await ask(app(), "GET", "/v1/anything")).text == "the service"
    assert (await ask(app(), "POST", "/health/live")).text == "the service"


async def test_what_the_service_answers_is_measured_by_its_status() -> None:
    front = app()
    await ask(front, "GET", "/v1/anything")
    text = (await ask(front, "GET", "/metrics")).text
    assert 'tenon_http_answer_seconds_count{status="200"} 1.0' in text
