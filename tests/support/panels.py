"""What Grafana shows: its dashboards, and every query of every panel."""

import json
from typing import Any

from tests.support.examples import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((GRAFANA / "dashboards").glob("*.json"))
}
QUERIES = [
    (f"{name}: {panel['title']}", target["legendFormat"], target["expr"])
    for name, dashboard in DASHBOARDS.items()
    for panel in dashboard["panels"]
    for target in panel["targets"]
]
