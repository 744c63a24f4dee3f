"""The command line in the test's own process: arguments, files and streams in, exit status and output out."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workload_policy.main import run
from workload_policy.report import Streams


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of the command came to."""

    status: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs a command line (words apart by blanks) in a directory that holds `files`."""
    monkeypatch.chdir(tmp_path)

    def run_line(
        line: str,
        files: Mapping[str, str] | None = None,
        stdin: str = "",
        environ: Mapping[str, str] | None = None,
        stdout: io.StringIO | None = None,
    ) -> Outcome:
        for name, text in (files or {}).items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_text(text)
        streams = Streams(io.BytesIO(stdin.encode()), stdout or io.StringIO(), io.StringIO())
        status = run(line.split(), environ or {}, streams)
        return Outcome(status, streams.stdout.getvalue(), streams.stderr.getvalue())

    return run_line
