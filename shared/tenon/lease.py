"""Leases: which one process does what only one may do, such as empty the outbox or call an endpoint.

A lease is a row with an owner, an epoch and a time at which it ends, by the database's clock (processes'
clocks are never compared). Each acquisition raises the epoch. Work under a lease calls `check_lease` in its
own transaction: it locks the row until the commit, so nobody takes over in between, and raises SQLSTATE TN001
(`Fenced`) when owner or epoch are others. Where the lease has only run out, and nobody took it, its work is
still valid.
"""

from dataclasses import dataclass

from tenon.db import Connection, Database
from tenon.errors import Fenced

DDL_V1: tuple[str, ...] = (
    """
    CREATE TABLE leases (
        name text PRIMARY KEY,
        owner text NOT NULL,
        epoch bigint NOT NULL CHECK (epoch > 0),
        expires_at timestamptz NOT NULL
    ) WITH (fillfactor = 80)
    """,
    """
    CREATE FUNCTION check_lease(p_name text, p_owner text, p_epoch bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM 1 FROM leases WHERE name = p_name AND owner = p_owner AND epoch = p_epoch FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'lease % is no longer held by % in epoch %', p_name, p_owner, p_epoch
                USING ERRCODE = 'TN001';
        END IF;
    END $$
    """,
)
"""Statements of the first version, for a migration; it is frozen, a change comes as DDL_V2."""

_ENDS = "clock_timestamp() + make_interval(secs => $3::float8 / 1000)"


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as this process was given it."""

    name: str
    owner: str
    epoch: int


class Leases:
    """The leases of one service. `owner` names this process among its replicas."""

    def __init__(self, database: Database, *, owner: str, ttl_ms: int = 10_000) -> None:
        self._database = database
        self.owner = owner
        self.ttl_ms = ttl_ms

    async def acquire(self, name: str) -> Lease | None:
        """Take a lease that is free, has run out or is this owner's own; None while another one holds it."""
        epoch = await self._database.fetchval(
            f"""
            INSERT INTO leases AS l (name, owner, epoch, expires_at) VALUES ($1, $2, 1, {_ENDS})
            ON CONFLICT (name) DO UPDATE
                SET owner = excluded.owner, epoch = l.epoch + 1, expires_at = {_ENDS}
                WHERE l.owner = excluded.owner OR l.expires_at <= clock_timestamp()
            RETURNING epoch
            """,  # noqa: S608 - only the constant above is put in
            name,
            self.owner,
            self.ttl_ms,
        )
        return None if epoch is None else Lease(name, self.owner, epoch)

    async def renew(self, lease: Lease) -> None:
        """Let the lease end `ttl_ms` from now; raises `Fenced` when another one has taken it."""
        tag = await self._database.execute(
            f"UPDATE leases SET expires_at = {_ENDS} WHERE name = $1 AND owner = $2 AND epoch = $4",  # noqa: S608
            lease.name,
            lease.owner,
            self.ttl_ms,
            lease.epoch,
        )
        if tag == "UPDATE 0":
            raise Fenced(f"lease {lease.name} was taken from {lease.owner}")

    async def release(self, lease: Lease) -> None:
        """Give the lease back, so that another need not wait; does nothing when it was taken already."""
        await self._database.execute(
            "UPDATE leases SET expires_at = '-infinity' WHERE name = $1 AND owner = $2 AND epoch = $3",
            lease.name,
            lease.owner,
            lease.epoch,
        )


class Holding:
    """One lease that a process holds for as long as it can, for work that a single process does."""

    def __init__(self, leases: Leases, name: str) -> None:
        self._leases = leases
        self._name = name
        self._lease: Lease | None = None

    async def hold(self) -> Lease | None:
        """Renew the lease that is held, or try to get it; None while another process holds it."""
        if self._lease is None:
            self._lease = await self._leases.acquire(self._name)
            return self._lease
        try:
            await self._leases.renew(self._lease)
        except Fenced:
            self._lease = None
            raise
        return self._lease

    async def check(self, connection: Connection) -> None:
        """Raise `Fenced` unless the lease is still held, as `check` of this module does."""
        if self._lease is None:
            raise Fenced(f"lease {self._name} is not held")
        await check(connection, self._lease)

    async def release(self) -> None:
        """Let another process go on at once; for a graceful stop."""
        if self._lease is not None:
            await self._leases.release(self._lease)
            self._lease = None


async def check(connection: Connection, lease: Lease) -> None:
    """Raise `Fenced` unless the lease is still held; it can't be taken before this transaction ends."""
    await connection.execute("SELECT check_lease($1, $2, $3)", lease.name, lease.owner, lease.epoch)
