"""Processes that the tests start, and that end with them whatever happens."""

import atexit
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

STOP_SECONDS = 3

Result = TypeVar("Result")


def wait_until(check: Callable[[], Result], what: str, seconds: float = 30) -> Result:
    """The first truthy result of a check. AssertionError once it took too long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := check():
            return result
        time.sleep(0.02)
    raise AssertionError(f"after {seconds} s still not so: {what}")


class Daemon:
    """A process with its output in a file, in a process group of its own (a ^C is for the tests, not for it).

    It ends by `stop`, else at exit, else (a killed test run; Linux only) because its parent did: the kernel kills it.
    """

    def __init__(self, command: Sequence[str | Path], log: Path, environ: Mapping[str, str] | None = None) -> None:
        self.command = [*bound_to_parent(), *map(str, command)]
        self.log = log
        self.environ = environ
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output follows that of earlier runs."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=self.environ, process_group=0
            )
        atexit.register(self.stop, 0)

    @property
    def runs(self) -> bool:
        """Whether it is there."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send its group a signal; `poll` makes sure that the pid is still its own."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def stop(self, patience: float = STOP_SECONDS) -> None:
        """Ask it to end, then make it."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM if patience else signal.SIGKILL)
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience or STOP_SECONDS)
            self.send(signal.SIGKILL)
            self.process.wait(STOP_SECONDS)
        atexit.unregister(self.stop)

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """Stopped by SIGSTOP for a while: it holds its connections and answers nothing."""
        self.send(signal.SIGSTOP)
        try:
            yield
        finally:
            self.send(signal.SIGCONT)

    def said(self, text: str, offset: int = 0) -> bool:
        """Whether its output, from an offset on, holds a text. AssertionError, with the output's end, if it died."""
        output = self.log.read_bytes()
        if text.encode() in output[offset:]:
            return True
        assert self.runs, f"{self.command} ended: {output[-2000:].decode(errors='replace')}"
        return False


def bound_to_parent() -> list[str]:
    """What makes the kernel kill a process when its parent dies; nothing where there is no such thing."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
