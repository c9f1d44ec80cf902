"""Whether a run was honest: all that was accepted is decided and told, and the audit finds nothing.

No figure of a run that is not is ever shown.
"""

from tenon.sharding import Sharding
from tenon_audit import Report, Sources, audit
from tenon_local.stack import Stack
from tests.bench.failing import BenchFailed
from tests.bench.messages import Seen

_SETTLED_S = 60.0
_SHOWN = 5


async def audited(stack: Stack) -> Report:
    """Recompute all guarantees from what the run left in Kafka and PostgreSQL."""
    kafka = stack.kafka_settings("auditor", "bench-audit")
    sharding = Sharding.of(stack.postgres.url("auditor"))
    return await audit(Sources(kafka, sharding, settle_s=_SETTLED_S))


def check_report(report: Report) -> None:
    """Raise BenchFailed where a guarantee does not hold, or nothing was docked at all."""
    if not report.clean:
        found = "; ".join(f"{each.check}: {each.what} ({each.where})" for each in report.findings[:_SHOWN])
        raise BenchFailed(f"the audit found {sum(report.counts.values())} faults: {found}")
    if not report.looked_at.get("dockings"):
        raise BenchFailed("it was a run without any docking")


def check_seen(seen: Seen, decided: int, accepted: int) -> None:
    """Raise BenchFailed unless each accepted event was decided once, and each docking was told."""
    if decided != accepted:
        raise BenchFailed(f"{accepted} events were accepted, {decided} decided")
    if seen.faulty:
        raise BenchFailed(f"{seen.faulty} records were superseded, refused, skipped or released")
    if seen.dockings != seen.dockings_decided:
        raise BenchFailed(f"{seen.dockings_decided} dockings were decided, {seen.dockings} told")
