"""What we use of aiokafka, with types, its errors in our words; only this, `_wire`, `_mended` import it.

aiokafka ships no types, so `Any` ends here. Without its C extension it works at a sixth of its speed and says
nothing, so this module refuses to be imported without it.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

import aiokafka
import aiokafka.errors as kafka_errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.conn import create_conn
from aiokafka.partitioner import murmur2
from aiokafka.record import default_records

from tenon.errors import Misconfigured, Transient
from tenon.kafka import _mended
from tenon.kafka.connection import KafkaSettings
from tenon.records import Record, TopicPartition

if not default_records.DefaultRecordBatchBuilder.__module__.startswith("aiokafka.record._crecords"):
    raise Misconfigured(
        "aiokafka runs without its C extension, at a sixth of its speed: unset AIOKAFKA_NO_EXTENSIONS,"
        " or install a wheel of aiokafka for this platform"
    )
_mended.mend()

_STOP_SECONDS = 3.0
_UNKNOWN_TOPIC_TRIES = 10
_UNKNOWN_TOPIC_WAIT_SECONDS = 0.2
# A partition that is resumed waits for the fetch that is under way without it.
_FETCH_MAX_WAIT_MS = 100
NotEnqueued = kafka_errors.KafkaTimeoutError
"""What `send_batch` raises when the batch was not taken: the one error after which it may be given again."""
_NOT_ALLOWED = (
    kafka_errors.TopicAuthorizationFailedError,
    kafka_errors.GroupAuthorizationFailedError,
    kafka_errors.ClusterAuthorizationFailedError,
)
_REFUSED_ENTRY = (
    kafka_errors.SaslAuthenticationFailed,
    kafka_errors.AuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.IllegalSaslStateError,
    ssl.SSLError,
)
_OUT_OF_RANGE = (kafka_errors.OffsetOutOfRangeError, kafka_errors.NoOffsetForPartitionError)
_STALE_MEMBER = (kafka_errors.CommitFailedError, kafka_errors.IllegalStateError)


class DriverBatch(Protocol):
    """A batch under construction."""

    def append(
        self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Sequence[object]
    ) -> object | None:
        """Add a record; None when it does not fit."""
        ...


class DriverProducer(Protocol):
    """What we use of an aiokafka producer."""

    def create_batch(self) -> DriverBatch:
        """Begin a batch."""
        ...

    def send_batch(self, batch: DriverBatch, topic: str, *, partition: int) -> Awaitable[Any]:
        """Hand a batch over; returns a future of its being written."""
        ...

    def partitions_for(self, topic: str) -> Awaitable[set[int]]:
        """Return the numbers of a topic's partitions."""
        ...

    def start(self) -> Awaitable[None]:
        """Connect."""
        ...

    def stop(self) -> Awaitable[None]:
        """Send what is left and disconnect; waits for ever when the broker is away."""
        ...


class OffsetLost(Misconfigured):
    """The offset to be read next was never set, or is outside of what Kafka holds."""


class StaleMember(Transient):
    """This member's partitions were given to others: it will be assigned anew."""


def murmur2_partition(key: bytes, partitions: int) -> int:
    """Return the partition Kafka's own clients choose for a key."""
    number: int = murmur2(key)
    return (number & 0x7FFFFFFF) % partitions


def _access(kafka: KafkaSettings) -> dict[str, Any]:
    return {"bootstrap_servers": kafka.bootstrap, **connection_options(kafka)}


def hosts(kafka: KafkaSettings) -> list[tuple[str, int]]:
    """Return the brokers to start from, in the order given."""
    found = [tuple(name.rsplit(":", 1)) for name in kafka.bootstrap.split(",")]
    return [(host.strip("[]"), int(port)) for host, port in found]


def connection_options(kafka: KafkaSettings) -> dict[str, Any]:
    """Return how each connection of aiokafka is made; raises `Misconfigured` for a file of no use."""
    security = kafka.security
    return {
        "client_id": kafka.client_id,
        "request_timeout_ms": kafka.request_timeout_ms,
        "security_protocol": security.protocol,
        "ssl_context": security.tls(),
        "sasl_mechanism": security.mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
    }


async def start(client: Any, kafka: KafkaSettings) -> None:
    """Connect a client; raises `Transient` where no broker answers, `Misconfigured` where none lets us in.

    aiokafka keeps the reason of a failure for its log, so a broker is asked once more.
    """
    with mapped_errors():
        try:
            await client.start()
        except kafka_errors.KafkaConnectionError:
            await _sign_in_once(kafka)
            raise


async def _sign_in_once(kafka: KafkaSettings) -> None:
    """Connect to each broker until one lets us in; raises what kept us out of the last."""
    problem: Exception | None = None
    for host, port in hosts(kafka):
        try:
            connection = await create_conn(host, port, **connection_options(kafka))
        except (OSError, TimeoutError, kafka_errors.KafkaError) as error:
            problem = error
            continue
        connection.close()
        if kafka.security.protocol in ("PLAINTEXT", "SSL"):
            raise Transient(
                f"Kafka at {host}:{port} answers, and ends the connection: where it wants us to sign in, set"
                " TENON_KAFKA_SECURITY"
            )
        return
    if isinstance(problem, _REFUSED_ENTRY):
        raise Misconfigured(_why_refused(kafka, problem)) from problem


def _why_refused(kafka: KafkaSettings, error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate of the Kafka brokers {kafka.bootstrap} is not to be trusted:"
            f" {error.verify_message}; check TENON_KAFKA_CA_FILE and the names in TENON_KAFKA_BOOTSTRAP"
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"the Kafka brokers {kafka.bootstrap} agree on no TLS ({error.reason}); check"
            " TENON_KAFKA_SECURITY and, where they ask for one, TENON_KAFKA_CERTIFICATE_FILE"
        )
    if isinstance(error, kafka_errors.SaslAuthenticationFailed | kafka_errors.AuthenticationFailedError):
        return (
            f"Kafka does not let {kafka.security.who} in: the user is unknown or the password is wrong;"
            " check TENON_KAFKA_USERNAME and TENON_KAFKA_PASSWORD"
        )
    return (
        f"Kafka does not take sign-in by {kafka.security.mechanism} here ({error!r}); check"
        " TENON_KAFKA_SECURITY, TENON_KAFKA_MECHANISM and the listener in TENON_KAFKA_BOOTSTRAP"
    )


def new_producer(kafka: KafkaSettings, *, batch_bytes: int) -> DriverProducer:
    """Make an idempotent producer that waits for all in-sync replicas; `start` it."""
    producer: DriverProducer = aiokafka.AIOKafkaProducer(
        **_access(kafka),
        enable_idempotence=True,
        acks="all",
        max_batch_size=batch_bytes,
        max_request_size=2 * batch_bytes,
        linger_ms=0,
    )
    return producer


def on_sender_end(producer: DriverProducer, callback: Callable[[BaseException | None], None]) -> None:
    """Call back when the producer's background task ends: nothing is ever sent or answered after that."""
    task = producer._sender.sender_task  # type: ignore[attr-defined]
    task.add_done_callback(lambda done: callback(None if done.cancelled() else done.exception()))


async def end_producer(producer: DriverProducer, *, clean: bool) -> None:
    """End a producer; one that still holds something is taken apart without waiting."""
    inner: Any = producer
    if clean:
        with suppress(TimeoutError, kafka_errors.KafkaError):
            await asyncio.wait_for(producer.stop(), _STOP_SECONDS)
            return
    inner._closed = True
    task = inner._sender.sender_task
    if task is not None:
        task.cancel()
    await inner.client.close()


def new_consumer(kafka: KafkaSettings, **options: object) -> Any:
    """Make a consumer that never resets an offset and never commits by itself."""
    return aiokafka.AIOKafkaConsumer(
        **_access(kafka),
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=_FETCH_MAX_WAIT_MS,
        **options,
    )


def has_fetched(consumer: Any, partition: Any) -> bool:
    """Return whether records of a partition, or an error, wait to be taken; costs less than to take none."""
    return partition in consumer._fetcher._records


async def end_consumer(consumer: Any) -> None:
    """End a consumer, within a deadline.

    While its broker is away, `stop` raises the cancellation of its own tasks: that must not look like ours.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    try:
        await asyncio.wait([stopping], timeout=_STOP_SECONDS)
    finally:
        stopping.cancel()
    if stopping.done() and not stopping.cancelled():
        stopping.exception()


async def partition_numbers(consumer: Any, topic: str) -> list[int]:
    """Return the numbers of a topic's partitions; none where there is no such topic.

    A topic that was made a moment ago is not known to every broker yet, so "none" takes its time.
    """
    client = consumer._client
    for _ in range(_UNKNOWN_TOPIC_TRIES):
        cluster = await client.fetch_all_metadata()
        if numbers := cluster.partitions_for_topic(topic):
            return sorted(numbers)
        # A list of all topics leaves out those that we may not see; asked for one by name, Kafka says so.
        await client.set_topics([topic])
        await client.force_metadata_update()
        if topic in client.cluster.unauthorized_topics:
            raise kafka_errors.TopicAuthorizationFailedError(topic)
        await asyncio.sleep(_UNKNOWN_TOPIC_WAIT_SECONDS)
    return []


def listener(
    on_assigned: Callable[[Iterable[Any]], None], on_revoked: Callable[[Iterable[Any]], None]
) -> object:
    """Make a rebalance listener of two plain functions: neither may wait, so no rebalance waits for us."""

    class Listener(aiokafka.ConsumerRebalanceListener):  # type: ignore[misc]
        def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
            on_assigned(assigned)

        def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
            on_revoked(revoked)

    return Listener()


def new_admin(kafka: KafkaSettings) -> Any:
    """Make an administration client; `start` and `close` it."""
    return AIOKafkaAdminClient(**_access(kafka))


def new_topic(name: str, partitions: int, replication: int, config: Mapping[str, str]) -> object:
    """Describe a topic to be created."""
    return NewTopic(name, partitions, replication, topic_configs=dict(config))


def not_allowed(error: BaseException | None) -> Misconfigured | None:
    """Return what to say where Kafka's access rules were what failed, None for any other error."""
    while error is not None:
        if isinstance(error, _NOT_ALLOWED):
            return _forbidden(error)
        error = error.__cause__
    return None


def _forbidden(error: BaseException) -> Misconfigured:
    what = f"this use of the {type(error).__name__.removesuffix('AuthorizationFailedError').lower()}"
    names = ", ".join(str(name) for argument in error.args for name in _several(argument))
    return Misconfigured(
        f"Kafka's access rules refuse {names or what} to TENON_KAFKA_USERNAME;"
        " `tenon topics --acls` gives each service its rights"
    )


def _several(argument: object) -> Iterable[object]:
    return argument if isinstance(argument, set | frozenset | list | tuple) else (argument,)


def error_name(code: int) -> str:
    """Return the name of one of the protocol's error codes."""
    name: str = kafka_errors.for_code(code).__name__
    return name


def driver_partition(prefix: str, partition: TopicPartition) -> Any:
    """Return aiokafka's own name of a partition."""
    return aiokafka.TopicPartition(prefix + partition.topic, partition.partition)


def own_partition(prefix: str, partition: Any) -> TopicPartition:
    """Return our name of a partition."""
    return TopicPartition(partition.topic[len(prefix) :], partition.partition)


def own_records(topic: str, records: Iterable[Any]) -> list[Record]:
    """Return what was read, in our words; `topic` without the prefix."""
    return [Record(topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp) for r in records]


@contextmanager
def mapped_errors() -> Iterator[None]:
    """Turn aiokafka's errors into ours."""
    try:
        yield
    except _OUT_OF_RANGE as error:
        raise OffsetLost(f"Kafka does not hold the offset that is to be read next: {error}") from error
    except _STALE_MEMBER as error:
        raise StaleMember(str(error)) from error
    except _NOT_ALLOWED as error:
        raise _forbidden(error) from error
    except kafka_errors.UnsupportedVersionError as error:
        raise Misconfigured(f"Kafka refuses: {error!r}; check its version") from error
    except kafka_errors.KafkaConnectionError as error:
        raise Transient(f"Kafka can't be reached, see TENON_KAFKA_BOOTSTRAP: {error}") from error
    except kafka_errors.KafkaError as error:
        raise Transient(f"Kafka: {error!r}") from error
    except (ConnectionError, TimeoutError) as error:
        raise Transient(f"Kafka does not answer: {error!r}") from error
