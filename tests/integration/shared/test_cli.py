"""The commands that talk to Kafka themselves."""

import asyncio
import base64
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from tenon.cli import main
from tenon.contracts.codec import encode
from tenon.contracts.rejections import EventRejected, Origin
from tenon.contracts.topics import MARKET, REJECTED
from tenon.kafka import KafkaSettings, OutRecord, Record, read
from tests.support.streams import producing

WHERE = f"{MARKET.name}/1"


@pytest.fixture
def cluster(kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> KafkaSettings:
    """A cluster with Tenon's topics, which the commands are pointed at."""
    monkeypatch.setenv("TENON_KAFKA_BOOTSTRAP", kafka.bootstrap)
    monkeypatch.setenv("TENON_TOPIC_PREFIX", kafka.prefix)
    made = tenon("topics", "--replication", "1")
    assert made.exit_code == 0, made.output
    return kafka


def tenon(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})


def letter(offset: int, code: str = "unknown_entity", *, truncated: bool = False) -> OutRecord:
    said = EventRejected(
        service="matcher",
        code=code,  # type: ignore[arg-type]
        detail="no such docking",
        origin=Origin(topic=MARKET.name, partition=1, offset=offset, key="hs:30", party="maker"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        headers={"ce_id": f"e{offset}"},
        data_base64=base64.b64encode(b'{"n":%d}' % offset).decode(),
        truncated=truncated,
    )
    return OutRecord(REJECTED.name, MARKET.name.encode(), encode(said), (), 0)


def write(kafka: KafkaSettings, *records: OutRecord) -> None:
    async def work() -> None:
        async with producing(kafka) as producer:
            receipts = await producer.send_and_wait(records, deadline_ms=10_000)
            assert all(receipt.state == "written" for receipt in receipts)

    asyncio.run(work())


def market(kafka: KafkaSettings) -> list[Record]:
    async def work() -> list[Record]:
        return [record async for record in read(kafka, MARKET.name, partitions=[1])]

    return asyncio.run(work())


def test_topics_are_made_once_and_the_table_can_be_shown(cluster: KafkaSettings) -> None:
    again = tenon("topics", "--replication", "1")
    assert again.exit_code == 0
    assert "created" not in again.output
    shown = tenon("topics", "--show")
    assert "partitions = 8" in shown.output


def test_dead_letters_are_listed_and_shown(cluster: KafkaSettings) -> None:
    write(cluster, letter(5), letter(6, "too_large"))
    listed = tenon("deadletters", "list")
    assert "0:0" in listed.output
    assert "2 dead letters" in listed.output
    assert "1 dead letters" in tenon("deadletters", "list", "--code", "too_large").output
    shown = tenon("deadletters", "show", "0:0")
    assert "unknown_entity" in shown.output
    assert '"n": 5' in shown.output
    assert "there is no dead letter 0:9" in tenon("deadletters", "show", "0:9").output


def test_a_letter_of_a_partition_that_is_not_there_is_told_at_once(cluster: KafkaSettings) -> None:
    result = tenon("deadletters", "show", "99:0")
    assert result.exit_code == 1
    assert "there is no 99" in result.output


def test_what_is_no_dead_letter_does_not_hide_the_others(cluster: KafkaSettings) -> None:
    write(cluster, OutRecord(REJECTED.name, b"k", b"{oops", (), 0), letter(5))
    listed = tenon("deadletters", "list")
    assert listed.exit_code == 0
    assert "0:0 is no dead letter of ours" in listed.output
    assert "1 dead letters" in listed.output


def test_a_replayed_letter_is_appended_to_where_it_came_from(cluster: KafkaSettings) -> None:
    write(cluster, letter(5))
    result = tenon("deadletters", "replay", "0:0")
    assert result.output == f"0:0 appended to {WHERE}\n"
    (record,) = market(cluster)
    assert (record.key, record.value) == (b"hs:30", b'{"n":5}')
    assert list(record.headers) == [("ce_id", b"e5"), ("ce_replays", f"{WHERE}/5".encode())]


def test_what_a_letter_holds_in_part_is_taken_from_its_topic(cluster: KafkaSettings) -> None:
    whole = b'{"n":0,"much":"more"}'
    write(cluster, OutRecord(MARKET.name, b"hs:30", whole, (), 1), letter(0, truncated=True))
    assert tenon("deadletters", "replay", "--code", "unknown_entity").exit_code == 0
    assert [record.value for record in market(cluster)] == [whole, whole]
    write(cluster, letter(77, truncated=True))
    gone = tenon("deadletters", "replay", "0:1")
    assert gone.exit_code == 1
    assert "no longer in its topic" in gone.output


def test_replay_wants_letters_or_a_code(cluster: KafkaSettings) -> None:
    assert tenon("deadletters", "replay").exit_code == 2
    assert tenon("deadletters", "replay", "zero").exit_code == 2
