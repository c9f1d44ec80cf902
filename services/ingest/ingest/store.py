"""The registry in PostgreSQL: reads what a batch of statements speaks of, writes what they change.

Decides how rows are locked, and nothing else. Whoever changes a party, its sites or its keys holds the
party's row for update; whoever notes that a market knows a site holds it for share. So a market is either
noted before a change, and told of it, or it sees the changed site.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ingest.domain.registry import (
    Changes,
    Entry,
    PartyEntry,
    Present,
    SiteKey,
    state_of,
    terms_of,
)
from tenon import outbox
from tenon.contracts.codec import decode_tolerant, encode_text
from tenon.contracts.intake import PartyRegistered, PolicyPublished, SitePublished
from tenon.contracts.log import PartyTerms, SiteState
from tenon.contracts.parties import KeyHash
from tenon.contracts.values import Shape
from tenon.db import Connection, Row

S = TypeVar("S", bound=Shape)

_STANDING = """
    SELECT s.party, s.site, s.data::text AS site_data, p.data::text AS party_data
    FROM unnest($1::text[], $2::text[]) AS k(party, site)
    JOIN sites s ON s.party = k.party AND s.site = k.site
    JOIN parties p ON p.party = k.party
    ORDER BY s.party, s.site
"""
_HOLD = "SELECT FROM parties WHERE party = ANY($1::text[]) ORDER BY party FOR SHARE"


@dataclass(frozen=True, slots=True)
class Standing:
    """What an offer or a demand is listed with: its site, and its party's terms."""

    site: SiteState
    terms: PartyTerms


async def standings(
    connection: Connection, keys: Collection[SiteKey], *, hold: bool = False
) -> dict[SiteKey, Standing]:
    """Return site and terms for each (party, site) that exists; `hold` keeps both from changing meanwhile.

    To hold is a statement of its own: one that has waited for a lock still sees the other rows as they
    were before it waited (READ COMMITTED), so it would return the site that was just changed as it was.
    """
    owners, names = _columns(sorted(keys))
    if hold:
        await connection.execute(_HOLD, sorted(set(owners)))
    rows = await connection.fetch(_STANDING, owners, names)
    return {(row["party"], row["site"]): _standing(row) for row in rows}


async def note_markets(connection: Connection, told: Iterable[tuple[str, str, str]]) -> None:
    """Write down that a market (third) knows a site (party, site); whoever calls holds the standings."""
    rows = sorted(told)
    await connection.execute(
        """
        INSERT INTO site_markets (party, site, market)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        ON CONFLICT DO NOTHING
        """,
        [party for party, _, _ in rows],
        [site for _, site, _ in rows],
        [market for _, _, market in rows],
    )


async def known_parties(connection: Connection, parties: Collection[str]) -> set[str]:
    """Return those of the parties that are registered."""
    rows = await connection.fetch("SELECT party FROM parties WHERE party = ANY($1::text[])", list(parties))
    return {row["party"] for row in rows}


async def load(connection: Connection, statements: Sequence[Shape]) -> Present:
    """Return what the registry holds of all that is spoken of, locked until the transaction ends."""
    owners = {s.party for s in statements if isinstance(s, PartyRegistered | SitePublished)}
    sites = {(s.party, s.site) for s in statements if isinstance(s, SitePublished)}
    policies = {s.policy for s in statements if isinstance(s, PolicyPublished)}
    if any(isinstance(s, PartyRegistered) for s in statements):
        await _one_at_a_time(connection, "parties")
    return Present(
        parties=await held_parties(connection, owners) if owners else {},
        sites=await _sites(connection, sites) if sites else {},
        policies=await _policies(connection, policies) if policies else {},
        markets=await _markets(connection, owners) if owners else {},
    )


async def held_parties(connection: Connection, parties: Collection[str]) -> dict[str, PartyEntry]:
    """Return parties with their keys in force; nobody else changes them before the transaction ends."""
    rows = await connection.fetch(
        "SELECT party, digest, sequence, data::text FROM parties WHERE party = ANY($1::text[]) ORDER BY party"
        " FOR UPDATE",
        list(parties),
    )
    keys: dict[str, list[KeyHash]] = {}
    for row in await connection.fetch(
        "SELECT party, key, sha256 FROM api_keys WHERE party = ANY($1::text[]) AND revoked_at IS NULL",
        list(parties),
    ):
        keys.setdefault(row["party"], []).append(KeyHash(key=row["key"], sha256=row["sha256"]))
    return {
        row["party"]: PartyEntry(
            _data(PartyRegistered, row), row["digest"], row["sequence"], tuple(keys.get(row["party"], ()))
        )
        for row in rows
    }


async def save(connection: Connection, changes: Changes) -> None:
    """Write all that has changed, and the records that tell of it into the outbox."""
    if changes.parties:
        await save_parties(connection, changes.parties.values())
    if changes.sites:
        await _save_sites(connection, changes.sites)
    if changes.policies:
        await _save_policies(connection, changes.policies)
    if changes.records:
        await outbox.append(connection, changes.records)


async def save_parties(connection: Connection, entries: Iterable[PartyEntry]) -> None:
    """Write parties that the caller holds, and new ones."""
    rows = list(entries)
    await connection.execute(
        """
        INSERT INTO parties AS p (party, revision, digest, data, sequence)
        SELECT party, revision, digest, data::jsonb, sequence
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
            AS r(party, revision, digest, data, sequence)
        ON CONFLICT (party) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
            data = excluded.data, sequence = excluded.sequence, changed_at = now()
        """,
        [row.data.party for row in rows],
        [row.data.revision for row in rows],
        [row.digest for row in rows],
        [encode_text(row.data) for row in rows],
        [row.sequence for row in rows],
    )


async def _save_sites(connection: Connection, sites: dict[SiteKey, Entry]) -> None:
    owners, names = _columns(sites)
    await connection.execute(
        """
        INSERT INTO sites (party, site, revision, digest, data)
        SELECT party, site, revision, digest, data::jsonb
        FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[])
            AS r(party, site, revision, digest, data)
        ON CONFLICT (party, site) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
            data = excluded.data, changed_at = now()
        """,
        owners,
        names,
        *_contents(sites.values()),
    )


async def _save_policies(connection: Connection, policies: dict[str, Entry]) -> None:
    await connection.execute(
        """
        INSERT INTO policies (policy, revision, digest, data)
        SELECT policy, revision, digest, data::jsonb
        FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS r(policy, revision, digest, data)
        ON CONFLICT (policy) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
            data = excluded.data, changed_at = now()
        """,
        list(policies),
        *_contents(policies.values()),
    )


async def _sites(connection: Connection, keys: Collection[SiteKey]) -> dict[SiteKey, Entry]:
    owners, names = _columns(sorted(keys))
    rows = await connection.fetch(
        """
        SELECT s.party, s.site, s.revision, s.digest, s.data::text
        FROM unnest($1::text[], $2::text[]) AS k(party, site)
        JOIN sites s ON s.party = k.party AND s.site = k.site
        """,
        owners,
        names,
    )
    return {(row["party"], row["site"]): _entry(SitePublished, row) for row in rows}


async def _policies(connection: Connection, policies: Collection[str]) -> dict[str, Entry]:
    await _one_at_a_time(connection, "policies")
    rows = await connection.fetch(
        "SELECT policy, revision, digest, data::text FROM policies WHERE policy = ANY($1::text[])",
        list(policies),
    )
    return {row["policy"]: _entry(PolicyPublished, row) for row in rows}


async def _markets(connection: Connection, parties: Collection[str]) -> dict[SiteKey, frozenset[str]]:
    rows = await connection.fetch(
        "SELECT party, site, array_agg(market) AS markets FROM site_markets WHERE party = ANY($1::text[])"
        " GROUP BY party, site",
        list(parties),
    )
    return {(row["party"], row["site"]): frozenset(row["markets"]) for row in rows}


async def _one_at_a_time(connection: Connection, what: str) -> None:
    """Let no other transaction add rows of this kind: a row that is not there yet can't be locked."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"tenon ingest {what}")


def _standing(row: Row) -> Standing:
    site = decode_tolerant(SitePublished, row["site_data"].encode())
    party = decode_tolerant(PartyRegistered, row["party_data"].encode())
    return Standing(state_of(site), terms_of(party))


def _entry(kind: type[S], row: Row) -> Entry:
    return Entry(_data(kind, row), row["revision"], row["digest"])


def _data(kind: type[S], row: Row) -> S:
    return decode_tolerant(kind, row["data"].encode())


def _columns(keys: Iterable[SiteKey]) -> tuple[list[str], list[str]]:
    pairs = list(keys)
    return [party for party, _ in pairs], [site for _, site in pairs]


def _contents(entries: Iterable[Entry]) -> tuple[list[int], list[str], list[str]]:
    rows = list(entries)
    return [e.revision for e in rows], [e.digest for e in rows], [encode_text(e.data) for e in rows]
