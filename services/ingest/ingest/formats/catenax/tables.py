"""The decision tables of CX-0128 v2.2: what becomes of a demand, a capacity group, a comment.

The numbers are the standard's. A case that is not in it says so in its clause.
"""

from dataclasses import dataclass

from ingest.domain.faults import Fault
from ingest.formats.catenax.cases import Age, Case

_DEMAND, _GROUP, _COMMENT = "CX-0128 §4.1.2.7", "CX-0128 §4.2.2.7", "CX-0128 §4.4.2.7"
_NEWER = "a changedAt that is not before the one taken last"


@dataclass(frozen=True, slots=True)
class DemandFacts:
    """What is known of a demand when it comes. `age`: beside what is held under its id, None: unknown id."""

    faults: tuple[Fault, ...] = ()
    from_customer: bool = True
    to_mine: bool = True
    age: Age | None = None
    taken: bool = False


DEMAND_CASES: tuple[Case[DemandFacts], ...] = (
    Case(1, _DEMAND, lambda f: bool(f.faults), "ignore", 400),
    Case(
        2, _DEMAND, lambda f: not f.from_customer, "ignore", 400,
        "/customer", "the customer is not the sender", "the BPNL that belongs to the key",
    ),
    Case(
        3, _DEMAND, lambda f: not f.to_mine, "ignore", 400,
        "/supplier", "no supplier with this BPNL is served here", "the BPNL of a partner that is registered",
    ),
    Case(4, _DEMAND, lambda f: f.age == "newer", "overwrite", 200),
    Case(
        5, _DEMAND, lambda f: f.age is None and f.taken, "ignore", 400,
        "/materialDemandId", "supplier, customer and material have another materialDemandId",
        "the materialDemandId that was sent first for these three",
    ),
    Case(6, _DEMAND, lambda f: f.age is None, "create", 201),
    Case(
        7, _DEMAND, lambda f: f.age == "older", "ignore", 400,
        "/changedAt", "older than what was taken before", _NEWER,
    ),
    Case(8, _DEMAND, lambda f: f.age == "same", "overwrite", 200),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What is known of a group when it comes. `start_moved`: its volatility start is past, and new."""

    faults: tuple[Fault, ...] = ()
    from_supplier: bool = True
    to_mine: bool = True
    links_demands: bool = True
    links_groups: bool = False
    start_moved: bool = False
    age: Age | None = None


GROUP_CASES: tuple[Case[GroupFacts], ...] = (
    Case(1, _GROUP, lambda f: bool(f.faults), "ignore", 400),
    Case(
        2, _GROUP, lambda f: not f.from_supplier, "ignore", 400,
        "/supplier", "the supplier is not the sender", "the BPNL that belongs to the key",
    ),
    Case(
        3, _GROUP, lambda f: not f.to_mine, "ignore", 400,
        "/customer", "no customer with this BPNL is served here", "the BPNL of a partner that is registered",
    ),
    Case(
        4, _GROUP, lambda f: f.links_demands == f.links_groups, "ignore", 400,
        "/linkedDemandSeries", "demand series and capacity groups are both linked, or neither",
        "linkedDemandSeries or linkedCapacityGroups, one of the two",
    ),
    Case(
        5, _GROUP, lambda f: f.start_moved, "ignore", 400,
        "/demandVolatilityParameters/startReferenceDateTime", "in the past, and not the one in force",
        "the one in force, or a time to come",
    ),
    Case(6, _GROUP, lambda f: f.age == "newer", "overwrite", 200),
    Case(7, _GROUP, lambda f: f.age is None, "create", 201),
    Case(
        8, _GROUP, lambda f: f.age == "older", "ignore", 400,
        "/changedAt", "older than what was taken before", _NEWER,
    ),
    Case(9, _GROUP, lambda f: f.age == "same", "overwrite", 200),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommentFacts:
    """What is known of a comment when it comes. `age` is of the comment that is held under its id."""

    faults: tuple[Fault, ...] = ()
    from_sender: bool = True
    to_partner: bool = True
    object_exchanged: bool = True
    object_processed: bool = True
    delete: bool = False
    age: Age | None = None


COMMENT_CASES: tuple[Case[CommentFacts], ...] = (
    Case(1, _COMMENT, lambda f: bool(f.faults), "ignore", 400),
    Case(
        2, _COMMENT, lambda f: not f.from_sender, "ignore", 400,
        "", "the sender is neither its customer nor its supplier", "the BPNL that belongs to the key",
    ),
    Case(
        3, _COMMENT, lambda f: not f.to_partner, "ignore", 400,
        "", "the other side is no partner that is served here", "the BPNL of a partner that is registered",
    ),
    Case(
        4, _COMMENT, lambda f: not f.object_exchanged, "ignore", 403,
        "/objectId", "no such object was exchanged between these two",
        "the id of a demand or a group of theirs",
    ),
    Case(
        5, _COMMENT, lambda f: not f.object_processed, "ignore", 501,
        "/objectType", "comments on this are not processed", "another objectType",
    ),
    Case(6, _COMMENT, lambda f: f.age is not None and f.delete, "delete", 200),
    Case(7, _COMMENT, lambda f: f.age == "newer", "overwrite", 200),
    Case(8, _COMMENT, lambda f: f.age is None, "create", 201),
    Case(
        9, _COMMENT, lambda f: f.age == "older", "ignore", 400,
        "/changedAt", "older than what was taken before", _NEWER,
    ),
    Case(10, "none: as no. 8 of §4.1.2.7", lambda f: f.age == "same", "overwrite", 200),
)  # fmt: skip
