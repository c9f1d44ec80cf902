"""The curves of a run as one SVG: each with its own scale, the second half shaded. Pure."""

from collections.abc import Mapping
from html import escape

from tests.soak.verdict import Points, Verdict

_WIDTH, _HEIGHT, _GAP = 640, 90, 26


def svg(curves: Mapping[str, Points], verdicts: Mapping[str, Verdict]) -> str:
    """Return a picture of curves, one below the other."""
    rows = [_row(name, points, verdicts.get(name), at) for at, (name, points) in enumerate(curves.items())]
    height = len(rows) * (_HEIGHT + _GAP) + _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH + 40}" height="{height}"'
        f' font-family="sans-serif" font-size="12">{"".join(rows)}</svg>\n'
    )


def _row(name: str, points: Points, verdict: Verdict | None, at: int) -> str:
    top = at * (_HEIGHT + _GAP) + _GAP
    most = max(max(y for _, y in points), 1.0)
    last = max(points[-1][0], 1.0)
    line = " ".join(
        f"{20 + x / last * _WIDTH:.1f},{top + _HEIGHT - y / most * _HEIGHT:.1f}" for x, y in points
    )
    said = "" if verdict is None else ", flat" if verdict.flat else f", rises by {verdict.rise:,.0f}"
    return (
        f'<rect x="{20 + _WIDTH / 2}" y="{top}" width="{_WIDTH / 2}" height="{_HEIGHT}" fill="#eee"/>'
        f'<polyline points="{line}" fill="none" stroke="#06c"/>'
        f'<text x="20" y="{top - 4}">{escape(name)}: at most {most:,.0f}{said}</text>'
    )
