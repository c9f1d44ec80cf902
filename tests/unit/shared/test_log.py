"""Log lines: one wide line per unit of work."""

import json
import logging
import time

import pytest

from tenon import log


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_unit_of_work_is_one_line_with_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json", service="matcher", instance="one")
    with log.work("round", partition=3) as line:
        line["docked"] = 7
    (found,) = lines(capsys)
    assert found["event"] == "round"
    assert (found["partition"], found["docked"], found["outcome"]) == (3, 7, "done")
    assert (found["service"], found["instance"], found["level"]) == ("matcher", "one", "info")
    assert isinstance(found["duration_ms"], float)


def test_work_that_failed_says_how_and_raises_on(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json")
    with pytest.raises(ZeroDivisionError), log.work("round"):
        raise ZeroDivisionError("no way")
    (found,) = lines(capsys)
    assert (found["outcome"], found["error"], found["level"]) == (
        "failed",
        "ZeroDivisionError: no way",
        "warning",
    )


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning", "json")
    with log.work("round"):
        pass
    log.get("x").info("hello")
    assert lines(capsys) == []


def test_libraries_log_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "json", service="ingest")
    logging.getLogger("some.library").warning("careful: %s", "hot")
    logging.getLogger("aiokafka.consumer").info("too much detail")
    (found,) = lines(capsys)
    assert (found["event"], found["level"], found["service"]) == ("careful: hot", "warning", "ingest")


def test_a_console_line_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", "console")
    log.get("x").info("hello", answer=42)
    assert "hello" in capsys.readouterr().err


def test_a_library_that_repeats_itself_is_heard_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log.configure("info", "json")
    now = 1_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    for now in (1_000.0, 1_000.1, 1_004.9, 1_005.1, 1_005.2):
        logging.getLogger("aiokafka.client").warning("no broker at %s", "k:9092")
        logging.getLogger("aiokafka.client").warning("something else %s", now)
    said = [found["event"] for found in lines(capsys)]
    assert said == [
        "no broker at k:9092",
        "something else 1000.0",
        "no broker at k:9092 (and 2 times more in between)",
        "something else 1005.1 (and 2 times more in between)",
    ]
