"""`make demo`: every example, sent through the real webhook as an API server would send it.

    python -m workload_policy.demo [--examples DIR] [EXAMPLE ...]

All examples are one cluster: the webhook serves their policies together, and each example has namespaces of its own.
"""

import argparse
import base64
import io
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import jsonpatch

from certs.issue import LOOPBACK, self_signed
from policies.kinds import MASTER_SPEC, SPEC
from webhook.admit import MUTATE, VALIDATE
from workload_policy.manifests import read_file
from workload_policy.report import BOLD, GREEN, RED, Printer, Streams, printer_for
from workload_policy.reviews import create_review
from workloads.locate import Object, metadata_of, namespace_of

EXAMPLES = Path("examples")
READY = re.compile(r"ready on https://127\.0\.0\.1:(\d+)")
START_SECONDS = 20
STOP_SECONDS = 5
ANSWER_SECONDS = 10  # an API server's own timeout, if the webhook configuration names none

Exchange = Callable[[str, bytes], bytes]  # (endpoint, AdmissionReview) -> AdmissionReview


class DemoError(RuntimeError):
    """Why there is nothing to show."""


@dataclass(frozen=True, slots=True)
class Example:
    """A directory of examples: what it shows, its objects, and what is expected of each workload, by key_of."""

    name: str
    title: str
    policies: tuple[Object, ...]
    workloads: tuple[Object, ...]
    expected: Mapping[str, Object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a workload.

    policy      `namespace/name` of the one that applied
    lines       all violations; `told` is what the author reads of them, as kubectl prints it
    result      its spec and masterSpec as they would be stored
    """

    policy: str | None
    allowed: bool
    defaults: tuple[str, ...]
    lines: tuple[str, ...]
    warnings: tuple[str, ...]
    result: Object
    told: tuple[str, ...] = ()


# The examples


def read_examples(directory: Path) -> tuple[Example, ...]:
    """All examples below a directory, in the order of the tour."""
    folders = sorted(path.parent for path in directory.glob("*/policy.yaml"))
    if not folders:
        raise DemoError(f"{directory}: no examples here")
    return tuple(read_example(folder) for folder in folders)


def read_example(folder: Path) -> Example:
    """One example. Its title is the first line of its policy's comment."""
    title = (folder / "policy.yaml").read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
    (expected,) = read_documents(folder / "expected.yaml")
    return Example(
        folder.name,
        title,
        read_documents(folder / "policy.yaml"),
        read_documents(folder / "workload.yaml"),
        expected,
    )


def read_documents(path: Path) -> tuple[Any, ...]:
    """The documents of a file."""
    reading = read_file(str(path), path.read_bytes())
    if reading.errors:
        raise DemoError("\n".join(map(str, reading.errors)))
    return tuple(document.value for document in reading.documents)


def key_of(raw: Object) -> str:
    """`namespace/name`."""
    return f"{namespace_of(raw)}/{metadata_of(raw)['name']}"


def differences(outcome: Outcome, expected: Object | None) -> Iterator[str]:
    """Where an outcome is not what expected.yaml says: lists that it leaves out are empty, the rest is free."""
    if expected is None:
        yield "not in expected.yaml"
        return
    found = {
        "allowed": outcome.allowed,
        "policy": outcome.policy,
        "defaults": outcome.defaults,
        "lines": outcome.lines,
        "warnings": outcome.warnings,
        "result": outcome.result,
    }
    for name, wanted in {"defaults": [], "lines": [], "warnings": [], **expected}.items():
        want, got = (json.dumps(side, sort_keys=True) for side in (wanted, found.get(name)))
        if want != got:
            yield f"{name}: expected {want}, got {got}"


# What an API server does


def submit(exchange: Exchange, raw: Object) -> Outcome:
    """Create a workload: mutate it, apply the patch, validate what would be stored."""
    mutated = ask(exchange, MUTATE, raw)
    stored = apply_patch(raw, mutated)
    judged = ask(exchange, VALIDATE, stored)
    noted = {**mutated.get("auditAnnotations", {}), **judged.get("auditAnnotations", {})}
    warnings = tuple(judged.get("warnings", ()))
    refusal = judged.get("status", {}).get("message", "")
    return Outcome(
        noted.get("policy"),
        judged["allowed"],
        tuple(json.loads(noted.get("defaults", "[]"))),
        tuple(json.loads(noted.get("violations", "[]"))),
        warnings,
        blocks_of(stored),
        (*refusal.splitlines(), *(f"Warning: {warning}" for warning in warnings)),
    )


def ask(exchange: Exchange, endpoint: str, raw: Object) -> Object:
    """The response to the review of a workload's creation."""
    uid = str(uuid5(NAMESPACE_URL, f"{endpoint}/{key_of(raw)}"))
    answer = json.loads(exchange(endpoint, json.dumps(create_review(raw, uid)).encode()))
    response: Object = answer["response"]
    if response["uid"] != uid:
        raise DemoError(f"/{endpoint}: the answer is to another request")
    return response


def apply_patch(raw: Object, response: Object) -> Object:
    """The object with the patch of a response; the given one stays as it is."""
    if "patch" not in response:
        return raw
    patched: Object = jsonpatch.apply_patch(raw, json.loads(base64.b64decode(response["patch"])))
    return patched


def blocks_of(raw: Object) -> Object:
    """The blocks of values of a workload."""
    return {block: raw[block] for block in (SPEC, MASTER_SPEC) if block in raw}


# The webhook


@contextmanager
def running_webhook(policies: Path, environ: Mapping[str, str]) -> Iterator[Exchange]:
    """A webhook with a certificate made for the occasion, all that its client trusts. It ends with the block."""
    with TemporaryDirectory(prefix="workload-policy-demo-") as name:
        folder = Path(name)
        write_pair(folder)
        command = serve_command(policies, folder)
        quick = {**environ, "WORKLOAD_POLICY_DRAIN_SECONDS": "0.01"}
        with (folder / "log").open("w") as log, subprocess.Popen(command, stderr=log, env=quick) as server:  # noqa: S603
            try:
                port = wait_until_ready(server, folder / "log")
                with closing(connect(port, folder / "tls.crt")) as connection:
                    yield exchange_over(connection)
            finally:
                stop(server)


def write_pair(folder: Path) -> None:
    """A fresh certificate for loopback and its key."""
    pair = self_signed(LOOPBACK, datetime.now(UTC), days=1)
    (folder / "tls.crt").write_bytes(pair.cert_pem)
    (folder / "tls.key").write_bytes(pair.key_pem)


def serve_command(policies: Path, folder: Path) -> list[str]:
    """`workload-policy serve` on free ports. Where the system can, it ends it with us, even if we are killed."""
    guard = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    program = str(Path(sys.executable).with_name("workload-policy"))
    pair = ["--cert", str(folder / "tls.crt"), "--key", str(folder / "tls.key")]
    return [*guard, program, "serve", "--policies", str(policies), "--port", "0", "--health-port", "0", *pair]


def wait_until_ready(server: "subprocess.Popen[bytes]", log: Path) -> int:
    """The port on which the webhook says that it is ready."""
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        if ready := READY.search(log.read_text(encoding="utf-8")):
            return int(ready[1])
        time.sleep(0.02)
    raise DemoError(f"the webhook did not start; it says:\n{log.read_text(encoding='utf-8')}")


def stop(server: "subprocess.Popen[bytes]", seconds: float = STOP_SECONDS) -> None:
    """End the webhook, gently at first."""
    server.terminate()
    try:
        server.wait(seconds)
    except subprocess.TimeoutExpired:
        server.kill()


def connect(port: int, trusted: Path) -> HTTPSConnection:
    """A connection that trusts this one certificate and no other."""
    context = ssl.create_default_context(cafile=str(trusted))
    return HTTPSConnection("127.0.0.1", port, timeout=ANSWER_SECONDS, context=context)


def exchange_over(connection: HTTPSConnection) -> Exchange:
    """POST as an API server does, one review after the other on one connection."""
    headers = {"Content-Type": "application/json", "User-Agent": "kube-apiserver-admission"}

    def exchange(endpoint: str, body: bytes) -> bytes:
        connection.request("POST", f"/{endpoint}?timeout={ANSWER_SECONDS}s", body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise DemoError(f"/{endpoint}: HTTP {answer.status}: {content.decode(errors='replace').strip()}")
        return content

    return exchange


# The table


@dataclass(frozen=True, slots=True)
class Row:
    """A workload of an example, what became of it, and where that is not as expected."""

    example: Example
    workload: str
    outcome: Outcome
    surprises: tuple[str, ...]


def judge_examples(exchange: Exchange, examples: Sequence[Example]) -> Iterator[Row]:
    """Submit every workload, in order: a template before what is based on it."""
    for example in examples:
        for raw in example.workloads:
            key, outcome = key_of(raw), submit(exchange, raw)
            yield Row(example, key, outcome, tuple(differences(outcome, example.expected.get(key))))


HEADINGS = ("VERDICT", "WORKLOAD", "POLICY THAT APPLIED", "FILLED IN")
REASON_INDENT = " " * 12
FILLED_WIDTH = 36


def cells_of(row: Row) -> tuple[str, ...]:
    """The cells of a row; its reasons stand below."""
    outcome = row.outcome
    verdict = "admitted" if outcome.allowed else "refused"
    return verdict, row.workload, outcome.policy or "none", ", ".join(outcome.defaults) or "-"


def print_rows(printer: Printer, rows: Sequence[Row]) -> None:
    """The table: a heading for each example, a row for each workload, below it what its author reads."""
    table = [HEADINGS, *(cells_of(row) for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEADINGS) - 1)]
    print_cells(printer, HEADINGS, widths, BOLD)
    example = None
    for row in rows:
        if row.example is not example:
            example = row.example
            printer.line()
            printer.line(printer.paint(f"{example.name}  {example.title}", BOLD))
        print_cells(printer, cells_of(row), widths, GREEN if row.outcome.allowed else RED)
        for line in row.outcome.told:
            printer.line(line, REASON_INDENT)
        for line in row.surprises:
            printer.line(printer.paint(f"NOT AS EXPECTED: {line}", RED), REASON_INDENT)


def print_cells(printer: Printer, cells: Sequence[str], widths: Sequence[int], colour: str) -> None:
    """One row, its first cell in colour; its last goes on below itself if it is long."""
    *fixed, last = cells
    for piece in textwrap.wrap(last, FILLED_WIDTH, break_long_words=False, break_on_hyphens=False):
        first, *others = (cell.ljust(width) for cell, width in zip(fixed, widths, strict=True))
        printer.line("  ".join((printer.paint(first, colour), *others, piece)))
        fixed = [""] * len(fixed)


def summary_of(rows: Sequence[Row]) -> str:
    """How it went, in a line."""
    examples = counted(len({row.example.name for row in rows}), "example")
    admitted = sum(row.outcome.allowed for row in rows)
    surprising = sum(bool(row.surprises) for row in rows)
    verdict = f"{surprising} NOT as expected" if surprising else "all as expected"
    counts = f"{counted(len(rows), 'workload')}: {admitted} admitted, {len(rows) - admitted} refused"
    return f"{examples}, {counts}; {verdict}"


def counted(count: int, noun: str) -> str:
    """`1 workload`, `2 workloads`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# The command


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """The examples to show."""
    parser = argparse.ArgumentParser(prog="python -m workload_policy.demo", description=run_demo.__doc__)
    parser.add_argument("--examples", type=Path, default=EXAMPLES, metavar="DIR", help="default: %(default)s")
    parser.add_argument("names", nargs="*", metavar="EXAMPLE", help="such as 01-maximum-gpus; default: all")
    return parser.parse_args(argv)


def choose_examples(examples: Sequence[Example], names: Sequence[str]) -> list[Example]:
    """The examples with these names, all if there are none."""
    known = {example.name for example in examples}
    if unknown := [name for name in names if name not in known]:
        raise DemoError(f"no example is named {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    return [example for example in examples if not names or example.name in names]


def run_demo(argv: Sequence[str], environ: Mapping[str, str], streams: Streams) -> int:
    """Send the examples through a webhook: 0 if every verdict is as expected, 1 if not, 2 if there is none."""
    args = parse_arguments(argv)
    try:
        examples = choose_examples(read_examples(args.examples), args.names)
        with running_webhook(args.examples, environ) as exchange:
            rows = list(judge_examples(exchange, examples))
    except (DemoError, OSError) as error:
        streams.stderr.write(f"demo: {error}\n")
        return 2
    printer = printer_for(streams.stdout, environ)
    print_rows(printer, rows)
    printer.line()
    printer.line(summary_of(rows))
    return int(any(row.surprises for row in rows))


def leave(_signal: int, _frame: object) -> None:
    """End as Ctrl-C does, so that the webhook ends too."""
    raise KeyboardInterrupt


def main() -> int:
    """Run the demonstration with what the process has."""
    signal.signal(signal.SIGTERM, leave)
    try:
        return run_demo(sys.argv[1:], os.environ, Streams(io.BytesIO(), sys.stdout, sys.stderr))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
