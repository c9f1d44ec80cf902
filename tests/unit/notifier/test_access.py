"""Who is asking, as far as it can be told without a look-up."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.http.access import chosen, hashed
from notifier.settings import NotifierSettings
from tenon.bearer import bearer
from tenon.problems import Problem


def request(*headers: str) -> Request:
    """A request with these Authorization headers."""
    given_ = [(b"authorization", each.encode("latin-1")) for each in headers]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": given_})


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc", "abc"),
        ("Bearer   abc ", "abc"),
        ("Bearer é", "é"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("", None),
    ],
)
def test_a_key_is_read_from_the_authorization_header(header: str, key: str | None) -> None:
    assert bearer(request(header)) == key


def test_without_the_header_there_is_no_key() -> None:
    assert bearer(request()) is None


@given(st.text(st.characters(max_codepoint=255)))
def test_any_header_is_read_and_any_key_is_hashed(text: str) -> None:
    key = bearer(request(f"Bearer {text}"))
    assert key is None or hashed(key) == hashlib.sha256(key.encode()).hexdigest()


def test_only_the_administrator_may_name_another_party() -> None:
    assert chosen("mill", None) == chosen("mill", "mill") == "mill"
    assert chosen(ADMINISTRATOR, "mill") == "mill"
    assert chosen(ADMINISTRATOR, None) == ADMINISTRATOR
    for viewer, party in (("mill", "clinic"), ("mill", ADMINISTRATOR), ("mill", WALL), (WALL, "mill")):
        with pytest.raises(Problem, match="403"):
            chosen(viewer, party)


@pytest.mark.parametrize(
    ("host", "said", "public"),
    [
        ("127.0.0.1", None, True),
        ("::1", None, True),
        ("localhost", None, True),
        ("0.0.0.0", None, False),
        ("10.0.0.1", None, False),
        ("notifier.example", None, False),
        ("0.0.0.0", True, True),
        ("127.0.0.1", False, False),
    ],
)
def test_the_wall_is_public_on_loopback_or_where_it_is_said(
    host: str, said: bool | None, public: bool
) -> None:
    assert NotifierSettings.model_construct(http_host=host, public_wall=said).wall_is_public is public
