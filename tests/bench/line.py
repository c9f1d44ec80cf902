"""One run of the whole line: at full load, at half load, and one event at a time at rest."""

from notifier.handler import CONSUMED
from tenon.contracts import topics
from tenon_local.stack import Stack
from tests.bench import baseline, honest, measures, size
from tests.bench.course import Course
from tests.bench.helpers import watched
from tests.bench.measures import Figures
from tests.bench.rig import Rig, Show, Target, rig
from tests.bench.stacks import ends, introduce, stack_of_stores, stores, until_handled


async def run(course: Course, show: Show) -> Figures:
    """Measure the bare pipeline and the line on one stack, the services started in between."""
    async with stack_of_stores() as stack:
        bare = await baseline.run(stack, course, lambda far: show(f"bare: {far}"))
        return {**bare, **await _run(stack, course, show)}


async def _run(stack: Stack, course: Course, show: Show) -> Figures:
    """Start the services, and return their figures as `tenon.…`; raises BenchFailed where they cheat."""
    await stack.start_services()
    await introduce(stack)
    trees = {**stores(stack), **{each.service: [each.process.pid] for each in stack.replicas()}}
    target = Target("line", stack.ingest.url, stack.kafka_env(), stack.admin_key)

    async def told() -> None:
        await until_handled(stack, CONSUMED)

    services = [each.process for each in stack.replicas()]
    async with watched(services), rig(target, trees, show, told) as under:
        await under.start_from(await ends(stack, [topics.MARKET.name]))
        before = await size.read(stack)
        figures = await _phases(under, course)
        kept = measures.named("tenon.kept", size.grown(before, await size.read(stack), under.next))
        honest.check_seen(under.seen, under.decided, under.next)
    show("the audit")
    honest.check_report(await honest.audited(stack))
    return {**figures, **kept}


async def _phases(under: Rig, course: Course) -> Figures:
    await under.phase(course.warm_up())
    full = await under.phase(course.full(under.next))
    rate = measures.throughput(full)["decided_per_s"]
    half = await under.phase(course.half(under.next, rate))
    single = await under.phase(course.single(under.next))
    return {
        **measures.named("tenon.full", measures.throughput(full), measures.cpu(full.use)),
        **measures.named("tenon.half", measures.cpu(half.use), measures.latency(half)),
        **measures.named("tenon.single", measures.latency(single)),
    }
