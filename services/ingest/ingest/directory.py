"""Reading the registry for people: a party, its sites, and what waits in the outbox."""

from collections.abc import Sequence

from sqlalchemy import Text, cast, select

from ingest.tables import parties, sites
from tenon.backlog import Backlog
from tenon.contracts.codec import decode_tolerant
from tenon.contracts.intake import PartyRegistered, SitePublished
from tenon.db import Database
from tenon.outbox import backlog


class Directory:
    """Queries of the registry, beside the hot path."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def party(self, party: str) -> PartyRegistered | None:
        """Return the statement about a party that is in force, None if nobody registered it."""
        query = select(cast(parties.c.data, Text)).where(parties.c.party == party)
        async with self._database.begin() as connection:
            data: str | None = (await connection.execute(query)).scalar()
        return None if data is None else decode_tolerant(PartyRegistered, data.encode())

    async def sites(self, party: str, after: str, limit: int) -> Sequence[SitePublished] | None:
        """Return up to `limit` sites of a party behind `after` by id; None if nobody registered the party."""
        if await self.party(party) is None:
            return None
        query = (
            select(cast(sites.c.data, Text))
            .where(sites.c.party == party, sites.c.site > after)
            .order_by(sites.c.site)
            .limit(limit)
        )
        async with self._database.begin() as connection:
            rows = (await connection.execute(query)).scalars().all()
        return [decode_tolerant(SitePublished, data.encode()) for data in rows]

    async def outbox(self) -> Backlog:
        """Return what is committed and not yet in Kafka."""
        return await backlog(self._database)
