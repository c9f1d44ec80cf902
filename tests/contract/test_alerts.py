"""Alerts: one at least per guarantee at risk, each tried by promtool and explained to whom it wakes."""

import json
import re
from typing import Any

import click
import pytest
import yaml

from tenon.cli.main import main
from tenon.generate import contributions
from tenon.metrics import DECLARED, Metric, Metrics
from tests.support.compose import service
from tests.support.examples import ROOT
from tests.support.prometheus import promtool

PROMETHEUS = ROOT / "deploy" / "prometheus"
GROUPS: list[dict[str, Any]] = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
TRIED = yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
PAGE = (ROOT / "docs" / "operations.md").read_text()
PARAGRAPHS = dict(re.findall(r"^### (Tenon\w+)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL))
COMMANDS = {name: re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for name, text in PARAGRAPHS.items()}
each_alert = pytest.mark.parametrize("name", ALERTS)


def test_promtool_accepts_configuration_and_rules() -> None:
    assert "SUCCESS" in promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_alerts_fire_when_they_should_and_not_before() -> None:
    assert "SUCCESS" in promtool("test", "rules", str(PROMETHEUS / "rules_test.yml"))


def test_promtool_has_nothing_to_say_about_any_declared_metric() -> None:
    contributions()
    metrics = Metrics()
    for metric in DECLARED.values():
        _record(metrics, metric)
    assert promtool("check", "metrics", told=metrics.render()) == ""


def _record(metrics: Metrics, metric: Metric) -> None:
    labels: dict[str, object] = dict.fromkeys(metric.labels, "some")
    if metric.kind == "histogram":
        metrics.observe(metric, 1, **labels)
    else:
        metrics.add(metric, 1, **labels)


def test_no_party_class_or_id_is_a_label() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    used = {
        label
        for labels in re.findall(r"^\| `\w+` \| \w+ \| ([^|]*) \|", page, re.MULTILINE)
        for label in re.findall(r"`(\w+)`", labels)
    }
    bounded = {"code", "engine", "outcome", "partition", "reason", "relay", "stage", "status"}
    assert used == bounded | {"table", "tier", "topic", "type", "what"}


def test_every_rule_is_tried() -> None:
    fired = {
        alert["alertname"]
        for test in TRIED
        for alert in test.get("alert_rule_test", [])
        if alert["exp_alerts"]
    }
    assert fired == set(ALERTS)
    asked = " ".join(each["expr"] for test in TRIED for each in test.get("promql_expr_test", []))
    assert [rule["record"] for rule in RULES if "record" in rule and rule["record"] not in asked] == []


def test_every_guarantee_has_an_alert() -> None:
    promised = re.findall(r"^\| (\d) \|", (ROOT / "docs" / "guarantees.md").read_text(), re.MULTILINE)
    watched = {rule["labels"]["guarantee"] for rule in ALERTS.values()}
    assert watched == {*promised, "all"}


@each_alert
def test_an_alert_has_a_paragraph_with_three_commands(name: str) -> None:
    rule, text = ALERTS[name], PARAGRAPHS[name]
    assert rule["labels"]["severity"] in ("critical", "warning")
    risk = "All guarantees" if rule["labels"]["guarantee"] == "all" else rule["labels"]["guarantee"]
    assert risk in text.split(".")[0]
    (block,) = COMMANDS[name]
    assert len(block.splitlines()) == 3


def test_every_paragraph_is_of_an_alert() -> None:
    assert list(PARAGRAPHS) == list(ALERTS)


@each_alert
def test_the_commands_of_a_paragraph_exist(name: str) -> None:
    for command in COMMANDS[name][0].splitlines():
        first, *words = command.split()
        if first == "tenon":
            assert _is_command(main, words), command
        elif first == "ask":
            assert _is_asked(command), command
        else:
            assert first in ("rows", "curl"), command


def _is_command(group: click.Command, words: list[str]) -> bool:
    if not isinstance(group, click.Group):
        options = {name for parameter in group.params for name in parameter.opts}
        given = words[: words.index("|")] if "|" in words else words
        return {word for word in given if word.startswith("-")} <= options
    found = group.get_command(click.Context(group), words[0])
    return found is not None and _is_command(found, words[1:])


def _is_asked(command: str) -> bool:
    """True where the service has the address, by the method, with the parameters."""
    method = "post" if "-X POST" in command else "get"
    found = re.search(r'"\$(IN|OUT)(/[^?"]*)(?:\?([^"]*))?"', command)
    assert found is not None
    of, path, query = found.groups()
    document = json.loads(
        (ROOT / "contracts" / "openapi" / f"{'ingest' if of == 'IN' else 'notifier'}.json").read_text()
    )
    asked = path.split("/")
    for known, methods in document["paths"].items():
        parts = known.split("/")
        fits = len(parts) == len(asked) and all(
            one == other or one.startswith("{") for one, other in zip(parts, asked, strict=True)
        )
        if fits and method in methods:
            names = {each["name"] for each in methods[method].get("parameters", [])}
            return {part.split("=")[0] for part in (query or "").split("&") if part} <= names
    return False


def test_prometheus_in_containers_reads_the_rules() -> None:
    configuration = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    (mounted,) = (each for each in service("prometheus")["volumes"] if each["type"] == "bind")
    assert mounted["target"] == "/etc/prometheus"
    assert all((PROMETHEUS / file).is_file() for file in configuration["rule_files"])
