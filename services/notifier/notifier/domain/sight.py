"""One event as several viewers see it, as JSON: `visible` for all whom an event is for, at less cost.

What viewers see alike is encoded once: an event of one party's as a whole, of a docking each column of the
tables. What is shown is decided in `visibility`, by the same functions as for a single viewer.
"""

from notifier.domain.pseudonym import Naming
from notifier.domain.visibility import columns_of, own, sees_all, side, top, visible
from tenon.contracts.codec import encode
from tenon.contracts.dockings import Docking
from tenon.contracts.values import Shape


class Sight:
    """An event to be seen; `whole` is all of it, encoded."""

    def __init__(self, event: Shape, whole: bytes, naming: Naming) -> None:
        self._event = event
        self._whole = whole
        self._naming = naming
        self._parts: dict[tuple[str, int], bytes] = {}

    def seen_by(self, viewer: str) -> bytes | None:
        """Return what a viewer sees; None: nothing."""
        event = self._event
        if isinstance(event, Docking):
            return self._docking(event, viewer)
        if sees_all(event, viewer):
            return self._whole
        shown = visible(event, viewer, self._naming)
        return None if shown is None else encode(shown)

    def _docking(self, docking: Docking, viewer: str) -> bytes | None:
        columns = columns_of(docking, viewer)
        if columns is None:
            return None
        secrets = own(docking, columns)
        return b'%b,%b"supply":%b,"demand":%b}' % (
            self._top(docking, columns.top)[:-1],
            encode(secrets)[1:-1] + b"," if secrets else b"",
            self._side(docking, "supply", columns.supply, viewer),
            self._side(docking, "demand", columns.demand, viewer),
        )

    def _top(self, docking: Docking, column: int) -> bytes:
        made = self._parts.get(("top", column))
        if made is None:
            made = self._parts["top", column] = encode(top(docking, column))
        return made

    def _side(self, docking: Docking, name: str, column: int, viewer: str) -> bytes:
        made = self._parts.get((name, column))
        if made is None:
            of = docking.supply if name == "supply" else docking.demand
            made = self._parts[name, column] = encode(side(of, column, viewer, self._naming))
        return made
