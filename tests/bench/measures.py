"""From what was seen in a phase to figures. Pure; must not know how anything was measured.

Figures are named by dotted paths (`tenon.full.decided_per_s`), so that runs are compared and the bench grows
without a new shape.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.cpu import MACHINE, OWN, Use
from tests.bench.messages import Sent

Figures = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What was seen from the first event sent until all of it was decided (and told). Seconds."""

    events: int
    began: float
    answered: float
    decided: float
    told: float | None
    dockings: int
    use: Use
    batches: Sequence[tuple[int, float]] = field(default=())
    docked: Sequence[tuple[int, float]] = field(default=())


def answered(sent: Sent) -> Figures:
    """Return how many events a second were answered."""
    return {"accepted_per_s": sent.accepted / (sent.answered - sent.began)}


def throughput(phase: Phase) -> Figures:
    """Return how many events a second each stage kept up."""
    figures = {
        "accepted_per_s": phase.events / (phase.answered - phase.began),
        "decided_per_s": phase.events / (phase.decided - phase.began),
    }
    if phase.told is not None:
        figures["told_per_s"] = phase.events / (phase.told - phase.began)
        figures["dockings_per_s"] = phase.dockings / (phase.decided - phase.began)
    return figures


def cpu(use: Use) -> Figures:
    """Return the processor time per event of each process, in µs, and the share of the machine others had."""
    ours = {name: used for name, used in use.cpu_s.items() if name not in (OWN, MACHINE)}
    per_event = {f"cpu_us.{name}": used / use.events * 1e6 for name, used in ours.items()}
    others = use.cpu_s[MACHINE] - sum(ours.values()) - use.cpu_s[OWN]
    share = others / (use.seconds * use.cores)
    return {**per_event, "cpu_us.all": sum(per_event.values()), "others_share": max(0.0, share)}


def latency(phase: Phase) -> Figures:
    """Return how long after the sending of the later of its two events a docking was read from Kafka."""
    firsts, times = zip(*sorted(phase.batches), strict=True)
    waits = sorted(
        (at - times[bisect_right(firsts, number) - 1]) * 1e3
        for number, at in phase.docked
        if number >= firsts[0]
    )
    return {
        "latency_p50_ms": percentile(waits, 0.5),
        "latency_p99_ms": percentile(waits, 0.99),
        "latency_dockings": float(len(waits)),
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the least value that at least this share of the values does not exceed."""
    if not ordered:
        raise ValueError("no value")
    at = -int(-share * len(ordered) // 1) - 1
    return ordered[max(0, at)]


def named(prefix: str, *figures: Figures) -> Figures:
    """Return figures under a common name."""
    return {f"{prefix}.{name}": value for each in figures for name, value in each.items()}


def medians(runs: Sequence[Figures]) -> Figures:
    """Return the median of each figure over the runs."""
    return {name: median(run[name] for run in runs) for name in runs[0]}


def ratios(run: Figures, base: str, *others: str) -> Figures:
    """Return each figure of the others that the base has too, as a ratio to it, in one run."""
    found = {}
    for other in others:
        for name, value in run.items():
            root, _, rest = name.partition(f"{other}.")
            if root == "" and run.get(f"{base}.{rest}"):
                found[f"{other}.{rest}"] = value / run[f"{base}.{rest}"]
    return found
