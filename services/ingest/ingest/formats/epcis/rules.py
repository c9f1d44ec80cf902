"""What the standard asks of an event beyond its shape: a row per rule, with where it stands.

The clauses are those of EPCIS 2.0.1. What only its text asks (the parent of §7.4.3) or only its JSON schema
(members by type, each instance once) is asked too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ingest.domain.faults import Fault, nearest, step
from ingest.formats.epcis.shapes import AnyEvent, Quantity
from ingest.formats.epcis.words import REASONS, STEPS, TRANSACTIONS, word_faults
from ingest.formats.exact import number_faults

_COMMON = (
    "@context",
    "type",
    "eventTime",
    "recordTime",
    "eventTimeZoneOffset",
    "eventID",
    "certificationInfo",
    "errorDeclaration",
    "bizStep",
    "disposition",
    "readPoint",
    "bizLocation",
    "bizTransactionList",
    "sourceList",
    "destinationList",
    "sensorElementList",
)
_MADE = ("persistentDisposition", "ilmd")
MEMBERS: Mapping[str, frozenset[str]] = {
    name: frozenset([*_COMMON, *own])
    for name, own in {
        "ObjectEvent": ["action", "epcList", "quantityList", *_MADE],
        "AggregationEvent": ["action", "parentID", "childEPCs", "childQuantityList"],
        "AssociationEvent": ["action", "parentID", "childEPCs", "childQuantityList"],
        "TransactionEvent": ["action", "parentID", "epcList", "quantityList"],
        "TransformationEvent": [
            "inputEPCList",
            "inputQuantityList",
            "outputEPCList",
            "outputQuantityList",
            "transformationID",
            *_MADE,
        ],
    }.items()
}
"""Each type of event with its members."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When `broken` says so, the event is refused at `at`."""

    clause: str
    broken: Callable[[AnyEvent], bool]
    at: str
    reason: str
    expected: str


def _objects(event: AnyEvent) -> bool:
    return event.epc_list is not None or bool(event.quantity_list)


def _children(event: AnyEvent) -> bool:
    return bool(event.child_epcs or event.child_quantity_list)


def _inputs(event: AnyEvent) -> bool:
    return bool(event.input_epcs or event.input_quantity_list)


def _outputs(event: AnyEvent) -> bool:
    return bool(event.output_epcs or event.output_quantity_list)


def _sensed(event: AnyEvent) -> bool:
    return bool(event.sensor_element_list) and event.read_point is not None


def _deletes(event: AnyEvent) -> bool:
    return event.action == "DELETE"


def _no_action(clause: str) -> Rule:
    return Rule(clause, lambda e: e.action is None, "/action", "missing field", "ADD, OBSERVE or DELETE")


def _no_children(clause: str) -> Rule:
    expected = "childEPCs or childQuantityList, with an entry; or action DELETE: all children"
    return Rule(clause, lambda e: not _children(e) and not _deletes(e), "", "names no children", expected)


RULES: Mapping[str, Sequence[Rule]] = {
    "ObjectEvent": (
        _no_action("§7.4.2"),
        Rule(
            "§7.4.2",
            lambda e: not _objects(e) and not _sensed(e),
            "",
            "names no objects",
            "epcList or quantityList; or sensorElementList with readPoint",
        ),
        Rule(
            "§7.4.2",
            lambda e: e.ilmd is not None and e.action != "ADD",
            "/ilmd",
            "only with action ADD",
            "no ilmd, or action ADD",
        ),
    ),
    "AggregationEvent": (
        _no_action("§7.4.3"),
        Rule(
            "§7.4.3",
            lambda e: e.parent_id is None and e.action in ("ADD", "DELETE"),
            "/parentID",
            "missing field",
            "the parent that children are added to or taken from",
        ),
        _no_children("§7.4.3"),
    ),
    "TransactionEvent": (
        _no_action("§7.4.4"),
        Rule(
            "§7.4.4",
            lambda e: not e.biz_transaction_list,
            "/bizTransactionList",
            "missing, or empty",
            "at least one business transaction",
        ),
        Rule(
            "§7.4.4",
            lambda e: not _objects(e) and not _deletes(e),
            "",
            "names no objects",
            "epcList or quantityList; or action DELETE: all of them",
        ),
    ),
    "TransformationEvent": (
        Rule(
            "§7.4.5",
            lambda e: e.transformation_id is None and not _inputs(e),
            "",
            "names no inputs",
            "inputEPCList or inputQuantityList, with an entry; or transformationID",
        ),
        Rule(
            "§7.4.5",
            lambda e: e.transformation_id is None and not _outputs(e),
            "",
            "names no outputs",
            "outputEPCList or outputQuantityList, with an entry; or transformationID",
        ),
        Rule(
            "§7.4.5",
            lambda e: e.transformation_id is not None and not _inputs(e) and not _outputs(e),
            "",
            "names neither inputs nor outputs",
            "at least one of the four lists, with an entry",
        ),
    ),
    "AssociationEvent": (
        _no_action("§7.4.6"),
        Rule("§7.4.6", lambda e: e.parent_id is None, "/parentID", "missing field", "the parent"),
        _no_children("§7.4.6"),
    ),
}
_YEARS = range(1990, 2200)
_MOST = Decimal(10) ** 12
_DECIMALS = 9
_LISTS = {
    "epc_list": "epcList",
    "input_epcs": "inputEPCList",
    "output_epcs": "outputEPCList",
}
_AMOUNTS = {
    "quantity_list": "quantityList",
    "child_quantity_list": "childQuantityList",
    "input_quantity_list": "inputQuantityList",
    "output_quantity_list": "outputQuantityList",
}


def name_faults(sent: Mapping[str, object], kind: str, at: str) -> Iterator[Fault]:
    """Yield a fault for each member that events of this type do not have; names with a colon are free."""
    known = MEMBERS[kind]
    for name in sent:
        if name not in known and ":" not in name:
            hint = nearest(name, known - sent.keys(), "a member of the standard, or prefix:name")
            yield Fault(at + step(name), f"no member of {_a(kind)}", hint)


def faults(event: AnyEvent, at: str) -> Iterator[Fault]:
    """Yield everything that is wrong with an event whose shape is right."""
    if event.event_time.year not in _YEARS:
        yield Fault(f"{at}/eventTime", f"the year {event.event_time.year}", "a time from 1990 to 2199")
    for rule in RULES[event.type]:
        if rule.broken(event):
            yield Fault(at + rule.at, f"{rule.reason} ({rule.clause})", rule.expected)
    yield from word_faults("step", event.biz_step, STEPS, f"{at}/bizStep")
    for index, told in enumerate(event.biz_transaction_list or ()):
        where = f"{at}/bizTransactionList/{index}/type"
        yield from word_faults("transaction", told.type, TRANSACTIONS, where)
    if event.error_declaration is not None:
        reason = event.error_declaration.reason
        yield from word_faults("reason", reason, REASONS, f"{at}/errorDeclaration/reason")
    for attribute, name in _LISTS.items():
        yield from _repeated(getattr(event, attribute) or (), f"{at}/{name}")
    for attribute, name in _AMOUNTS.items():
        yield from _amounts(getattr(event, attribute) or (), f"{at}/{name}")


def _repeated(epcs: Sequence[str], at: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, epc in enumerate(epcs):
        if epc in seen:
            yield Fault(f"{at}/{index}", "stands there twice", "each instance once")
        seen.add(epc)


def _amounts(quantities: Sequence[Quantity], at: str) -> Iterator[Fault]:
    for index, each in enumerate(quantities):
        where, quantity = f"{at}/{index}/quantity", each.quantity
        wrong = tuple(number_faults(quantity, where))
        yield from wrong
        if quantity is not None and not wrong and not _is_exact(quantity):
            expected = f"a number below {_MOST:.0e} with at most {_DECIMALS} decimals"
            yield Fault(where, "too large or too fine to be summed exactly", expected)


def _is_exact(quantity: Decimal) -> bool:
    """Tell whether sums with it stay within the digits that decimals have."""
    exponent = quantity.as_tuple().exponent
    return quantity < _MOST and isinstance(exponent, int) and exponent >= -_DECIMALS


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AO" else f"a {kind}"
