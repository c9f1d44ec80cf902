"""Which case a short-term figure is: the standards let a partner fetch them, so this table is Tenon's own.

It follows CX-0128's: refused where it is wrong or old, taken where it is new, and repeated without harm.
"""

from dataclasses import dataclass
from datetime import datetime

from ingest.domain.faults import Fault
from ingest.formats.catenax.cases import Age, Case, age_of, decide
from ingest.formats.catenax.reading import Read
from ingest.formats.catenax.ruling import Held, Key, Ruled, ordered
from ingest.formats.catenax.short_term import ShortTerm, updated_at
from ingest.formats.catenax.values import plain_uuid

_CLAUSE = "short-term figures"


@dataclass(frozen=True, slots=True)
class ShortTermFacts:
    """What is known of a figure when it comes; `age` beside the one that is held, None: there is none."""

    faults: tuple[Fault, ...] = ()
    age: Age | None = None


SHORT_TERM_CASES: tuple[Case[ShortTermFacts], ...] = (
    Case(1, _CLAUSE, lambda f: bool(f.faults), "ignore", 400),
    Case(
        2, _CLAUSE, lambda f: f.age == "older", "ignore", 400,
        "", "its lastUpdatedOnDateTime is older than what was taken before", "what was updated later",
    ),
    Case(3, _CLAUSE, lambda f: f.age is None, "create", 201),
    Case(4, _CLAUSE, lambda f: f.age in ("newer", "same"), "overwrite", 200),
)  # fmt: skip


def short_term_key(told: ShortTerm, sender: str, recipient: str) -> Key:
    """Return the name of a figure: a material, as one of two partners sees it."""
    name = f"{plain_uuid(told.material_global_asset_id)}:{sender}"
    return (*ordered(sender, recipient), name)


def rule_short_term(read: Read, between: tuple[str, str], held: dict[Key, Held], now: datetime) -> Ruled:
    """Return what becomes of a figure, and note it in `held`."""
    if read.value is None:
        return Ruled(read.at, "ignore", 400, f"{_CLAUSE} no. 1", None, read.faults)
    key = short_term_key(read.value, *between)
    before = held.get(key)
    changed = updated_at(read.value) or now
    age = age_of(changed, before.changed_at if before is not None else None)
    case = decide(SHORT_TERM_CASES, ShortTermFacts(read.faults, age))
    clause = f"{case.clause} no. {case.number}"
    if case.action == "ignore":
        faults = read.faults or (Fault(read.at + case.at, case.reason, case.expected),)
        return Ruled(read.at, "ignore", case.status, clause, key[2], faults)
    held[key] = Held(between[0], changed, read.value)
    return Ruled(read.at, case.action, case.status, clause, key[2], (), key, held[key])
