"""Asking every described address for what is another party's, and for what is nobody's.

An address gives nothing away when the two answers are one: status, headers and document, but for the ids that
were asked for. Ids of what is another's and of what is nobody's are of one length, so that headers compare.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import aiohttp

from tests.support.routes import Operation

Ids = Mapping[str, str]
_CHANGING = {"date"}


@dataclass(frozen=True)
class Told:
    """What somebody was answered, without the ids that were asked for."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True)
class World:
    """Ids by the names of parameters: one's own, another party's, and such as there are none."""

    mine: Ids
    theirs: Ids
    nowhere: Ids

    def strange(self, operation: Operation) -> Iterator[tuple[Ids, Ids]]:
        """Yield every mixture of ids with another's among them, each beside the same with nobody's."""
        for kinds in product(("mine", "theirs", "nowhere"), repeat=len(operation.ids)):
            if "theirs" in kinds:
                yield self._ids(operation, kinds), self._ids(operation, _without_theirs(kinds))

    def own(self, operation: Operation) -> Ids:
        """Return one's own ids."""
        return self._ids(operation, ["mine"] * len(operation.ids))

    def _ids(self, operation: Operation, kinds: Sequence[str]) -> Ids:
        return {name: getattr(self, kind)[name] for name, kind in zip(operation.ids, kinds, strict=True)}


@dataclass(frozen=True)
class Stranger:
    """Somebody who asks a service, with a key or without."""

    session: aiohttp.ClientSession
    address: str
    key: str | None

    async def asks(self, operation: Operation, ids: Ids, **queries: str) -> Told:
        """Return what the stranger is told."""
        shown = {} if self.key is None else {"authorization": f"Bearer {self.key}"}
        url = self.address + operation.path.format(**ids)
        async with self.session.request(operation.method, url, headers=shown, params=queries) as answer:
            body = await answer.text()
        for name, value in {**ids, **queries}.items():
            body = body.replace(value, f"{{{name}}}")
        kept = ((name.lower(), text) for name, text in answer.headers.items())
        return Told(
            answer.status, tuple(sorted((name, text) for name, text in kept if name not in _CHANGING)), body
        )


def _without_theirs(kinds: Sequence[str]) -> list[str]:
    return ["nowhere" if kind == "theirs" else kind for kind in kinds]
