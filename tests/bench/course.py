"""The course of a run: which orders a pipeline is given, one after the other. Data alone."""

from dataclasses import dataclass

from msgspec.structs import replace

from tests.bench.messages import Order

WARM_UP_S, WARM_UP_EVENTS = 2.0, 1_000
SINGLE_S, SINGLE_PER_S = 8.0, 5.0
SINGLES_CONNECTIONS = 8
"""For each connection that carries batches, so many carry single events."""


@dataclass(frozen=True, slots=True)
class Course:
    """What the user may choose: seconds of each phase, and how the load is formed."""

    seconds: float = 8.0
    batch: int = 100
    connections: int = 8
    outstanding: int = 4_000
    positions: int = 100_000
    records: int = 20_000
    crowd: int = 10_000
    crowd_records: int = 6_000
    deliveries: int = 12_000
    streamed: int = 2_000

    def crowds(self) -> list[int]:
        """Numbers of positions that are open in one market, up to the largest by factors of ten."""
        return [self.crowd // 100, self.crowd // 10, self.crowd]

    def warm_up(self) -> Order:
        """As fast as it goes, with less in hand, so that it is soon over; not counted."""
        return replace(self._order(0, WARM_UP_S, None), outstanding=min(self.outstanding, WARM_UP_EVENTS))

    def full(self, first: int) -> Order:
        """As fast as everything is decided."""
        return self._order(first, self.seconds, None)

    def half(self, first: int, full_per_s: float) -> Order:
        """Half as many events per second."""
        return self._order(first, self.seconds, full_per_s / 2)

    def single(self, first: int) -> Order:
        """One event at a time, at rest."""
        return Order(
            first=first,
            seconds=SINGLE_S,
            batch=1,
            connections=self.connections,
            outstanding=self.outstanding,
            rate=SINGLE_PER_S,
        )

    def batches(self, first: int) -> Order:
        """As fast as they are answered."""
        return replace(self._order(first, self.seconds, None), outstanding=0)

    def singles(self, first: int) -> Order:
        """One event a request, as fast as they are answered."""
        return replace(self.batches(first), batch=1, connections=self.connections * SINGLES_CONNECTIONS)

    def warm_up_of_intake(self) -> Order:
        """Batches for a moment; not counted."""
        return replace(self.batches(0), seconds=WARM_UP_S)

    def _order(self, first: int, seconds: float, rate: float | None) -> Order:
        return Order(
            first=first,
            seconds=seconds,
            batch=self.batch,
            connections=self.connections,
            outstanding=self.outstanding,
            rate=rate,
        )
