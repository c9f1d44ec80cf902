"""The command line: reading files, telling events, finding the installation."""

import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import msgspec
import pytest
from click.testing import CliRunner

from tenon.cli import main, running
from tenon.cli.files import events
from tenon.contracts.cloudevents import CloudEvent, to_structured
from tenon.kafka.connection import KafkaSecurity

EVENT = CloudEvent("e1", "/test", "tenon.test.v1", b'{"n":1}')


def found(body: bytes) -> list[tuple[int, str]]:
    places = list(events(io.BytesIO(body)))
    return [(number, event.id if isinstance(event, CloudEvent) else event) for number, event in places]


def test_a_file_of_lines_is_read_with_its_line_numbers() -> None:
    line = to_structured(EVENT)
    places = found(b"\n" + line + b"\n\n{broken\n" + line)
    assert [(number, text[:2]) for number, text in places] == [(2, "e1"), (4, "JS"), (5, "e1")]


def test_an_array_is_read_with_the_line_of_each_event() -> None:
    places = found(b'\n[ {"specversion":"1.0"},\n\n' + to_structured(EVENT) + b"]")
    assert places == [(2, "envelope: Object missing required field `id`"), (4, "e1")]


def test_one_event_may_go_over_several_lines() -> None:
    body = msgspec.json.format(to_structured(EVENT), indent=2)
    assert found(body) == [(1, "e1")]
    assert found(b"\xef\xbb\xbf" + body + b"\n") == [(1, "e1")]
    wrong = body.replace(b'"e1"', b"e1")
    assert found(wrong) == [
        (1 + wrong[: wrong.index(b"e1")].count(b"\n"), "JSON is malformed: invalid character")
    ]
    assert found(body[:-2]) == [(body.count(b"\n"), "Input data was truncated")]


def test_a_broken_first_line_does_not_hide_the_others() -> None:
    line = to_structured(EVENT)
    assert [number for number, _ in found(b"{broken\n" + line + b"\n" + line)] == [1, 2, 3]
    assert [text for _, text in found(b"{broken\n" + line + b"\n" + line)][1:] == ["e1", "e1"]
    assert [number for number, _ in found(b"5\nhello\n" + line)] == [1, 2, 3]


def test_a_broken_array_is_told_with_its_line_and_an_empty_file_holds_nothing() -> None:
    ((line, reason),) = found(b'[\n{"id": 1},\n{oops}\n]')
    assert (line, reason.startswith("a batch is a JSON array of events: JSON is malformed")) == (3, True)
    assert found(b"") == []
    assert found(b"\n \n") == []


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


@pytest.mark.parametrize(
    ("command", "variable"),
    [
        (["publish", "-"], "TENON_API_KEY"),
        (["watch"], "TENON_API_KEY"),
        (["deadletters", "list"], "TENON_KAFKA_BOOTSTRAP"),
        (["topics"], "TENON_KAFKA_BOOTSTRAP"),
    ],
)
def test_without_a_stack_a_command_says_what_to_do(
    nothing_runs: Path, command: list[str], variable: str
) -> None:
    result = CliRunner().invoke(main, command)
    told = f"Error: no local stack runs here; start one with `tenon up`, or set {variable}\n"
    assert (result.exit_code, result.output) == (1, told)


def test_a_stack_without_the_service_that_is_wanted_says_what_to_set(nothing_runs: Path) -> None:
    (nothing_runs / ".tenon").mkdir()
    state = {"kafka_bootstrap": "127.0.0.1:9192", "urls": {"ingest": ["http://i"], "notifier": []}}
    file = nothing_runs / ".tenon" / "state.json"
    file.write_bytes(msgspec.json.encode({**state, "admin_key": "k"}))
    with pytest.raises(click.ClickException, match="runs no notifier; set TENON_NOTIFIER_URL"):
        running.client()
    file.write_bytes(b"{")
    with pytest.raises(click.ClickException, match=r"state.json can't be read .*; set TENON_API_KEY"):
        running.client()


@pytest.mark.parametrize("address", ["localhost:8100", "http://", "ingest"])
def test_an_address_that_is_none_is_refused_in_one_line(
    nothing_runs: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    for name, value in (("INGEST_URL", address), ("NOTIFIER_URL", "http://n"), ("API_KEY", "tenon_k_s")):
        monkeypatch.setenv(f"TENON_{name}", value)
    result = CliRunner().invoke(main, ["publish", "-"], input=to_structured(EVENT))
    told = f"Error: {address!r} is no address; write http://host:port\n"
    assert (result.exit_code, result.output) == (1, told)


def test_brokers_that_are_away_are_told_in_one_line(
    nothing_runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENON_KAFKA_BOOTSTRAP", "127.0.0.1:1")
    result = CliRunner().invoke(main, ["deadletters", "list"])
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith("Error: Kafka can't be reached, see TENON_KAFKA_BOOTSTRAP: ")


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


def test_who_signs_in_at_the_local_stack_is_its_administrator_or_who_is_asked_for(
    nothing_runs: Path,
) -> None:
    (nothing_runs / ".tenon").mkdir()
    users = {"admin": "of-admin", "auditor": "of-auditor"}
    state = {"kafka_bootstrap": "127.0.0.1:9192", "urls": {}, "admin_key": "k"}
    said = {**state, "kafka_security": "SASL_PLAINTEXT", "kafka_users": users}
    (nothing_runs / ".tenon" / "state.json").write_bytes(msgspec.json.encode(said))
    for user, reached in (("admin", running.kafka()), ("auditor", running.kafka(user="auditor"))):
        assert reached.security == KafkaSecurity("SASL_PLAINTEXT", username=user, password=users[user])


@pytest.mark.parametrize("given", [{}, {"TENON_KAFKA_PASSWORD_INGEST": ""}])
def test_users_wants_a_password_for_each(
    nothing_runs: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(main, ["users", "--controllers", "127.0.0.1:1"])
    told = "Error: set TENON_KAFKA_PASSWORD_NAME for each user, such as TENON_KAFKA_PASSWORD_INGEST\n"
    assert (result.exit_code, result.output) == (1, told)


def test_topics_knows_no_principal_but_those_of_the_table(nothing_runs: Path) -> None:
    result = CliRunner().invoke(main, ["topics", "--acls", "--principal", "console=CN=console"])
    assert result.exit_code == 2
    assert "--principal console: there are ingest, matcher, notifier, auditor" in result.output


class Ingest(BaseHTTPRequestHandler):
    """Takes every event but those called `bad`, with every key but `wrong`."""

    def do_POST(self) -> None:
        if self.headers["authorization"] == "Bearer wrong":
            problem = {"type": "/p", "title": "Unauthorized", "status": 401, "detail": "not in force"}
            self.answer(401, problem)
            return
        batch = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        fault = {"pointer": "/data/n", "reason": "negative", "expected": "0 or more"}
        problem = {"type": "/p", "title": "Invalid", "status": 422, "errors": [fault]}
        results = [
            {"index": index, "status": "rejected", "problem": problem}
            if event["id"] == "bad"
            else {"index": index, "status": "accepted"}
            for index, event in enumerate(batch)
        ]
        self.answer(202, {"results": results})

    def answer(self, status: int, document: object) -> None:
        body = msgspec.json.encode(document)
        self.send_response(status)
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
    assert lines[0] == f"{file}:2: bad: Invalid: /data/n: negative (expected 0 or more)"
    assert lines[1].startswith(f"{file}:3: JSON")
    assert lines[2] == "2 accepted, 2 refused"


def test_publish_reads_standard_input(ingest: Path) -> None:
    result = CliRunner().invoke(main, ["publish", "-"], input=to_structured(EVENT))
    assert (result.exit_code, result.output) == (0, "1 accepted, 0 refused\n")


def test_publish_refuses_a_file_without_events(ingest: Path) -> None:
    result = CliRunner().invoke(main, ["publish", "-"], input=b"\n")
    assert (result.exit_code, result.output) == (1, "Error: <stdin> holds no event\n")


def test_a_key_that_is_not_in_force_is_told_in_one_line(
    ingest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENON_API_KEY", "wrong")
    result = CliRunner().invoke(main, ["publish", "-"], input=to_structured(EVENT))
    told = "Error: 401 Unauthorized: not in force; set TENON_API_KEY to a key that is in force\n"
    assert (result.exit_code, result.output) == (1, told)
