"""What the owner of a subscription is told about it."""

from typing import Annotated, Literal

from msgspec import Meta

from tenon.contracts.values import Id, Instant, Note, Shape

Way = Literal["webhook", "kafka", "mqtt"]


class EndpointPinged(Shape, frozen=True, kw_only=True):
    """A trial: whoever can read this gets the events of the subscription."""

    subscription: Id
    way: Way
    at: Instant


class EndpointDisabled(Shape, frozen=True, kw_only=True):
    """A subscription is served no more until its owner enables it; what follows `cursor` waits."""

    subscription: Id
    party: Annotated[Id | None, Meta(description="Whose it is; absent of the administrator's.")] = None
    way: Way
    cause: Note
    cursor: Annotated[int, Meta(ge=0, description="The number of the last event that is settled.")]
    at: Instant
