"""An API server on loopback that lists and watches what it is given, and fails as it is told to."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kubernetes.aio.client import ApiClient, Configuration
from wire import PAIR

from policies.kinds import API_VERSION
from webhook.kube import Api

Object = dict[str, Any]
Fault = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; `verb` is list, watch, or the method in lower case, `at` the last part of the path."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def at(self) -> str:
        return urlsplit(self.target).path.rpartition("/")[2]

    @property
    def verb(self) -> str:
        if self.method != "GET" or "/apis/" not in self.target:
            return self.method.lower()
        return "watch" if "watch" in self.query else "list"


class FakeApi:
    """Objects by resource and name. `faults` answer the next requests of a verb, `broken` all further ones."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = defaultdict(dict)
        self.history: list[tuple[int, str, str, Object]] = []
        self.version = 10
        self.asked: list[Asked] = []
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.broken: dict[str, Fault] = {}
        self.happened = asyncio.Event()
        self.serving: set[asyncio.Task[None]] = set()
        self.port = 0

    # The cluster

    def put(self, plural: str, kind: str, name: str, namespace: str = "a", **fields: Any) -> Object:
        """Create or change an object."""
        event = "MODIFIED" if name in self.objects[plural] else "ADDED"
        self.version += 1
        metadata = {"name": name, "namespace": namespace, "resourceVersion": str(self.version)}
        raw = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata} | fields
        self.objects[plural][name] = raw
        self.tell(plural, event, raw)
        return raw

    def delete(self, plural: str, name: str) -> None:
        """Delete an object."""
        self.version += 1
        raw = self.objects[plural].pop(name)
        raw["metadata"]["resourceVersion"] = str(self.version)
        self.tell(plural, "DELETED", raw)

    def tell(self, plural: str, event: str, raw: Object) -> None:
        """Send an event to whoever watches."""
        self.history.append((self.version, plural, event, json.loads(json.dumps(raw))))
        self.happened.set()
        self.happened = asyncio.Event()

    def count(self, verb: str) -> int:
        """How many requests of a verb there were."""
        return sum(asked.verb == verb for asked in self.asked)

    # The server

    async def start(self) -> None:
        """Listen; after `stop` on the same port."""
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Cut every connection and accept no more."""
        self.server.close()
        for task in self.serving:
            task.cancel()
        await asyncio.gather(*self.serving, return_exceptions=True)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.create_task(self.converse(reader, writer))
        self.serving.add(task)
        task.add_done_callback(self.serving.discard)
        task.add_done_callback(lambda _task: writer.transport.abort())

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer, until one side has enough."""
        with suppress(asyncio.IncompleteReadError, ConnectionError, CutError):
            while True:
                await self.answer(await read_request(reader), writer)
                await writer.drain()

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """One request."""
        self.asked.append(asked)
        if faults := self.faults[asked.verb]:
            await faults.pop(0)(writer)
        elif asked.verb in self.broken:
            await self.broken[asked.verb](writer)
        elif asked.verb == "watch":
            await self.stream(asked, writer)
        elif asked.verb == "list":
            writer.write(response(200, self.page(asked)))
        else:
            writer.write(response(200, {"asked": json.loads(asked.body or b"null")}))

    def page(self, asked: Asked) -> Object:
        """A page; the continue token is the place of the next object."""
        first = int(asked.query.get("continue", "0"))
        last = first + int(asked.query.get("limit", "1000"))
        items = list(self.objects[asked.at].values())
        more = {"continue": str(last)} if last < len(items) else {}
        return {"kind": "List", "metadata": {"resourceVersion": str(self.version), **more}, "items": items[first:last]}

    async def stream(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        """The events since a version, for good."""
        writer.write(STREAM)
        sent = int(asked.query["resourceVersion"])
        while True:
            for version, plural, event, raw in self.history:
                if plural == asked.at and version > sent:
                    writer.write(chunk(line(event, raw)))
            sent = max(sent, self.version)
            await self.happened.wait()


class CutError(Exception):
    """The server ends the connection."""


@asynccontextmanager
async def fake_api() -> AsyncIterator[FakeApi]:
    """A server while the block runs."""
    server = FakeApi()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def read_request(reader: asyncio.StreamReader) -> Asked:
    """The next request of a connection."""
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _protocol = start.split(" ")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"


def response(status: int, body: Any, **headers: str) -> bytes:
    """A whole response; bytes are sent as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json", "content-length": str(len(data)), **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} So\r\n{head}\r\n".encode() + data


def chunk(data: bytes) -> bytes:
    """A piece of a chunked body; an empty one ends it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def line(event: str, raw: Any) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": event, "object": raw}).encode() + b"\n"


# Faults


def replies(status: int, message: str = "no", **headers: str) -> Fault:
    """An HTTP status with a Status."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(response(status, {"kind": "Status", "message": message, "code": status}, **headers))

    return fault


def says(body: Any) -> Fault:
    """A whole answer of 200."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(response(200, body))

    return fault


def streams(*pieces: bytes, ends: bool = True) -> Fault:
    """Pieces of a watch; then it ends in good order, or is cut."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + b"".join(map(chunk, pieces)))
        if not ends:
            await writer.drain()
            raise CutError
        writer.write(chunk(b""))

    return fault


def stalls(start: bytes = b"") -> Fault:
    """A beginning, and nothing more."""

    async def fault(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        await asyncio.Event().wait()

    return fault


@asynccontextmanager
async def client_of(server: FakeApi, seconds: float = 5) -> AsyncIterator[Api]:
    """A client of the server, in the clear."""
    configuration = Configuration(
        host=f"http://127.0.0.1:{server.port}",
        ca_cert_data=PAIR.cert_pem.decode(),  # or the client reads all of the system's, 20 ms
        client_session_kwargs={"trust_env": False},
    )
    api = Api(ApiClient(configuration), seconds)
    try:
        yield api
    finally:
        await api.close()
