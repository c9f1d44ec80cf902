"""`tenon import` as people use it, on a running ingest."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

from tenon.kafka import KafkaSettings
from tests.integration.ingest.running import PATIENT, Ingest, prepare, ready, written
from tests.integration.ingest.test_crash import process
from tests.integration.ingest.test_imports import acme, offers

_TENON = (sys.executable, "-c", "from tenon.cli import main; main()")


async def begun(ingest: Ingest, *arguments: str) -> asyncio.subprocess.Process:
    env = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "200",
        "TENON_INGEST_URL": ingest.url,
        "TENON_NOTIFIER_URL": ingest.url,
        "TENON_API_KEY": ingest.key,
    }
    return await asyncio.create_subprocess_exec(
        *(*_TENON, "import", *arguments),
        env=env,
        stdin=PIPE,
        stdout=PIPE,
        stderr=STDOUT,
        preexec_fn=_interruptible,
    )


def _interruptible() -> None:
    """Let Ctrl-C work in a child of whoever was started to ignore it, as what runs in the background is."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def tenon(ingest: Ingest, *arguments: str, answer: str = "") -> tuple[int | None, str]:
    command = await begun(ingest, *arguments)
    told, _ = await asyncio.wait_for(command.communicate(answer.encode()), 60)
    return command.returncode, told.decode()


async def test_a_file_is_shown_asked_about_and_imported(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    file, report = tmp_path / "offers.csv", tmp_path / "report.csv"
    file.write_text(offers(2) + "o9;nowhere;630790;2030-01;1;\n")
    async with ready(kafka, postgres, **PATIENT) as ingest:
        own = await acme(ingest)
        status, told = await tenon(own, str(file), "--kind", "offers", "--dry-run")
        assert (status, await written(kafka)) == (1, [])
        assert "Quantity (pcs) │ quantity" in told
        assert "row 4, site: 'acme' has published no site 'nowhere'" in told
        assert "2 of 3 rows would be taken, 1 refused; nothing was sent" in told
        status, told = await tenon(own, str(file), "--kind", "offers", answer="n\n")
        assert (status, await written(kafka)) == (1, [])
        arguments = (str(file), "--kind", "offers", "--map", "Price EUR=", "--report", str(report))
        status, told = await tenon(own, *arguments, answer="y\n")
        assert (status, len(await written(kafka))) == (1, 2)
        assert "Import 2 rows?" in told
        assert told.rstrip().endswith("report.csv says what became of each row")
        assert [line.split(",")[:3] for line in report.read_text().splitlines()[1:]] == [
            ["2", "accepted", ""],
            ["3", "accepted", ""],
            ["4", "rejected", "site"],
        ]
        file.write_text(offers(2))
        status, told = await tenon(own, str(file), "--kind", "offers", "--yes")
        assert (status, "2 of 2 rows were taken, 0 refused" in told) == (0, True), told


async def test_wrong_use_is_told_in_words(kafka: KafkaSettings, postgres: str, tmp_path: Path) -> None:
    file = tmp_path / "offers.data"
    file.write_text("nothing,known\n1,2\n")
    async with ready(kafka, postgres, **PATIENT) as ingest:
        for arguments, status, words in (
            ((), 2, "name a FILE, or one of --resume, --cancel and --template"),
            ((str(file), "--kind", "offers"), 2, "give --format csv, xlsx or ndjson"),
            ((str(file), "--format", "csv"), 2, "--kind offers, for example"),
            ((str(file), "--format", "csv", "--kind", "offers", "--map", "x"), 2, "'x' is no pair"),
            ((str(file), "--format", "csv", "--kind", "x"), 1, "/query/kind"),
            (
                (str(file), "--format", "csv", "--kind", "offers"),
                1,
                "it can't be imported: row 1: no row names",
            ),
            (("--resume", "nothing"), 1, "there is no import 'nothing' that this key may see"),
        ):
            found, told = await tenon(ingest, *arguments)
            assert (found, words in " ".join(told.split())) == (status, True), told


async def test_a_command_that_is_interrupted_says_how_to_go_on(
    kafka: KafkaSettings, postgres: str, tmp_path: Path
) -> None:
    await prepare(kafka, postgres)
    file = tmp_path / "offers.csv"
    file.write_text(offers(1_200))
    async with process(kafka, postgres, "imports.before_mark=pause:3000@2") as (ingest, _):
        own = await acme(ingest)
        command = await begun(own, str(file), "--kind", "offers", "--yes")
        assert command.stdout is not None
        begins = await asyncio.wait_for(command.stdout.readline(), 30)
        command.send_signal(signal.SIGINT)
        told, _ = await asyncio.wait_for(command.communicate(), 30)
        job = begins.decode().split()[1]
        assert command.returncode == 130
        assert f"tenon import --resume {job}" in told.decode()
        status, words = await tenon(own, "--resume", job)
        assert (status, "1200 of 1200 rows were taken" in words) == (0, True), words
        status, words = await tenon(own, "--cancel", job)
        assert (status, "1200 of 1200 rows were taken" in words) == (0, True)
