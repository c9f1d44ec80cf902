"""What waits for a relay, as its store says."""

import asyncio

from tenon.backlog import Backlog, watch
from tenon.errors import Transient
from tenon.metrics import Metrics


async def test_each_relay_shows_what_its_store_counts_and_one_that_is_away_hides_no_other() -> None:
    metrics, stop = Metrics(), asyncio.Event()

    async def away() -> Backlog:
        raise Transient("the database is away")

    async def count() -> Backlog:
        stop.set()
        return Backlog(waiting=3, oldest_seconds=1.5, parked=1)

    await asyncio.wait_for(watch({"rounds": away, "outbox": count}, metrics, stop), 10)
    text = metrics.render().decode()
    assert 'tenon_relay_waiting{relay="outbox"} 3.0' in text
    assert 'tenon_relay_oldest_seconds{relay="outbox"} 1.5' in text
    assert 'tenon_relay_parked{relay="outbox"} 1.0' in text
    assert 'relay="rounds"' not in text
