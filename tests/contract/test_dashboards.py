"""Prometheus scrapes what Compose runs, and Grafana asks for metrics that exist."""

import re

import pytest
import yaml

from tenon.generate import contributions
from tenon.metrics import DECLARED
from tests.support.compose import SERVICES, service
from tests.support.examples import ROOT
from tests.support.panels import DASHBOARDS, GRAFANA, QUERIES

RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())["groups"]
RECORDED = {rule["record"]: rule["expr"] for group in RULES for rule in group["rules"] if "record" in rule}
EXPRESSIONS = [
    *((title, query) for title, _, query in QUERIES),
    *((rule.get("alert", rule.get("record")), rule["expr"]) for group in RULES for rule in group["rules"]),
]


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


@pytest.mark.parametrize(("title", "query"), EXPRESSIONS)
def test_a_query_asks_for_metrics_and_labels_that_exist(
    title: str, query: str, series: dict[str, set[str]]
) -> None:
    if set(re.findall(r"\w+:[\w:]+", query)) & RECORDED.keys():
        return
    asked = re.findall(r"\btenon_\w+|\bup\b", query)
    if not asked:
        assert re.search(r"\bprocess_\w+|\bALERTS\b", query), title
        return
    known = {"job", "instance"}.union(*(series[name] for name in asked))
    for labels in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in labels.split(",")} <= known, title


def test_a_query_of_what_is_recorded_asks_for_what_is_recorded() -> None:
    asked = {name for _, _, query in QUERIES for name in re.findall(r"\w+:[\w:]+", query)}
    assert asked == set(RECORDED)


def test_every_metric_is_shown_somewhere() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    shown = " ".join([*(query for _, _, query in QUERIES), *RECORDED.values()])
    assert [name for name in re.findall(r"^\| `(tenon_\w+)`", page, re.MULTILINE) if name not in shown] == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_stand_beside_one_another(name: str) -> None:
    panels = DASHBOARDS[name]["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len(set(places)) == len(places)
    assert len({panel["id"] for panel in panels}) == len(places)


def test_there_is_an_overview_and_a_page_per_service() -> None:
    assert set(DASHBOARDS) == {"overview", *SERVICES}
    assert len({dashboard["uid"] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)


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
    used = {panel["datasource"]["uid"] for each in DASHBOARDS.values() for panel in each["panels"]}
    assert used == {source["uid"]}
    providers = yaml.safe_load((GRAFANA / "provisioning" / "dashboards" / "tenon.yml").read_text())
    mounted = {volume["target"] for volume in service("grafana")["volumes"]}
    assert providers["providers"][0]["options"]["path"] in mounted
