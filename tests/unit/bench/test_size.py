"""What a thousand events leave behind, as arithmetic."""

import pytest

from tests.bench.size import Size, grown, held
from tests.support.sizes import Kept

pytestmark = pytest.mark.unit


def test_growth_is_told_for_a_thousand_events() -> None:
    before = Size({"matcher.rounds": Kept(10, 8_000)}, {"tenon.market.v1": 500})
    after = Size(
        {"matcher.rounds": Kept(30, 28_000), "notifier.feed": Kept(4, 400)}, {"tenon.market.v1": 2_500}
    )
    assert grown(before, after, 2_000) == {
        "rows_per_1000.matcher.rounds": 10.0,
        "bytes_per_1000.matcher.rounds": 10_000.0,
        "rows_per_1000.notifier.feed": 2.0,
        "bytes_per_1000.notifier.feed": 200.0,
        "log_bytes_per_1000.tenon.market.v1": 1_000.0,
    }


def test_a_matchers_state_is_its_tables_but_for_what_it_decided() -> None:
    names = ("matcher.entities", "matcher.rounds", "notifier.feed")
    before = Size({name: Kept(0, 100) for name in names}, {})
    after = Size({name: Kept(9, 1_000) for name in names}, {})
    assert held(before, after) == 900
