"""Logging for every process: one line a fact, with its figures."""

import logging
import sys
from typing import TextIO

_RESERVED = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}


class LineFormatter(logging.Formatter):
    """`time level logger: message key=value …`; whatever is passed as `extra` stands at the end."""

    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (the name of logging's own hook)
        """The line, with the extras."""
        extras = [f"{key}={value}" for key, value in record.__dict__.items() if key not in _RESERVED]
        return " ".join([super().formatMessage(record), *extras])


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """
    Send all logs to stderr (or the stream given). Called once, by `main`.

    Libraries that report each request or each frame are kept at warnings, since they name addresses with queries.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx2", "httpcore2", "websockets", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
