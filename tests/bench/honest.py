"""Whether a run was honest: all that was accepted is decided, nothing is promised twice, nothing is parked.

No figure of a run that is not is ever shown.
"""

import msgspec

from tenon_local.stack import Stack
from tests.bench.messages import Seen
from tests.bench.rig import BenchFailed

_SQL = """
SELECT json_build_object(
  'overdrawn', (SELECT count(*) FROM matcher.offer_windows WHERE consumed > quantity),
  'overfilled', (SELECT count(*) FROM matcher.demand_windows
                 WHERE proposed + confirmed + shipped + delivered > said),
  'unaccounted', (SELECT count(*) FROM matcher.offer_windows w LEFT JOIN
                  (SELECT partition, offer, offer_window, sum(consumed) AS consumed FROM matcher.dockings
                   GROUP BY 1, 2, 3) d
                  ON (d.partition, d.offer, d.offer_window) = (w.partition, w.key, w.window)
                  WHERE w.consumed <> coalesce(d.consumed, 0)),
  'parked', (SELECT count(*) FROM matcher.rounds WHERE parked_why IS NOT NULL),
  'dockings', (SELECT count(*) FROM matcher.dockings))
"""


class Stored(msgspec.Struct, frozen=True):
    """What the matcher's tables say after a run."""

    overdrawn: int
    overfilled: int
    unaccounted: int
    parked: int
    dockings: int


async def stored(stack: Stack) -> Stored:
    """Ask the matcher's tables."""
    return msgspec.json.decode(await stack.postgres.psql(_SQL), type=Stored)


def check_stored(found: Stored) -> None:
    """Raise BenchFailed where more is consumed than there was, or a round is parked."""
    faults = [
        f"{count} {what}"
        for count, what in (
            (found.overdrawn, "offer windows of which more is consumed than offered"),
            (found.overfilled, "demand windows that got more than they asked for"),
            (found.unaccounted, "offer windows that the dockings don't add up to"),
            (found.parked, "rounds parked"),
            (not found.dockings, "run without any docking"),
        )
        if count
    ]
    if faults:
        raise BenchFailed("; ".join(faults))


def check_seen(seen: Seen, decided: int, accepted: int) -> None:
    """Raise BenchFailed unless each accepted event was decided once, and each docking was told."""
    if decided != accepted:
        raise BenchFailed(f"{accepted} events were accepted, {decided} decided")
    if seen.faulty:
        raise BenchFailed(f"{seen.faulty} records were superseded, refused, skipped or released")
    if seen.dockings != seen.dockings_decided:
        raise BenchFailed(f"{seen.dockings_decided} dockings were decided, {seen.dockings} told")
