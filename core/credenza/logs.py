"""What the server writes to standard error: lines for people, or one JSON object each, with the request's id.

Codes, tokens and secrets of ours have recognisable prefixes, so that none reaches a log even if somebody logs it.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from .protocol.names import BLANK
from .protocol.tokens import TOKEN

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty outside of one."""
NO_HTTP = "Invalid HTTP request received."
SELDOM = 60.0  # seconds between two lines about that: a stranger can send any number

# What every record has; anything else was given as `extra`, and is a member of the JSON object.
USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", None, None))) | {"message", "asctime", "taskName"}


# All but the newline, which is of tracebacks; what turns the rest of a line (Unicode TR 9 §2); and what shows nothing.
CONTROL = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    rf"\ufe00-\ufe0f\ufeff\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff{BLANK}]"
)

UNSEEN_SPACE = re.compile(r"\A\s+|\s+\Z|(?<=\s)\s+|[^\S ]")  # at an end, beside another one, or another than " "


def without_secrets(text: str) -> str:
    return TOKEN.sub(lambda found: found[0][: found[0].index("_", 3) + 1] + "…", text)


def escaped(text: str) -> str:
    """Without what ends or turns a line for whoever reads it, hides in it, or commands a terminal."""
    return CONTROL.sub(_as_in_json, text)


def visible(text: str) -> str:
    """Escaped, with the spaces that nobody sees: for whoever tells two names apart by looking at them."""
    return UNSEEN_SPACE.sub(_as_in_json, escaped(text))


def _as_in_json(found: re.Match[str]) -> str:
    return re.sub("(.{4})", r"\\u\1", found[0].encode("utf-16-be").hex())


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        where = request_id.get()
        return without_secrets(escaped(super().format(record))) + (f" [{where}]" if where else "")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's name
        """One line, whatever is in it; a traceback follows below."""
        return super().formatMessage(record).replace("\n", "\\n")


class JsonFormatter(logging.Formatter):
    """One object on one line: time, level, logger, message, request_id, exception, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= {name: value for name, value in vars(record).items() if name not in USUAL}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return without_secrets(escaped(json.dumps(line, ensure_ascii=False, default=str)))


class Seldom(logging.Filter):
    """Lets a line about a request that is no HTTP through now and then, and says how many were left out before it."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")
        self._left_out = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.msg != NO_HTTP:
            return True
        if 0 <= record.created - self._last < SELDOM:
            self._left_out += 1
            return False
        if self._left_out:
            record.msg = f"{NO_HTTP} {self._left_out} more were left out before this line."
        self._last, self._left_out = record.created, 0
        return True


def write_logs(log_format: str) -> None:
    """Once, at the start of a process that serves."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.error").filters[:] = [Seldom()]
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)  # their lines have whole addresses
