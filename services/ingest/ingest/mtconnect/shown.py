"""What is shown of a machine, and how its addresses are described."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ingest.errors import described
from ingest.formats.mtconnect.capacity import down_since
from ingest.formats.mtconnect.machines import Machine
from ingest.formats.mtconnect.observations import UNAVAILABLE
from ingest.formats.mtconnect.running import ACTIVE, Fault, Tally
from ingest.mtconnect.store import Registered
from ingest.shown import FORBIDDEN, ref
from tenon.contracts.values import Window
from tenon.problems import Problem


class CountedWindow(msgspec.Struct, frozen=True):
    """What was counted in the working hours of a window: seconds by execution state and by program."""

    window: str
    seconds: dict[str, float]
    programs: dict[str, float]
    parts: dict[str, int]
    utilisation: float | None = None


class MachineShown(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as it was registered, how it runs, and what was told of its resource last."""

    machine: str
    registered: Machine
    execution: str
    program: str
    seen_at: datetime | None = None
    problem: str | None = None
    down_since: datetime | None = None
    faults: Sequence[Fault]
    faults_ended: Sequence[Fault]
    lost: int
    counted: Sequence[CountedWindow]
    told_at: datetime | None = None
    revision: int | None = None
    windows: Sequence[Window]


MTCONNECT: tuple[type, ...] = (Machine, MachineShown)


def shown(known: Registered) -> MachineShown:
    """Return what its party is shown of a machine."""
    running = known.running
    tallies = {} if running is None else running.tallies
    return MachineShown(
        machine=known.machine,
        registered=known.said,
        execution=UNAVAILABLE if running is None else running.execution,
        program="" if running is None else running.program,
        seen_at=None if running is None else running.at,
        problem=known.problem,
        down_since=None if running is None else down_since(running),
        faults=[] if running is None else list(running.faults.values()),
        faults_ended=[] if running is None else running.ended,
        lost=0 if running is None else running.lost,
        counted=[_counted(window, tally) for window, tally in tallies.items()],
        told_at=known.told_at,
        revision=known.revision,
        windows=known.windows,
    )


def _counted(window: str, tally: Tally) -> CountedWindow:
    seen = sum(took for state, took in tally.states.items() if state != UNAVAILABLE)
    used = round(tally.states.get(ACTIVE, 0) / seen, 4) if seen else None
    return CountedWindow(window, _seconds(tally.states), _seconds(tally.programs), tally.parts, used)


def _seconds(counted: dict[str, int]) -> dict[str, float]:
    return {name: took / 1000 for name, took in counted.items()}


_REGISTERED: dict[str, Any] = {
    "agent": "https://agents.mills.example/line-2",
    "device": "lathe-1",
    "resource": "lathe-1-hours",
    "site": "jinan-1",
    "class": {"scheme": "hs", "code": "848420"},
    "unit": "HUR",
    "calendar": {
        "zone": "Asia/Shanghai",
        "from": "2029-12-03",
        "until": "2030-03-01",
        "per_hour": 1,
        "shifts": [{"days": ["mon", "tue", "wed", "thu", "fri"], "from": "06:00", "until": "14:00"}],
    },
    "docked_programs": ["O7301"],
}
_SHOWN: dict[str, Any] = {
    "machine": "lathe-1",
    "registered": _REGISTERED,
    "execution": "STOPPED",
    "program": "O7301",
    "seen_at": "2029-12-04T03:20:00Z",
    "problem": None,
    "down_since": "2029-12-04T02:55:00Z",
    "faults": [
        {
            "item": "system",
            "code": "E7",
            "text": "Spindle jammed",
            "from": "2029-12-04T02:55:00Z",
            "until": None,
        }
    ],
    "faults_ended": [],
    "lost": 0,
    "counted": [
        {
            "window": "2029-12-03",
            "seconds": {"ACTIVE": 21_600.0, "READY": 7_200.0},
            "programs": {"O7301": 14_400.0, "O12": 7_200.0},
            "parts": {"all": 240},
            "utilisation": 0.75,
        }
    ],
    "told_at": "2029-12-04T03:05:01Z",
    "revision": 1_890_961_501_000,
    "windows": [
        {
            "id": "2029-12-05",
            "from": "2029-12-04T16:00:00Z",
            "until": "2029-12-05T16:00:00Z",
            "quantity": 21_600,
        }
    ],
}
_CONFLICT = (
    "Another machine has this resource, or resource, class and unit were to change.",
    Problem(409, "/resource: it is machine 'mill-2''s; expected a resource of its own for each machine"),
)


def _answered(summary: str, example: object, schema: object, *codes: int) -> dict[str, Any]:
    errors = described(sorted({401, 404, 405, 500, 503, *codes}), _403=FORBIDDEN, _409=_CONFLICT)
    content = {"application/json": {"schema": schema, "example": example}}
    return {
        "summary": summary,
        "response_model": None,
        "responses": {200: {"description": "Shown.", "content": content}, **errors},
    }


_LIST = {
    "type": "object",
    "required": ["machines", "next"],
    "properties": {
        "machines": {"type": "array", "items": ref("MachineShown")},
        "next": {"type": ["string", "null"], "description": "Ask again with after= this."},
    },
}
LIST = _answered(
    "Machines of a party, and how they run", {"machines": [_SHOWN], "next": "lathe-1"}, _LIST, 422
)
PUT = {
    **_answered(
        "Follow a machine by its MTConnect agent", _REGISTERED, ref("Machine"), 400, 408, 409, 413, 415, 422
    ),
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("Machine"), "example": _REGISTERED}},
        }
    },
}
DELETE = {
    "summary": "Follow a machine no more",
    "status_code": 204,
    "response_model": None,
    "responses": described((401, 404, 405, 422, 500, 503)),
}
