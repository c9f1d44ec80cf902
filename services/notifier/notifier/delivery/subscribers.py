"""What a subscriber does with its subscriptions: make one, have it tested, give it another secret, end it.

A subscription is served once a trial has reached it. This module decides the order of steps, so that one that
fails leaves nothing half done; what is asked for was checked before.
"""

import secrets
from dataclasses import replace
from datetime import timedelta

from notifier.delivery import rows
from notifier.delivery.endpoints import Endpoints, NewEndpoint
from notifier.delivery.rows import Policy
from notifier.domain.classify import Attempt
from notifier.domain.plan import ping
from notifier.domain.sign import SECRET_BYTES, Scheme, public_key, to_secret
from notifier.vault import Vault
from notifier.ways import TAKEN, Report
from notifier.ways.outside import Outside
from tenon.clock import Clock
from tenon.contracts.codec import instant
from tenon.db import Row
from tenon.errors import TenonError


class Subscribers:
    """The subscriptions, and what is outside."""

    def __init__(
        self, endpoints: Endpoints, outside: Outside, vault: Vault, clock: Clock, *, overlap_h: float
    ) -> None:
        self.endpoints = endpoints
        self._outside = outside
        self._vault = vault
        self._clock = clock
        self._overlap = timedelta(hours=overlap_h)

    def offers(self, way: str) -> bool:
        """Return whether this Tenon has that way."""
        return way in self._outside.ways

    async def check_host(self, url: str) -> None:
        """Raise `BadUrl` where an address leads nowhere, or where it must not."""
        await self._outside.look_up(url)

    async def create(self, wanted: NewEndpoint, scheme: Scheme) -> tuple[str, str] | None:
        """Add a subscription, not tested yet; return its id and its secret, empty where there is none.

        None when the audience has as many as it may. Raises what Kafka says where a topic can't be made.
        """
        secret = to_secret(secrets.token_bytes(SECRET_BYTES), scheme) if wanted.way == "webhook" else ""
        sealed = self._vault.seal(secret) if secret else ""
        made = await self.endpoints.create(replace(wanted, secret=sealed))
        if made is None:
            return None
        if wanted.way == "kafka" and self._outside.rights is not None:
            try:
                await self._outside.rights.open(wanted.audience, wanted.principal)
            except TenonError:
                await self.endpoints.remove(wanted.audience, made)
                raise
        return made, secret

    async def ping(self, row: Row) -> Report:
        """Send a trial, behind a handshake where that was asked for; serve it from then on if taken."""
        at_ms = self._clock.now_ms()
        per_second = None
        if row["handshake"]:
            why, per_second = await self._outside.handshake(row["url"])
            if why is not None:
                return _failed(why, at_ms)
        served = rows.served(row, Policy((), 0), self._vault.open, instant(at_ms))
        report = _failed("this Tenon has no such way any longer", at_ms)
        if self.offers(row["way"]):
            trial = ping(row["id"], row["way"], at_ms)
            sending = self._outside.ways[row["way"]].send(served.target, [trial])
            report = await anext(sending)
            await sending.aclose()
        if taken(report):
            await self.endpoints.tested(row["id"], per_second)
        return report

    async def rotate(self, row: Row) -> str:
        """Give a subscription another secret of its kind; that of before signs too for a while."""
        scheme: Scheme = "v1" if public_key(self._vault.open(row["secret"])) is None else "v1a"
        secret = to_secret(secrets.token_bytes(SECRET_BYTES), scheme)
        until = instant(self._clock.now_ms()) + self._overlap
        await self.endpoints.rotate(row["id"], self._vault.seal(secret), until)
        return secret

    async def remove(self, row: Row) -> None:
        """End a subscription; first a reader of Kafka that no other one lets read loses its rights."""
        audience, principal, rights = row["audience"], row["principal"], self._outside.rights
        if (
            principal is not None
            and rights is not None
            and not await self.endpoints.others_read(audience, principal, row["id"])
        ):
            await rights.close(audience, principal)
        await self.endpoints.remove(row["audience"], row["id"])

    def public_key(self, sealed: str) -> str | None:
        """Return what a receiver checks signatures with, where they are made by a pair of keys."""
        return public_key(self._vault.open(sealed)) if sealed else None


def taken(report: Report) -> bool:
    """True when a trial was taken."""
    status = report.attempt.status
    return status is not None and TAKEN <= status < TAKEN + 100


def _failed(why: str, at_ms: int) -> Report:
    return Report(Attempt(None, why), at_ms, 0)
