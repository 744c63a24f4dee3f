import asyncio
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.types import Message
from wire import EMPTY, an_admission, echo, lines_of

from policies.lookup import Snapshot
from webhook.admit import Answer, Record
from webhook.app import Admission, Current, admission_app, health_app

JSON = {"content-type": "application/json"}
LIMIT = 10


@dataclass(slots=True)
class Exchange:
    """A request as an ASGI server gives it, in pieces, and what came back."""

    pieces: list[bytes | None]
    read: int = 0
    sent: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        piece = self.pieces[self.read]
        self.read += 1
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": self.read < len(self.pieces)}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def ask(
    app: Starlette,
    path: str,
    *pieces: bytes | None,
    method: str = "POST",
    headers: Iterable[tuple[str, str]] = tuple(JSON.items()),
) -> Exchange:
    exchange = Exchange(list(pieces))
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    await app(scope, exchange.receive, exchange.send)
    return exchange


def ask_once(path: str, *pieces: bytes | None, admission: Admission | None = None, **how: Any) -> Exchange:
    with ThreadPoolExecutor(1) as pool:
        app = admission_app(admission or an_admission(), LIMIT, pool)
        return asyncio.run(ask(app, path, *pieces, **how))


# What is answered


@pytest.mark.parametrize("path", ["/mutate", "/validate", "/validate-policy"])
def test_a_review_is_answered(path: str) -> None:
    endpoints = []

    def admit(endpoint: str, body: bytes, _snapshot: Snapshot) -> Answer:
        endpoints.append(endpoint)
        return Answer(200, body)

    exchange = ask_once(path, b"abc", b"", b"defg", admission=an_admission(admit))
    assert (exchange.status, exchange.body, exchange.headers["content-type"]) == (200, b"abcdefg", "application/json")
    assert endpoints == [path[1:]]


def test_what_is_no_review_is_answered_in_plain_text() -> None:
    admission = an_admission(lambda _endpoint, _body, _snapshot: Answer(400, b"no\n"))
    exchange = ask_once("/validate", b"x", admission=admission)
    assert (exchange.status, exchange.body) == (400, b"no\n")
    assert exchange.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["/mutate", "/validate-policy"])
def test_without_a_snapshot_nothing_is_decided(path: str) -> None:
    exchange = ask_once(path, b"{}", admission=an_admission(snapshot=None))
    assert (exchange.status, exchange.body) == (503, b"this replica has not read its policies yet\n")


def test_a_body_of_just_the_limit_is_read() -> None:
    headers = [*JSON.items(), ("content-length", str(LIMIT))]
    assert ask_once("/validate", b"x" * LIMIT, headers=headers).status == 200


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"],
)
def test_a_right_content_type_may_have_parameters(content_type: str) -> None:
    assert ask_once("/validate", b"{}", headers=[("content-type", content_type)]).status == 200


# What is refused


@pytest.mark.parametrize(
    ("path", "how", "status", "sentence"),
    [
        ("/", {}, 404, "nothing is at this path"),
        ("/mutate/", {}, 404, "nothing is at this path"),
        ("/healthz", {"method": "GET"}, 404, "nothing is at this path"),
        ("/mutate", {"method": "GET"}, 405, "this path takes another method"),
        ("/validate", {"method": "HEAD"}, 405, "this path takes another method"),
        ("/validate-policy", {"method": "PUT"}, 405, "this path takes another method"),
        ("/mutate", {"headers": ()}, 415, "expected an AdmissionReview of content type application/json"),
        (
            "/mutate",
            {"headers": [("content-type", "application/yaml")]},
            415,
            "expected an AdmissionReview of content type application/json",
        ),
        (
            "/mutate",
            {"headers": [("content-type", "application/jsonx")]},
            415,
            "expected an AdmissionReview of content type application/json",
        ),
        (
            "/mutate",
            {"headers": [*JSON.items(), ("content-length", "11")]},
            413,
            "a body may have at most 10 bytes",
        ),
    ],
)
def test_what_is_wrong_is_refused_unread(path: str, how: dict[str, Any], status: int, sentence: str) -> None:
    exchange = ask_once(path, b"never read", **how)
    assert (exchange.status, exchange.body, exchange.read) == (status, f"{sentence}\n".encode(), 0)
    assert exchange.headers["connection"] == "close"
    assert exchange.headers.get("allow") == ("POST" if status == 405 else None)


def test_a_body_is_read_no_further_than_the_limit() -> None:
    exchange = ask_once("/validate", b"x" * 6, b"x" * 6, b"never read")
    assert (exchange.status, exchange.body, exchange.read) == (413, b"a body may have at most 10 bytes\n", 2)


@pytest.mark.parametrize("announced", ["²", "-5", "1e3", ""])
def test_a_length_that_is_none_is_not_trusted(announced: str) -> None:
    exchange = ask_once("/validate", b"x" * 11, headers=[*JSON.items(), ("content-length", announced)])
    assert exchange.status == 413


def test_a_client_that_leaves_is_not_answered() -> None:
    assert ask_once("/validate", b"x", None).sent == []


# Aside


def test_a_policy_that_takes_long_holds_nothing_up() -> None:
    go_on = threading.Event()

    def admit(endpoint: str, body: bytes, _snapshot: Snapshot) -> Answer:
        if endpoint == "validate-policy":
            go_on.wait(5)
        return Answer(200, body)

    async def scenario() -> None:
        with ThreadPoolExecutor(2) as pool:
            app = admission_app(an_admission(admit), LIMIT, pool)
            slow = [asyncio.create_task(ask(app, "/validate-policy", b"slow")) for _ in range(3)]
            await asyncio.sleep(0)
            quick = await ask(app, "/validate", b"quick")
            assert quick.body == b"quick"
            assert not any(task.done() for task in slow)
            go_on.set()
            assert [(await task).body for task in slow] == [b"slow"] * 3

    asyncio.run(scenario())


def test_a_request_keeps_the_snapshot_that_it_began_with() -> None:
    used = []
    other = Snapshot(global_namespace="other")

    def admit(_endpoint: str, body: bytes, snapshot: Snapshot) -> Answer:
        admission.current.snapshot = other
        used.append(snapshot)
        return Answer(200, body)

    admission = an_admission(admit)
    admission.answer("validate", b"")
    admission.answer("validate", b"")
    assert used == [EMPTY, other]


# The log


def test_a_decision_is_one_line_without_contents() -> None:
    record = Record(
        uid="u",
        endpoint="validate",
        kind="TrainingWorkload",
        namespace="runai-a",
        name="w",
        operation="CREATE",
        allowed=False,
        policy="runai-a/p",
        enforcement="Enforce",
        violations=(("gpu", "max"),),
        lines=("gpu: must be no greater than 5",),
    )
    admission = an_admission(lambda _endpoint, _body, _snapshot: Answer(200, b"{}", record))
    admission.answer("validate", b"a secret")
    assert lines_of(admission.journal) == [
        {
            "time": "2026-01-01T00:00:00.000Z",
            "level": "info",
            "event": "decision",
            "uid": "u",
            "endpoint": "validate",
            "kind": "TrainingWorkload",
            "namespace": "runai-a",
            "name": "w",
            "operation": "CREATE",
            "allowed": False,
            "policy": "runai-a/p",
            "enforcement": "Enforce",
            "violations": 1,
            "lines": ["gpu: must be no greater than 5"],
            "ms": 0.0,
        }
    ]


def test_defaults_are_named_and_nothing_is_said_of_none() -> None:
    record = Record("u", "mutate", "TrainingWorkload", "a", "w", "CREATE", allowed=True, defaults=("gpu",))
    admission = an_admission(lambda _endpoint, _body, _snapshot: Answer(200, b"{}", record))
    admission.answer("mutate", b"")
    line = lines_of(admission.journal)[0]
    assert (line["defaults"], line["violations"], line["policy"]) == (["gpu"], 0, None)
    assert "lines" not in line


def test_no_decision_is_one_line_too() -> None:
    admission = an_admission(lambda _endpoint, _body, _snapshot: Answer(400, b"no\n"))
    admission.answer("validate", b"a secret")
    assert lines_of(admission.journal) == [
        {
            "time": "2026-01-01T00:00:00.000Z",
            "level": "warning",
            "event": "no decision",
            "endpoint": "validate",
            "status": 400,
            "ms": 0.0,
        }
    ]


# Health


@pytest.mark.parametrize(
    ("path", "snapshot", "leaving", "expected"),
    [
        ("/healthz", None, True, (200, b"ok\n")),
        ("/readyz", EMPTY, False, (200, b"ready\n")),
        ("/readyz", EMPTY, True, (503, b"leaving\n")),
        ("/readyz", None, False, (503, b"this replica has not read its policies yet\n")),
        ("/mutate", EMPTY, False, (404, b"nothing is at this path\n")),
    ],
)
def test_health(path: str, snapshot: Snapshot | None, leaving: bool, expected: tuple[int, bytes]) -> None:
    app = health_app(Current(snapshot), CollectorRegistry(), lambda: leaving)
    exchange = asyncio.run(ask(app, path, method="GET"))
    assert (exchange.status, exchange.body) == expected


def test_metrics_are_those_of_the_registry() -> None:
    admission = an_admission(echo)
    admission.answer("validate", b"")
    app = health_app(admission.current, admission.meters.registry, lambda: False)
    exchange = asyncio.run(ask(app, "/metrics", method="GET"))
    assert exchange.headers["content-type"].startswith("text/plain")
    assert b'workload_policy_review_duration_seconds_count{endpoint="validate"} 1.0' in exchange.body
