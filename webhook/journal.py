"""The log: one JSON line an event, on a stream that is passed in. No line ever holds an object's contents."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from traceback import walk_tb
from typing import TextIO

FOREIGN_LOGGERS = ("uvicorn.error", "asyncio")


@dataclass(frozen=True, slots=True)
class Journal:
    """Writes lines such as `{"time": "2026-01-02T03:04:05.678Z", "level": "info", "event": "decision", ...}`."""

    stream: TextIO
    now: Callable[[], float]
    turn: threading.Lock = field(default_factory=threading.Lock)

    def write(self, level: str, event: str, **details: object) -> None:
        """One line, and at once: the last words before a crash count most."""
        line = json.dumps({"time": stamp(self.now()), "level": level, "event": event, **details})
        # A log whose reader has gone (a closed pipe, a full disk) must not turn every answer into an HTTP 500.
        with self.turn, suppress(OSError, ValueError):
            self.stream.write(line + "\n")
            self.stream.flush()

    def write_fault(self, error: BaseException, **details: object) -> None:
        """A bug of ours: its type and the places in the code. Its message may quote an object and is left out."""
        self.write("error", "fault", **details, error=type(error).__name__, places=fault_places(error))


def stamp(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fault_places(error: BaseException) -> list[str]:
    """Where an exception passed, outermost first: `admit.py:40 admit`."""
    frames = [(frame.f_code, line) for frame, line in walk_tb(error.__traceback__)]
    return [f"{code.co_filename.rpartition('/')[2]}:{line} {code.co_name}" for code, line in frames]


class JournalHandler(logging.Handler):
    """What libraries log by the `logging` module, as lines of the journal."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self.journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """The message as it is; of an exception no more than its type and places."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            self.journal.write(record.levelname.lower(), "library", message=record.getMessage())
        else:
            self.journal.write_fault(error, message=str(record.msg).strip())


@contextmanager
def libraries_heard(journal: Journal) -> Iterator[None]:
    """While it is open, uvicorn and asyncio log to the journal and nowhere else."""
    handler = JournalHandler(journal)
    loggers = [logging.getLogger(name) for name in FOREIGN_LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
