"""A request for update is answered with what the asked partner has told the asking one, newest state only.

The answer is the response: the asker has it at once, where the standard allows minutes. What does not fit
into one message is counted as left; it is asked for by its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ingest.catenax import queries
from ingest.formats.catenax.aspects import DEMAND, GROUP, AspectType
from ingest.formats.catenax.reading import MOST_BYTES
from ingest.formats.catenax.ruling import Pair
from ingest.formats.catenax.update_request import IdBasedRequestForUpdate, Wanted, answered, wanted
from tenon.db import Connection, Database


class Updates(msgspec.Struct, frozen=True, rename="camel"):
    """What a request for update is answered with; `left` counts what did not fit."""

    week_based_material_demand: Sequence[msgspec.Raw]
    week_based_capacity_group: Sequence[msgspec.Raw]
    left: int


@dataclass(slots=True)
class _Room:
    bytes_left: int = MOST_BYTES
    left: int = 0


@dataclass(frozen=True, slots=True)
class Asking:
    """Answers requests for update."""

    database: Database

    async def answer(self, requests: Sequence[IdBasedRequestForUpdate], asker: str, asked: str) -> Updates:
        """Return what `asked` has told `asker` and `asker` wants again."""
        room = _Room()
        demands: dict[str, str] = {}
        groups: dict[str, str] = {}
        async with self.database.transaction() as connection:
            for request in requests:
                of_demands, of_groups = wanted(request)
                demands |= await _found(connection, DEMAND, (asker, asked), of_demands, room)
                groups |= await _found(connection, GROUP, (asked, asker), of_groups, room)
        return Updates(_raw(demands), _raw(groups), room.left)


async def _found(
    connection: Connection, aspect: AspectType, pair: Pair, asked: Wanted | None, room: _Room
) -> dict[str, str]:
    held = await queries.changed(connection, aspect, pair)
    sizes = {name: size for name, _, size in held}
    moments: list[tuple[str, datetime]] = [(name, at) for name, at, _ in held]
    fitting = []
    for name in answered(moments, asked):
        if sizes[name] <= room.bytes_left:
            room.bytes_left -= sizes[name]
            fitting.append(name)
        else:
            room.left += 1
    return dict(zip(sorted(fitting), await queries.documents(connection, aspect, pair, fitting), strict=True))


def _raw(found: dict[str, str]) -> list[msgspec.Raw]:
    return [msgspec.Raw(document.encode()) for document in found.values()]
