"""How does the server speak to its operator? One JSON object a line, on standard error."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, BinaryIO

import msgspec
import structlog


def log_as_json(stream: BinaryIO | None = None) -> None:
    """Write every log line of this process, also those of libraries, as JSON.

    Args:
        stream: where to; standard error when None.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stderr.buffer),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_Bridge()]
    root.setLevel(logging.WARNING)


class _Bridge(logging.Handler):
    """Hands what libraries log to the same writer."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            logger = structlog.get_logger(record.name)
            logger.log(record.levelno, record.getMessage(), exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 - a log that cannot be written stops nobody's work
            self.handleError(record)


def _render(_logger: object, _method: str, line: MutableMapping[str, Any]) -> bytes:
    return msgspec.json.encode(line, enc_hook=str)
