"""The process: both ports in one event loop, from the first connection accepted to the last one gone."""

import asyncio
import signal
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from certs.serving import Offer
from webhook.app import Admission, admission_app, health_app
from webhook.connections import CLOSE, BoundedProtocol, Connections
from webhook.settings import Bounds, Settings
from webhook.sources import Change, DirectorySource

BACKLOG = 1024
POOL_THREADS = 4  # policies that are tried against workloads at once, each for at most a second
ACCEPT_AGAIN_SECONDS = 0.1
TICK_SECONDS = 0.02
DATE_SECONDS = 1


class ListenError(OSError):
    """A port that cannot be listened on, in one sentence."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one, and host `::` takes IPv4 too."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        dual = host == "::"
        listener = socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=dual)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a host name"
        raise ListenError(f"cannot listen on {host}:{port}: {reason.partition(' (while')[0]}") from error
    listener.setblocking(False)
    return listener


def url_of(scheme: str, listener: socket.socket) -> str:
    """Where a listener is reached: `https://127.0.0.1:8443`."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


class Leaving:
    """The wish to stop: the first signal asks for it, the second one hurries."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """Ask, or hurry."""
        (self.hurried if self.asked.is_set() else self.asked).set()


class Port:
    """A listening socket and its connections.

    It accepts by itself, where asyncio's own server would count a connection only after its handshake and forget
    what waits in the kernel's queue when it closes.
    """

    def __init__(
        self, listener: socket.socket, app: ASGIApp, bounds: Bounds, tls: ssl.SSLContext | None = None
    ) -> None:
        self.listener = listener
        self.bounds = bounds
        self.tls = tls
        self.loop = asyncio.get_running_loop()
        self.config = plain_config(app, bounds)
        self.connections = Connections(bounds, self.accept_on)
        self.welcoming: set[asyncio.Task[None]] = set()
        self.last_answers = False
        self.renew_headers()

    @property
    def count(self) -> int:
        """Connections open, those in their handshake included."""
        return len(self.welcoming) + len(self.connections.connections)

    def renew_headers(self) -> None:
        """What every answer carries from now on, one that is on its way included: it shares this list."""
        date = (b"date", formatdate(usegmt=True).encode())
        self.connections.default_headers[:] = [date, CLOSE] if self.last_answers else [date]

    # Accepting

    def accept_on(self) -> None:
        """Accept while there is room; whoever finds none waits in the kernel's queue."""
        if self.listener.fileno() >= 0 and self.count < self.bounds.connections:
            self.loop.add_reader(self.listener, self.accept_waiting)

    def accept_waiting(self) -> None:
        """Accept every connection that waits, as far as there is room."""
        while self.count < self.bounds.connections:
            try:
                connection, _peer = self.listener.accept()
            except BlockingIOError:
                return
            except OSError:  # no file descriptor is left, or the client has gone again
                self.loop.call_later(ACCEPT_AGAIN_SECONDS, self.accept_on)
                break
            self.welcome(connection)
        self.loop.remove_reader(self.listener)

    def welcome(self, connection: socket.socket) -> None:
        """Begin a connection."""
        task = self.loop.create_task(self.shake_hands(connection))
        self.welcoming.add(task)
        task.add_done_callback(self.welcoming.discard)
        task.add_done_callback(lambda _task: self.accept_on())

    async def shake_hands(self, connection: socket.socket) -> None:
        """Hand the connection to its protocol, after the TLS handshake. One that fails or stalls is dropped."""
        connection.setblocking(False)
        options: dict[str, Any] = {}
        if self.tls:
            options["ssl"] = self.tls
            options["ssl_handshake_timeout"] = self.bounds.handshake_seconds
            options["ssl_shutdown_timeout"] = self.bounds.close_seconds
        with suppress(OSError):
            await self.loop.connect_accepted_socket(self.protocol, connection, **options)

    def protocol(self) -> BoundedProtocol:
        """The protocol of a new connection."""
        return BoundedProtocol(self.config, self.connections)

    # Leaving

    async def drain(self, leaving: Leaving) -> None:
        """Let every client go without losing a request.

        New connections are accepted for a while, since the cluster still sends some; every answer asks its client to
        come back elsewhere. Then the rest: no new ones, and what is in flight may end.
        """
        self.last_answers = True
        self.renew_headers()
        with suppress(TimeoutError):
            await asyncio.wait_for(leaving.hurried.wait(), self.bounds.drain_seconds)
        self.stop_listening()
        await self.last_ends(leaving)
        self.abort()
        await asyncio.sleep(0)  # for the protocols to hear of it

    def stop_listening(self) -> None:
        """Accept no more than what already waits."""
        self.accept_waiting()
        self.loop.remove_reader(self.listener)
        self.listener.close()

    async def last_ends(self, leaving: Leaving) -> None:
        """Close what is idle, until nothing is left or the time is over."""
        end = self.loop.time() + self.bounds.stop_seconds
        while self.count and self.loop.time() < end and not leaving.hurried.is_set():
            for connection in self.open_connections():
                connection.close_if_quiet(self.bounds.quiet_seconds)
            await asyncio.sleep(TICK_SECONDS)

    def abort(self) -> None:
        """Cut off whatever is left."""
        for connection in self.open_connections():
            connection.transport.abort()
        for task in self.welcoming:
            task.cancel()

    def open_connections(self) -> list[BoundedProtocol]:
        """The connections past their handshake."""
        return [held for held in self.connections.connections if isinstance(held, BoundedProtocol)]


def plain_config(app: ASGIApp, bounds: Bounds) -> uvicorn.Config:
    """The protocol of uvicorn and nothing else of it: no logging, signals, environment or proxies."""
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        forwarded_allow_ips="",
        workers=1,
        timeout_keep_alive=bounds.keep_alive_seconds,
    )
    config.load()
    return config


@dataclass(frozen=True, slots=True)
class Service:
    """What a running webhook consists of."""

    settings: Settings
    admission: Admission
    source: DirectorySource
    offer: Offer
    listener: socket.socket
    health_listener: socket.socket


async def serve(service: Service, leaving: Leaving) -> None:
    """Serve both ports until it is time to leave, and leave in good order."""
    loop, bounds = asyncio.get_running_loop(), service.settings.bounds
    loop.set_exception_handler(lambda _loop, context: tell_fault(service, context))
    admission, registry = service.admission, service.admission.meters.registry
    with ThreadPoolExecutor(POOL_THREADS) as pool:
        app = admission_app(admission, bounds.body_bytes, pool)
        main = Port(service.listener, app, bounds, service.offer.context)
        health = Port(
            service.health_listener,
            health_app(admission.current, registry, leaving.asked.is_set),
            bounds,
        )
        tasks = [loop.create_task(keep_date(main, health)), loop.create_task(follow(service))]
        main.accept_on()
        health.accept_on()
        await leaving.asked.wait()
        await main.drain(leaving)
        health.stop_listening()
        health.abort()
        for task in tasks:
            task.cancel()


def heed_signals(leaving: Leaving) -> None:
    """SIGTERM (a cluster) and SIGINT (a person) ask to leave."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leaving.ask)


async def keep_date(*ports: Port) -> None:
    """Keep the Date of answers right."""
    while True:
        await asyncio.sleep(DATE_SECONDS)
        for port in ports:
            port.renew_headers()


async def follow(service: Service) -> None:
    """Look at the source again and again, in a thread: a slow disk holds no request up."""
    loop, meters = asyncio.get_running_loop(), service.admission.meters
    while True:
        await asyncio.sleep(service.settings.bounds.poll_seconds)
        look = loop.run_in_executor(None, service.source.poll)
        await asyncio.wait([look])
        if error := look.exception():
            service.admission.journal.write_fault(error, message="the policies could not be looked at")
            continue
        meters.note_check()
        if change := look.result():
            take(service.admission, change)


def take(admission: Admission, change: Change) -> None:
    """Put a new Snapshot in force, and say what is to be said of it."""
    admission.current.snapshot = change.snapshot
    admission.meters.note_change(change)
    for sentence in change.said:
        admission.journal.write("warning", "policies", message=sentence)
    admission.journal.write("info", "policies", message="in force", policies=dict(change.policies))


def tell_fault(service: Service, context: dict[str, Any]) -> None:
    """What the event loop could not give to anybody else."""
    journal, error = service.admission.journal, context.get("exception")
    if error:
        journal.write_fault(error, message=context["message"])
    else:
        journal.write("error", "library", message=context["message"])
