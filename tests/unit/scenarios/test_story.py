"""The historical rows as events: ticks, order, routes before the first offer of a donor."""

from datetime import UTC, datetime, timedelta

import numpy as np

from scenarios.ppe.data import Dataset, Distances, Docking, Donation, Request
from scenarios.ppe.metrics import measure
from scenarios.ppe.story import TICK, chapters
from tenon.contracts.intake import DemandPublished, OfferPublished, RoutesPublished

START = datetime(2020, 4, 1, 5, 0, tzinfo=UTC)


def small() -> Dataset:
    """Two requests, then two donations of one donor a day later."""
    later = START + timedelta(days=1)
    return Dataset(
        donations=(Donation(0, "don0", later, "gowns", 30), Donation(1, "don0", later, "gowns", 5)),
        requests=(Request(0, "rec0", START, "gowns", 20), Request(1, "rec1", START, "gowns", 100)),
        distances=Distances(np.array([[10.0, 200.0]])),
    )


def test_each_chapter_ends_at_the_tick_after_its_events() -> None:
    told = list(chapters(small()))
    assert [chapter.tick for chapter in told] == [
        START.replace(hour=6),
        START.replace(hour=6) + timedelta(days=1),
    ]
    assert all(chapter.tick.hour % (TICK.seconds // 3600) == 0 for chapter in told)


def test_routes_are_told_once_before_the_first_offer() -> None:
    first, second = chapters(small())
    assert [type(event) for event in first.events] == [DemandPublished, DemandPublished]
    assert [type(event) for event in second.events] == [RoutesPublished, OfferPublished, OfferPublished]
    routes = second.events[0]
    assert isinstance(routes, RoutesPublished)
    assert routes.distances_m == {"rec0/main": 16093, "rec1/main": 321869}


def test_figures_follow_the_definitions() -> None:
    day = timedelta(days=1)
    dockings = [
        Docking(START + 2 * day, "don0", "rec0", "gowns", 20),
        Docking(START + 3 * day, "don0", "rec1", "gowns", 10),
    ]
    figures = measure(small(), dockings)
    assert (figures.units, figures.recipients_served) == (30, 2)
    assert figures.holding_days == (20 * 1 + 10 * 2) / 30
    assert figures.unit_miles == (20 * 10 + 10 * 200) / 30
    assert figures.fill_of_served == (1.0 + 0.1) / 2
