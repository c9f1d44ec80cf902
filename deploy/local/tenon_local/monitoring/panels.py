"""Graphs as data, and those that several services show. `pages` says what is on which dashboard."""

from __future__ import annotations

from dataclasses import dataclass

Query = tuple[str, str]
"""PromQL, and the legend of its series."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph: its title, what it means, the unit of its numbers as Grafana names it, its queries."""

    title: str
    meaning: str
    unit: str
    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of graphs."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def panel(title: str, meaning: str, unit: str, *queries: Query) -> Panel:
    """A graph of these queries."""
    return Panel(title, meaning, unit, queries)


def quantiles(metric: str, where: str = "", by: str = "") -> tuple[Query, Query]:
    """The median and the 99th percentile of a histogram over the last minute."""
    labels, legend = f"{by}, le" if by else "le", f"{{{{{by}}}}} " if by else ""
    rate = f"sum by ({labels}) (rate({metric}_bucket{where}[1m]))"
    return (
        (f"histogram_quantile(0.5, {rate})", f"{legend}p50"),
        (f"histogram_quantile(0.99, {rate})", f"{legend}p99"),
    )


def common(job: str) -> tuple[Panel, ...]:
    """What every service shows of its HTTP side, its relays, its tables and its processes."""
    of = f'{{job="{job}"}}'
    return (
        panel(
            "Answers",
            "Requests by the status of their answer, without health and metrics.",
            "reqps",
            (f"sum by (status) (rate(tenon_http_answer_seconds_count{of}[1m]))", "{{status}}"),
        ),
        panel(
            "Time to answer",
            "From a request's head to the head of its answer.",
            "s",
            *quantiles("tenon_http_answer_seconds", of),
        ),
        panel(
            "Waiting to be told",
            "Work of each relay in the database that is not done yet.",
            "short",
            (f"max by (relay) (tenon_relay_waiting{of})", "{{relay}}"),
            (f"max by (relay) (tenon_relay_pending{of})", "{{relay}} handed over"),
        ),
        panel(
            "Age of the oldest that waits",
            "It falls to 0 as soon as nothing waits; of webhooks, that of endpoints that take events.",
            "s",
            (f"max by (relay) (tenon_relay_oldest_seconds{of})", "{{relay}}"),
        ),
        panel(
            "Set aside",
            "What can't be told as things are: an operator has to look.",
            "short",
            (f"max by (relay) (tenon_relay_parked{of})", "{{relay}}"),
        ),
        panel(
            "Relayed, by outcome",
            "Work that was settled, and batches given up for now.",
            "ops",
            (f"sum by (relay, outcome) (rate(tenon_relay_settled_total{of}[1m]))", "{{relay}} {{outcome}}"),
            (f"sum by (relay) (rate(tenon_relay_failures_total{of}[1m]))", "{{relay}} batches failed"),
        ),
        panel(
            "Time to relay a batch",
            "From claiming it to settling it.",
            "s",
            *quantiles("tenon_relay_batch_seconds", of, "relay"),
        ),
        panel(
            "Periods and old rows",
            "Periods of tables made and dropped, and rows removed one by one, in an hour.",
            "short",
            (f"sum by (table, what) (increase(tenon_periods_total{of}[1h]))", "{{table}} {{what}}"),
            (f"sum by (table) (increase(tenon_period_rest_rows_total{of}[1h]))", "{{table}} rest"),
        ),
        panel(
            "Memory",
            "Resident, of each process.",
            "bytes",
            (f"process_resident_memory_bytes{of}", "{{instance}}"),
        ),
        panel(
            "Processor",
            "Cores that each process keeps busy.",
            "short",
            (f"rate(process_cpu_seconds_total{of}[1m])", "{{instance}}"),
        ),
        panel(
            "Open files",
            "Of each process; sockets count.",
            "short",
            (f"process_open_fds{of}", "{{instance}}"),
        ),
    )


def consuming(job: str) -> tuple[Panel, ...]:
    """What a service that reads topics shows of its consumer loop."""
    of = f'{{job="{job}"}}'
    return (
        panel(
            "Backlog age",
            "How long the oldest record of each topic that is not handled has waited.",
            "s",
            (f"max by (topic) (tenon_consumer_lag_seconds{of})", "{{topic}}"),
        ),
        panel(
            "Backlog",
            "Records that are not handled yet.",
            "short",
            (f"sum by (topic) (tenon_consumer_lag_records{of})", "{{topic}}"),
            (f"max by (topic) (tenon_consumer_lag_records{of})", "{{topic}}, the worst partition"),
        ),
        panel(
            "Records handled",
            "By topic.",
            "ops",
            (f"sum by (topic) (rate(tenon_consumer_records_total{of}[1m]))", "{{topic}}"),
        ),
        panel(
            "Records at a time",
            "Under load batches grow.",
            "short",
            *quantiles("tenon_consumer_batch_records", of),
        ),
        panel(
            "Time of a batch",
            "Until it is durable.",
            "s",
            *quantiles("tenon_consumer_batch_seconds", of, "topic"),
        ),
        panel(
            "Partitions",
            "Given by Kafka, and being handled; the difference is being opened.",
            "short",
            (f"sum(tenon_consumer_partitions_assigned{of})", "assigned"),
            (f"sum(tenon_consumer_partitions_ready{of})", "handled"),
            (f"min(tenon_consumer_kafka_reachable{of})", "Kafka answers everybody"),
        ),
        panel(
            "Retried, and taken by others",
            "Batches tried again, and partitions that turned out to be another process's, in 5 minutes.",
            "short",
            (f"sum by (topic) (increase(tenon_consumer_retries_total{of}[5m]))", "{{topic}} retried"),
            (f"sum by (topic) (increase(tenon_consumer_fenced_total{of}[5m]))", "{{topic}} fenced"),
        ),
    )
