"""Generated files say what their sources say, and a stale one is found."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tenon.contracts.families import FAMILIES
from tenon.contracts.topics import BY_NAME
from tests.support.examples import ROOT


def generate(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tenon.generate", "--root", str(root), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("contracts", "docs", "deploy/docker", "deploy/grafana"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_every_generated_file_is_fresh() -> None:
    done = generate(ROOT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stale_file_and_one_that_nobody_generates_are_shown_and_put_right(copy: Path) -> None:
    page, orphan = copy / "docs" / "metrics.md", copy / "contracts" / "events" / "tenon.gone.v1.schema.json"
    page.write_text(page.read_text() + "by hand\n")
    orphan.write_text("{}\n")
    stale = generate(copy, "--check")
    assert stale.returncode == 1
    assert "-by hand" in stale.stdout
    assert "tenon.gone.v1.schema.json" in stale.stdout
    assert sorted(generate(copy).stdout.split()) == [
        "contracts/events/tenon.gone.v1.schema.json",
        "docs/metrics.md",
    ]
    assert generate(copy, "--check").returncode == 0
    assert not orphan.exists()


def test_elsewhere_than_in_a_checkout_nothing_is_written(tmp_path: Path) -> None:
    refused = generate(tmp_path)
    assert refused.returncode == 2
    assert "no checkout of Tenon" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["ingest", "notifier"])
def test_an_interface_is_described_as_openapi_demands(name: str) -> None:
    validate(json.loads((ROOT / "contracts" / "openapi" / f"{name}.json").read_text()))


def test_whoever_sends_a_type_writes_its_topic() -> None:
    senders = {"party": "ingest", "administrator": "ingest"}
    for family in FAMILIES.values():
        if family.topic is not None and family.sender != "any service":
            writer = senders.get(family.sender, family.sender)
            assert writer in BY_NAME[family.topic.name].writers, family.name


def test_the_topics_are_described_by_asyncapi_with_messages_that_are_there() -> None:
    document = json.loads((ROOT / "contracts" / "asyncapi.json").read_text())
    described = {each["address"] for each in document["channels"].values()}
    written = {family.topic.name for family in FAMILIES.values() if family.topic}
    assert described == {*written, "tenon.party.{party}.v1"}
    assert {*document["components"]["messages"]} == {
        name for channel in document["channels"].values() for name in channel["messages"]
    }
    for name, message in document["components"]["messages"].items():
        assert name in FAMILIES
        assert (ROOT / "contracts" / message["payload"]["schema"]["$ref"]).is_file()
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
