"""What a connection does at moments that a socket cannot be brought to at will: on a transport that only remembers."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from wire import QUICK, a_request, run, until, with_bounds

from webhook.connections import BoundedProtocol, Connections
from webhook.server import plain_config


class Transport(asyncio.Transport):
    """Remembers what became of it; `unsent` is what the other side does not take."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        super().__init__({"socket": self.ours})
        self.written = b""
        self.unsent = 0
        self.closing = self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True
        self.ours.close()
        self.theirs.close()

    def abort(self) -> None:
        self.aborted = True
        self.close()

    def pause_reading(self) -> None:
        """Nothing more is read anyway."""

    resume_reading = pause_reading


async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def half_an_answer(_scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    while (await receive())["type"] != "http.disconnect":
        pass


def a_connection(app: ASGIApp = answer, **bounds: float) -> tuple[BoundedProtocol, Transport]:
    connections = Connections(with_bounds(**bounds), lambda: None)
    protocol = BoundedProtocol(plain_config(app, QUICK), connections)
    transport = Transport()
    protocol.connection_made(transport)
    return protocol, transport


def end(protocol: BoundedProtocol) -> None:
    """The connection is gone."""
    protocol.transport.close()
    protocol.connection_lost(None)


async def turns() -> None:
    """Let every task do what it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_an_answer_that_is_not_taken_has_a_deadline() -> None:
    async def scenario() -> None:
        protocol, transport = a_connection()
        transport.unsent = 2
        protocol.data_received(a_request())
        await turns()
        assert transport.written.endswith(b"ok")
        assert protocol.deadline is not None
        protocol.end_stuck()
        assert transport.aborted
        end(protocol)

    run(scenario())


def test_an_answer_taken_in_time_leaves_the_connection_alone() -> None:
    async def scenario() -> None:
        protocol, transport = a_connection()
        transport.unsent = 2
        protocol.data_received(a_request())
        await turns()
        transport.unsent = 0
        protocol.end_stuck()
        assert not transport.closing
        assert protocol.deadline is None
        end(protocol)

    run(scenario())


def test_a_refused_connection_that_does_not_close_is_cut_off() -> None:
    async def scenario() -> None:
        protocol, transport = a_connection(request_seconds=0.01, close_seconds=0.01)
        protocol.data_received(b"POST /validate")
        await until(lambda: transport.aborted)
        assert transport.written.startswith(b"HTTP/1.1 408 ")
        end(protocol)

    run(scenario())


def test_half_an_answer_is_not_followed_by_a_408() -> None:
    async def scenario() -> None:
        protocol, transport = a_connection(half_an_answer)
        protocol.data_received(a_request())
        await turns()
        protocol.end_request()
        assert transport.aborted
        assert b"408" not in transport.written
        end(protocol)
        await turns()

    run(scenario())


def test_a_pipelined_request_has_a_deadline_of_its_own() -> None:
    async def scenario() -> None:
        protocol, _transport = a_connection()
        protocol.data_received(a_request() + a_request()[:-1])
        first = protocol.deadline
        await turns()
        assert protocol.is_busy
        assert protocol.deadline not in (first, None)
        protocol.data_received(b"}")
        await turns()
        assert not protocol.is_busy
        assert protocol.deadline is None
        end(protocol)

    run(scenario())


def test_every_request_has_its_whole_time() -> None:
    async def scenario() -> None:
        protocol, _transport = a_connection(request_seconds=100)
        loop = asyncio.get_running_loop()
        for _ in range(2):
            protocol.data_received(a_request()[:1])
            begun = protocol.deadline
            assert begun is not None
            assert begun.when() - loop.time() > 99
            protocol.data_received(a_request()[1:-1])
            assert protocol.deadline is begun
            protocol.data_received(a_request()[-1:])
            await turns()
            assert protocol.deadline is None
        end(protocol)

    run(scenario())


@pytest.mark.parametrize(
    ("prepare", "closes"),
    [
        (lambda _protocol, _transport: None, True),
        (lambda protocol, _transport: protocol.data_received(b"POST"), False),
        (lambda _protocol, transport: transport.theirs.send(b"POST"), False),
    ],
    ids=["idle", "busy", "about to be"],
)
def test_only_a_quiet_connection_is_closed(
    prepare: Callable[[BoundedProtocol, Transport], object], closes: bool
) -> None:
    async def scenario() -> None:
        protocol, transport = a_connection()
        protocol.close_if_quiet(60)
        assert not transport.closing
        prepare(protocol, transport)
        protocol.close_if_quiet(0)
        assert transport.closing is closes
        end(protocol)

    run(scenario())
