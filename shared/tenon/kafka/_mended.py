"""Two faults of aiokafka 0.14 after which it does not find its way back, put right for all of its clients.

*A write into a torn connection.* Between the reset of a connection and the news of it, uvloop answers a write
with RuntimeError, where asyncio's own loop says nothing and a socket says OSError, which is what aiokafka
looks for. Left alone it ends the tasks that read and write for good, and with them a process that had only to
connect again.

*The last broker that is known.* Brokers that are away drop out of what a client knows of the cluster, and
where the one that is left goes too, aiokafka asks nobody else, though the others are long back. So it begins
anew at the addresses that it was given (KIP-899 and KIP-1102 describe the same for Kafka's own clients).
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason


def mend() -> None:
    """Put right what every client of this process does; once is enough."""
    _replace(AIOKafkaConnection, "send", _breaking)
    _replace(AIOKafkaConnection, "_send_sasl_token", _breaking)
    _replace(AIOKafkaClient, "_metadata_update", _beginning_anew)


def _replace(owner: Any, name: str, mended: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    method = getattr(owner, name)
    if not hasattr(method, "__wrapped__"):
        setattr(owner, name, mended(method))


def _breaking(write: Callable[..., Any]) -> Callable[..., Any]:
    """Take a write that meets a torn connection as the end of the connection."""

    @wraps(write)
    def written(connection: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return write(connection, *arguments, **options)
        except RuntimeError as error:
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise kafka_errors.KafkaConnectionError(f"the connection was torn: {error}") from error

    return written


def _beginning_anew(update: Callable[..., Any]) -> Callable[..., Any]:
    """Where none of the known brokers answers, learn the cluster again from where the client began."""

    @wraps(update)
    async def updated(client: Any, cluster: Any, topics: Any) -> bool:
        if await update(client, cluster, topics):
            return True
        known = {(broker.host, broker.port) for broker in client.cluster.brokers()}
        if known.issuperset((host, port) for host, port, _ in client.hosts):
            return False
        try:
            await client.bootstrap()
        except kafka_errors.KafkaConnectionError:
            return False
        return bool(await update(client, cluster, topics))

    return updated
