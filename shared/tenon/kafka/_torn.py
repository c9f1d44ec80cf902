"""What aiokafka does not know of uvloop: how a write into a torn connection fails.

Between the reset of a connection and the news of it, uvloop answers a write with RuntimeError, where
asyncio's own loop says nothing and a socket says OSError, which is what aiokafka looks for. Left alone it
ends the tasks that read and write for good, and with them a process that had only to connect again.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import aiokafka.errors as kafka_errors
from aiokafka.conn import AIOKafkaConnection, CloseReason


def mend() -> None:
    """Let every connection of this process take such a write as the end of the connection; once is enough."""
    for name in ("send", "_send_sasl_token"):
        method = getattr(AIOKafkaConnection, name)
        if not hasattr(method, "__wrapped__"):
            setattr(AIOKafkaConnection, name, _mended(method))


def _mended(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def written(connection: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return write(connection, *arguments, **options)
        except RuntimeError as error:
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
            raise kafka_errors.KafkaConnectionError(f"the connection was torn: {error}") from error

    return written
