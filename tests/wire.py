"""A webhook in the test's own event loop, on free loopback ports, and a client that sees every byte."""

import asyncio
import contextlib
import io
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import CollectorRegistry

from certs.issue import LOOPBACK, Pair, self_signed
from certs.serving import Offer
from policies.lookup import Snapshot
from webhook.admit import Answer
from webhook.app import Admission, Current
from webhook.journal import Journal, libraries_heard
from webhook.metrics import Meters
from webhook.server import Leaving, Service, listen, serve
from webhook.settings import Bounds, Settings

PAIR = self_signed(LOOPBACK, datetime.now(UTC), 1)
EMPTY = Snapshot()
QUICK = Bounds(drain_seconds=0.15, quiet_seconds=0.05, stop_seconds=2, close_seconds=0.3, poll_seconds=0.05)
PATIENCE = 5  # seconds that a test waits for what must happen


def echo(_endpoint: str, body: bytes, _snapshot: Snapshot) -> Answer:
    """Stands for `admit`: answers with the body."""
    return Answer(200, body)


class NoSource:
    """A source that never changes."""

    def poll(self) -> None:
        """Nothing new."""


def an_admission(
    admit: Callable[[str, bytes, Snapshot], Answer] = echo, snapshot: Snapshot | None = EMPTY
) -> Admission:
    """An Admission with a clock that stands still at 1767225600 and a journal in memory."""
    now = lambda: 1767225600.0  # noqa: E731
    return Admission(Current(snapshot), Meters(CollectorRegistry(), now), Journal(io.StringIO(), now), now, admit)


def lines_of(journal: Journal) -> list[dict[str, Any]]:
    """What the journal has written."""
    assert isinstance(journal.stream, io.StringIO)
    return [json.loads(line) for line in journal.stream.getvalue().splitlines()]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        """Whether it ends its connection."""
        return self.headers.get("connection") == "close"


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> Reply:
        """The next response. IncompleteReadError if the connection ends first."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Reply(int(head[0].split()[1]), headers, body)

    async def ask(self, data: bytes) -> Reply:
        """A request and its response."""
        await self.send(data)
        return await asyncio.wait_for(self.receive(), PATIENCE)

    async def trickle(self, pieces: Iterable[bytes], pause: float = 0) -> Reply:
        """Send piece after piece until there is a response."""
        answer = asyncio.create_task(self.receive())
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                await self.send(piece)
            await asyncio.wait([answer], timeout=pause)
            if answer.done():
                break
        return await asyncio.wait_for(answer, PATIENCE)

    async def rest(self) -> bytes:
        """Everything until the other side ends the connection."""
        with contextlib.suppress(ConnectionResetError):
            return await asyncio.wait_for(self.reader.read(), PATIENCE)
        return b""

    def close(self) -> None:
        """Leave without a word."""
        self.writer.transport.abort()


def a_request(path: str = "/validate", body: bytes = b"{}", **headers: str) -> bytes:
    """The bytes of a POST."""
    given = {"content-type": "application/json", "content-length": str(len(body))}
    fields = given | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {path} HTTP/1.1\r\nhost: x\r\n{head}\r\n".encode() + body


def trusting(pair: Pair = PAIR) -> ssl.SSLContext:
    """A client's context that trusts this one certificate."""
    return ssl.create_default_context(cadata=pair.cert_pem.decode())


TRUST = trusting()


@dataclass(frozen=True, slots=True)
class Served:
    """A running webhook."""

    service: Service
    leaving: Leaving
    done: asyncio.Task[None]
    clients: list[Client] = field(default_factory=list)

    @property
    def address(self) -> tuple[str, int]:
        """Of the admission port."""
        return self.service.listener.getsockname()

    async def connect(self, context: ssl.SSLContext | None = None) -> Client:
        """A TLS connection to the admission port."""
        client = Client(*await asyncio.open_connection(*self.address, ssl=context or TRUST))
        self.clients.append(client)
        return client

    async def connect_health(self) -> Client:
        """A connection to the health port."""
        client = Client(*await asyncio.open_connection(*self.service.health_listener.getsockname()))
        self.clients.append(client)
        return client

    async def get(self, path: str) -> Reply:
        """An answer of the health port."""
        client = await self.connect_health()
        return await client.ask(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())


@contextlib.asynccontextmanager
async def serving(
    bounds: Bounds = QUICK, admission: Admission | None = None, source: Any = None
) -> AsyncIterator[Served]:
    """A webhook while the block runs; afterwards it has left in good order."""
    admission = admission or an_admission()
    service = Service(
        Settings(Path(), bounds=bounds),
        admission,
        source or NoSource(),
        Offer(PAIR),
        listen("127.0.0.1", 0),
        listen("127.0.0.1", 0),
    )
    leaving = Leaving()
    with libraries_heard(admission.journal):
        served = Served(service, leaving, asyncio.create_task(serve(service, leaving)))
        try:
            yield served
        finally:
            for client in served.clients:
                client.close()
            leaving.ask()
            leaving.ask()
            await asyncio.wait_for(served.done, PATIENCE)


def run(test: Awaitable[None]) -> None:
    """Run a test's coroutine as the webhook runs: in uvloop."""

    async def bounded() -> None:
        await asyncio.wait_for(test, 2 * PATIENCE)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


async def until(condition: Callable[[], object]) -> None:
    """Wait for what must become true."""

    async def watch() -> None:
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.002)

    await asyncio.wait_for(watch(), PATIENCE)


def with_bounds(**changes: float) -> Bounds:
    """The tests' bounds, some changed."""
    return replace(QUICK, **changes)


def names(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """The events of a journal."""
    return [line["event"] for line in lines]
