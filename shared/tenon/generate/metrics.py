"""The page on metrics, from their declarations."""

from collections.abc import Iterable, Sequence

from tenon.generate.markdown import NOTICE, code, table
from tenon.metrics import PREFIX, Metric

_INTRO = """# Metrics

Every service serves its own at `GET /metrics` in the format of Prometheus, beside `process_…` of its process.
What only rises begins at 0 where it has no labels, or those of the loops; the rest appears with its first
value. What they mean together, and when to act: [operations.md](operations.md).
"""
_HEAD = ("metric", "kind", "labels", "meaning")


def page(declared: Iterable[Metric], services: Sequence[str]) -> str:
    """Return the page: what every service reports, then what is only one service's own."""
    metrics = sorted(declared, key=lambda metric: metric.name)
    sections = [NOTICE, _INTRO, "## Every service\n", _table([m for m in metrics if not _of(m, services)])]
    for service in services:
        own = [metric for metric in metrics if _of(metric, services) == service]
        if own:
            sections += [f"## {service}\n", _table(own)]
    return "\n".join(sections)


def _of(metric: Metric, services: Sequence[str]) -> str | None:
    first = metric.name.removeprefix(PREFIX).split("_")[0]
    return first if first in services else None


def _table(metrics: Iterable[Metric]) -> str:
    return table(_HEAD, ((code(m.name), m.kind, ", ".join(map(code, m.labels)), m.meaning) for m in metrics))
