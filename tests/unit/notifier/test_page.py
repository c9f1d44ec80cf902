"""The page at `/`: whole in itself, and nothing in it that its policy would have to allow."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from starlette.applications import Starlette

from notifier.http.site import POLICY, routes
from tests.support.asgi import ask

FILES = {item.name: item.read_text() for item in (files("notifier") / "page").iterdir() if item.is_file()}
SCRIPTS = {name: text for name, text in FILES.items() if name.endswith(".js")}
PAGE = FILES["index.html"]


@pytest.mark.parametrize("name", sorted(FILES))
async def test_every_file_is_served_under_the_strict_policy(name: str) -> None:
    answer = await ask(Starlette(routes=routes()), "GET", f"/page/{name}")
    assert answer.status == 200
    assert answer.text == FILES[name]
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline() -> None:
    assert POLICY.startswith("default-src 'self'; ")
    assert not re.search(r"unsafe|data:|https?:|\*", POLICY)


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_file_names_an_address_elsewhere(name: str) -> None:
    text = FILES[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|wss?:|[\"'(]//\w|\bdata:\w|@import", text)


def test_the_page_holds_no_script_no_style_and_no_handler() -> None:
    assert re.findall(r"<script\b[^>]*>", PAGE) == ['<script type="module" src="/page/main.js">']
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", PAGE)


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_scripts_make_no_code_and_no_markup_of_text(name: str) -> None:
    assert not re.search(
        r"\beval\b|new Function|innerHTML|outerHTML|insertAdjacentHTML|\.style\b", SCRIPTS[name]
    )


def test_everything_that_is_loaded_is_there() -> None:
    wanted = re.findall(r"(?:src|href)=\"/page/([^\"#]+)", PAGE)
    for text in SCRIPTS.values():
        wanted += re.findall(r"from '\./([^']+)'", text)
    assert len(wanted) > len(SCRIPTS)
    assert set(wanted) <= FILES.keys()


def test_every_script_is_used() -> None:
    everything = PAGE + "".join(SCRIPTS.values())
    assert not [name for name in SCRIPTS if not re.search(rf"[/']{re.escape(name)}", everything)]


def test_every_element_that_is_looked_up_is_on_the_page() -> None:
    wanted = set(re.findall(r"find\('([^']+)'\)", SCRIPTS["main.js"]))
    assert wanted
    assert wanted <= set(re.findall(r"\bid=\"([^\"]+)", PAGE))


def test_each_colour_of_the_map_is_set_for_light_and_for_dark() -> None:
    (named,) = re.findall(r"COLOURS = \[([^\]]+)\]", SCRIPTS["map.js"])
    light, dark = FILES["style.css"].split("prefers-color-scheme: dark")
    for name in re.findall(r"'(\w+)'", named):
        assert f"--{name}:" in light, name
        assert f"--{name}:" in dark, name


def test_rings_of_the_land_are_closed_shapes_on_the_globe() -> None:
    (text,) = re.findall(r"`([^`]+)`", SCRIPTS["land.js"])[:1]
    rings = [[int(number) for number in ring.split()] for ring in text.strip().split("\n\n")]
    assert len(rings) > 100
    for ring in rings:
        assert len(ring) % 2 == 0
        longitudes = [sum(ring[0 : at + 1 : 2]) for at in range(0, len(ring), 2)]
        latitudes = [sum(ring[1 : at + 2 : 2]) for at in range(0, len(ring), 2)]
        assert -3_600 < min(longitudes) < max(longitudes) < 3_600
        assert -900 <= min(latitudes) < max(latitudes) <= 900
