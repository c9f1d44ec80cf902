"""`demo.html`: a picture of a run in one file that asks the network for nothing.

Decides how it looks; its figures are those of `demo.json`, which it carries within.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate
from math import cos, floor, log10, radians, sin

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from scenarios.ppe.data import Distances, Docking
from scenarios.ppe.layout import Place
from scenarios.ppe.report import COLUMNS

_WIDTH, _HEIGHT, _MARGIN = 1000, 620, 24
_COLOURS = 6
_MILES = (10, 20, 50, 100, 200, 500, 1_000, 2_000)
_LEFT, _RIGHT, _FLOOR, _ROOF = 60, 990, 280, 30
Points = Mapping[str, tuple[float, float]]
Series = Sequence[tuple[datetime, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """What one strategy reached over time, as an SVG polyline's points; `colour`: a number of the style."""

    name: str
    colour: int
    points: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves of all strategies over one scale: `scale` are (height, text)."""

    title: str
    curves: Sequence[Curve]
    scale: Sequence[tuple[float, str]]


def draw(
    figures: Mapping[str, Mapping[str, Mapping[str, float]]],
    places: Mapping[str, Place],
    dockings: Mapping[str, Sequence[Docking]],
    distances: Distances,
) -> str:
    """Return the page. `figures` is what `demo.json` holds; the first strategy is ours."""
    ours = next(iter(dockings))
    points = project(places)
    environment = Environment(loader=PackageLoader("scenarios.ppe"), autoescape=select_autoescape())
    first = min(one.date for made in dockings.values() for one in made)
    last = max(one.date for made in dockings.values() for one in made)
    results = figures["results"]
    return environment.get_template("demo.html").render(
        ours=ours,
        headline=[(name.replace("_", " "), form.format(results[ours][name])) for name, form in COLUMNS],
        flows=_flows(dockings[ours], points),
        sites=[points[name] for name in sorted({one.don_id for one in dockings[ours]})],
        months=_months(first, last),
        charts=[
            chart(
                "Units docked so far",
                {name: _docked(made, first) for name, made in dockings.items()},
                _round_marks(max(row["units"] for row in results.values())),
                first,
                last,
            ),
            chart(
                "Miles per unit so far (logarithmic)",
                {name: _mean_way(made, distances) for name, made in dockings.items()},
                {log10(miles): f"{miles:,}" for miles in _MILES},
                first,
                last,
            ),
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


def chart(
    title: str, series: Mapping[str, Series], marks: Mapping[float, str], first: datetime, last: datetime
) -> Chart:
    """Return the curves of (time, amount) of each strategy between the lowest and the highest mark."""
    low, high = min(marks), max(marks)

    def up(amount: float) -> float:
        return round(_FLOOR - (_FLOOR - _ROOF) * (min(max(amount, low), high) - low) / (high - low), 1)

    curves = [
        Curve(
            name, number % _COLOURS, _joined((_across(at, first, last), up(amount)) for at, amount in points)
        )
        for number, (name, points) in enumerate(series.items())
    ]
    return Chart(title, curves, [(up(amount), text) for amount, text in marks.items()])


def _joined(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(dict.fromkeys(f"{x},{y}" for x, y in points))


def _docked(made: Sequence[Docking], first: datetime) -> Series:
    """Return the units docked so far."""
    ordered = sorted(made, key=lambda one: one.date)
    sums = accumulate(one.qty for one in ordered)
    return [(first, 0), *((one.date, total) for one, total in zip(ordered, sums, strict=True))]


def _mean_way(made: Sequence[Docking], distances: Distances) -> Series:
    """Return the miles per unit docked so far, as their logarithm to the base of ten."""
    series, units, way = [], 0, 0.0
    for one in sorted(made, key=lambda one: one.date):
        units += one.qty
        way += one.qty * distances.between(one.don_id, one.rec_id)
        series.append((one.date, log10(max(1.0, way / units))))
    return series


def _round_marks(top: float) -> dict[float, str]:
    """Return marks from 0 to the least round number that is not below `top`."""
    power = 10 ** floor(log10(max(top, 10)) - 1)
    step = next(factor * power for factor in (1, 2, 5, 10, 20, 50) if factor * power * 5 >= top)
    return {step * number: f"{step * number:,}" for number in range(-int(-top // step) + 1)}


def _months(first: datetime, last: datetime) -> list[tuple[float, str]]:
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    return [(_across(day, first, last), f"{day:%B}") for day in days if day.day == 1]


def _across(at: datetime, first: datetime, last: datetime) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * ((at - first) / (last - first) if last > first else 0), 1)
