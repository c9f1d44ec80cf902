"""PostgreSQL: one pool for hot statements, one engine for queries, one place that reads the driver's errors.

The only importer of asyncpg. Every error of the database leaves this module as `Transient` (it may work
later), `Fenced` (SQLSTATE TN001, raised by the fences of `positions` and `lease`), `Duplicate` (23505) or
`Misconfigured`; what is none of these is a bug and passes as it is. Classes of SQLSTATE: PostgreSQL manual,
appendix A.

A network that swallows everything tells nobody: a statement that has no answer after its deadline is
`Transient` too, and its connection is given up.

A process that was frozen, or that nothing reaches any more, can't keep what its open transaction has locked:
the server ends it after a while, and whoever takes over gets on.

A service sees its own schema only: it is the search path of every connection. No table is known here.
"""

import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Protocol, Self, cast

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tenon.dsn import Address
from tenon.errors import Duplicate, Fenced, Misconfigured, TenonError, Transient
from tenon.retry import retrying

_CONNECT_SECONDS = 10.0
_QUERY_POOL_SIZE = 4
_IDLE_IN_TRANSACTION_MS = 6_000
"""No longer than a silent consumer keeps its partitions."""
FENCED = "TN001"
"""What a fence raises. No state of PostgreSQL's own: 40001 is a serialisation failure, and may work later."""
_TRANSIENT_CLASSES = ("08", "53", "57", "58")
_TRANSIENT_STATES = frozenset({"40001", "40P01", "55P03", "25P03"})
_SET_UP = {
    "42P01": "a table is missing",
    "42883": "a function is missing",
    "42703": "a column is missing",
    "3F000": "the schema is missing",
}
_ACCESS = {
    "28000": "the role may not sign in",
    "28P01": "wrong password",
    "3D000": "the database does not exist",
    "42501": "a privilege is missing",
}

Row = Any
"""A row of the driver: by index, by column name, and iterable. The one place where types end."""


class Connection(Protocol):
    """What the project uses of a connection: statements with $1-style parameters."""

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        """Run a statement and return its tag, such as `UPDATE 3`."""
        ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None:
        """Run a statement once for each row of arguments, all or none."""
        ...

    async def copy_records_to_table(
        self, table_name: str, *, columns: Sequence[str], records: Iterable[Sequence[object]]
    ) -> str:
        """Append rows to a table; costs half of an INSERT, and knows no conflict."""
        ...

    async def fetch(self, query: str, *args: object, timeout: float | None = None) -> list[Row]:
        """Return all rows."""
        ...

    async def fetchrow(self, query: str, *args: object, timeout: float | None = None) -> Row | None:
        """Return the first row, None if there is none."""
        ...

    async def fetchval(self, query: str, *args: object, timeout: float | None = None) -> Any:
        """Return the first column of the first row, None if there is none."""
        ...


class Database:
    """The connections of one service to its own schema. Made by `connect`."""

    def __init__(self, pool: Any, engine: AsyncEngine, schema: str) -> None:
        self._pool = pool
        self.engine = engine
        self.schema = schema

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        url: str,
        *,
        schema: str,
        pool_size: int = 8,
        deadline_ms: int = 30_000,
        statement_deadline_ms: int | None = 30_000,
    ) -> AsyncIterator[Self]:
        """Open pool and engine, close them at the end.

        A database that is away is waited for. `statement_deadline_ms`: None where one may take as long as it
        wants, as in a migration, and a transaction rest between two. Raises `Transient` at the deadline,
        `Misconfigured` where the role is not let in.
        """
        address = Address.of(url)
        statement_s = None if statement_deadline_ms is None else statement_deadline_ms / 1000
        pool = await retrying(
            "connect to the database",
            lambda: _new_pool(address, schema, pool_size, statement_s),
            deadline_ms=deadline_ms,
        )
        engine = _engine(address, schema, statement_s)
        try:
            yield cls(pool, engine, schema)
        finally:
            await engine.dispose()
            pool.terminate()

    @property
    def pool(self) -> Connection:
        """The pool as a connection: each statement on a connection, and in a transaction, of its own.

        Errors are the driver's: use it inside `mapped_errors()`, or use `fetch`, `execute` and so on of this
        class.
        """
        return cast("Connection", self._pool)

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        """Lend a connection without a transaction: each statement commits by itself."""
        with mapped_errors():
            async with self._pool.acquire(timeout=_CONNECT_SECONDS) as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one transaction: committed when the block ends, undone when it raises."""
        async with self.acquire() as connection, cast("Any", connection).transaction():
            yield connection

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """Lend an SQLAlchemy connection inside one transaction, for queries built with SQLAlchemy Core."""
        with mapped_errors():
            async with self.engine.begin() as connection:
                yield connection

    async def execute(self, query: str, *args: object) -> str:
        """Run one statement in a transaction of its own and return its tag."""
        async with self.acquire() as connection:
            return await connection.execute(query, *args)

    async def fetch(self, query: str, *args: object) -> list[Row]:
        """Return all rows of one statement."""
        async with self.acquire() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> Row | None:
        """Return the first row of one statement."""
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        """Return the first value of one statement."""
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)

    async def problem(self) -> str | None:
        """Return why the database can't be used now, None if it can: for readiness."""
        try:
            await self.fetchval("SELECT 1")
        except TenonError as error:
            return str(error)
        return None


async def driver_connection(connection: AsyncConnection) -> Connection:
    """Return the driver's connection under an SQLAlchemy one: the same session, the same transaction."""
    raw = await connection.get_raw_connection()
    return cast("Connection", raw.driver_connection)


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn the driver's and SQLAlchemy's errors into ours."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, DBAPIError) as error:
        raise _mapped(error) from error
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"the database's certificate is not to be trusted: {error.verify_message}; check sslrootcert, and"
            " that the certificate bears the host's name in TENON_DATABASE_URL"
        ) from error
    except (ConnectionError, TimeoutError, OSError) as error:
        if "rejected SSL upgrade" in str(error):
            raise Misconfigured(
                f"{error}: let it speak TLS, or take sslmode out of TENON_DATABASE_URL"
            ) from error
        raise Transient(f"the database can't be reached: {type(error).__name__} {error}") from error


def _mapped(error: Exception) -> Exception:
    cause = _cause(error)
    state: str | None = getattr(cause, "sqlstate", None)
    if state is None:
        return _without_state(error, cause)
    if state == FENCED:
        return Fenced(str(cause))
    if state == "23505":
        return Duplicate(str(cause), getattr(cause, "constraint_name", None) or "")
    if state in _TRANSIENT_STATES or state[:2] in _TRANSIENT_CLASSES:
        return Transient(f"database: {cause} (SQLSTATE {state})")
    if state in _SET_UP:
        return Misconfigured(f"{_SET_UP[state]} ({cause}); run `python -m <service> migrate`")
    if state in _ACCESS:
        return Misconfigured(
            f"{_ACCESS[state]} ({cause}); check TENON_DATABASE_URL and the grants of its role"
        )
    return error


def _cause(error: Exception) -> BaseException:
    """Return the driver's own error under SQLAlchemy's."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error


def _without_state(error: Exception, cause: BaseException) -> Exception:
    # The driver's internal error: the server has ended the session, and the end of its connection is to come.
    lost = isinstance(cause, ConnectionError | OSError | TimeoutError | asyncpg.InternalClientError)
    if lost or "connection" in str(cause) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return Transient(f"the connection to the database was lost: {cause}")
    return error


async def _new_pool(address: Address, schema: str, size: int, statement_s: float | None) -> Any:
    with mapped_errors():
        return await asyncpg.create_pool(
            dsn=_dsn(address.url),
            ssl=address.tls,
            min_size=1,
            max_size=size,
            timeout=_CONNECT_SECONDS,
            command_timeout=statement_s,
            server_settings=_session(schema, statement_s),
        )


def _session(schema: str, statement_s: float | None) -> dict[str, str]:
    idle_ms = 0 if statement_s is None else min(_IDLE_IN_TRANSACTION_MS, round(statement_s * 1000))
    # For the short statements of a service, workers would cost more than they save.
    alone = {} if statement_s is None else {"max_parallel_workers_per_gather": "0"}
    return {
        **alone,
        "idle_in_transaction_session_timeout": str(idle_ms),
        "search_path": schema,
        "timezone": "UTC",
        "application_name": f"tenon-{schema}",
        # A plan that was made while tables were empty scans them from end to end when they are not.
        "plan_cache_mode": "force_custom_plan",
    }


def _dsn(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _engine(address: Address, schema: str, statement_s: float | None) -> AsyncEngine:
    engine = create_async_engine(
        address.url.set(drivername="postgresql+asyncpg"),
        pool_size=_QUERY_POOL_SIZE,
        pool_pre_ping=True,
        connect_args={
            "server_settings": _session(schema, statement_s),
            "ssl": address.tls,
            "timeout": _CONNECT_SECONDS,
            "command_timeout": statement_s,
        },
    )
    event.listen(engine.sync_engine, "handle_error", _count_lost_connections)
    return engine


def _count_lost_connections(context: Any) -> None:
    """Tell SQLAlchemy to empty its pool when the server went away, as it does for errors it knows itself."""
    if getattr(_cause(context.original_exception), "sqlstate", "") in {"57P01", "57P02", "57P03"}:
        context.is_disconnect = True
