"""The API server as a client sees it: raw JSON in and out, lists in pages, watches as events, errors with a type.

The official client does configuration, authentication and requests. It is imported when a cluster is first used: it
takes 45 MB and a second. Its own watch is not used: it repeats a 410 with the same resourceVersion.
"""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

import msgspec

if TYPE_CHECKING:
    import aiohttp
    from kubernetes.aio.client import ApiClient

T = TypeVar("T")

PAGE_ITEMS = 500
PAGE_BYTES = 16 * 1024 * 1024  # decoding more at once would hold up reviews for 20 ms
LINE_BYTES = 16 * 1024 * 1024  # an object has at most 3 MiB
CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
MOST_DEPTH = 500
JSON, MERGE_PATCH, APPLY = (f"application/{name}" for name in ("json", "merge-patch+json", "apply-patch+yaml"))
HEADERS = {"Accept": JSON, "Accept-Encoding": "identity", "User-Agent": "workload-policy"}
TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]')


# Errors


class ApiError(OSError):
    """A request to the API server that failed, in one sentence; `retry_after`: the seconds that it asks to wait."""

    retry_after: float = 0


class UnreachableError(ApiError):
    """There was no answer, or it broke off."""


class SilentError(UnreachableError, TimeoutError):
    """Nothing came for too long."""


class GarbledError(ApiError):
    """The answer is not what the API server answers."""


class LongError(GarbledError):
    """The answer is longer than we are ready to read."""


class RefusedError(ApiError):
    """The API server answered with an HTTP status from 400."""

    def __init__(self, status: int, sentence: str, retry_after: float = 0) -> None:
        super().__init__(f"HTTP {status}: {sentence}")
        self.status = status
        self.retry_after = retry_after


class MissingError(RefusedError):
    """404: no such object, or no such kind."""


class ConflictError(RefusedError):
    """409: it exists already, was changed meanwhile, or belongs to another manager."""


class GoneError(RefusedError):
    """410: the resourceVersion or the continue token is too old."""


REFUSALS: Mapping[int, type[RefusedError]] = {404: MissingError, 409: ConflictError, 410: GoneError}


def refusal(status: int, sentence: str, retry_after: str = "") -> RefusedError:
    """The error of an HTTP status. A 503 asks to wait too, 5 s while an API server starts: longer than that takes."""
    seconds = int(retry_after) if status == 429 and retry_after.isdecimal() else 0
    return REFUSALS.get(status, RefusedError)(status, sentence, seconds)


@contextmanager
def transport_errors() -> Iterator[None]:
    """What the transport raises, as ApiError."""
    import aiohttp  # noqa: PLC0415 - see above
    from kubernetes.aio.config import ConfigException  # noqa: PLC0415

    try:
        yield
    except ApiError:
        raise
    except TimeoutError as error:
        raise SilentError("nothing came for too long") from error
    except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
        raise UnreachableError("the connection broke off") from error
    except (aiohttp.ClientError, OSError, ConfigException) as error:
        raise UnreachableError(" ".join(str(error).split()) or type(error).__name__) from error


# What the API server says


class PageMeta(msgspec.Struct):
    """The metadata of a list."""

    resourceVersion: str = ""  # noqa: N815 - the API's name
    continue_: str = msgspec.field(default="", name="continue")


class Page(msgspec.Struct):
    """A part of a list; its items as bytes."""

    metadata: PageMeta
    items: list[msgspec.Raw] | None


class Event(msgspec.Struct):
    """A line of a watch: ADDED, MODIFIED, DELETED, BOOKMARK, or ERROR with a Status."""

    type: str
    object: msgspec.Raw


class Status(msgspec.Struct):
    """How the API server says that something failed."""

    message: str = ""
    code: int = 0


def decode(data: bytes, shape: type[T]) -> T:
    """JSON as a shape. ValueError if it is something else."""
    try:
        return msgspec.json.decode(data, type=shape)
    except RecursionError:
        return msgspec.json.decode(flatten(data), type=shape)


def flatten(data: bytes) -> bytes:
    """JSON with null in place of what is nested too deeply to be read.

    The API server takes depths of 10,000, and whoever may write one status must not make a whole list unreadable.
    """
    kept: list[bytes] = []
    depth = start = 0
    for token in TOKEN.finditer(data):
        if token[0] in (b"{", b"["):
            depth += 1
            if depth == MOST_DEPTH:
                kept += data[start : token.start()], b"null"
        elif token[0] in (b"}", b"]"):
            if depth == MOST_DEPTH:
                start = token.end()
            depth -= 1
    return b"".join((*kept, data[start:]))


def read_event(line: bytes) -> Event:
    """An event. GoneError or another RefusedError where it is an ERROR, GarbledError where it is none."""
    try:
        event = decode(line, Event)
        if event.type != "ERROR":
            return event
        status = decode(event.object, Status)
    except ValueError as error:
        raise GarbledError(f"a line of the watch is no event: {error}") from None
    raise refusal(status.code, status.message)


# Reading


async def read_all(answer: "aiohttp.ClientResponse", most: int) -> bytes:
    """The whole body. LongError if it has more bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_any():
        size += len(piece)
        if size > most:
            raise LongError(f"an answer of more than {most} bytes")
        pieces.append(piece)
    return b"".join(pieces)


async def read_refusal(answer: "aiohttp.ClientResponse") -> RefusedError:
    """The error that an HTTP status from 400 stands for."""
    data = await read_all(answer, PAGE_BYTES)
    try:
        sentence = decode(data, Status).message
    except ValueError:
        sentence = ""
    return refusal(answer.status, sentence or answer.reason or "", answer.headers.get("Retry-After", ""))


async def lines_of(answer: "aiohttp.ClientResponse") -> AsyncIterator[bytes]:
    """The lines of a body, each as soon as it is whole."""
    begun: list[bytes] = []
    async for piece in answer.content.iter_any():
        first, *others = piece.split(b"\n")
        begun.append(first)
        for line in others:
            yield b"".join(begun)
            begun = [line]
        if sum(map(len, begun)) > LINE_BYTES:
            raise LongError(f"a line of more than {LINE_BYTES} bytes")
    if any(begun):
        raise UnreachableError("the watch ended within a line")


# The client


@dataclass(frozen=True, slots=True)
class Content:
    """What a request sends."""

    media: str = JSON
    body: Any = None


EMPTY = Content()


class Api:
    """One API server. `seconds` is how long an answer may take."""

    def __init__(self, client: "ApiClient", seconds: float = ANSWER_SECONDS) -> None:
        self.client = client
        self.seconds = seconds

    async def close(self) -> None:
        """Close every connection."""
        await self.client.close()

    # One object

    async def get(self, path: str) -> Any:
        """An object."""
        return await self.send("GET", path)

    async def create(self, path: str, body: Any) -> Any:
        """Create an object in a collection, or ask for a token or a review."""
        return await self.send("POST", path, Content(body=body))

    async def replace(self, path: str, body: Any) -> Any:
        """Replace an object; with a resourceVersion in it, ConflictError if somebody was faster."""
        return await self.send("PUT", path, Content(body=body))

    async def merge(self, path: str, body: Any) -> Any:
        """Change some fields (JSON Merge Patch)."""
        return await self.send("PATCH", path, Content(MERGE_PATCH, body))

    async def apply(self, path: str, body: Any, manager: str) -> Any:
        """Server-side apply: these fields are this manager's from now on, whoever had them."""
        return await self.send("PATCH", f"{path}?fieldManager={manager}&force=true", Content(APPLY, body))

    async def send(self, method: str, path: str, content: Content = EMPTY) -> Any:
        """One request, and the object that answers it."""
        async with self.answer(method, path, content) as answer:
            data = await read_all(answer, PAGE_BYTES)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise GarbledError(f"{method} {path}: the answer is no JSON: {error}") from None

    # Many

    async def pages(self, path: str, most: int = PAGE_ITEMS) -> AsyncGenerator[Page]:
        """A list, page by page. GoneError if a continue token has expired: what was read is not the whole then."""
        following = ""
        while True:
            try:
                page = await self.page(path, most, following)
            except LongError:
                if most == 1:
                    raise
                most //= 2
                continue
            yield page
            following = page.metadata.continue_
            if not following:
                return

    async def page(self, path: str, most: int, following: str) -> Page:
        """One page of a list."""
        query = urlencode({"limit": most} | ({"continue": following} if following else {}))
        async with self.answer("GET", f"{path}?{query}") as answer:
            data = await read_all(answer, PAGE_BYTES)
        try:
            return decode(data, Page)
        except ValueError as error:
            raise GarbledError(f"GET {path}: the answer is no list: {error}") from None

    async def watch(self, path: str, version: str, seconds: float, silence: float) -> AsyncGenerator[Event]:
        """The events after a resourceVersion; ends after `seconds`. SilentError if nothing comes for `silence`."""
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        query["timeoutSeconds"] = str(int(seconds))
        async with self.answer("GET", f"{path}?{urlencode(query)}", silence=silence) as answer:
            async for line in lines_of(answer):
                yield read_event(line)

    @asynccontextmanager
    async def answer(
        self, method: str, path: str, content: Content = EMPTY, silence: float | None = None
    ) -> AsyncIterator["aiohttp.ClientResponse"]:
        """An answer to be read; with `silence` it may last as long as it says something."""
        from aiohttp import ClientTimeout  # noqa: PLC0415 - see above

        total = self.seconds if silence is None else None
        timeout = ClientTimeout(total=total, connect=CONNECT_SECONDS, sock_read=silence)
        with transport_errors():
            request = await self.client.param_serialize(
                method,
                path,
                header_params=HEADERS | {"Content-Type": content.media},
                body=content.body,
                auth_settings=["BearerToken"],
            )
            held = await self.client.call_api(*request, _request_timeout=timeout)
            async with held.response as answer:
                if answer.status >= 400:
                    raise await read_refusal(answer)
                yield answer
