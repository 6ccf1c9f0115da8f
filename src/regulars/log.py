"""The log: one JSON line for each event on stderr, or lines for a reader where stderr is a terminal."""

import logging
import sys
from typing import Any

import msgspec
import structlog

_encode = msgspec.json.Encoder(enc_hook=str).encode


def configure_log(log_format: str) -> None:
    """Set the log up for this process; `log_format` is "auto", "json" or "text"."""
    readable = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    if readable:
        structlog.configure(
            processors=[structlog.processors.add_log_level, stamp, structlog.dev.ConsoleRenderer(timestamp_key="time")],
            logger_factory=structlog.WriteLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[structlog.processors.add_log_level, stamp, _as_json],
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )
    drivers = logging.getLogger("psycopg")
    drivers.handlers, drivers.propagate = [_Libraries()], False


class _Libraries(logging.Handler):
    """What a library has to say, as a line of our log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning("library_warning", logger=record.name, message=record.getMessage())


def _as_json(_logger: Any, _method: str, event: Any) -> bytes:
    """One line; structlog's own writer adds the end of it."""
    return _encode(event)
