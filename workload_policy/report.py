"""What the subcommands print: tables, indented lines, JSON. Data on stdout, all that is said beside it on stderr."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TextIO

RED, GREEN, YELLOW, BOLD = "31", "32", "33", "1"
INDENT = " " * 10
GAP = "  "
NAME = "workload-policy"


@dataclass(frozen=True, slots=True)
class Streams:
    """Where the command reads and writes."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO


@dataclass(frozen=True, slots=True)
class Printer:
    """Writes to a stream; `coloured`: it is a terminal whose user wants colours."""

    stream: TextIO
    coloured: bool

    def line(self, text: str = "", indent: str = "") -> None:
        """One line."""
        self.stream.write(f"{indent}{text}".rstrip() + "\n")

    def paint(self, text: str, colour: str) -> str:
        """The text in a colour, where colours are wanted."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.coloured and text else text


def printer_for(stream: TextIO, environ: Mapping[str, str]) -> Printer:
    """A printer with colours only on a terminal, and only if they are wanted (https://no-color.org)."""
    unwanted = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
    return Printer(stream, stream.isatty() and not unwanted)


def print_json(stream: TextIO, report: Mapping[str, Any]) -> None:
    """The report as JSON, in ASCII: a text of a manifest may be no UTF-8."""
    stream.write(json.dumps(report, indent=2) + "\n")


def print_table(printer: Printer, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for index, line in enumerate(lines):
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        text = GAP.join(cells).rstrip()
        printer.line(printer.paint(text, BOLD) if index == 0 else text)


def say(streams: Streams, text: str, *details: str) -> None:
    """A sentence beside the data, its details below it."""
    streams.stderr.write(f"{NAME}: {visible(text)}\n")
    for detail in details:
        streams.stderr.write(f"{INDENT}{visible(detail)}\n")


def warn(streams: Streams, text: str, *details: str) -> None:
    """A sentence that the reader should know, and that changes nothing."""
    say(streams, f"warning: {text}", *details)


def visible(text: str) -> str:
    """The text with what a terminal would not show, or would obey, as escapes."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
