"""A machine as its party registers it: where it is listened to, and which resource its capacity is."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, field

from ingest.domain.calendars import expanded, worked_hours
from ingest.domain.faults import Fault
from ingest.domain.measure import Measure
from ingest.formats.mtconnect.running import Hours
from tenon.contracts.values import Calendar, Id, ItemClass, Ratio, Shape, UnitCode

_Text = Annotated[
    str, Meta(min_length=1, max_length=200, pattern=r"^[^/?#%.\x00-\x20\x7f][^/?#%\x00-\x20\x7f]*$(?!\n)")
]


class Machine(Shape, frozen=True, kw_only=True):
    """A machine that an MTConnect agent speaks of, and the resource that its capacity is published as."""

    agent: Annotated[
        str, Meta(min_length=1, max_length=2_000, description="URL of the agent, without the device.")
    ]
    device: Annotated[_Text, Meta(description="The name or the uuid of the device.")]
    resource: Annotated[Id, Meta(description="The resource; fixed, as its class and unit.")]
    site: Id
    class_: ItemClass = field(name="class")
    unit: UnitCode
    calendar: Calendar
    docked_programs: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=200)]],
        Meta(max_length=100, description="Programs that run for what is docked: their time stays offered."),
    ] = []
    change_at_least: Annotated[
        Ratio, Meta(description="Publish again when a window has changed by this share of all that it holds.")
    ] = 0.05
    fault_after_s: Annotated[
        int,
        Meta(ge=0, le=30 * 86_400, description="A fault that stops the machine for longer takes capacity."),
    ] = 600
    repair_s: Annotated[
        int,
        Meta(ge=60, le=366 * 86_400, description="How much time from now on an open fault takes away."),
    ] = 86_400
    poll_s: Annotated[int, Meta(ge=1, le=3_600, description="How often the agent is asked.")] = 5


def hours_of(machine: Machine) -> list[Hours]:
    """Return the windows of a machine's calendar, which has no faults, with their working hours."""
    measure = Measure(machine.unit, "/unit", [])
    worked = sorted((each.from_, each.until) for each in worked_hours(machine.calendar))
    begins = [span[0] for span in worked]
    return [
        Hours(window, tuple(worked[bisect_left(begins, window.from_) : bisect_left(begins, window.until)]))
        for window in expanded(machine.calendar, measure)
    ]


def faults_of(faults: Sequence[Fault]) -> list[Fault]:
    """Return faults of the event that a machine would make, with pointers into the machine."""
    return [Fault(each.pointer.removeprefix("/data"), each.reason, each.expected) for each in faults]
