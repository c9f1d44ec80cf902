"""What several viewers see of an event at once is what each of them sees alone."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.domain.audiences import ADMINISTRATOR, WALL
from notifier.domain.pseudonym import Naming
from notifier.domain.sight import Sight
from notifier.domain.visibility import visible
from tenon.contracts.codec import encode
from tenon.contracts.dockings import DockingStatus
from tenon.contracts.rejections import EventRejected, Origin
from tenon.contracts.values import Shape
from tests.support.told import START, demand_position, docking, offer_position, party_state, unmet

STATUSES: list[DockingStatus] = [
    "proposed", "confirmed", "shipped", "delivered", "declined", "lapsed", "cancelled", "failed",
]  # fmt: skip
VIEWERS = ["mill", "clinic", "stranger", WALL, ADMINISTRATOR]
NAMES = {"mill": "Mill Ltd", "clinic": "Clinic Ltd"}
REJECTED = EventRejected(
    service="matcher",
    code="not_json",
    detail="odd",
    origin=Origin(topic="tenon.market.v1", partition=1, offset=9, event_id="e-1", party="mill"),
    at=START,
)


def check(event: Shape, viewers: list[str], naming: Naming) -> None:
    """Let viewers look at an event one after the other, and compare with what each sees alone."""
    sight = Sight(event, encode(event), naming)
    for viewer in viewers:
        alone, seen = visible(event, viewer, naming), sight.seen_by(viewer)
        assert (seen is None) is (alone is None)
        if seen is not None:
            assert msgspec.json.decode(seen) == msgspec.json.decode(encode(alone))


@given(
    st.sampled_from(STATUSES),
    st.sampled_from([None, False, True]),
    st.sampled_from([{}, NAMES]),
    st.booleans(),
    st.sampled_from(["clinic", "mill"]),
    st.permutations(VIEWERS),
)
def test_a_docking_is_seen_by_all_as_by_each(
    status: DockingStatus,
    accepted: bool | None,
    names: dict[str, str],
    priced: bool,
    demand: str,
    viewers: list[str],
) -> None:
    event = docking(status=status, accepted=accepted, demand=demand)
    if not priced:
        event = msgspec.structs.replace(event, price=None, respond_by=None)
    check(event, viewers, Naming(b"k" * 32, names))


@pytest.mark.parametrize(
    "event", [demand_position(), offer_position(), unmet(), REJECTED, party_state("mill", ["key"])]
)
def test_every_other_event_is_seen_by_all_as_by_each(event: Shape) -> None:
    check(event, VIEWERS, Naming(b"k" * 32))
