"""Structured logs: one wide line per unit of work.

A unit of work (a round, a request, a relay batch) is one line that carries everything known about it at its
end, so that a question about it is one query. This module decides the form of lines; it must not know their
content.
"""

import logging
import sys
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal

import structlog

Line = MutableMapping[str, Any]
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_NOISY = ("aiokafka", "uvicorn.access", "asyncio", "sqlalchemy.engine")
_AGAIN_AFTER_SECONDS = 5.0
_MOST_REMEMBERED = 1_000


def configure(level: str = "info", form: Literal["json", "console"] = "json", **constant: str) -> None:
    """Send all logs, those of libraries too, to standard error; `constant` fields stand on every line."""
    renderer: Any = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(**constant)
    _route_libraries(_LEVELS[level], shared, renderer)


def get(name: str) -> "structlog.typing.FilteringBoundLogger":
    """Return a logger whose lines carry `part=name`."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(part=name)
    return logger


@contextmanager
def work(unit: str, **fields: Any) -> Iterator[Line]:
    """Log one line when the block ends: what the block put into the line, `duration_ms`, and how it ended."""
    line: Line = dict(fields)
    started = time.perf_counter()
    try:
        yield line
    except BaseException as error:
        line["error"] = f"{type(error).__name__}: {error}"
        _write(unit, line, started, "failed")
        raise
    _write(unit, line, started, "done")


def _write(unit: str, line: Line, started: float, outcome: str) -> None:
    line.setdefault("outcome", outcome)
    line["duration_ms"] = round((time.perf_counter() - started) * 1000, 2)
    logger = get("work")
    (logger.warning if outcome == "failed" else logger.info)(unit, **line)


class _Seldom(logging.Filter):
    """Lets a library say the same now and then only: while brokers are away it would all the time."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is written; one that is says how many like it were not."""
        key = (record.name, str(record.msg))
        since, left_out = self._said.get(key, (0.0, 0))
        if record.exc_info is None and record.created - since < _AGAIN_AFTER_SECONDS:
            self._said[key] = (since, left_out + 1)
            return False
        if len(self._said) >= _MOST_REMEMBERED:
            self._said.clear()
        self._said[key] = (record.created, 0)
        if left_out:
            record.msg = f"{record.msg} (and {left_out} times more in between)"
        return True


def _route_libraries(level: int, shared: list[Any], renderer: Any) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Seldom())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
