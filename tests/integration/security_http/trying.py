"""Requests that Schemathesis makes of a service's own description, sent to the service as it runs.

Good ones and broken ones, each judged by the description: no 5xx, no status, content type, header or document
that is not described, nothing broken taken, no key ignored. The seed is fixed, what is tried is bounded by
number, not by time: a slow machine tries the same.
"""

import asyncio
import os
import sys
from pathlib import Path

DOCUMENTS = Path(__file__).parents[3] / "contracts" / "openapi"
_CONFIG = Path(__file__).with_name("schemathesis.toml")
_BODIES = Path(__file__).with_name("bodies.py")
_SEED = "20260301"


async def tried(name: str, address: str, key: str, folder: Path, *more: str) -> str:
    """Try a service; return what Schemathesis found, "" for nothing."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(_CONFIG)),
        *("run", str(DOCUMENTS / f"{name}.json"), "--url", address, "--seed", _SEED),
        *("--header", f"Authorization: Bearer {key}", "--continue-on-failure", "--warnings", "off"),
        *("--suppress-health-check", "all", *more),
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(_BODIES)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        told, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return told.decode() if process.returncode else ""
