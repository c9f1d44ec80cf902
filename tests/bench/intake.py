"""Ingest alone: batches, and single events, as fast as they are answered, beside a bare server.

The bare server has the same HTTP server, parser and broker, and nothing to check.
"""

from tenon.contracts import topics
from tenon_local.stack import Stack
from tests.bench import bare, baseline, measures
from tests.bench.course import Course
from tests.bench.cpu import Meter, Use
from tests.bench.failing import BenchFailed
from tests.bench.helpers import Helper, watched
from tests.bench.measures import Figures
from tests.bench.messages import Order, Sent
from tests.bench.rig import Show, carried_out, loading
from tests.bench.stacks import ends, introduce, stack_of_stores, stores

SERVER = "server"


async def run(course: Course, show: Show) -> Figures:
    """Return the figures as `bare.batches.…`, `bare.singles.…`, `ingest.batches.…` and `ingest.singles.…`."""
    async with stack_of_stores() as stack:
        show("a bare server alone")
        await baseline.prepare(stack)
        async with baseline.http(stack) as (process, url), watched([process]):
            plain = await _server(stack, course, url, process.pid, bare.MARKET)
        show("ingest alone")
        process = stack.ingest.process
        stack.ingest.start()
        await stack.ingest.wait_ready()
        async with watched([process]):
            await introduce(stack)
            whole = await _server(stack, course, stack.ingest.url, process.pid, topics.MARKET.name)
    return {**measures.named("bare", plain), **measures.named("ingest", whole)}


async def _server(stack: Stack, course: Course, url: str, pid: int, topic: str) -> Figures:
    """Measure a server that writes what it accepts to a topic; all of it must be there."""
    before = await ends(stack, [topic])
    async with loading(url, stack.admin_key) as load:
        meter = Meter({**stores(stack), SERVER: [pid], "load": [load.pid]})
        warm = await carried_out(load, course.warm_up_of_intake())
        batches, using = await _phase(load, meter, course.batches(warm.accepted))
        next_ = warm.accepted + batches.accepted
        singles, using_singles = await _phase(load, meter, course.singles(next_))
    await _check(stack, topic, before + next_ + singles.accepted)
    return {
        **measures.named("batches", measures.answered(batches), measures.cpu(using)),
        **measures.named("singles", measures.answered(singles), measures.cpu(using_singles)),
    }


async def _phase(load: Helper, meter: Meter, order: Order) -> tuple[Sent, Use]:
    span = meter.span()
    sent = await carried_out(load, order)
    return sent, span.use(sent.accepted)


async def _check(stack: Stack, topic: str, wanted: int) -> None:
    written = await ends(stack, [topic])
    if written != wanted:
        raise BenchFailed(f"{topic} holds {written} records, {wanted} were accepted")
