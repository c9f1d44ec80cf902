"""The decision table of CX-0146 v2.0.1, and which of its cases a notification is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from ingest.domain.faults import Fault
from ingest.formats.catenax.cases import Age, Case, age_of, decide
from ingest.formats.catenax.notification import DemandAndCapacityNotification
from ingest.formats.catenax.reading import Read
from ingest.formats.catenax.ruling import Held, Key, Ruled, ordered
from ingest.formats.catenax.values import plain_uuid

_CLAUSE = "CX-0146 §4.1.5"


@dataclass(frozen=True, slots=True)
class NotificationFacts:
    """What is known of a notification when it comes; `age` beside the one that is held, None: unknown id."""

    faults: tuple[Fault, ...] = ()
    sender_sites: bool = True
    recipient_sites: bool = True
    age: Age | None = None
    resolved: bool = False
    first_sender: bool = True
    foreign_material: bool = False
    unnamed_material: bool = False


# No. 4 of the standard also says "sender not the first one". Read so, nothing would keep old content of the
# first sender out: it holds for everybody here, as its business logic says.
NOTIFICATION_CASES: tuple[Case[NotificationFacts], ...] = (
    Case(1, _CLAUSE, lambda f: bool(f.faults), "ignore", 400),
    Case(
        2, _CLAUSE, lambda f: not f.sender_sites, "ignore", 400,
        "/affectedSitesSender", "a site that is not the sender's", "sites of the sender by BPNS",
    ),
    Case(
        3, _CLAUSE, lambda f: not f.recipient_sites, "ignore", 400,
        "/affectedSitesRecipient", "a site that is not the recipient's", "sites of the recipient by BPNS",
    ),
    Case(
        4, _CLAUSE, lambda f: f.age in ("older", "same"), "ignore", 400,
        "/contentChangedAt", "not newer than what was taken before", "a later contentChangedAt",
    ),
    Case(
        5, _CLAUSE, lambda f: f.age is not None and f.resolved and not f.first_sender, "ignore", 400,
        "/status", "resolved by another than who sent it first", "resolved by its first sender",
    ),
    Case(
        6, _CLAUSE, lambda f: f.foreign_material, "ignore", 400,
        "/materialsAffected", "a material that is not the sender's", "materials that it makes or uses",
    ),
    Case(
        7, _CLAUSE, lambda f: f.unnamed_material, "ignore", 400,
        "/materialsAffected", "a material without a number", "at least one number of each material",
    ),
    Case(8, _CLAUSE, lambda f: f.age == "newer", "overwrite", 200),
    Case(9, _CLAUSE, lambda f: f.age is None, "create", 200),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Between:
    """Who tells whom: the two numbers, and the sites of each. `foreign`: materials known to be others'."""

    sender: str
    recipient: str
    sender_sites: Collection[str]
    recipient_sites: Collection[str]
    foreign: Collection[str] = ()


def key_between(one: str, other: str, notification_id: str) -> Key:
    """Return the name of a notification: it is held once between two partners, whoever sent it."""
    return (*ordered(one, other), plain_uuid(notification_id))


def rule_notification(read: Read, between: Between, held: Held | None) -> Ruled:
    """Return what becomes of a notification."""
    told = read.value
    if told is None:
        return Ruled(read.at, "ignore", 400, f"{_CLAUSE} no. 1", None, read.faults)
    case = decide(NOTIFICATION_CASES, _facts(read, told, between, held))
    key = key_between(between.sender, between.recipient, told.notification_id)
    clause = f"{case.clause} no. {case.number}"
    if case.action == "ignore":
        faults = read.faults or (Fault(read.at + case.at, case.reason, case.expected),)
        return Ruled(read.at, "ignore", case.status, clause, key[2], faults)
    kept = Held(between.sender, told.changed_at, told)
    return Ruled(read.at, case.action, case.status, clause, key[2], (), key, kept)


def _facts(
    read: Read,
    told: DemandAndCapacityNotification,
    between: Between,
    held: Held | None,
) -> NotificationFacts:
    known: datetime | None = held.changed_at if held is not None else None
    assets = {
        plain_uuid(each.material_global_asset_id)
        for each in told.materials_affected
        if each.material_global_asset_id is not None
    }
    return NotificationFacts(
        faults=read.faults,
        sender_sites=set(told.affected_sites_sender) <= set(between.sender_sites),
        recipient_sites=set(told.affected_sites_recipient) <= set(between.recipient_sites),
        age=age_of(told.changed_at, known),
        resolved=told.status == "resolved",
        first_sender=held is None or held.sender == between.sender,
        foreign_material=not assets.isdisjoint(between.foreign),
        unnamed_material=not all(each.named for each in told.materials_affected),
    )
