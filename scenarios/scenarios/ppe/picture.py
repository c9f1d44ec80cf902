"""`demo.html`: a picture of a run in one file that asks the network for nothing.

Decides how it looks; its figures are those of `demo.json`, which it carries within.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians, sin

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from scenarios.ppe.data import Docking
from scenarios.ppe.layout import Place
from scenarios.ppe.report import COLUMNS

_WIDTH, _HEIGHT, _MARGIN = 1000, 620, 24
_COLOURS = ("#0b7285", "#7048e8", "#868e96", "#e8590c", "#2b8a3e")
Points = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """Units docked over time by one strategy, as points of an SVG polyline."""

    name: str
    colour: str
    points: str


def draw(
    figures: Mapping[str, Mapping[str, Mapping[str, float]]],
    places: Mapping[str, Place],
    dockings: Mapping[str, Sequence[Docking]],
) -> str:
    """Return the page. `figures` is what `demo.json` holds; the first strategy is ours."""
    ours = next(iter(dockings))
    points = project(places)
    environment = Environment(loader=PackageLoader("scenarios.ppe"), autoescape=select_autoescape())
    top = max(sum(one.qty for one in made) for made in dockings.values())
    first = min(one.date for made in dockings.values() for one in made)
    last = max(one.date for made in dockings.values() for one in made)
    results = figures["results"]
    return environment.get_template("demo.html").render(
        ours=ours,
        headline=[(name.replace("_", " "), form.format(results[ours][name])) for name, form in COLUMNS],
        flows=_flows(dockings[ours], points),
        sites=[points[name] for name in sorted({one.don_id for one in dockings[ours]})],
        scale=[(280 - 250 * step // 4, f"{top * step // 4:,}") for step in range(5)],
        months=_months(first, last),
        curves=[
            Curve(name, _COLOURS[index % len(_COLOURS)], _curve(made, first, last, top))
            for index, (name, made) in enumerate(dockings.items())
        ],
        columns=[name.replace("_", " ") for name, _ in COLUMNS],
        rows=[
            {
                "name": name,
                "ours": name == ours,
                "cells": [form.format(row[column]) for column, form in COLUMNS],
            }
            for name, row in results.items()
        ],
        figures=Markup(json.dumps(figures).replace("<", "\\u003c")),  # noqa: S704 - escaped for a script element
    )


def project(places: Mapping[str, Place]) -> dict[str, tuple[float, float]]:
    """Return each place on the paper: seen from above the middle of all (orthographic), to scale."""
    names = sorted(places)
    vectors = np.array([_vector(places[name]) for name in names])
    middle = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    flat = vectors - np.outer(vectors @ middle, middle)
    axes = np.linalg.svd(flat, full_matrices=False)[2][:2]
    plane = flat @ axes.T
    low, high = np.percentile(plane, 0.5, axis=0), np.percentile(plane, 99.5, axis=0)
    size = np.array([_WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN])
    paper = (plane - (low + high) / 2) * (size / (high - low)).min() + np.array([_WIDTH, _HEIGHT]) / 2
    return {name: (round(float(x), 1), round(float(y), 1)) for name, (x, y) in zip(names, paper, strict=True)}


def _vector(place: Place) -> tuple[float, float, float]:
    latitude, longitude = radians(place.latitude), radians(place.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def _flows(dockings: Sequence[Docking], points: Points) -> list[dict[str, object]]:
    """Return one bent line per pair of sites, the widest last."""
    units: dict[tuple[str, str], int] = {}
    for one in dockings:
        units[one.don_id, one.rec_id] = units.get((one.don_id, one.rec_id), 0) + one.qty
    return [
        {
            "path": _bent(points[donor], points[recipient]),
            "width": round(0.5 + quantity**0.5 / 16, 2),
            "opacity": round(min(0.75, 0.18 + quantity / 1500), 2),
        }
        for (donor, recipient), quantity in sorted(units.items(), key=lambda flow: (flow[1], flow[0]))
    ]


def _bent(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    middle = ((x1 + x2) / 2 - (y2 - y1) * 0.15, (y1 + y2) / 2 + (x2 - x1) * 0.15)
    return f"M{x1} {y1}Q{middle[0]:.1f} {middle[1]:.1f} {x2} {y2}"


def _curve(dockings: Sequence[Docking], first: datetime, last: datetime, top: int) -> str:
    total, points = 0, ["60,280"]
    for one in sorted(dockings, key=lambda one: one.date):
        total += one.qty
        points.append(f"{_across(one.date, first, last)},{280 - 250 * total / top:.1f}")
    return " ".join(dict.fromkeys(points))


def _months(first: datetime, last: datetime) -> list[tuple[float, str]]:
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    return [(_across(day, first, last), f"{day:%B}") for day in days if day.day == 1]


def _across(at: datetime, first: datetime, last: datetime) -> float:
    return round(60 + 930 * ((at - first) / (last - first) if last > first else 0), 1)
