"""Releases and listings in PostgreSQL: what partners let onto the open market, and what of it is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ingest.formats.catenax.listing import Change, Listed
from ingest.formats.catenax.market import subject_of
from ingest.formats.catenax.releases import Release
from ingest.formats.catenax.ruling import Pair
from tenon.contracts.codec import decode_tolerant, encode_text
from tenon.contracts.values import ItemClass
from tenon.db import Connection, Row

Subject = tuple[str, str, str]
"""A party, `demand` or `capacity`, and the material or the group that a release is about."""


@dataclass(frozen=True, slots=True)
class Released:
    """A release as it is kept: its id, and what it says."""

    release: str
    data: Release


async def released(connection: Connection, parties: Iterable[str]) -> dict[Subject, Released]:
    """Return the releases of parties, by what they are about."""
    rows = await connection.fetch(
        "SELECT party, release, aspect, subject, data::text FROM catenax_releases"
        " WHERE party = ANY($1::text[]) ORDER BY party, release",
        sorted(parties),
    )
    return {
        (row["party"], row["aspect"], row["subject"]): Released(
            row["release"], decode_tolerant(Release, row["data"].encode())
        )
        for row in rows
    }


async def release(connection: Connection, party: str, name: str, data: Release) -> None:
    """Put a release into force; raises `Duplicate` where another one is about the same."""
    aspect, subject = subject_of(data)
    await connection.execute(
        """
        INSERT INTO catenax_releases (party, release, aspect, subject, data)
        VALUES ($1, $2, $3, $4, $5::text::jsonb)
        ON CONFLICT (party, release) DO UPDATE
        SET aspect = excluded.aspect, subject = excluded.subject, data = excluded.data
        """,
        party,
        name,
        aspect,
        subject,
        encode_text(data),
    )


async def take_back(connection: Connection, party: str, name: str) -> Release | None:
    """Take a release out of force, and return it; None where there is none."""
    data = await connection.fetchval(
        "DELETE FROM catenax_releases WHERE party = $1 AND release = $2 RETURNING data::text", party, name
    )
    return None if data is None else decode_tolerant(Release, data.encode())


async def listed(connection: Connection, pair: Pair) -> dict[str, Listed]:
    """Return what was told of a relationship, by listing."""
    rows = await connection.fetch(
        "SELECT * FROM catenax_listed WHERE supplier = $1 AND customer = $2 ORDER BY listing", *pair
    )
    return {row["listing"]: _listed(row) for row in rows}


async def listed_by(connection: Connection, party: str) -> Sequence[tuple[Pair, Listed]]:
    """Return what of a party is on the market or ought to be, with the relationship it comes from."""
    rows = await connection.fetch(
        "SELECT * FROM catenax_listed WHERE party = $1 AND (open OR problem IS NOT NULL) ORDER BY listing",
        party,
    )
    return [((row["supplier"], row["customer"]), _listed(row)) for row in rows]


async def save(connection: Connection, pair: Pair, changed: Sequence[Change]) -> None:
    """Write down what was told."""
    rows = [change.listed for change in changed]
    if not rows:
        return
    await connection.execute(
        """
        INSERT INTO catenax_listed
            (party, listing, kind, supplier, customer, subject, class_scheme, class_code, revision, digest,
            open, problem)
        SELECT party, listing, kind, $1, $2, subject, scheme, code, revision, digest, open, problem
        FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
            $10::text[], $11::boolean[], $12::text[])
            AS r(party, listing, kind, subject, scheme, code, revision, digest, open, problem)
        ON CONFLICT (party, listing) DO UPDATE SET revision = excluded.revision, digest = excluded.digest,
            open = excluded.open, problem = excluded.problem
        """,
        *pair,
        [row.party for row in rows],
        [row.listing for row in rows],
        [row.kind for row in rows],
        [row.subject for row in rows],
        [row.item_class.scheme for row in rows],
        [row.item_class.code for row in rows],
        [row.revision for row in rows],
        [row.digest for row in rows],
        [row.open for row in rows],
        [row.problem for row in rows],
    )


def _listed(row: Row) -> Listed:
    return Listed(
        row["party"],
        row["listing"],
        row["kind"],
        row["subject"],
        ItemClass(scheme=row["class_scheme"], code=row["class_code"]),
        row["revision"],
        row["digest"],
        row["open"],
        row["problem"],
    )
