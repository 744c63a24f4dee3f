"""One connection, bounded: uvicorn's httptools protocol with the deadlines and limits that it lacks."""

import asyncio
import select
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from webhook.settings import Bounds

CLOSE = (b"connection", b"close")
TOO_SLOW = 408
TOO_MUCH_HEAD = 431
SENTENCES = {
    TOO_SLOW: b"the request took too long\n",
    TOO_MUCH_HEAD: b"the request's headers are too large\n",
}


class Connections(ServerState):
    """The connections of one port, with their bounds; `on_lost` is called when one is gone."""

    def __init__(self, bounds: Bounds, on_lost: Callable[[], None]) -> None:
        super().__init__()
        self.bounds = bounds
        self.on_lost = on_lost


class BoundedProtocol(HttpToolsProtocol):
    """An HTTP/1.1 connection that no client holds for longer than its bounds allow.

    A request has a deadline from its first byte to its answer. What comes before a request counts as its first byte,
    so that an endless line of CRLF ends too. A client that does not take its answer is cut off by the deadline of its
    next request, at the latest by the keep-alive timer: uvloop does not tell how much of a TLS answer is still here.
    That timer, which uvicorn starts only after an answer, here starts with the connection, since Go's client keeps
    spare connections that it never used.
    """

    def __init__(self, config: uvicorn.Config, server_state: Connections) -> None:
        super().__init__(config, server_state, app_state={})
        self.port = server_state
        self.bounds = server_state.bounds
        self.deadline: asyncio.TimerHandle | None = None
        self.begun = self.answered = 0
        self.in_head = False
        self.head_fields = self.head_bytes = 0  # of complete fields; of whole pieces of an incomplete head
        self.idle_since = self.loop.time()

    # What the connection is at

    @property
    def is_busy(self) -> bool:
        """Whether a request has begun that is not answered yet."""
        return self.begun > self.answered

    @property
    def is_ending(self) -> bool:
        """Whether it is being closed already."""
        return self.transport.is_closing()

    @property
    def has_unread(self) -> bool:
        """Whether bytes have arrived that the event loop has not read yet."""
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket"), select.POLLIN)
        return bool(poll.poll(0))

    def close_if_quiet(self, seconds: float) -> None:
        """Close it if it has been idle for so long, and no request is just coming in."""
        if not self.is_busy and self.loop.time() - self.idle_since >= seconds and not self.has_unread:
            self.transport.close()

    # Deadlines

    def start_deadline(self, seconds: float, passed: Callable[[], None]) -> None:
        """The one deadline that counts from now on."""
        self.stop_deadline()
        self.deadline = self.loop.call_later(seconds, passed)

    def stop_deadline(self) -> None:
        """No deadline until the next one starts."""
        if self.deadline:
            self.deadline.cancel()
        self.deadline = None

    def end_request(self) -> None:
        """Say 408 to a request that is not being answered yet; cut off a client that does not take its answer."""
        answering = self.cycle and self.cycle.response_started and not self.cycle.response_complete
        if self.is_ending or answering or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.refuse(TOO_SLOW)

    def end_stuck(self) -> None:
        """Cut off a connection that should have ended, or taken its last answer, by now."""
        self.deadline = None
        if self.is_ending or self.transport.get_write_buffer_size():
            self.transport.abort()

    def refuse(self, status: int) -> None:
        """Answer what is no whole request, and close."""
        sentence = SENTENCES[status]
        head = b"content-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(STATUS_LINE[status] + head % len(sentence) + sentence)
        self.transport.close()
        if self.cycle:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.start_deadline(self.bounds.close_seconds, self.end_stuck)

    # What the transport calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin idle."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave nothing that is still to happen."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.stop_deadline()
        self.port.on_lost()

    def data_received(self, data: bytes) -> None:
        """Parse, and see whether the head grows beyond its bound."""
        if self.deadline is None:
            self.start_deadline(self.bounds.request_seconds, self.end_request)
        was_in_head = self.in_head
        super().data_received(data)
        if was_in_head and self.in_head:
            self.head_bytes += len(data)
        if max(self.head_fields, self.head_bytes) > self.bounds.header_bytes and not self.is_ending:
            self.refuse(TOO_MUCH_HEAD)

    # What the parser calls

    def on_message_begin(self) -> None:
        """A request of which the first byte is here."""
        super().on_message_begin()
        if not self.is_busy:
            self.start_deadline(self.bounds.request_seconds, self.end_request)
        self.begun += 1
        self.in_head = True
        self.head_fields = self.head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        super().on_url(url)
        self.head_fields += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        super().on_header(name, value)
        self.head_fields += len(name) + len(value) + len(b": \r\n")

    def on_headers_complete(self) -> None:
        """The end of the head."""
        self.in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next request's turn, or idle; what is left of the answer must leave in time."""
        self.answered += 1
        self.idle_since = self.loop.time()
        super().on_response_complete()
        self.stop_deadline()
        if self.is_busy:
            self.start_deadline(self.bounds.request_seconds, self.end_request)
        elif self.is_ending or self.transport.get_write_buffer_size():
            self.start_deadline(self.bounds.request_seconds, self.end_stuck)
