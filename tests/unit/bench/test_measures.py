"""Figures are plain arithmetic on what was seen."""

from collections.abc import Mapping, Sequence

import pytest

from tests.bench import measures
from tests.bench.cpu import Use
from tests.bench.measures import Phase


def phase(
    *,
    told: float | None = 15.0,
    cpu_s: Mapping[str, float] = {"matcher": 4.0, "load": 1.0, "bench": 0.5, "machine": 7.5},
    batches: Sequence[tuple[int, float]] = (),
    docked: Sequence[tuple[int, float]] = (),
) -> Phase:
    return Phase(
        events=1_000,
        began=10.0,
        answered=12.0,
        decided=14.0,
        told=told,
        dockings=400,
        use=Use(1_000, 5.0, 2, cpu_s),
        batches=batches,
        docked=docked,
    )


def test_each_stage_is_counted_until_it_was_done_with_the_last_event() -> None:
    assert measures.throughput(phase()) == {
        "accepted_per_s": 500,
        "decided_per_s": 250,
        "told_per_s": 200,
        "dockings_per_s": 100,
    }


def test_a_pipeline_that_tells_nobody_has_no_figure_for_it() -> None:
    assert measures.throughput(phase(told=None)).keys() == {"accepted_per_s", "decided_per_s"}


def test_processor_time_is_per_event_and_what_is_nobodys_belongs_to_others() -> None:
    assert measures.cpu(phase().use) == {
        "cpu_us.matcher": pytest.approx(4_000),
        "cpu_us.load": pytest.approx(1_000),
        "cpu_us.all": pytest.approx(5_000),
        "others_share": pytest.approx(0.2),
    }


def test_ticks_that_round_against_us_are_not_a_negative_share() -> None:
    assert measures.cpu(phase(cpu_s={"load": 1.0, "bench": 0.1, "machine": 1.0}).use)["others_share"] == 0


def test_a_docking_waits_from_the_batch_that_held_its_later_event() -> None:
    seen = phase(batches=[(100, 2.0), (0, 1.0)], docked=[(99, 1.5), (100, 2.1), (199, 2.3)])
    assert measures.latency(seen) == {
        "latency_p50_ms": pytest.approx(300),
        "latency_p99_ms": pytest.approx(500),
        "latency_dockings": 3,
    }


def test_dockings_of_events_sent_before_the_phase_are_left_out() -> None:
    seen = phase(batches=[(100, 2.0)], docked=[(99, 2.9), (150, 2.1)])
    assert measures.latency(seen)["latency_dockings"] == 1


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.51, 3), (0.99, 4), (0.01, 1), (1, 4)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: float) -> None:
    assert measures.percentile([1, 2, 3, 4], share) == value


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no value"):
        measures.percentile([], 0.5)


def test_ratios_are_taken_where_the_baseline_has_the_figure_too() -> None:
    run = {"bare.decided_per_s": 40.0, "bare.cpu_us.kafka": 0.0, "tenon.full.decided_per_s": 10.0}
    run |= {"tenon.full.cpu_us.kafka": 5.0, "tenon.full.told_per_s": 9.0, "tenon.half.decided_per_s": 3.0}
    assert measures.ratios(run, "bare", "tenon.full") == {"tenon.full.decided_per_s": 0.25}


def test_the_median_is_taken_figure_by_figure() -> None:
    runs = [{"a": 1.0, "b": 9.0}, {"a": 3.0, "b": 7.0}, {"a": 2.0, "b": 8.0}]
    assert measures.medians(runs) == {"a": 2.0, "b": 8.0}
