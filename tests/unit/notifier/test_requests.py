"""Requests that no table could answer are refused by name, before the database sees them."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from notifier.generated import unconnected
from notifier.http.answers import opened
from notifier.http.resuming import resumed
from notifier.keys import ListedKey, NewestKey, NumberKey
from notifier.settings import NotifierSettings
from tenon.problems import Problem
from tests.support.asgi import Answer, ask

ADMIN = "administrator-of-tests"


def app() -> FastAPI:
    """An application that is connected to nothing."""
    return unconnected(NotifierSettings.model_construct(admin_key=SecretStr(ADMIN)))


async def asked(path: str, method: str = "GET", body: bytes = b"") -> Answer:
    """What the administrator is answered."""
    return await ask(app(), method, path, body, authorization=f"Bearer {ADMIN}")


def token(text: str) -> str:
    """A page's token that somebody made by hand."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "path", ["/v1/demands/\0/x", "/v1/offers/x/\0", "/v1/dockings/\0", "/v1/subscriptions/\0/parked"]
)
async def test_an_id_that_no_table_can_hold_does_not_exist(path: str) -> None:
    answer = await asked(path)
    assert answer.status == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("query", ["status=%00", "class=%00:x", "party=a%00", "party=x&status=open%00"])
async def test_a_parameter_that_no_table_can_hold_is_refused_by_name(query: str) -> None:
    answer = await asked(f"/v1/dockings?{query}")
    (fault,) = answer.json()["errors"]
    assert (answer.status, fault["reason"]) == (422, "holds a NUL character")
    assert fault["pointer"].removeprefix("/query/") in query


@pytest.mark.parametrize(
    "since",
    [
        "2026-03-03T00:00:00",
        "soon",
        "0.5",
        "1767225600",
        "2026-03-03",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
async def test_an_instant_without_an_offset_or_out_of_range_is_refused(since: str) -> None:
    answer = await asked(f"/v1/dockings?since={since}")
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, "/query/since")


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/v1/dockings", '["2026-01-01T00:00:00Z","\\u0000"]'),
        ("/v1/dockings", '["2026-01-01T00:00:00","d"]'),
        ("/v1/dockings", '["0001-01-01T00:00:00+14:00","d"]'),
        ("/v1/dockings", '["9999-12-31T23:59:59-14:00","d"]'),
        ("/v1/demands", '["a\\u0000","b"]'),
        ("/v1/offers", '["a"]'),
        ("/v1/rejected", "[99999999999999999999]"),
        ("/v1/rejected", "[-1]"),
    ],
)
async def test_a_page_that_nobody_gave_out_is_refused(path: str, key: str) -> None:
    answer = await asked(f"{path}?page={token(key)}")
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (400, "/page")


@given(st.text(max_size=80), st.sampled_from([ListedKey, NewestKey, NumberKey]))
def test_no_page_is_anything_but_opened_or_refused(text: str, kind: type[object]) -> None:
    for given_ in (text, token(text)):
        with suppress(Problem):
            assert isinstance(opened(given_, kind), kind)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"url":"https://example.org/\\u0000"}', "/url"),
        (b'{"url":"https://example.org/","after":-1}', "/after"),
        (b'{"url":"https://example.org/","after":9223372036854775808}', "/after"),
        (b'{"url":"https://example.org/","description":"\\u0000"}', "/description"),
        (b'{"url":"https://example.org/","secret":"x"}', "/secret"),
        (b"{}", "/url"),
    ],
)
async def test_a_subscription_that_can_not_be_kept_is_refused_by_name(body: bytes, pointer: str) -> None:
    answer = await asked("/v1/subscriptions", "POST", body)
    assert (answer.status, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    assert (await asked("/v1/subscriptions", "POST", b'{"url":"' + b"x" * 70_000)).status == 413


@pytest.mark.parametrize(
    "path", ["/v1/dockings?status=open", "/v1/demands?status=proposed", "/v1/offers?status=open&status=x"]
)
async def test_a_status_that_there_is_not_is_refused(path: str) -> None:
    assert (await asked(path)).status == 422


@pytest.mark.parametrize("page", ["limit=0", "limit=501", "limit=x"])
async def test_a_page_has_one_to_five_hundred_items(page: str) -> None:
    assert (await asked(f"/v1/demands?{page}")).status == 422


def test_what_was_received_goes_before_what_is_asked_for() -> None:
    assert resumed("7", 3) == 7
    assert resumed(" ", 3) == 3
    assert resumed(None, None) is None
    for nonsense in ("x", "-1", "1.5", "٣", "9" * 19):
        with pytest.raises(Problem, match="Last-Event-ID"):
            resumed(nonsense, None)
