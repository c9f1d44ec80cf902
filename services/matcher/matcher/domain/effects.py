"""What a round has done so far: gathered while it runs, told and stored when it ends."""

from dataclasses import dataclass, field

from matcher.domain.reading import Unusable
from tenon.contracts.alerts import Overdrawn, Overloaded, Unmet
from tenon.contracts.dockings import Docking
from tenon.contracts.intake import ResourcePublished
from tenon.contracts.log import DemandListed, OfferListed
from tenon.contracts.rejections import AnswerRefused, EventSuperseded
from tenon.contracts.values import Shape

Told = AnswerRefused | EventSuperseded
Alert = Unmet | Overdrawn | Overloaded


@dataclass(slots=True)
class Effects:
    """Effects of one round. Sets are only ever read in sorted order."""

    partition: int
    round: int
    clock_ms: int
    steps: list[Docking] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    alerts: list[tuple[str, Alert]] = field(default_factory=list)
    unusable: list[Unusable] = field(default_factory=list)
    offers: set[tuple[str, str]] = field(default_factory=set)
    demands: set[tuple[str, str]] = field(default_factory=set)
    resources: set[tuple[str, str]] = field(default_factory=set)
    listed: dict[tuple[str, str, str], OfferListed | DemandListed | ResourcePublished] = field(
        default_factory=dict
    )
    stored: dict[tuple[str, str, str], Shape] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)
    closed: dict[tuple[str, str, str], int] = field(default_factory=dict)
    closing: set[tuple[str, str]] = field(default_factory=set)
    forgotten: set[tuple[str, str, str]] = field(default_factory=set)
    forgotten_deals: set[str] = field(default_factory=set)
    dropped_windows: set[tuple[str, str]] = field(default_factory=set)
    markets: set[str] = field(default_factory=set)
    run_changed: bool = False
    records: int = 0
    docked: int = 0
    released: int = 0
    _dockings: int = 0

    def next_docking(self) -> str:
        """Return the id of the next docking: partition, round, number within the round."""
        self._dockings += 1
        return f"{self.partition}-{self.round}-{self._dockings}"
