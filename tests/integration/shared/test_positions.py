"""The fence: who may commit, on the real database."""

import asyncio

import pytest

from tenon.db import Database
from tenon.errors import Fenced, Misconfigured
from tenon.positions import Position, Positions, put, stored
from tenon.records import TopicPartition
from tests.support.toys import toy_database

WHERE = TopicPartition("numbers", 3)
SOME = [TopicPartition("letters", 0), TopicPartition("letters", 1), TopicPartition("numbers", 0)]


def of(database: Database, owner: str, log_id: str = "log") -> Positions:
    return Positions(database, owner=owner, log_id=log_id)


async def commit(database: Database, holder: Positions, position: Position, value: int) -> Position:
    """One unit of work: an effect, and the position with it."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO effects (value) VALUES ($1)", value)
        return await holder.advance(connection, WHERE, position, position.next_offset + 1)


async def effects(database: Database) -> list[int]:
    return [row[0] for row in await database.fetch("SELECT value FROM effects ORDER BY id")]


async def test_a_partition_begins_where_it_is_told_and_goes_on_where_it_was(postgres: str) -> None:
    async with toy_database(postgres) as database:
        first = await of(database, "one").take(WHERE, 5)
        assert first == Position(5, 1)
        assert await commit(database, of(database, "one"), first, 0) == Position(6, 1)
        assert await of(database, "two").take(WHERE, 0) == Position(6, 2)


async def test_whoever_lost_the_partition_commits_nothing(postgres: str) -> None:
    async with toy_database(postgres) as database:
        old = await of(database, "old").take(WHERE)
        new = await of(database, "new").take(WHERE)
        with pytest.raises(Fenced, match="numbers/3 is no longer offset 0 in epoch 1"):
            await commit(database, of(database, "old"), old, 1)
        await commit(database, of(database, "new"), new, 2)
        assert await effects(database) == [2]


async def test_the_same_step_is_committed_only_once(postgres: str) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "one")
        position = await holder.take(WHERE)
        await commit(database, holder, position, 1)
        with pytest.raises(Fenced):
            await commit(database, holder, position, 1)
        assert await effects(database) == [1]


async def test_of_two_holders_at_the_same_moment_one_is_fenced_inside_its_statement(postgres: str) -> None:
    """Both believe they hold the position, as after a frozen process: one row, one winner, every time."""
    async with toy_database(postgres) as database:
        holder = of(database, "twice")
        position = await holder.take(WHERE)
        for step in range(20):
            results = await asyncio.gather(
                *(commit(database, holder, position, step) for _ in range(4)), return_exceptions=True
            )
            assert sum(isinstance(result, Fenced) for result in results) == 3
            position = Position(position.next_offset + 1, position.epoch)
        assert await effects(database) == list(range(20))


async def test_a_take_over_waits_for_the_commit_that_is_under_way(postgres: str) -> None:
    async with toy_database(postgres) as database:
        old, new = of(database, "old"), of(database, "new")
        position = await old.take(WHERE)
        async with database.transaction() as connection:
            await old.advance(connection, WHERE, position, 10)
            taking = asyncio.create_task(new.take(WHERE))
            await asyncio.sleep(0.2)
            assert not taking.done()
        assert await taking == Position(10, 2)


async def test_a_lone_statement_is_fenced_as_a_transaction_is(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await of(database, "old").take(WHERE)
        await of(database, "new").take(WHERE)
        statement = """
            WITH effect AS (INSERT INTO effects (value) VALUES (1) RETURNING id)
            SELECT advance_position('numbers', 3, 0, 1, 1) FROM effect
        """
        with pytest.raises(Fenced):
            await database.execute(statement)
        assert await effects(database) == []


async def take_some(holder: Positions) -> dict[TopicPartition, tuple[Position, int]]:
    """Take a few partitions; return how all of them are to move."""
    return {where: (await holder.take(where), number) for number, where in enumerate(SOME, 1)}


async def commit_all(
    database: Database, holder: Positions, moves: dict[TopicPartition, tuple[Position, int]]
) -> None:
    """One unit of work in several partitions."""
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO effects (value) VALUES (1)")
        await holder.advance_all(connection, moves)


async def offsets(database: Database) -> list[int]:
    return [each.next_offset for each in await stored(database)]


async def test_several_positions_move_in_one_transaction(postgres: str) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "one")
        moves = await take_some(holder)
        async with database.transaction() as connection:
            moved = await holder.advance_all(connection, moves)
        assert moved == {where: Position(number, 1) for number, where in enumerate(SOME, 1)}
        assert await offsets(database) == [1, 2, 3]


@pytest.mark.parametrize("lost", SOME)
async def test_whoever_lost_one_of_several_partitions_moves_none(postgres: str, lost: TopicPartition) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "old")
        moves = await take_some(holder)
        await of(database, "new").take(lost)
        with pytest.raises(Fenced, match="1 of the 3 positions"):
            await commit_all(database, holder, moves)
        assert await effects(database) == []
        assert await offsets(database) == [0, 0, 0]


async def test_a_take_over_of_one_of_several_waits_for_the_commit_that_is_under_way(postgres: str) -> None:
    async with toy_database(postgres) as database:
        old, new = of(database, "old"), of(database, "new")
        moves = await take_some(old)
        async with database.transaction() as connection:
            await old.advance_all(connection, moves)
            taking = asyncio.create_task(new.take(SOME[1]))
            await asyncio.sleep(0.2)
            assert not taking.done()
        assert await taking == Position(2, 2)


async def test_state_is_kept_only_while_nobody_else_took_the_partition(postgres: str) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "one")
        position = await holder.take(WHERE)
        assert await holder.held(WHERE, position)
        await of(database, "two").take(WHERE)
        assert not await holder.held(WHERE, position)


async def test_another_log_stops_with_the_command_to_run(postgres: str) -> None:
    async with toy_database(postgres) as database:
        await of(database, "one", "first-log").take(WHERE)
        with pytest.raises(Misconfigured, match=r"counts in log first-log.*`python -m toy migrate`"):
            await of(database, "one", "other-log").take(WHERE)


async def test_a_position_set_by_hand_fences_whoever_holds_it(postgres: str) -> None:
    async with toy_database(postgres) as database:
        holder = of(database, "one")
        position = await holder.take(WHERE)
        await put(database, WHERE, 99)
        with pytest.raises(Fenced):
            await commit(database, holder, position, 1)
        (row,) = await stored(database)
        assert (row.partition, row.next_offset, row.epoch) == (WHERE, 99, 2)
        with pytest.raises(Misconfigured, match="no position of numbers/4"):
            await put(database, TopicPartition("numbers", 4), 0)
