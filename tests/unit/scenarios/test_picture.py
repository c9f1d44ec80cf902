"""The picture asks the network for nothing, and its figures are those of demo.json."""

import csv
import json
import re
from pathlib import Path

from scenarios.ppe import baselines, report
from scenarios.ppe.layout import Place
from scenarios.ppe.metrics import measure
from scenarios.ppe.picture import draw
from tests.unit.scenarios.test_story import small

PLACES = {"don0": Place(40.0, -80.0), "rec0": Place(41.0, -80.0), "rec1": Place(42.0, -83.0)}


def test_page_json_and_list_tell_the_same(tmp_path: Path) -> None:
    data = small()
    made = {"ours": baselines.greedy(data)}
    figures = report.figures_of({name: measure(data, dockings) for name, dockings in made.items()}, {})
    report.write(tmp_path, figures, draw(figures, PLACES, made, data.distances), made["ours"])
    page = (tmp_path / "demo.html").read_text()
    inside = re.search(r'<script type="application/json" id="figures">(.*)</script>', page)
    assert inside is not None
    assert json.loads(inside[1]) == json.loads((tmp_path / "demo.json").read_text())
    assert f"<b>{figures['results']['ours']['units']:,}</b>" in page
    rows = list(csv.DictReader((tmp_path / "demo-dockings.csv").open()))
    assert sum(int(row["qty"]) for row in rows) == figures["results"]["ours"]["units"]


def test_page_names_no_address() -> None:
    data = small()
    made = {"ours": baselines.greedy(data)}
    figures = report.figures_of({"ours": measure(data, made["ours"])}, {})
    assert not re.search(r"https?:|src=|href=|url\(|@import", draw(figures, PLACES, made, data.distances))


def test_greedy_prefers_the_nearest_recipient_that_it_can_serve_fully() -> None:
    data = small()
    assert [(one.rec_id, one.qty) for one in baselines.greedy(data)] == [
        ("rec0", 20),
        ("rec1", 10),
        ("rec1", 5),
    ]
    assert [(one.rec_id, one.qty) for one in baselines.greedy(data, most_miles=100)] == [("rec0", 20)]
