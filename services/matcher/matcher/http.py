"""What an operator may ask the matcher: all reasons why a demand is open. Parties ask the notifier."""

import hmac
from typing import Any

import msgspec
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from matcher import openapi
from matcher.reasons import Explainer, Question
from tenon import problems
from tenon.bearer import CHALLENGE, bearer
from tenon.contracts.markets import MarketTable, partition_of
from tenon.contracts.values import Id
from tenon.problems import Problem


class Reads:
    """The handlers. Any replica answers for every partition, because it reads what the rounds stored."""

    def __init__(
        self, explainer: Explainer, markets: MarketTable, admin_key: SecretStr | None, *, live: bool
    ) -> None:
        self._explainer = explainer
        self._markets = markets
        self._admin_key = admin_key
        self._live = live

    def app(self) -> Starlette:
        """Return the application."""
        app = Starlette(routes=[Route(openapi.PATH, self.reasons), Route("/openapi.json", _described)])
        problems.install(app)
        return app

    async def reasons(self, request: Request) -> Response:
        """Every reason and every nearest miss, as of now; 404 where no such demand is open."""
        self._check(request)
        asked = request.path_params
        market, key = asked["market"], f"{asked['party']}/{asked['demand']}"
        question = Question(partition_of(market, self._markets), market, key, self._live)
        found = await self._explainer.ask(question) if _can_be(asked) else None
        if found is None:
            raise Problem(404, f"nothing is open of a demand {key!r} in the market {market!r}")
        return Response(found, headers={"cache-control": "no-store"}, media_type="application/json")

    def _check(self, request: Request) -> None:
        key = bearer(request)
        if key is None:
            raise Problem(401, "send the administrator's key as Authorization: Bearer …", headers=CHALLENGE)
        wanted = None if self._admin_key is None else self._admin_key.get_secret_value()
        if wanted is None or not hmac.compare_digest(key.encode(), wanted.encode()):
            raise Problem(403, "this is the administrator's; show the key that TENON_ADMIN_KEY says")


async def _described(request: Request) -> Response:
    return JSONResponse(openapi.document())


def _can_be(asked: dict[str, Any]) -> bool:
    """True where the log can hold such a demand; no other text reaches the process that answers."""
    try:
        msgspec.convert([asked["party"], asked["demand"]], list[Id])
    except msgspec.ValidationError:
        return False
    return len(asked["market"]) <= openapi.MOST_MARKET and asked["market"].isprintable()
