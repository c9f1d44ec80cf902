"""What `tenon up` says when it can't: one line, and what to do."""

import shutil
import socket
from pathlib import Path

import pytest

from tests.support.commands import home


def test_a_port_that_is_taken_is_told_with_the_variable_that_moves_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with home(TENON_MATCHER_PORT=port) as here:
            status, told = here.tenon("up")
    assert status == 1
    (line,) = told.splitlines()
    assert line.startswith(f"Error: port {port} for matcher-1 on 127.0.0.1 is taken")
    assert line.endswith("or choose another with TENON_MATCHER_PORT")


def test_two_processes_that_want_one_port_are_told_apart() -> None:
    with home(TENON_INGEST_PORT="28123", TENON_NOTIFIER_PORT="28123") as here:
        status, told = here.tenon("up")
    assert (status, told) == (
        1,
        "Error: ingest-1 and notifier-1 both want port 28123: move one by its TENON_…_PORT\n",
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_a_wrong_setting_is_told_by_its_variable(command: str) -> None:
    with home(TENON_KAFKA_PORT="many") as here:
        status, told = here.tenon(command)
    assert status == 1
    (line,) = told.splitlines()
    assert line.startswith("Error: TENON_KAFKA_PORT: Input should be a valid integer")


@pytest.mark.parametrize("command", ["down", "status", "publish -", "watch", "deadletters list"])
def test_without_a_stack_every_command_says_to_start_one(command: str) -> None:
    with home() as here:
        status, told = here.tenon(*command.split())
    assert status == 1
    (line,) = told.splitlines()
    assert line.startswith("Error: no ")
    assert "tenon up" in line


def test_replicas_of_what_is_no_service_are_refused() -> None:
    with home() as here:
        status, told = here.tenon("up", "--replicas", "baker=2")
    assert status == 1
    assert "give SERVICE=NUMBER, with one of ingest, matcher, notifier" in told


def test_without_prometheus_on_the_machine_it_is_told_how_to_get_it(tmp_path: Path) -> None:
    if setpriv := shutil.which("setpriv"):
        (tmp_path / "setpriv").symlink_to(setpriv)
    with home(PATH=str(tmp_path)) as here:
        status, told = here.tenon("up", "--with-prometheus")
    assert status == 1
    (line,) = told.splitlines()
    assert line.startswith("Error: --with-prometheus needs the program prometheus, which is not on PATH.")
    assert "apt-get install -y prometheus" in line
