"""The log, on standard error: one JSON object per line, or readable text on a terminal."""

import logging
import sys
import time
from typing import Any

import msgspec
import structlog

REPEAT_SECONDS = 60.0
"""The same message of a library is logged once in this time: a connection pool repeats it with every attempt."""

encode_event = msgspec.json.Encoder(enc_hook=str).encode


def configure_log(log_format: str, *, has_library_warnings: bool = True) -> None:
    """Configure the log of this process. `log_format` is "auto", "json" or "text".

    psycopg's messages are logged too, unless another process logs the same ones.
    """
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
    handler = _LibraryHandler() if has_library_warnings else logging.NullHandler()
    psycopg_logger.handlers, psycopg_logger.propagate = [handler], False


class _LibraryHandler(logging.Handler):
    """Writes a library's messages to this log as warnings, without repetitions (`REPEAT_SECONDS`)."""

    def __init__(self) -> None:
        super().__init__()
        self._written_at: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        # No lock is needed: `logging.Handler.handle` calls this method with the handler's lock.
        message, now = record.getMessage(), time.monotonic()
        self._written_at = {text: at for text, at in self._written_at.items() if now - at < REPEAT_SECONDS}
        if message not in self._written_at:
            self._written_at[message] = now
            structlog.get_logger().warning("library_warning", logger=record.name, message=message)


def _as_json(_logger: Any, _method: str, event: Any) -> bytes:
    # structlog's writer appends the newline.
    return encode_event(event)
