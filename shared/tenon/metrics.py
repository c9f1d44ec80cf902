"""Metrics: each is declared once, with its meaning; a process records into its own `Metrics`.

A declaration is data (`ROUNDS = counter("matcher_rounds_total", "rounds that were committed")`), so
docs/metrics.md is generated from the declarations, and two services in one process never mix their numbers.
Names carry the prefix `tenon_`, base units and the endings Prometheus asks for (naming practices: `_total`,
`_seconds`, `_bytes`). Labels must be bounded: never a party, a class or an id.

What only rises is shown from the start, at 0: Prometheus can't see the first rise of what was not there.
Where it has labels, whoever records it adds 0 for those that it knows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

PREFIX = "tenon_"
CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
COUNTS = (1.0, 5.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One declared metric: its full name, what it means and the names of its labels."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


DECLARED: dict[str, Metric] = {}
# One series more for each; `process_start_time_seconds` says it for all.
disable_created_metrics()  # type: ignore[no-untyped-call]


def counter(name: str, meaning: str, *labels: str) -> Metric:
    """Declare a number that only rises; its name ends in `_total`."""
    if not name.endswith("_total"):
        raise ValueError(f"a counter's name ends in _total: {name}")
    return _declare(Metric("counter", PREFIX + name, meaning, labels))


def gauge(name: str, meaning: str, *labels: str) -> Metric:
    """Declare a number that rises and falls."""
    return _declare(Metric("gauge", PREFIX + name, meaning, labels))


def histogram(name: str, meaning: str, *labels: str, buckets: Sequence[float] = SECONDS) -> Metric:
    """Declare a distribution, by default of seconds."""
    return _declare(Metric("histogram", PREFIX + name, meaning, labels, tuple(buckets)))


def _declare(metric: Metric) -> Metric:
    if DECLARED.setdefault(metric.name, metric) != metric:
        raise ValueError(f"metric {metric.name} is declared twice, differently")
    return metric


class Metrics:
    """The metrics of one service in one process, beside those of the process itself (`process_…`)."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._collectors: dict[str, Counter | Gauge | Histogram] = {}
        self._series: dict[tuple[str, tuple[str, ...]], Counter | Gauge | Histogram] = {}
        for metric in DECLARED.values():
            if metric.kind != "gauge" and not metric.labels:
                self._of(metric, {})

    def add(self, metric: Metric, amount: float = 1, **labels: object) -> None:
        """Raise a counter, or move a gauge, by `amount`."""
        series = self._of(metric, labels)
        if isinstance(series, Histogram):
            raise TypeError(f"{metric.name} is a histogram: observe it")
        series.inc(amount)

    def set(self, metric: Metric, value: float, **labels: object) -> None:
        """Set a gauge."""
        series = self._of(metric, labels)
        if not isinstance(series, Gauge):
            raise TypeError(f"{metric.name} is no gauge")
        series.set(value)

    def observe(self, metric: Metric, value: float, **labels: object) -> None:
        """Count one value into a histogram."""
        series = self._of(metric, labels)
        if not isinstance(series, Histogram):
            raise TypeError(f"{metric.name} is no histogram")
        series.observe(value)

    def forget(self, metric: Metric, **labels: object) -> None:
        """Drop the series with these labels, such as all of a partition that another process reads now."""
        wanted = [(metric.labels.index(name), str(value)) for name, value in labels.items()]
        for name, values in list(self._series):
            if name == metric.name and all(values[at] == value for at, value in wanted):
                del self._series[name, values]
                self._collectors[name].remove(*values)

    def render(self) -> bytes:
        """Return everything in the text format Prometheus scrapes."""
        return generate_latest(self._registry)

    def _of(self, metric: Metric, labels: Mapping[str, object]) -> Counter | Gauge | Histogram:
        values = tuple([str(labels[name]) for name in metric.labels])
        series = self._series.get((metric.name, values))
        if series is None:
            collector = self._collectors.get(metric.name) or self._create(metric)
            series = collector.labels(*values) if values else collector
            self._series[metric.name, values] = series
        return series

    def _create(self, metric: Metric) -> Counter | Gauge | Histogram:
        created: Counter | Gauge | Histogram
        if metric.kind == "counter":
            created = Counter(metric.name, metric.meaning, metric.labels, registry=self._registry)
        elif metric.kind == "gauge":
            created = Gauge(metric.name, metric.meaning, metric.labels, registry=self._registry)
        else:
            created = Histogram(
                metric.name, metric.meaning, metric.labels, buckets=metric.buckets, registry=self._registry
            )
        self._collectors[metric.name] = created
        return created
