"""A slice of the demo's real input through the whole line.

What is deterministic: every docking and every digest, however the polls cut the log.
"""

from datetime import UTC, datetime

import pytest

from scenarios.ppe.data import Dataset, load
from scenarios.ppe.layout import Place, rebuild
from scenarios.ppe.live import Scene
from scenarios.ppe.metrics import measure
from scenarios.ppe.run import Run, run
from scenarios.ppe.story import near_and_whole
from tests.support.stack import folder

pytestmark = pytest.mark.timeout(400)

SINCE, UNTIL = datetime(2020, 4, 20, tzinfo=UTC), datetime(2020, 4, 21, tzinfo=UTC)


def a_day() -> tuple[Dataset, dict[str, Place]]:
    """Return everything that happened on a day on which much was offered, and where its sites lie."""
    whole = load()
    piece = Dataset(
        tuple(donation for donation in whole.donations if SINCE <= donation.at < UNTIL),
        tuple(request for request in whole.requests if SINCE <= request.at < UNTIL),
        whole.distances,
    )
    sites = {donation.don_id for donation in piece.donations} | {each.rec_id for each in piece.requests}
    places = rebuild(whole).places
    return piece, {site: places[site] for site in sites}


async def told(data: Dataset, places: dict[str, Place], scene: Scene, max_poll_records: int) -> Run:
    """Tell a story to a stack of its own whose services take so many records at a time."""
    with folder() as path:
        polls = {"TENON_MAX_POLL_RECORDS": str(max_poll_records)}
        return await run(data, places, near_and_whole(), path, scene, polls)


async def test_polls_of_one_and_of_five_thousand_records_give_identical_figures() -> None:
    piece, places = a_day()
    scenes = Scene("one"), Scene("many")
    one = await told(piece, places, scenes[0], 1)
    many = await told(piece, places, scenes[1], 5_000)
    assert one == many
    figures = measure(piece, many.dockings)
    assert figures.units > 0
    for scene in scenes:
        assert (scene.told, scene.decided, scene.trouble) == (len(scene.ticks), len(scene.ticks), "")
        assert (scene.quantity("docked"), scene.count("docked")) == (figures.units, figures.dockings)
        assert len(scene.last) > 0
