"""`tenon deadletters`: what could not be used, straight from Kafka, and how to have it tried once more.

A dead letter is named PARTITION:OFFSET, its place in tenon.rejected. Replaying appends a new record, with the
old bytes, to the topic and partition it came from, and links to the old one by the header `ce_replays`.
"""

import base64
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from tenon.cli.running import kafka, run
from tenon.contracts.codec import InvalidData, NotJson, decode_tolerant, encode
from tenon.contracts.rejections import EventRejected, Origin
from tenon.contracts.topics import REJECTED
from tenon.errors import Misconfigured, Transient, Unusable
from tenon.kafka import KafkaSettings, OutRecord, Producer, Record, Start, read
from tenon.replays import replay_of

_DEADLINE_MS: Final = 30_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter and its place."""

    partition: int
    offset: int
    rejected: EventRejected

    @property
    def name(self) -> str:
        """How people refer to it."""
        return f"{self.partition}:{self.offset}"


class LetterName(click.ParamType[tuple[int, int]]):
    """PARTITION:OFFSET."""

    name = "letter"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return partition and offset."""
        partition, _, offset = str(value).partition(":")
        if not (partition.isdecimal() and offset.isdecimal()):
            self.fail(f"{value!r} is not PARTITION:OFFSET, as `tenon deadletters list` shows it", param, ctx)
        return int(partition), int(offset)


@click.group()
def deadletters() -> None:
    """Records that could not be used: look at them, and have them tried once more."""


@deadletters.command("list")
@click.option("--code", help="Only those rejected for this reason, such as unknown_entity.")
@click.option("--party", help="Only those this party sent.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many."
)
def list_letters(code: str | None, party: str | None, limit: int) -> None:
    """List dead letters, the oldest first."""
    found = [
        letter
        for letter in run(_all(kafka()))
        if (not code or letter.rejected.code == code) and (not party or letter.rejected.origin.party == party)
    ]
    listing = Table("letter", "at", "by", "code", "party", "type", "why")
    for letter in found[-limit:]:
        said = letter.rejected
        listing.add_row(
            letter.name,
            f"{said.at:%Y-%m-%d %H:%M:%S}",
            said.service,
            said.code,
            said.origin.party or "",
            said.origin.event_type or "",
            escape(said.detail),
        )
    Console().print(listing)
    click.echo(f"{len(found)} dead letters, {min(limit, len(found))} shown")


@deadletters.command()
@click.argument("letter", type=LetterName())
def show(letter: tuple[int, int]) -> None:
    """Show one dead letter: why, from where, and its bytes."""
    found = run(_one(kafka(), *letter))
    console, said = Console(soft_wrap=True), found.rejected
    console.print_json(encode(_summary(said)).decode())
    try:
        data = msgspec.json.format(base64.b64decode(said.data_base64), indent=2).decode()
        console.print(Syntax(data, "json", background_color="default"))
    except (msgspec.DecodeError, ValueError):
        console.print(repr(base64.b64decode(said.data_base64)))


@deadletters.command()
@click.argument("letters", type=LetterName(), nargs=-1)
@click.option("--code", help="All of those rejected for this reason, instead of naming them.")
def replay(letters: Sequence[tuple[int, int]], code: str | None) -> None:
    """Append LETTERS once more to where they came from: after a fix, or when what they name has arrived."""
    if bool(letters) == bool(code):
        raise click.UsageError("name letters (PARTITION:OFFSET), or give --code")
    for letter in run(_replay(kafka(), letters, code)):
        origin = letter.rejected.origin
        click.echo(f"{letter.name} appended to {origin.topic}/{origin.partition}")


def _summary(said: EventRejected) -> dict[str, object]:
    names = (name for name in said.__struct_fields__ if name != "data_base64")
    return {name: getattr(said, name) for name in names}


async def _replay(
    settings: KafkaSettings, names: Sequence[tuple[int, int]], code: str | None
) -> list[Letter]:
    if code:
        letters = [letter for letter in await _all(settings) if letter.rejected.code == code]
    else:
        letters = [await _one(settings, *name) for name in names]
    records = [await _again(settings, letter.rejected) for letter in letters]
    producer = Producer(settings)
    await producer.start()
    try:
        receipts = await producer.send_and_wait(records, deadline_ms=_DEADLINE_MS)
    finally:
        await producer.stop()
    for letter, receipt in zip(letters, receipts, strict=True):
        if receipt.state != "written":
            raise receipt.error or Transient(
                f"{letter.name} may or may not have been appended: look, then repeat"
            )
    return letters


async def _again(settings: KafkaSettings, said: EventRejected) -> OutRecord:
    """Return the record to append; what the dead letter has only in part is read where it came from."""
    if not said.truncated:
        return replay_of(said)
    original = await _record_at(settings, said.origin)
    return replay_of(said, original)


async def _record_at(settings: KafkaSettings, origin: Origin) -> Record:
    start = Start("offset", origin.offset)
    async with aclosing(read(settings, origin.topic, partitions=[origin.partition], start=start)) as records:
        async for record in records:
            if record.offset == origin.offset:
                return record
            break
    where = f"{origin.topic}/{origin.partition}/{origin.offset}"
    raise Unusable(f"{where} is too large for its dead letter to hold, and no longer in its topic")


async def _all(settings: KafkaSettings) -> list[Letter]:
    return sorted([letter async for letter in _letters(settings, Start())], key=lambda each: each.rejected.at)


async def _one(settings: KafkaSettings, partition: int, offset: int) -> Letter:
    async with aclosing(_letters(settings, Start("offset", offset), [partition])) as letters:
        async for letter in letters:
            if letter.offset == offset:
                return letter
            break
    raise Misconfigured(f"there is no dead letter {partition}:{offset}")


async def _letters(
    settings: KafkaSettings, start: Start, partitions: Sequence[int] | None = None
) -> AsyncGenerator[Letter, None]:
    async for record in read(settings, REJECTED.name, partitions=partitions, start=start):
        try:
            rejected = decode_tolerant(EventRejected, record.value or b"")
        except (NotJson, InvalidData) as error:
            click.echo(f"{record.partition}:{record.offset} is no dead letter of ours: {error}", err=True)
        else:
            yield Letter(record.partition, record.offset, rejected)
