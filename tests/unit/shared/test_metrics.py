"""Metrics: declared once, recorded per process."""

import pytest

from tenon.metrics import DECLARED, Metrics, counter, gauge, histogram

DONE = counter("test_done_total", "things done", "kind")
OPEN = gauge("test_open", "things open")
SECONDS = histogram("test_seconds", "time a thing took")
ENDED = counter("test_ended_total", "things that ended")
HELD = gauge("test_held", "things held", "place", "kind")


def test_what_was_recorded_is_shown_with_its_meaning() -> None:
    metrics = Metrics()
    metrics.add(DONE, kind="a")
    metrics.add(DONE, 2, kind="a")
    metrics.set(OPEN, 4)
    metrics.add(OPEN, -1)
    metrics.observe(SECONDS, 0.003)
    text = metrics.render().decode()
    assert "# HELP tenon_test_done_total things done" in text
    assert 'tenon_test_done_total{kind="a"} 3.0' in text
    assert "tenon_test_open 3.0" in text
    assert 'tenon_test_seconds_bucket{le="0.005"} 1.0' in text


def test_two_services_in_one_process_keep_their_numbers_apart() -> None:
    one, two = Metrics(), Metrics()
    one.set(OPEN, 1)
    assert b"tenon_test_open" not in two.render()


def test_a_series_can_be_forgotten() -> None:
    metrics = Metrics()
    metrics.add(DONE, kind="a")
    metrics.add(DONE, kind="b")
    metrics.forget(DONE, kind="a")
    metrics.forget(DONE, kind="never")
    text = metrics.render().decode()
    assert 'kind="a"' not in text
    assert 'kind="b"' in text


def test_all_series_of_a_place_can_be_forgotten_at_once() -> None:
    metrics = Metrics()
    for place, kind in (("here", "a"), ("here", "b"), ("there", "a")):
        metrics.set(HELD, 1, place=place, kind=kind)
    metrics.forget(HELD, place="here")
    text = metrics.render().decode()
    assert 'place="here"' not in text
    assert 'place="there"' in text


def test_what_only_rises_is_shown_before_it_rises() -> None:
    text = Metrics().render().decode()
    assert "tenon_test_ended_total 0.0" in text
    assert "tenon_test_seconds_count 0.0" in text
    assert "tenon_test_open" not in text, "a gauge that was not measured is not 0"


def test_declaring_the_same_name_differently_is_a_bug() -> None:
    assert counter("test_done_total", "things done", "kind") is not None
    with pytest.raises(ValueError, match="declared twice"):
        counter("test_done_total", "other things", "kind")


def test_names_say_what_kind_they_are() -> None:
    with pytest.raises(ValueError, match="ends in _total"):
        counter("test_done", "things done")
    with pytest.raises(TypeError, match="no gauge"):
        Metrics().set(DONE, 1, kind="a")
    with pytest.raises(TypeError, match="observe it"):
        Metrics().add(SECONDS, 1)
    with pytest.raises(TypeError, match="no histogram"):
        Metrics().observe(OPEN, 1)


def test_a_label_that_is_missing_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Metrics().add(DONE)


def test_every_declared_name_has_the_prefix_and_a_meaning() -> None:
    assert all(name.startswith("tenon_") and metric.meaning for name, metric in DECLARED.items())
