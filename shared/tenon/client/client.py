"""An asynchronous client of Tenon, for integrations, tests and the command line.

    async with TenonClient("http://127.0.0.1:8100", "http://127.0.0.1:8300", key) as tenon:
        await tenon.publish([new_event("tenon.demand.published.v1", "/hospital", demand)])
        async for entry in tenon.stream(after=0):
            print(entry.number, entry.event.type)

Events are sent again with the same ids until they are taken, so a lost answer has no second effect. A stream
goes on where it was after every break. What can go wrong is in `tenon.client.errors`.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiohttp
import msgspec

from tenon.client.errors import Unreachable, refused
from tenon.client.imports import Imports
from tenon.client.publishing import Published, batches, outcomes
from tenon.client.sse import Message, Parser
from tenon.client.transport import UNAVAILABLE, Call, Parameters, Transport
from tenon.contracts.cloudevents import BATCH, CloudEvent, from_structured
from tenon.contracts.codec import encode
from tenon.errors import Misconfigured
from tenon.retry import backoff_ms

JsonObject = dict[str, Any]
"""What an address of the read interface answers; its fields are in the interface's description."""
_JSON = {"content-type": "application/json"}
# A stream that says nothing for this long, not even a heartbeat, is dead.
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_PAGE = "500"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """An event of a feed with its number; numbers rise by one within a feed."""

    number: int
    event: CloudEvent


def new_event(type_: str, source: str, data: object, *, event_id: str | None = None) -> CloudEvent:
    """Return an event, by default with a random id; `data` is a contract's struct or plain JSON."""
    return CloudEvent(event_id or str(uuid4()), source, type_, encode(data))


class TenonClient:
    """Calls ingest and notifier with one API key (`tenon_<key id>_<secret>`).

    Raises `Misconfigured` when it is given an address that is none.
    """

    def __init__(
        self,
        ingest_url: str,
        notifier_url: str,
        api_key: str = "",
        *,
        matcher_url: str = "",
        deadline_ms: int = 60_000,
    ) -> None:
        self._ingest, self._notifier = _address(ingest_url), _address(notifier_url)
        self._matcher = _address(matcher_url) if matcher_url else ""
        self._http = Transport(api_key, deadline_ms=deadline_ms)
        self.imports = Imports(self._http, self._ingest)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.__aexit__(*error)

    async def publish(self, events: Iterable[CloudEvent]) -> list[Published]:
        """Send events in batches, in order, and return what became of each.

        Raises `Unreachable` when a batch could not be handed over before the deadline (send all of it again,
        with the same ids), `Refused` when a request as a whole was refused.
        """
        published: list[Published] = []
        for chunk, body in batches(events):
            answer = await self._http.answer(
                Call("POST", f"{self._ingest}/v1/events", headers={"content-type": BATCH}, body=body)
            )
            told = outcomes(chunk, answer.body)
            if told is None:
                raise refused(answer.status, answer.body)
            published += told
        return published

    async def stream(
        self, after: int | None = None, *, types: Iterable[str] = (), party: str | None = None
    ) -> AsyncGenerator[FeedEntry, None]:
        """Yield the events of the key's feed behind the number `after`, for ever; None: those from now on.

        A broken connection is made anew behind the last event that was yielded. Raises `NoLongerKept` when
        the feed no longer reaches back that far, `NotAllowed` when the key may not read it, `Unreachable`
        when the first connection can't be made before the deadline.
        """
        follower = _Follower(after, self._http.deadline_ms)
        while True:
            try:
                async with aclosing(self._connection(follower, types, party)) as messages:
                    async for message in messages:
                        yield FeedEntry(follower.number or 0, from_structured(message.data.encode()))
            except (aiohttp.ClientError, TimeoutError, _Again) as error:
                follower.failed(error)
            await asyncio.sleep(follower.wait_ms() / 1000)

    def demands(self, **filters: str) -> AsyncIterator[JsonObject]:
        """Yield demands by party and id; filters: `status`, `class_` (SCHEME:CODE), `since`, `party`."""
        return self._pages("/v1/demands", filters)

    def offers(self, **filters: str) -> AsyncIterator[JsonObject]:
        """Yield offers in order of party and id; filters as of `demands`."""
        return self._pages("/v1/offers", filters)

    def dockings(self, **filters: str) -> AsyncIterator[JsonObject]:
        """Yield dockings, the newest proposal first; filters as of `demands`."""
        return self._pages("/v1/dockings", filters)

    def rejected(self, **filters: str) -> AsyncIterator[JsonObject]:
        """Yield what was sent and could not be used, the newest first."""
        return self._pages("/v1/rejected", filters)

    async def demand(self, party: str, demand: str) -> JsonObject:
        """Return one demand, why it is open, and its dockings."""
        return await self._get(f"/v1/demands/{quote(party, safe='')}/{quote(demand, safe='')}")

    async def reasons(self, market: str, party: str, demand: str) -> JsonObject:
        """Return every reason why a demand is open, and every nearest miss, as of now; for the administrator.

        The one call that needs `matcher_url`.
        """
        where = "/".join(quote(part, safe="") for part in (market, "demands", party, demand))
        return await self._send("GET", f"{self._matcher}/v1/markets/{where}/reasons")

    async def offer(self, party: str, offer: str) -> JsonObject:
        """Return one offer and its dockings."""
        return await self._get(f"/v1/offers/{quote(party, safe='')}/{quote(offer, safe='')}")

    async def docking(self, docking: str) -> JsonObject:
        """Return one docking with each of its steps."""
        return await self._get(f"/v1/dockings/{quote(docking, safe='')}")

    async def totals(self) -> JsonObject:
        """Return sums over all dockings, demands and offers, per unit."""
        return await self._get("/v1/totals")

    async def partitions(self) -> JsonObject:
        """Return the last round of each partition of the log."""
        return await self._get("/v1/partitions")

    async def outbox(self) -> JsonObject:
        """Return what ingest has accepted and not written to Kafka yet; for the administrator."""
        return await self._send("GET", f"{self._ingest}/v1/outbox")

    async def make_key(self, party: str, label: str = "") -> JsonObject:
        """Make an API key for a party; its `secret` is shown this once."""
        return await self._send("POST", f"{self._ingest}{_keys(party)}", {"label": label})

    async def keys(self, party: str) -> list[JsonObject]:
        """Return the keys of a party, without their secrets."""
        found = await self._send("GET", f"{self._ingest}{_keys(party)}")
        return list(found["keys"])

    async def revoke_key(self, party: str, key: str) -> None:
        """Take a key out of force, for good."""
        await self._send("DELETE", f"{self._ingest}{_keys(party)}/{quote(key, safe='')}")

    async def subscribe(
        self,
        url: str = "",
        *,
        types: Iterable[str] = (),
        where: Iterable[str] = (),
        after: int | None = None,
        **more: object,
    ) -> JsonObject:
        """Have each event of the feed sent, once a `ping` was taken; its `secret` is shown this once.

        `url` is of webhooks; `way="kafka"` and the other fields of the interface go into `more`.
        """
        body: JsonObject = {"types": list(types), "where": list(where), **more}
        body.update({"url": url} if url else {}, **({} if after is None else {"after": after}))
        return await self._send("POST", f"{self._notifier}/v1/subscriptions", body)

    async def ping(self, subscription: str) -> bool:
        """Try a subscription; return whether it was taken, and is served from now on."""
        url = f"{self._notifier}/v1/subscriptions/{quote(subscription, safe='')}/ping"
        return bool((await self._send("POST", url, {}))["taken"])

    async def subscriptions(self) -> list[JsonObject]:
        """Return the subscriptions, the oldest first."""
        return list((await self._get("/v1/subscriptions"))["items"])

    async def unsubscribe(self, subscription: str) -> None:
        """End a subscription."""
        await self._send("DELETE", f"{self._notifier}/v1/subscriptions/{quote(subscription, safe='')}")

    async def replay(self, subscription: str, numbers: Iterable[int] | None = None) -> int:
        """Send events once more, without `numbers` all that are parked; return how many of them are."""
        body = {} if numbers is None else {"numbers": list(numbers)}
        url = f"{self._notifier}/v1/subscriptions/{quote(subscription, safe='')}/replay"
        return int((await self._send("POST", url, body))["events"])

    async def _connection(
        self, follower: "_Follower", types: Iterable[str], party: str | None
    ) -> AsyncGenerator[Message, None]:
        """Yield the messages of one connection."""
        parameters = [("types", name) for name in types] + ([("party", party)] if party else [])
        async with self._http.session.get(
            f"{self._notifier}/v1/stream",
            params=[*parameters, *follower.parameters()],
            headers=follower.headers(),
            timeout=_STREAM_TIMEOUT,
        ) as response:
            if response.status in UNAVAILABLE:
                raise _Again(f"{response.status} {response.reason}")
            if response.status != HTTPStatus.OK:
                raise refused(response.status, await response.read())
            follower.connected(response.headers.get("tenon-after", ""))
            parser = Parser()
            async for chunk in response.content.iter_any():
                for message in parser.feed(chunk):
                    follower.number = int(message.id)
                    yield message
                follower.retry_ms = parser.retry_ms or follower.retry_ms

    async def _pages(self, path: str, filters: Mapping[str, str]) -> AsyncIterator[JsonObject]:
        wanted = [(name.rstrip("_"), value) for name, value in filters.items()]
        parameters = [("limit", _PAGE), *wanted]
        while True:
            call = Call("GET", f"{self._notifier}{path}", parameters)
            page: JsonObject = msgspec.json.decode(await self._http.ask(call))
            for item in page["items"]:
                yield item
            if "next" not in page:
                return
            parameters = [("limit", _PAGE), *wanted, ("page", page["next"])]

    async def _get(self, path: str) -> JsonObject:
        return await self._send("GET", f"{self._notifier}{path}")

    async def _send(self, method: str, url: str, body: object = None) -> JsonObject:
        content = None if body is None else encode(body)
        call = Call(method, url, headers=_JSON, body=content, repeatable=method != "POST")
        answer = await self._http.ask(call)
        found: JsonObject = msgspec.json.decode(answer) if answer else {}
        return found


class _Again(Exception):
    """The stream can't be served now."""


class _Follower:
    """How far a stream was followed, and how its connections went."""

    def __init__(self, after: int | None, deadline_ms: int) -> None:
        self.number = after
        self.retry_ms = 0
        self._resumes = False
        self._failures = 0
        self._deadline = asyncio.get_running_loop().time() + deadline_ms / 1000

    def parameters(self) -> Parameters:
        return [] if self.number is None or self._resumes else [("after", str(self.number))]

    def headers(self) -> dict[str, str]:
        return {"last-event-id": str(self.number)} if self._resumes and self.number is not None else {}

    def connected(self, started_after: str) -> None:
        """Note that a stream is open, and behind which number it began."""
        if self.number is None and started_after.isdigit():
            self.number = int(started_after)
        self._resumes, self._failures = True, 0

    def failed(self, error: Exception) -> None:
        """Note that a connection broke; raises where there has never been one until the deadline."""
        if not self._resumes and asyncio.get_running_loop().time() > self._deadline:
            raise Unreachable(f"the live stream can't be reached: {error}") from error
        self._failures += 1

    def wait_ms(self) -> int:
        return max(self.retry_ms, backoff_ms(self._failures, base_ms=100, jitter=random.random()))


def _keys(party: str) -> str:
    return f"/v1/parties/{quote(party, safe='')}/keys"


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")) or not urlsplit(url).hostname:
        raise Misconfigured(f"{url!r} is no address; write http://host:port")
    return url.rstrip("/")
