"""The command `workload-policy`: streams and exit codes. What a subcommand needs is imported when it runs."""

import io
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from typing import TextIO, cast

from workload_policy.arguments import COMMANDS, parser_for
from workload_policy.report import Streams, say

UNUSABLE = 2
INTERRUPTED = 130  # as a shell counts: 128 and the signal
BROKEN_PIPE = 141

Run = Callable[[Namespace, Mapping[str, str], Streams], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with what the process has."""
    streams = Streams(
        sys.stdin.buffer if sys.stdin else io.BytesIO(), sys.stdout or io.StringIO(), sys.stderr or io.StringIO()
    )
    for stream in (streams.stdout, streams.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # for a letter that the locale lacks
    return run(sys.argv[1:] if argv is None else argv, os.environ, streams)


def run(argv: Sequence[str], environ: Mapping[str, str], streams: Streams) -> int:
    """Run the command: 0, 1 or 2 as its help says, 130 if it was interrupted, 141 if nobody reads on."""
    try:
        with redirect_stdout(streams.stdout), redirect_stderr(streams.stderr):
            args = parser_for(argv).parse_args(argv)
        status = runner_of(args.command)(args, environ, streams)
        streams.stdout.flush()
    except SystemExit as stop:  # argparse's, after --help, --version or bad usage
        return int(stop.code or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        fall_silent(streams.stdout)
        fall_silent(streams.stderr)
        return BROKEN_PIPE
    except OSError as error:  # on writing: what cannot be read is told by those who read
        fall_silent(streams.stdout)
        say(streams, f"{error.filename or 'the output'} cannot be written: {error.strerror}")
        return UNUSABLE
    return status


def runner_of(command: str) -> Run:
    """The function that runs a subcommand."""
    module, _, function = COMMANDS[command].run.partition(":")
    return cast("Run", getattr(import_module(module), function))


def fall_silent(stream: TextIO) -> None:
    """Lead a stream nowhere, so that Python finds nothing to complain of when it flushes it at the end."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
