"""Asks agents over HTTP, through the guard of parties' addresses; an answer has bounds of size and time."""

from concurrent.futures import Executor
from dataclasses import dataclass

import aiohttp
from yarl import URL

from ingest.formats.mtconnect.machines import Machine
from ingest.formats.mtconnect.observations import Unreadable
from ingest.formats.mtconnect.streams import MOST_BYTES
from tenon.guard import AddressDenied

COUNT = 1_000
"""Observations that are asked for at a time."""
_CHUNK = 64 * 1024


class NoAnswer(Exception):
    """The agent could not be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Agents:
    """Asks agents. `reader` reads what they answer, one document at a time, beside everything else."""

    session: aiohttp.ClientSession
    reader: Executor

    async def current(self, machine: Machine) -> bytes:
        """Return what the agent says of everything as it is now."""
        return await self._get(_address(machine, "current"))

    async def sample(self, machine: Machine, first: int) -> bytes:
        """Return what the agent says has happened from a sequence number on."""
        return await self._get(_address(machine, "sample").with_query({"from": first, "count": COUNT}))

    async def _get(self, url: URL) -> bytes:
        """Return the body of an answer; that of an error too, for it may say more."""
        try:
            async with self.session.get(url, allow_redirects=False) as response:
                body = await _body(response)
        except AddressDenied as error:
            raise NoAnswer(str(error)) from error
        except aiohttp.ClientConnectorError as error:
            denied = isinstance(error.os_error, AddressDenied)
            raise NoAnswer(str(error.os_error) if denied else "no connection to the agent") from error
        except TimeoutError as error:
            raise NoAnswer("the agent did not answer in time") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer("the agent does not speak HTTP as it should") from error
        if response.status >= 300 and b"MTConnectError" not in body:
            raise NoAnswer(f"the agent answered with status {response.status}")
        return body


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > MOST_BYTES:
            raise Unreadable(f"more than {MOST_BYTES} bytes", "fewer observations in one answer")
    return bytes(body)


def _address(machine: Machine, request: str) -> URL:
    return URL(machine.agent) / machine.device / request
