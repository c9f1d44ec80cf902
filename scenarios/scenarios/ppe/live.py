"""What a person sees while the story is told: how far it is, what docks, how fast and how far.

Decides how it looks; what it shows was told by the notifier, as to any other subscriber.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scenarios.ppe.data import METRES_PER_MILE
from tenon.contracts.dockings import Docking

PIECES = "C62"
LAST = 6
_SAMPLES = 7


@dataclass(slots=True)
class Scene:
    """What is known of a run. Its fields are replaced, never changed in place: another thread draws it.

    `told` of the `ticks` are sent; up to the `clock` of the slowest partition they are decided. `totals` are
    as `/v1/totals` has them, `samples` (seconds, dockings) of the last few.
    """

    name: str
    stage: str = "starting"
    ticks: Sequence[datetime] = ()
    told: int = 0
    clock: datetime | None = None
    totals: Mapping[str, Any] = field(default_factory=dict)
    samples: Sequence[tuple[float, int]] = ()
    last: Sequence[Docking] = ()
    trouble: str = ""

    def docked(self, docking: Docking) -> None:
        """Note a docking that the live stream told."""
        self.last = (*self.last, docking)[-LAST:]

    def summed(self, totals: Mapping[str, Any], clocks: Sequence[datetime], at_s: float) -> None:
        """Note new totals, and how far each partition has decided."""
        self.totals, self.clock = totals, min(clocks, default=None)
        self.samples = (*self.samples, (at_s, self.count("docked")))[-_SAMPLES:]

    @property
    def per_second(self) -> float:
        """How many dockings were made per second lately."""
        if len(self.samples) < 2:
            return 0.0
        (began_s, before), (ended_s, after) = self.samples[0], self.samples[-1]
        return (after - before) / (ended_s - began_s)

    def count(self, name: str) -> int:
        """Return how many things a total is of."""
        return int(self._total(name).get("count", 0))

    def quantity(self, name: str) -> float:
        """Return how much a total is."""
        return float(self._total(name).get("quantity", 0))

    @property
    def decided(self) -> int:
        """How many of the ticks are decided."""
        return bisect_right(self.ticks, self.clock) if self.clock else 0

    @property
    def miles(self) -> float:
        """The mean way of a docked unit."""
        docked = self.quantity("docked")
        return self.quantity("moved") * 1000 / METRES_PER_MILE / docked if docked else 0.0

    def _total(self, name: str) -> Mapping[str, Any]:
        units: Mapping[str, Mapping[str, Mapping[str, Any]]] = self.totals.get("units", {})
        return units.get(PIECES, {}).get(name, {})


def draw(scene: Scene) -> RenderableType:
    """Return the display: progress, counters, the last dockings."""
    return Panel(
        Group(_progress(scene), Text(), _counters(scene), Text(), _dockings(scene)),
        title=scene.name,
        title_align="left",
        border_style="cyan",
    )


def line(scene: Scene) -> str:
    """Return the display as a line, for output that is no terminal."""
    return (
        f"{scene.name}: {_when(scene)}; {scene.quantity('docked'):,.0f} units in {scene.count('docked'):,}"
        f" dockings, {scene.per_second:.0f}/s, {scene.count('open'):,} demands open,"
        f" {scene.miles:.1f} miles"
    )


def sentence(docking: Docking) -> str:
    """Return a docking in plain words."""
    miles = docking.distance_m / METRES_PER_MILE
    return (
        f"{docking.proposed_at:%d %b %H:%M}  {docking.supply.party} gives {docking.quantity:,.0f}"
        f" {docking.class_.code} to {docking.demand.party}, {miles:,.0f} miles"
    )


def _progress(scene: Scene) -> RenderableType:
    row = Table.grid(padding=(0, 1), expand=True)
    row.add_column(ratio=1)
    row.add_column(justify="right")
    row.add_row(ProgressBar(total=max(1, len(scene.ticks)), completed=scene.decided), _when(scene))
    return row


def _when(scene: Scene) -> str:
    if scene.clock is None or not scene.decided:
        return scene.stage
    return f"{scene.clock:%d %B %Y}: {scene.decided} of {len(scene.ticks)} steps decided, {scene.told} sent"


def _counters(scene: Scene) -> RenderableType:
    shown = {
        "units docked": f"{scene.quantity('docked'):,.0f}",
        "dockings": f"{scene.count('docked'):,}",
        "per second": f"{scene.per_second:.0f}",
        "open demands": f"{scene.count('open'):,}",
        "open offers": f"{scene.count('free'):,}",
        "miles per unit": f"{scene.miles:.1f}",
    }
    grid = Table.grid(padding=(0, 3))
    grid.add_row(*(Text(value, style="bold") for value in shown.values()))
    grid.add_row(*(Text(name, style="dim") for name in shown))
    return grid


def _dockings(scene: Scene) -> RenderableType:
    told = [sentence(docking) for docking in scene.last]
    if scene.trouble:
        return Text(scene.trouble, style="yellow")
    return Text("\n".join(told + [""] * (LAST - len(told))), no_wrap=True, overflow="ellipsis")
