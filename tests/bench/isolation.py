"""Webhooks beside such as hang: how long the others wait, compared with the same load without these.

Forty endpoints of eight parties take everything at once; then there are ten more that take a trial and answer
nothing else.
"""

import asyncio
import time

from notifier.handler import CONSUMED
from tenon_local import ports
from tests.bench import measures
from tests.bench.calls import PARTIES, Desk, Entry, Inbox, entries_of, subscribed, waits
from tests.bench.course import Course
from tests.bench.helpers import helper, listening, watched
from tests.bench.measures import Figures
from tests.bench.rig import Show
from tests.bench.stacks import stack_of_stores, until_handled, write, writing

EACH, HANGING = 5, 10
PER_S = 10.0
"""Dockings; each is told to five endpoints of both parties."""
_STEP_S = 0.05


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `isolation.…`."""
    port = ports.claim(0, "receiver", "")
    url = f"http://{ports.HOST}:{port}"
    async with stack_of_stores() as stack, helper("receiver", str(port)) as process:
        inbox = Inbox(process)
        async with listening(process, inbox.take), writing(stack) as producer:
            stack.notifier.start()
            await stack.notifier.wait_ready()
            desk = Desk(stack, inbox, producer)
            async with watched([stack.notifier.process]):
                await write(producer, desk.dockings(len(PARTIES)))
                await until_handled(stack, CONSUMED)
                for number in range(EACH):
                    await subscribed(stack, url, f"-{number}", after=None)
                show(f"{EACH * len(PARTIES)} endpoints")
                alone = await _phase(desk, course.seconds)
                for party in PARTIES[:2]:
                    for number in range(HANGING // 2):
                        await subscribed(stack, url, f"-hangs-{number}", after=None, parties=[party])
                show(f"{HANGING} more that hang")
                hanging = await _phase(desk, course.seconds)
    ratio = hanging["wait_p99_ms"] / alone["wait_p99_ms"]
    figures = {**measures.named("alone", alone), **measures.named("hanging", hanging), "ratio": ratio}
    return measures.named("isolation", figures)


async def _phase(desk: Desk, seconds: float) -> Figures:
    """Tell dockings at a steady rate, and return how long entries waited for those who take them."""
    before, began = desk.told, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        due = before + int(passed * PER_S) - desk.told
        await write(desk.producer, desk.dockings(due))
        await asyncio.sleep(_STEP_S)
    calls = 2 * EACH * (desk.told - before)
    await desk.inbox.until(calls)
    received: list[Entry] = []
    for endpoint, event, at in await desk.inbox.judged({}):
        if "hangs" not in endpoint:
            received.append((endpoint.rpartition("-")[0], event, at))
    entries = await entries_of(desk.stack, after=2 * before // len(PARTIES))
    return waits(received, entries)
