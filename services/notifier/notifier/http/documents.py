"""The schemas of the OpenAPI document: generated from the contracts and from the tables of visibility.

So that the document can't say anything else than the code does.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from notifier.domain import visibility
from notifier.domain.sign import Scheme
from notifier.keys import Number
from tenon.contracts.dockings import Docking, Side
from tenon.contracts.endpoints import EndpointPinged, Way
from tenon.contracts.families import FAMILIES
from tenon.contracts.positions import DemandPosition, OfferPosition, ResourcePosition
from tenon.contracts.rounds import RoundDecided
from tenon.contracts.values import Instant, Shape
from tenon.problems import MEDIA_TYPE, Fault, ProblemDocument

REF: Final = "#/components/schemas/{name}"
Schema = dict[str, Any]

_MEANINGS: Final[Mapping[int, str]] = {
    400: "The request can't be read: a parameter or the body is not as described.",
    401: "No API key, or none that is known.",
    403: "The key may not do this.",
    404: "There is none, or it is not the viewer's.",
    408: "The body did not arrive in time.",
    409: "It can't be done as things are; the detail says what to do first.",
    410: "These events are no longer kept.",
    413: "The body is too long.",
    415: "The body is packed; send it as it is.",
    422: "A parameter or a field is not as described.",
    429: "The viewer asks too fast, or has as many as it may; see Retry-After.",
    503: "A dependency does not answer; the same request may succeed later.",
}


_LISTED: Final = {Docking, DemandPosition, OfferPosition, ResourcePosition}
_HEADERS: Final[Mapping[int, tuple[str, str, str]]] = {
    401: ("WWW-Authenticate", "How to show a key.", "string"),
    429: (
        "Retry-After",
        "Seconds to wait before asking again; absent where waiting does not help.",
        "integer",
    ),
    503: ("Retry-After", "Seconds to wait before asking again.", "integer"),
}


class SubscriptionRequest(Shape, frozen=True, kw_only=True):
    """Which events, and by which way. `types` empty: all of the party's; `where`: conditions that all hold.

    `url` is of webhooks, `principal` of Kafka: whom Kafka lets read the party's topic. `order` strict:
    nothing is sent before an event that was not taken, and after the last attempt the subscription is
    disabled; skip: after `skip_after` attempts, at most those of the schedule, an event is parked with all
    that follows about its subject, and the others go on. `per_second`: no more than that. `handshake`: ask
    as CloudEvents web hooks do before the first event.
    """

    way: Way = "webhook"
    url: str = ""
    types: list[str] = []
    where: list[str] = []
    order: Literal["strict", "skip"] = "skip"
    skip_after: Annotated[int, Meta(ge=1, le=100)] | None = None
    per_second: Annotated[float, Meta(ge=0.001, le=1_000)] | None = None
    signature: Scheme = "v1"
    handshake: bool = False
    principal: str | None = None
    description: str = ""
    after: Number | None = None


class ReplayRequest(Shape, frozen=True, kw_only=True):
    """What to send once more: some events, a range, all since an instant; of nothing all that is parked."""

    numbers: Annotated[list[Number], Meta(max_length=100)] | None = None
    from_: Number | None = field(name="from", default=None)
    until: Number | None = None
    since: Instant | None = None


def answers(schema: str | None, *faults: int, status: int = 200) -> dict[int | str, Schema]:
    """Return the `responses` of a route: what succeeds, and which problems may come."""
    good: Schema = {"description": "It went well."}
    if schema is not None:
        good["content"] = {"application/json": {"schema": _ref(schema)}}
    problem = {MEDIA_TYPE: {"schema": _ref("Problem")}}
    bad: dict[int | str, Schema] = {
        code: {"description": _MEANINGS[code], "content": problem, **_headers(code)}
        for code in sorted({*faults, 429, 503})
    }
    return {status: good, **bad}


def _headers(code: int) -> Schema:
    if code not in _HEADERS:
        return {}
    name, about, kind = _HEADERS[code]
    return {"headers": {name: {"description": about, "schema": {"type": kind}}}}


def body(kind: type[Shape], *, required: bool = True) -> Schema:
    """Return the `openapi_extra` of a route that reads this message."""
    content = {"application/json": {"schema": _ref(kind.__name__)}}
    return {"requestBody": {"required": required, "content": content}}


def components() -> dict[str, Schema]:
    """Return every schema, by name."""
    kinds = (
        Docking,
        Side,
        DemandPosition,
        OfferPosition,
        ResourcePosition,
        RoundDecided,
        *sorted({FAMILIES[name].data for name in visibility.TOLD} - _LISTED, key=lambda kind: kind.__name__),
        EndpointPinged,
        SubscriptionRequest,
        ReplayRequest,
        ProblemDocument,
        Fault,
    )
    _, described = msgspec.json.schema_components(kinds, ref_template=REF)
    schemas: dict[str, Schema] = _with_numbers(msgspec.json.decode(msgspec.json.encode(described)))
    schemas["Problem"] = schemas.pop("ProblemDocument")
    schemas["SeenSide"] = _seen(schemas["Side"], visibility.SIDE, _SEEN_PARTY)
    schemas["SeenDocking"] = _seen_docking(schemas["Docking"])
    schemas["Step"] = _open("A step of a docking: revision, status, at, cause, quantities.")
    _histories(schemas)
    schemas.update(_OWN)
    return schemas


def told(name: str) -> Schema:
    """Return the schema of an event as it is sent: a CloudEvent in JSON."""
    kind = FAMILIES[name].data
    return {
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _text("The same whenever the event is sent again."),
            "source": _text(),
            "type": {"const": name},
            "time": _instant(),
            "subject": _text("What it is about: a docking, or kind/id."),
            "sequence": {
                "type": "string",
                "pattern": "^[0-9]{20}$",
                "description": "Its number in the feed.",
            },
            "datacontenttype": {"const": "application/json"},
            "data": _ref("SeenDocking" if kind is Docking else kind.__name__),
        },
        "required": ["specversion", "id", "source", "type", "time", "sequence", "datacontenttype", "data"],
    }


def _with_numbers(schema: Any) -> Any:
    """Describe decimals as the numbers that answers hold; msgspec describes their text form."""
    if isinstance(schema, list):
        return [_with_numbers(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": "number", "minimum": 0}
    return {name: _with_numbers(each) for name, each in schema.items()}


def _ref(name: str) -> Schema:
    return {"$ref": REF.format(name=name)}


def _seen(full: Schema, table: Mapping[str, tuple[visibility.Show, ...]], more: Schema) -> Schema:
    """Return a message as viewers see it: the fields of the table, required where everybody sees them."""
    shown = {**full["properties"], **more}
    always = [
        name for name, shows in table.items() if visibility.NO not in shows and visibility.OWN not in shows
    ]
    return {
        "type": "object",
        "description": "As much of it as the viewer may see.",
        "properties": {name: shown[name] for name in table if name in shown},
        "required": sorted(name for name in always if name in full.get("required", [])),
    }


def _seen_docking(full: Schema) -> Schema:
    seen = _seen(full, visibility.DOCKING, {})
    side = _ref("SeenSide")
    seen["properties"] |= {"cause": full["properties"]["cause"], "supply": side, "demand": side}
    seen["required"] += ["supply", "demand"]
    return seen


def _histories(schemas: dict[str, Schema]) -> None:
    steps = {"steps": {"type": "array", "items": _ref("Step")}}
    history = {"allOf": [_ref("SeenDocking"), {"type": "object", "properties": steps, "required": ["steps"]}]}
    schemas["DockingHistory"] = history
    docked = {"dockings": {"type": "array", "items": _ref("DockingHistory")}}
    for name, of in (("DemandHistory", "DemandPosition"), ("OfferHistory", "OfferPosition")):
        schemas[of].pop("additionalProperties", None)
        more = {"type": "object", "properties": docked, "required": ["dockings"]}
        schemas[name] = {"allOf": [_ref(of), more]}
    for name, of in (
        ("DemandPage", "DemandPosition"),
        ("OfferPage", "OfferPosition"),
        ("ResourcePage", "ResourcePosition"),
        ("DockingPage", "SeenDocking"),
        ("RejectedPage", "Rejected"),
        ("AttemptPage", "Attempt"),
        ("ParkedPage", "Parked"),
    ):
        schemas[name] = _page_of(of)


def _page_of(name: str) -> Schema:
    following = {"type": "string", "description": "Absent on the last page."}
    items = {"type": "array", "items": _ref(name)}
    return {"type": "object", "properties": {"items": items, "next": following}, "required": ["items"]}


def _open(description: str) -> Schema:
    return {"type": "object", "description": description}


def _object(about: str, /, **properties: Schema) -> Schema:
    optional = {name for name, schema in properties.items() if schema.get("optional")}
    plain = {
        name: {key: value for key, value in schema.items() if key != "optional"}
        for name, schema in properties.items()
    }
    required = sorted(set(properties) - optional)
    return {"type": "object", "description": about, "properties": plain, "required": required}


def _text(description: str = "", *, optional: bool = False) -> Schema:
    said = {"description": description} if description else {}
    return {"type": "string", **said, "optional": optional}


def _instant() -> Schema:
    return {"type": "string", "format": "date-time"}


def _number(description: str = "") -> Schema:
    return {"type": "integer", **({"description": description} if description else {})}


_SEEN_PARTY: Final = {
    "party": {
        "type": "string",
        "description": "The party's id; a pseudonym beginning with ~ before both confirm.",
    },
    "name": {"type": "string", "description": "The party's name, where it is known."},
}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_SUBSCRIPTION: Final = {
    "id": _text(),
    "way": {"type": "string", "enum": ["webhook", "kafka", "mqtt"]},
    "url": _text("Of webhooks.", optional=True),
    "topic": _text("Of Kafka: the party's topic.", optional=True),
    "principal": _text("Of Kafka: who may read it.", optional=True),
    "types": dict(_TEXTS),
    "where": dict(_TEXTS),
    "order": {"type": "string", "enum": ["strict", "skip"]},
    "skip_after": {**_number("Attempts before an event is parked."), "optional": True},
    "per_second": {"type": "number", "description": "The most that is sent.", "optional": True},
    "handshake": {"type": "boolean"},
    "description": _text(),
    "status": {"type": "string", "enum": ["untested", "active", "disabled"]},
    "why": _text("Why it is disabled.", optional=True),
    "public_key": _text("whpk_…, where signatures are by a pair of keys (v1a).", optional=True),
    "old_until": {**_instant(), "optional": True},
    "cursor": _number("The last event that is settled."),
    "waiting": _number("How many entries of the feed are behind the cursor, wanted or not."),
    "failed": _number("How often the next event failed so far."),
    "failing_since": {**_instant(), "optional": True},
    "parked": _number("How many events are set aside."),
    "next_at": _instant(),
    "created_at": _instant(),
}
_SECRET: Final = _text("whsec_…, for the signatures of Standard Webhooks 1.0 (v1).", optional=True)
_OWN: Final[dict[str, Schema]] = {
    "Subscription": _object("A subscription.", **_SUBSCRIPTION),
    "NewSubscription": _object(
        "A subscription with its secret, which is not shown again.", **_SUBSCRIPTION, secret=_SECRET
    ),
    "NewSecret": _object(
        "What signs from now on, and until when the secret of before does too.",
        secret=_SECRET,
        public_key=_SUBSCRIPTION["public_key"],
        old_until=_instant(),
    ),
    "Pinged": _object(
        "What came of the trial.",
        taken={"type": "boolean"},
        subscription={"type": "string", "enum": ["untested", "active", "disabled"]},
        status={"type": "integer", "optional": True},
        latency_ms=_number(),
        detail=_text("What went wrong where there was no status.", optional=True),
        response=_text("The beginning of the response's body.", optional=True),
    ),
    "Subscriptions": _object("All of them.", items={"type": "array", "items": _ref("Subscription")}),
    "Attempt": _object(
        "One attempt to have an event taken.",
        number=_number("The event's number in the feed."),
        event_id=_text(),
        type=_text(),
        at=_instant(),
        taken={"type": "boolean"},
        status={"type": "integer", "optional": True},
        latency_ms=_number(),
        detail=_text("What went wrong where there was no status.", optional=True),
        response=_text("The beginning of the response's body.", optional=True),
    ),
    "Parked": _object(
        "An event that is set aside.",
        number=_number("The event's number in the feed."),
        event_id=_text(),
        type=_text(),
        subject=_text(optional=True),
        why=_text(),
        parked_at=_instant(),
        replay={"type": "boolean", "description": "It is about to be sent once more."},
        event=_open("The CloudEvent that was to be sent."),
    ),
    "Replayed": _object(
        "What will be sent once more.",
        events=_number("How many parked events."),
        ranges={
            "type": "array",
            "items": {"type": "array", "items": {"type": "integer"}},
            "description": "From which number to which of the feed, both among them.",
        },
    ),
    "Enabled": _object("Called again.", skipped=_number("Events that are no longer kept and were not sent.")),
    "Rejected": _object(
        "A statement that could not be used.",
        event_id=_text(),
        type=_text(),
        received_at=_instant(),
        data=_open("The reason, and to what it refers."),
    ),
    "Partitions": _object(
        "The last round of each partition of the log.", items={"type": "array", "items": _ref("Round")}
    ),
    "Round": _open("As RoundDecided; what was skipped is shown to the administrator only."),
    "Totals": _object(
        "Sums over everything.",
        last=_number("The number of the wall's last event."),
        clock={"type": "string", "format": "date-time", "optional": True},
        dockings=_open("How many dockings have each status."),
        units=_open("Per unit: docked, moved (quantity times kilometres), asked, open, offered, free."),
    ),
    "Places": _object(
        "Where something is open, per whole degree.", offers={"type": "array"}, demands={"type": "array"}
    ),
}
