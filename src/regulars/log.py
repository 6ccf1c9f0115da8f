"""The log, on standard error: one JSON object per line, or readable text on a terminal."""

import logging
import sys
from typing import Any

import msgspec
import structlog

encode_event = msgspec.json.Encoder(enc_hook=str).encode


def configure_log(log_format: str) -> None:
    """Configure the log of this process. `log_format` is "auto", "json" or "text"."""
    is_text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    add_time = structlog.processors.TimeStamper(fmt="iso", utc=True, key="time")
    if is_text:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                add_time,
                structlog.dev.ConsoleRenderer(timestamp_key="time"),
            ],
            logger_factory=structlog.WriteLoggerFactory(sys.stderr),
            cache_logger_on_first_use=True,
        )
    else:
        structlog.configure(
            processors=[structlog.processors.add_log_level, add_time, _as_json],
            logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
            cache_logger_on_first_use=True,
        )
    psycopg_logger = logging.getLogger("psycopg")
    psycopg_logger.handlers, psycopg_logger.propagate = [_LibraryHandler()], False


class _LibraryHandler(logging.Handler):
    """Writes a library's messages to this log."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().warning("library_warning", logger=record.name, message=record.getMessage())


def _as_json(_logger: Any, _method: str, event: Any) -> bytes:
    # structlog's writer appends the newline.
    return encode_event(event)
