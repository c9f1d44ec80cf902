"""Prometheus scrapes what Compose runs, and Grafana asks for metrics that exist."""

import json
import re
from typing import Any

import pytest
import yaml

from tenon.generate import contributions
from tenon.metrics import DECLARED
from tests.support.compose import SERVICES, service
from tests.support.examples import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads((GRAFANA / "dashboards" / "overview.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]


@pytest.fixture(scope="module")
def series() -> dict[str, set[str]]:
    """Every series that a service may report, with its labels."""
    contributions()
    found: dict[str, set[str]] = {"up": set()}
    for metric in DECLARED.values():
        endings = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        for ending in endings:
            found[metric.name + ending] = {*metric.labels, *(["le"] if ending == "_bucket" else [])}
    return found


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_a_panel_asks_for_metrics_and_labels_that_exist(
    title: str, query: str, series: dict[str, set[str]]
) -> None:
    asked = re.findall(r"\btenon_\w+|\bup\b", query)
    assert asked, title
    known = {"job", "instance"}.union(*(series[name] for name in asked))
    for labels in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in labels.split(",")} <= known, title


def test_panels_stand_beside_one_another() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_prometheus_scrapes_every_replica_of_every_service() -> None:
    text = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text()
    jobs = {job["job_name"]: job for job in yaml.safe_load(text)["scrape_configs"]}
    assert set(jobs) == set(SERVICES)
    for name, port in SERVICES.items():
        (found,) = jobs[name]["dns_sd_configs"]
        assert (found["names"], found["type"], found["port"]) == ([name], "A", port)
        assert jobs[name].get("metrics_path", "/metrics") == "/metrics"


def test_grafana_finds_its_data_source_and_its_dashboards() -> None:
    sources = yaml.safe_load((GRAFANA / "provisioning" / "datasources" / "prometheus.yml").read_text())
    (source,) = sources["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]} == {source["uid"]}
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "tenon.yml").read_text())
    mounted = {volume["target"] for volume in service("grafana")["volumes"]}
    assert providers["providers"][0]["options"]["path"] in mounted
