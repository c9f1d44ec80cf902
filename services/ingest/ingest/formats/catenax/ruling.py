"""Which case each object of a message is, given what is held: the facts that the tables ask for.

Objects are ruled in the order they stand in; what one changes, the next one finds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from ingest.domain.faults import Fault
from ingest.formats.catenax.aspects import COMMENT, DEMAND, GROUP, AspectType
from ingest.formats.catenax.capacity_group import WeekBasedCapacityGroup
from ingest.formats.catenax.cases import Action, Case, age_of, decide
from ingest.formats.catenax.comment import IdBasedComment
from ingest.formats.catenax.material_demand import WeekBasedMaterialDemand
from ingest.formats.catenax.reading import Read
from ingest.formats.catenax.tables import (
    COMMENT_CASES,
    DEMAND_CASES,
    GROUP_CASES,
    CommentFacts,
    DemandFacts,
    GroupFacts,
)
from ingest.formats.catenax.values import Aspect, plain_uuid

MOST_COMPARED = 2_000
"""Most demands, and most groups, that one supplier and one customer may have: they are compared together."""
MOST_KEPT = 100_000
"""Most comments, notifications and short-term figures that two partners may have, each."""
Pair = tuple[str, str]
"""A relationship: the supplier's BPNL, the customer's."""
Key = tuple[str, str, str]
"""An object of an aspect: the supplier, the customer, its id."""


@dataclass(frozen=True, slots=True)
class Held:
    """An object that is held. `value` None: it was deleted, for good."""

    sender: str
    changed_at: datetime
    value: Any


@dataclass(slots=True)
class Known:
    """What is held of everything that a message speaks of; brought up to date as it is ruled.

    `subjects` says under which id a supplier, a customer and a material are held, `exchanged` which objects a
    comment may be about, `counts` how many objects of this aspect a relationship has.
    """

    sender: str
    now: datetime
    partners: frozenset[str] = frozenset()
    objects: dict[Key, Held] = field(default_factory=dict)
    subjects: dict[Key, str] = field(default_factory=dict)
    exchanged: frozenset[Key] = frozenset()
    counts: dict[Pair, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ruled:
    """What becomes of an object: the case, its faults, and what is kept where anything is."""

    at: str
    action: Action
    status: int
    clause: str
    id: str | None = None
    faults: tuple[Fault, ...] = ()
    key: Key | None = None
    held: Held | None = None
    subject: str | None = None


def pair_of(value: Aspect) -> Pair:
    """Return the relationship that an object belongs to."""
    told: Any = value
    return told.supplier, told.customer


def ordered(one: str, other: str) -> Pair:
    """Return two partners as a relationship in which neither is the supplier: in order of their numbers."""
    first, second = sorted((one, other))
    return first, second


def key_of(value: Aspect) -> Key:
    """Return the name of an object."""
    told: Any = value
    return (*pair_of(value), plain_uuid(getattr(told, _ID[type(value)])))


def rule(read: Read, aspect: AspectType, known: Known) -> Ruled:
    """Return what becomes of an object, and note it."""
    table, facts_of = _RULES[aspect.kind]
    if read.value is None:
        return Ruled(read.at, "ignore", 400, _clause(table[0]), None, read.faults)
    facts = facts_of(read.value, known, read)
    case: Case[Any] = decide(table, facts)
    key = key_of(read.value)
    if case.action == "ignore":
        faults = facts.faults or (Fault(read.at + case.at, case.reason, case.expected),)
        return Ruled(read.at, "ignore", case.status, _clause(case), key[2], faults)
    held = _held(read.value, case.action, known)
    subject = read.value.material_number_customer if isinstance(read.value, WeekBasedMaterialDemand) else None
    _note(known, key, held, subject)
    return Ruled(read.at, case.action, case.status, _clause(case), key[2], (), key, held, subject)


def _clause(case: Case[Any]) -> str:
    return f"{case.clause} no. {case.number}"


def _held(value: Aspect, action: Action, known: Known) -> Held:
    if action == "delete":
        return Held(known.sender, known.now, None)
    if isinstance(value, IdBasedComment):
        posted = value.posted_at or known.now
        value = replace(value, author=value.author or known.sender, posted_at=posted)
        return Held(known.sender, _changed(value, known), value)
    told: Any = value
    return Held(known.sender, told.changed_at, value)


def _note(known: Known, key: Key, held: Held, subject: str | None) -> None:
    if key not in known.objects:
        known.counts[key[:2]] = known.counts.get(key[:2], 0) + 1
    known.objects[key] = held
    if subject is not None:
        # A demand may be sent again for another material: what it was about before is free.
        known.subjects = {
            name: held_id
            for name, held_id in known.subjects.items()
            if (name[:2], held_id) != (key[:2], key[2])
        }
        known.subjects[(*key[:2], subject)] = key[2]


def _demand(demand: WeekBasedMaterialDemand, known: Known, read: Read) -> DemandFacts:
    key = key_of(demand)
    held = known.objects.get(key)
    other = known.subjects.get((*key[:2], demand.material_number_customer), key[2])
    return DemandFacts(
        faults=(
            *read.faults,
            *_full(known, key, MOST_COMPARED, read.at),
            *_taken(known, key, other, read.at),
        ),
        from_customer=demand.customer == known.sender,
        to_mine=demand.supplier in known.partners,
        age=age_of(demand.changed_at, held.changed_at if held is not None else None),
        taken=other != key[2],
    )


def _group(group: WeekBasedCapacityGroup, known: Known, read: Read) -> GroupFacts:
    key = key_of(group)
    held = known.objects.get(key)
    return GroupFacts(
        faults=(*read.faults, *_full(known, key, MOST_COMPARED, read.at)),
        from_supplier=group.supplier == known.sender,
        to_mine=group.customer in known.partners,
        links_demands=bool(group.linked_demand_series),
        links_groups=bool(group.linked_capacity_groups),
        start_moved=_start_moved(group, held, known.now),
        age=age_of(group.changed_at, held.changed_at if held is not None else None),
    )


def _comment(comment: IdBasedComment, known: Known, read: Read) -> CommentFacts:
    key = key_of(comment)
    held = known.objects.get(key)
    sides = {comment.customer, comment.supplier}
    return CommentFacts(
        faults=(*read.faults, *_full(known, key, MOST_KEPT, read.at), *_foreign(held, known, read.at)),
        from_sender=known.sender in sides,
        to_partner=sides <= known.partners,
        object_exchanged=(*key[:2], plain_uuid(comment.object_id)) in known.exchanged,
        delete=comment.request_delete,
        age=_comment_age(comment, held, known),
    )


def _comment_age(comment: IdBasedComment, held: Held | None, known: Known) -> Any:
    """Say how old a comment is; one that was deleted is final, so everything is older than that."""
    if held is not None and held.value is None:
        return "older"
    return age_of(_changed(comment, known), held.changed_at if held is not None else None)


def _changed(comment: IdBasedComment, known: Known) -> datetime:
    return comment.changed_at or known.now


def _start_moved(group: WeekBasedCapacityGroup, held: Held | None, now: datetime) -> bool:
    told = group.demand_volatility_parameters
    if told is None or told.start_reference_date_time >= now:
        return False
    before = held.value.demand_volatility_parameters if held is not None else None
    return before is None or before.start_reference_date_time != told.start_reference_date_time


def full(known: bool, count: int, most: int, at: str) -> tuple[Fault, ...]:
    """Return a fault where two partners have as many objects of an aspect as they may, and one more comes."""
    if known or count < most:
        return ()
    return (Fault(at, "no room for another one", f"at most {most} between two partners"),)


def _full(known: Known, key: Key, most: int, at: str) -> tuple[Fault, ...]:
    return full(key in known.objects, known.counts.get(key[:2], 0), most, at)


def _taken(known: Known, key: Key, other: str, at: str) -> tuple[Fault, ...]:
    """Return a fault where a known demand would take the material of another one."""
    if key not in known.objects or other == key[2]:
        return ()
    reason, expected = (
        "another materialDemandId has this material",
        "each material under one materialDemandId",
    )
    return (Fault(f"{at}/materialNumberCustomer", reason, expected),)


def _foreign(held: Held | None, known: Known, at: str) -> tuple[Fault, ...]:
    """Return a fault where a comment is changed or deleted by another than who wrote it (§5.9.1)."""
    if held is None or held.sender == known.sender:
        return ()
    return (Fault(f"{at}/commentId", "a comment of the other partner", "a comment of the sender's own"),)


_ID: Mapping[type[Aspect], str] = {
    DEMAND.kind: "material_demand_id",
    GROUP.kind: "capacity_group_id",
    COMMENT.kind: "comment_id",
}
_RULES: Mapping[type[Aspect], tuple[Sequence[Case[Any]], Callable[[Any, Known, Read], Any]]] = {
    DEMAND.kind: (DEMAND_CASES, _demand),
    GROUP.kind: (GROUP_CASES, _group),
    COMMENT.kind: (COMMENT_CASES, _comment),
}
