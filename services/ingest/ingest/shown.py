"""What the registry's addresses take and show, and how that is described."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta
from pydantic import BaseModel, Field

from ingest.errors import described
from tenon.contracts.values import Shape
from tenon.problems import Problem


def ref(name: str) -> dict[str, Any]:
    """Return a reference to a schema of the description."""
    return {"$ref": f"#/components/schemas/{name}"}


SITES = {
    "type": "object",
    "required": ["sites", "next"],
    "properties": {
        "sites": {"type": "array", "items": ref("SitePublished")},
        "next": {
            "type": ["string", "null"],
            "description": "Ask again with after= this; null on the last page.",
        },
    },
}


class KeyLabel(Shape, frozen=True, kw_only=True):
    """What a new key is for."""

    label: Annotated[str, Meta(max_length=200, description="Your own note, shown in the list of keys.")] = ""


class KeyMade(BaseModel):
    """A new key. The whole key is shown this once."""

    key: str = Field(description="The key's id, by which it is listed and revoked.")
    party: str
    secret: str = Field(description="The whole key: Authorization: Bearer SECRET. Nobody can show it again.")


class KeyListed(BaseModel):
    """A key without its secret."""

    key: str
    label: str
    created_at: datetime
    revoked_at: datetime | None = Field(None, description="Since when it is out of force.")


class KeyList(BaseModel):
    """Every key that a party ever had, the oldest first."""

    keys: list[KeyListed]


class OutboxState(BaseModel):
    """Records that are committed with the registry and not yet in Kafka."""

    pending: int
    oldest_age_ms: int = Field(description="Age of the oldest pending record; 0 when nothing is pending.")
    parked: int = Field(description="Records that Kafka refuses for good.")


KEY = {"key": "1b9d3cd6c0baa48d", "label": "ERP", "created_at": "2030-01-01T00:00:00Z", "revoked_at": None}
LABELLED = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": ref("KeyLabel"), "example": {"label": "ERP"}}},
    }
}
_TOO_MANY = ("The party has as many keys as it may.", Problem(409, "'shandong-mills' has 100 keys in force"))
FORBIDDEN = (
    "This is the administrator's.",
    Problem(403, "this is the administrator's; show the key that TENON_ADMIN_KEY says"),
)


def shown(
    example: object, *codes: int, schema: object = None, model: type[BaseModel] | None = None
) -> dict[str, Any]:
    """Return the description of an address that shows something, or answers with one of these errors."""
    shown = {"example": example} if schema is None else {"example": example, "schema": schema}
    errors = described(sorted({401, 405, 500, 503, *codes}), _403=FORBIDDEN)
    return {
        "response_model": model,
        "responses": {200: {"content": {"application/json": shown}}, **errors},
    }


def made() -> dict[str, Any]:
    """Return the description of the address that makes a key."""
    example = {
        "key": KEY["key"],
        "party": "shandong-mills",
        "secret": "tenon_1b9d3cd6c0baa48d_92267acfc96f…",
    }
    errors = described((400, 401, 404, 405, 408, 409, 413, 415, 422, 500, 503), _409=_TOO_MANY)
    return {
        "status_code": 201,
        "response_model": KeyMade,
        "responses": {201: {"content": {"application/json": {"example": example}}}, **errors},
    }
