"""One market alone, the log full: what a matcher decides by the number of positions that are open there."""

import time

from tenon.contracts import topics
from tenon_local.stack import Stack
from tests.bench import measures
from tests.bench.course import Course
from tests.bench.decisions import until_decided
from tests.bench.helpers import watched
from tests.bench.listings import Listings
from tests.bench.matching import check_used, decided_alone, now, open_positions, started
from tests.bench.measures import Figures
from tests.bench.rig import Show
from tests.bench.stacks import SEED, ends, stack_of_stores, write, writing


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `market.NUMBER.…`, by the number of open positions."""
    figures: Figures = {}
    listings = Listings(SEED, now(), markets=1)
    async with stack_of_stores() as stack:
        await started(stack.matcher)
        async with watched([stack.matcher.process]):
            for positions in course.crowds():
                show(f"{positions:,} open positions")
                await _fill(stack, listings, positions)
                figures |= measures.named(f"market.{positions}", await _decide(stack, listings, course))
        await check_used(stack.matcher, await ends(stack, [topics.MARKET.name]))
    return figures


async def _fill(stack: Stack, listings: Listings, positions: int) -> None:
    """Open positions until there are so many."""
    missing = positions - round(await open_positions(stack.matcher))
    async with writing(stack) as producer:
        await write(producer, listings.offers(max(0, missing)))
    await until_decided(stack, await ends(stack, [topics.MARKET.name]))


async def _decide(stack: Stack, listings: Listings, course: Course) -> Figures:
    """Fill the log while the matcher stands still, then let it decide."""
    stack.matcher.freeze()
    async with writing(stack) as producer:
        await write(producer, listings.mixed(course.market_records))
    began = time.time()
    stack.matcher.thaw()
    return await decided_alone(stack, began)
