"""What the display says follows from what was told, and from nothing else."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from scenarios.ppe.live import LAST, Scene, draw, line, sentence
from tests.support.market import World, demand, offer

TICKS = [datetime(2020, 4, 1, tzinfo=UTC) + timedelta(hours=6 * step) for step in range(4)]


def totals(docked: int, kilometres: int = 0) -> dict[str, Any]:
    units = {
        "docked": {"count": docked, "quantity": docked * 10},
        "moved": {"count": docked, "quantity": docked * 10 * kilometres},
        "open": {"count": 7, "quantity": 70},
    }
    return {"units": {"C62": units}}


def shown(scene: Scene) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(scene))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_progress_is_what_every_partition_has_decided_not_what_is_sent() -> None:
    scene = Scene("ours", ticks=TICKS, told=4)
    scene.summed(totals(0), [TICKS[3], TICKS[1]], 0)
    assert scene.decided == 2
    assert "2 of 4 steps decided, 4 sent" in shown(scene)


def test_before_the_first_tick_the_stage_is_shown() -> None:
    assert "Kafka is starting" in shown(Scene("ours", stage="Kafka is starting", ticks=TICKS))


def test_the_rate_is_dockings_over_the_time_between_totals() -> None:
    scene = Scene("ours")
    assert scene.per_second == 0
    scene.summed(totals(100), [], 10.0)
    scene.summed(totals(160), [], 12.0)
    assert scene.per_second == 30


def test_miles_are_per_docked_unit() -> None:
    scene = Scene("ours")
    assert scene.miles == 0
    scene.summed(totals(5, kilometres=1609), [], 0)
    assert round(scene.miles) == 1000


def test_the_last_dockings_are_told_in_plain_words() -> None:
    world, scene = World(), Scene("ours")
    world.round(offer("don1", 30, kilometres=100, automatic=True), demand("rec2", 30, automatic=True))
    (docking,) = world.dockings()
    for _ in range(LAST + 3):
        scene.docked(docking)
    assert len(scene.last) == LAST
    assert sentence(docking).endswith("don1 gives 30 mask to rec2, 62 miles")
    assert shown(scene).count("don1 gives 30 mask to rec2") == LAST


def test_what_ended_the_live_view_is_said() -> None:
    assert "the live view ended: no answer" in shown(Scene("ours", trouble="the live view ended: no answer"))


def test_without_a_terminal_the_same_is_told_in_a_line() -> None:
    scene = Scene("ours", ticks=TICKS, told=1)
    scene.summed(totals(5), [TICKS[0]], 0)
    assert line(scene) == (
        "ours: 01 April 2020: 1 of 4 steps decided, 1 sent;"
        " 50 units in 5 dockings, 0/s, 7 demands open, 0.0 miles"
    )
