"""What a subscriber asks for, checked: it becomes a new subscription, or is refused with the reason."""

from typing import Final

from notifier.delivery.endpoints import NewEndpoint
from notifier.domain.selecting import NeverFits, Selection, selection
from notifier.http.documents import SubscriptionRequest
from tenon.guard import BadUrl, check_url
from tenon.problems import Fault, Problem

MOST_DESCRIPTION: Final = 500
_MOST_PRINCIPAL: Final = 200
_OF_WEBHOOKS: Final = ("signature", "handshake")


def wanted_of(asked: SubscriptionRequest, audience: str, *, allow_private: bool) -> NewEndpoint:
    """Return the subscription that is asked for; raises `Problem` 422 with the place and the reason.

    Where it begins is not decided here.
    """
    chosen = selected(asked.types, asked.where)
    _check_text("description", asked.description, MOST_DESCRIPTION)
    _check_way(asked)
    if asked.order == "strict" and asked.skip_after is not None:
        raise wrong("skip_after", "where the order is strict nothing is skipped", "leave it out")
    return NewEndpoint(
        audience=audience,
        way=asked.way,
        url=_url(asked.url, allow_private=allow_private) if asked.way == "webhook" else "",
        types=sorted(chosen.types),
        conditions=[each.text for each in chosen.conditions],
        strict=asked.order == "strict",
        skip_after=asked.skip_after,
        per_second=asked.per_second,
        handshake=asked.handshake,
        principal=asked.principal,
        description=asked.description,
    )


def selected(types: list[str], where: list[str]) -> Selection:
    """Return which events are wanted; raises `Problem` 422 for what no event can fit."""
    names = [name.strip() for text in types for name in text.split(",") if name.strip()]
    try:
        return selection(names, where)
    except NeverFits as error:
        expected = "types that are told, and conditions such as class.code^=63 that an event can fit"
        raise wrong(error.place, str(error), expected) from error


def wrong(name: str, reason: str, expected: str) -> Problem:
    """Return the problem of one field."""
    fault = Fault(f"/{name}", reason, expected)
    return Problem(422, f"{name}: {reason}", slug="invalid-request", errors=[fault])


def _check_way(asked: SubscriptionRequest) -> None:
    if asked.way != "webhook":
        if asked.url:
            raise wrong("url", f"by {asked.way} no address is called", "leave it out")
        for name in _OF_WEBHOOKS:
            if getattr(asked, name) != getattr(SubscriptionRequest(), name):
                raise wrong(name, f"of webhooks alone, not of {asked.way}", "leave it out")
    if asked.principal is not None:
        if asked.way != "kafka":
            raise wrong("principal", f"of Kafka alone, not of {asked.way}", "leave it out")
        _check_text("principal", asked.principal, _MOST_PRINCIPAL)
        if not asked.principal or "*" in asked.principal or not asked.principal.isprintable():
            raise wrong("principal", "not the name of one user", "what Kafka calls your integrator")


def _check_text(name: str, text: str, most: int) -> None:
    if len(text) > most:
        raise wrong(name, "too long", f"at most {most} characters")
    if "\x00" in text:
        raise wrong(name, "holds a NUL character", "text")


def _url(url: str, *, allow_private: bool) -> str:
    try:
        return check_url(url, allow_private=allow_private)
    except BadUrl as error:
        raise wrong("url", str(error), "https://… of a public host") from error
