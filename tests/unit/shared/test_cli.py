"""The command line: reading files, telling events, finding the installation."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import msgspec
import pytest
from click.testing import CliRunner

from tenon.cli import main, running
from tenon.cli.publish import events
from tenon.cli.watch import line_of
from tenon.client import FeedEntry
from tenon.contracts.cloudevents import CloudEvent, to_structured

EVENT = CloudEvent("e1", "/test", "tenon.test.v1", b'{"n":1}')


def found(body: bytes) -> list[tuple[int, str]]:
    places = list(events(io.BytesIO(body)))
    return [(number, event.id if isinstance(event, CloudEvent) else event) for number, event in places]


def test_a_file_of_lines_is_read_with_its_line_numbers() -> None:
    line = to_structured(EVENT)
    places = found(b"\n" + line + b"\n\n{broken\n" + line)
    assert [(number, text[:2]) for number, text in places] == [(2, "e1"), (4, "JS"), (5, "e1")]


def test_an_array_is_read_by_its_places() -> None:
    places = found(b'\n[ {"specversion":"1.0"},\n' + to_structured(EVENT) + b"]")
    assert [number for number, _ in places] == [1, 2]
    assert places[1] == (2, "e1")


def test_a_broken_array_and_an_empty_file_are_told() -> None:
    assert found(b"[{")[0][1].startswith("a batch is a JSON array")
    assert found(b"") == []


def test_a_docking_is_told_in_one_line() -> None:
    data = {
        "quantity": 5,
        "unit": "C62",
        "class": {"scheme": "hs", "code": "6307"},
        "supply": {"party": "maker"},
        "demand": {"region": "US-NY"},
        "distance_m": 12_400,
    }
    time = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
    event = CloudEvent("e", "/m", "tenon.docking.proposed.v1", msgspec.json.encode(data), time)
    assert line_of(FeedEntry(7, event)).plain.split() == [
        "7",
        "2026-01-01T00:00:00+",
        "proposed",
        *["5", "C62", "of", "hs:6307", "maker", "→", "US-NY,", "12", "km"],
    ]


def test_other_events_are_told_by_type_and_subject() -> None:
    event = CloudEvent("e", "/m", "tenon.alert.unmet.v1", b"{}", None, "hospital/7")
    assert line_of(FeedEntry(1, event)).plain.split() == ["1", "alert.unmet", "hospital/7"]


def test_help_lists_all_commands_though_a_plugin_is_broken() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert {"publish", "watch", "deadletters", "topics"} <= set(result.output.split())


def test_an_unknown_command_ends_with_the_status_of_wrong_usage() -> None:
    assert CliRunner().invoke(main, ["dock"]).exit_code == 2


@pytest.fixture
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which no stack runs, and no variable is set."""
    for name in ("API_KEY", "ADMIN_KEY", "INGEST_URL", "NOTIFIER_URL", "KAFKA_BOOTSTRAP", "DATA_DIR"):
        monkeypatch.delenv(f"TENON_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_stack_a_command_says_what_to_do(nothing_runs: Path) -> None:
    with pytest.raises(click.UsageError, match=r"start one with `tenon up`, or set TENON_KAFKA_BOOTSTRAP"):
        running.kafka()


def test_a_running_stack_is_found_from_folders_below_and_variables_win(
    nothing_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nothing_runs / ".tenon").mkdir()
    state = {"kafka_bootstrap": "127.0.0.1:9192", "urls": {"ingest": ["http://i"]}, "admin_key": "k", "x": 1}
    (nothing_runs / ".tenon" / "state.json").write_bytes(msgspec.json.encode(state))
    (nothing_runs / "below").mkdir()
    monkeypatch.chdir(nothing_runs / "below")
    assert running.kafka().bootstrap == "127.0.0.1:9192"
    monkeypatch.setenv("TENON_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("TENON_TOPIC_PREFIX", "staging.")
    assert (running.kafka().bootstrap, running.kafka().prefix) == ("kafka:9092", "staging.")


class Ingest(BaseHTTPRequestHandler):
    """Takes every event but those called `bad`."""

    def do_POST(self) -> None:
        batch = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        fault = {"pointer": "/data/n", "reason": "negative", "expected": "0 or more"}
        problem = {"type": "/p", "title": "Invalid", "status": 422, "errors": [fault]}
        results = [
            {"index": index, "status": "rejected", "problem": problem}
            if event["id"] == "bad"
            else {"index": index, "status": "accepted"}
            for index, event in enumerate(batch)
        ]
        body = msgspec.json.encode({"results": results})
        self.send_response(202)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def ingest(nothing_runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ingest that the command finds by its variables, and a folder for files."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Ingest) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        for name, value in (("INGEST_URL", url), ("NOTIFIER_URL", url), ("API_KEY", "tenon_k_s")):
            monkeypatch.setenv(f"TENON_{name}", value)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield nothing_runs
        server.shutdown()
        thread.join()


def test_publish_tells_each_refused_line_and_takes_the_rest(ingest: Path) -> None:
    bad = CloudEvent("bad", "/test", "tenon.test.v1", b"{}")
    file = ingest / "events.ndjson"
    file.write_bytes(b"\n".join([to_structured(EVENT), to_structured(bad), b"{broken", to_structured(EVENT)]))
    result = CliRunner().invoke(main, ["publish", str(file)], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0] == "2: bad: Invalid: /data/n: negative (expected 0 or more)"
    assert lines[1].startswith("3: JSON")
    assert lines[2] == "2 accepted, 2 refused"


def test_publish_reads_standard_input(ingest: Path) -> None:
    result = CliRunner().invoke(main, ["publish", "-"], input=to_structured(EVENT))
    assert (result.exit_code, result.output) == (0, "1 accepted, 0 refused\n")
