"""The compose file and the images agree with the settings, ports, addresses and topics of the code."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ingest.settings import IngestSettings
from matcher.settings import MatcherSettings
from notifier.settings import NotifierSettings
from tenon.cli.topics import topics
from tenon.generate.configuration import variables
from tenon.settings import CommonSettings
from tenon_local.kafka.access import USERS
from tests.support.compose import SERVICES, compose, model, service
from tests.support.examples import ROOT

SETTINGS: dict[str, type[CommonSettings]] = {
    "ingest": IngestSettings,
    "matcher": MatcherSettings,
    "notifier": NotifierSettings,
}
DOCKERFILES = {name: ROOT / "deploy" / "docker" / f"{name}.Dockerfile" for name in SERVICES}
OURS = [*SERVICES, *(f"{name}-migrate" for name in SERVICES), "topics", "users"]
each_service = pytest.mark.parametrize("name", SERVICES)


def instructions(name: str) -> list[tuple[str, str]]:
    """Return the instructions of an image, those over several lines as one."""
    text = re.sub(r"\\\n", " ", DOCKERFILES[name].read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.split(None, 1)[1]) for line in lines]


def last(name: str, instruction: str) -> str:
    return [rest for kind, rest in instructions(name) if kind == instruction][-1]


def test_compose_accepts_the_file() -> None:
    done = compose("config", "-q")
    assert (done.returncode, done.stderr) == (0, "")


def test_without_secrets_nothing_starts() -> None:
    done = compose("config", "-q", env_file="/dev/null")
    assert done.returncode != 0
    assert "set it in .env" in done.stderr


def test_every_secret_comes_from_the_environment_and_is_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked == offered
    for path in DOCKERFILES.values():
        assert not re.search(r"(?i)password|secret|_key\b", path.read_text())


@pytest.mark.parametrize("name", OURS)
def test_every_setting_in_the_compose_file_is_one_of_that_service(name: str) -> None:
    owner = "ingest" if name in ("topics", "users") else name.removesuffix("-migrate")
    users = {f"TENON_KAFKA_PASSWORD_{user.upper()}" for user in USERS} if name == "users" else set()
    given = {key for key in service(name)["environment"] if key.startswith("TENON_")}
    assert users <= given
    assert given - users <= set(variables(SETTINGS[owner]))


@each_service
def test_a_service_starts_with_what_the_compose_file_tells_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in service(name)["environment"].items():
        monkeypatch.setenv(key, value)
    settings = SETTINGS[name]()
    assert settings.http_port == SERVICES[name]
    assert settings.kafka_bootstrap == model()["services"]["kafka"]["environment"][
        "KAFKA_ADVERTISED_LISTENERS"
    ].removeprefix("CLIENT://")
    assert (settings.kafka_security, settings.kafka_username) == ("SASL_PLAINTEXT", name)
    assert service(name)["stop_grace_period"] == "20s"
    assert settings.stop_deadline_ms < 20_000


@each_service
def test_services_work_with_one_role_and_migrate_with_another(name: str) -> None:
    works = service(name)["environment"]["TENON_DATABASE_URL"]
    migrates = service(f"{name}-migrate")["environment"]["TENON_DATABASE_URL"]
    assert works.startswith(f"postgresql://{name}:")
    assert migrates.startswith(f"postgresql://{name}_owner:")
    assert service(f"{name}-migrate")["command"] == ["migrate"]
    waits_for = service(name)["depends_on"]
    for once in ("topics", f"{name}-migrate"):
        assert waits_for[once]["condition"] == "service_completed_successfully"


@each_service
def test_a_service_can_be_scaled(name: str) -> None:
    described = service(name)
    assert described["deploy"]["replicas"] == 2
    assert "container_name" not in described
    assert all("published" not in port for port in described.get("ports", []))


@each_service
def test_image_port_and_published_port_are_those_of_the_settings(name: str) -> None:
    port = SETTINGS[name].model_fields["http_port"].default
    assert port == SERVICES[name]
    assert last(name, "EXPOSE") == str(port)
    assert f"TENON_HTTP_PORT={port}" in last(name, "ENV")
    targets = [entry["target"] for entry in service(name).get("ports", [])]
    assert targets in ([], [port])


def test_the_topics_command_is_one_that_the_image_has() -> None:
    described = service("topics")
    assert described["entrypoint"] == ["tenon"]
    command, *arguments = described["command"]
    assert command == topics.name
    params = topics.make_context("topics", arguments).params
    assert (params["replication"], params["acls"]) == (1, True)
    assert service("kafka")["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_is_the_version_that_is_tested_with() -> None:
    lock = ROOT / "deploy" / "local" / "tenon_local" / "jars" / "jgo.lock.toml"
    resolved = tomllib.loads(lock.read_text())["dependencies"]
    version = next(entry["version"] for entry in resolved if entry["artifactId"] == "kafka_2.13")
    assert service("kafka")["image"] == f"apache/kafka:{version}"
    assert service("postgres")["image"] == "postgres:18"


@pytest.mark.parametrize("name", sorted(model()["services"]))
def test_every_file_that_is_mounted_or_built_from_exists(name: str) -> None:
    for volume in service(name).get("volumes", []):
        if volume["type"] == "bind":
            assert Path(volume["source"]).exists()
    if "build" in service(name):
        assert (ROOT / service(name)["build"]["dockerfile"]).is_file()


@each_service
def test_an_image_is_clean_by_the_linters_rules(name: str) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [linter, "--no-color", DOCKERFILES[name]], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@each_service
def test_an_image_holds_its_own_closure_by_hash_and_no_other_service(name: str) -> None:
    text = DOCKERFILES[name].read_text()
    assert f"--require-hashes -r requirements/{name}.txt" in text
    assert not [other for other in SERVICES if other != name and other in text]
    copied = [rest.split()[0] for kind, rest in instructions(name) if kind == "COPY"]
    assert copied == ["requirements/build.txt", "LICENSE", "shared", f"services/{name}", "--from=build"]
    installs = last_build(name).split(" && ")
    assert all(re.search(r"--require-hashes|--no-deps", step) for step in installs if " install " in step)


def last_build(name: str) -> str:
    return " && ".join(rest for kind, rest in instructions(name) if kind == "RUN" and "pip" in rest)


@each_service
def test_an_image_runs_without_privileges_and_in_exec_form(name: str) -> None:
    assert last(name, "USER") == "10001"
    assert json.loads(last(name, "ENTRYPOINT")) == ["python", "-m", name]
    assert json.loads(last(name, "HEALTHCHECK").partition(" CMD ")[2])[:2] == ["python", "-c"]


@each_service
def test_the_health_check_of_an_image_asks_whether_the_process_lives(name: str) -> None:
    check = json.loads(last(name, "HEALTHCHECK").partition(" CMD ")[2])
    assert "/health/live" in check[2]
    environment = dict(part.split("=", 1) for part in shlex.split(last(name, "ENV")))
    done = subprocess.run(
        [sys.executable, *check[1:]],
        env={**environment, "TENON_HTTP_PORT": "1"},
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert b"Connection refused" in done.stderr


def test_what_the_images_copy_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == {"LICENSE", "requirements", "shared", "services"}
