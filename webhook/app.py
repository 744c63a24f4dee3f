"""The two ports as ASGI applications: the admission routes with their bounded body, and health with metrics."""

from asyncio import get_running_loop
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from policies.lookup import Snapshot
from webhook.admit import MUTATE, VALIDATE, VALIDATE_POLICY, Answer, Record, admit
from webhook.journal import Journal
from webhook.metrics import Meters

ENDPOINTS = (MUTATE, VALIDATE, VALIDATE_POLICY)
NOT_SYNCED = Answer(503, b"this replica has not read its policies yet\n")
SENTENCES = {
    404: "nothing is at this path",
    405: "this path takes another method",
    415: "expected an AdmissionReview of content type application/json",
    500: "the webhook failed; its log says where",
}

Judge = Callable[[str, bytes, Snapshot], Answer]


class Current:
    """The Snapshot in force. One assignment replaces it; a request keeps the one that it began with."""

    __slots__ = ("snapshot",)

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot


@dataclass(frozen=True, slots=True)
class Admission:
    """Judges reviews under the current Snapshot, and tells the log and the metrics."""

    current: Current
    meters: Meters
    journal: Journal
    clock: Callable[[], float]
    admit: Judge = admit

    def answer(self, endpoint: str, body: bytes) -> Answer:
        """The answer to one review, told of."""
        answer, seconds = self.judge(endpoint, body)
        self.tell(endpoint, answer, seconds)
        return answer

    async def answer_aside(self, pool: Executor, endpoint: str, body: bytes) -> Answer:
        """The same, judged by a thread of the pool: a review that takes long holds no other up."""
        answer, seconds = await get_running_loop().run_in_executor(pool, self.judge, endpoint, body)
        self.tell(endpoint, answer, seconds)
        return answer

    def judge(self, endpoint: str, body: bytes) -> tuple[Answer, float]:
        """The answer, and the seconds that it took."""
        started, snapshot = self.clock(), self.current.snapshot
        answer = NOT_SYNCED if snapshot is None else self.admit(endpoint, body, snapshot)
        return answer, self.clock() - started

    def tell(self, endpoint: str, answer: Answer, seconds: float) -> None:
        """One counter and one line of log."""
        self.meters.count_answer(endpoint, answer, seconds)
        milliseconds = round(seconds * 1000, 3)
        if answer.record:
            self.journal.write("info", "decision", **decision_details(answer.record), ms=milliseconds)
        else:
            self.journal.write("warning", "no decision", endpoint=endpoint, status=answer.status, ms=milliseconds)


def decision_details(record: Record) -> dict[str, Any]:
    """What the log says of a decision; the texts of its lines hold the policy's values only."""
    details: dict[str, Any] = {
        "uid": record.uid,
        "endpoint": record.endpoint,
        "kind": record.kind,
        "namespace": record.namespace,
        "name": record.name,
        "operation": record.operation,
        "allowed": record.allowed,
        "policy": record.policy,
        "enforcement": record.enforcement,
        "violations": len(record.violations),
    }
    listed = {"lines": record.lines, "defaults": record.defaults}
    return details | {name: texts for name, texts in listed.items() if texts}


@dataclass(frozen=True, slots=True)
class ReviewRoute:
    """One admission path as an ASGI application. With a pool its reviews are judged there."""

    endpoint: str
    admission: Admission
    limit: int
    pool: Executor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, stop at the limit, answer."""
        check_headers(Headers(scope=scope), self.limit)
        body = await read_body(receive, self.limit)
        if body is None:
            return
        if self.pool:
            answer = await self.admission.answer_aside(self.pool, self.endpoint, body)
        else:
            answer = self.admission.answer(self.endpoint, body)
        await respond(answer)(scope, receive, send)


def check_headers(headers: Headers, limit: int) -> None:
    """Refuse before a byte of the body is read what its headers already show to be wrong."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, SENTENCES[415])
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(limit)


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or None if the client left. Stops, and refuses, at the first piece beyond the limit."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        pieces.append(piece)
        more = message.get("more_body", False)
    return b"".join(pieces)


def too_large(limit: int) -> HTTPException:
    """The refusal of a body beyond the limit."""
    return HTTPException(413, f"a body may have at most {limit} bytes")


def respond(answer: Answer) -> Response:
    """The HTTP response: an AdmissionReview, or a sentence."""
    media_type = "application/json" if answer.status == 200 else "text/plain; charset=utf-8"
    return Response(answer.body, answer.status, media_type=media_type)


async def refuse(_request: Request, error: Exception) -> Response:
    """A request that was refused unread, in one sentence; whatever follows it on the connection is not read."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) and status == 413 else SENTENCES[status]
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return PlainTextResponse(f"{detail}\n", status, {**headers, "Connection": "close"})


def admission_app(admission: Admission, limit: int, pool: Executor) -> Starlette:
    """`POST /mutate`, `/validate` and `/validate-policy`; the last, which tries workloads, judges in the pool."""
    pools = {VALIDATE_POLICY: pool}
    routes = [
        Route(f"/{endpoint}", ReviewRoute(endpoint, admission, limit, pools.get(endpoint)), methods=["POST"])
        for endpoint in ENDPOINTS
    ]
    return plain_app(routes)


def health_app(current: Current, registry: CollectorRegistry, is_leaving: Callable[[], bool]) -> Starlette:
    """`GET /healthz` (the event loop turns), `/readyz` (reviews are welcome) and `/metrics`."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        if is_leaving():
            return PlainTextResponse("leaving\n", 503)
        return PlainTextResponse("ready\n") if current.snapshot else respond(NOT_SYNCED)

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return plain_app([Route(f"/{endpoint.__name__}", endpoint) for endpoint in (healthz, readyz, metrics)])


def plain_app(routes: list[Route]) -> Starlette:
    """Routes that answer for themselves alone: no redirect of `/mutate/`, sentences instead of pages."""
    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse, Exception: refuse})
    app.router.redirect_slashes = False
    return app
