import asyncio
import socket
import ssl
import threading
from datetime import UTC, datetime
from itertools import repeat

import pytest
from wire import (
    Client,
    Reply,
    Served,
    a_request,
    an_admission,
    lines_of,
    run,
    serving,
    trusting,
    until,
    with_bounds,
)

from certs.issue import LOOPBACK, self_signed
from policies.lookup import Snapshot
from webhook.admit import Answer
from webhook.connections import BoundedProtocol
from webhook.server import ListenError, listen, url_of

GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def test_reviews_over_tls_and_health_in_the_clear() -> None:
    async def scenario() -> None:
        async with serving() as served:
            client = await served.connect()
            first = await client.ask(a_request("/mutate?timeout=5s", b'{"a": 1}'))
            second = await client.ask(a_request("/validate-policy", b'{"b": 2}'))
            assert (first.status, first.body, first.closes) == (200, b'{"a": 1}', False)
            assert (second.status, second.body) == (200, b'{"b": 2}')
            assert [(await served.get(path)).status for path in ("/healthz", "/readyz", "/nothing")] == [200, 200, 404]

    run(scenario())


def test_chunked_and_pipelined_requests_are_answered_in_order() -> None:
    async def scenario() -> None:
        async with serving() as served:
            client = await served.connect()
            chunked = (
                b"POST /validate HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
                b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )
            await client.send(chunked + a_request(body=b"second") + a_request(body=b"third"))
            assert [(await client.receive()).body for _ in range(3)] == [b"abcde", b"second", b"third"]

    run(scenario())


def test_answers_carry_the_date_of_their_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.server.DATE_SECONDS", 0.01)

    async def scenario() -> None:
        dates = iter(["the first"] * 2 + ["a later one"] * 1000)
        monkeypatch.setattr("webhook.server.formatdate", lambda **_: next(dates))
        async with serving() as served:
            client = await served.connect_health()

            async def later() -> bool:
                return (await client.ask(GET)).headers["date"] == "a later one"

            while not await later():
                pass

    run(scenario())


# Deadlines and bounds


@pytest.mark.parametrize(
    "start",
    [
        a_request(body=b"0123456789")[:-5],
        b"POST /validate HTTP/1.1\r\nhost: x\r\n",
        b"POST /vali",
        b"\r\n",
        b"GET /mutate HTTP/1.1\r\nhost: x\r\n\r\n"[:-2],
    ],
    ids=["body", "headers", "target", "empty lines", "no body to come"],
)
def test_a_request_that_stalls_is_ended(start: bytes) -> None:
    async def scenario() -> None:
        async with serving(with_bounds(request_seconds=0.1)) as served:
            client = await served.connect()
            reply = await client.ask(start)
            assert (reply.status, reply.body, reply.closes) == (408, b"the request took too long\n", True)
            assert await client.rest() == b""

    run(scenario())


def test_a_request_that_trickles_is_ended() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(request_seconds=0.15)) as served:
            client = await served.connect()
            bytewise = (bytes([byte]) for byte in a_request(body=b"x" * 1000))
            assert (await client.trickle(bytewise, pause=0.01)).status == 408

    run(scenario())


def test_a_stalled_second_request_behind_a_first_is_ended() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(request_seconds=0.1)) as served:
            client = await served.connect()
            await client.send(a_request(body=b"whole") + a_request()[:10])
            assert [(await client.receive()).status for _ in range(2)] == [200, 408]

    run(scenario())


@pytest.mark.parametrize(
    "request_head",
    [
        b"POST /validate HTTP/1.1\r\nhost: x\r\nfiller: " + b"y" * 3000 + b"\r\n\r\n",
        b"POST /validate HTTP/1.1\r\nhost: x\r\n" + b"filler: y\r\n" * 300 + b"\r\n",
        b"POST /" + b"y" * 3000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        a_request(transfer_encoding="chunked").replace(b"content-length: 2\r\n", b"")[:-2]
        + b"0\r\n"
        + b"trailer: y\r\n" * 300
        + b"\r\n",
    ],
    ids=["one", "many", "target", "trailers"],
)
@pytest.mark.parametrize("piece", [100, 100_000], ids=["in pieces", "at once"])
def test_headers_beyond_the_bound_are_refused(request_head: bytes, piece: int) -> None:
    async def scenario() -> None:
        async with serving(with_bounds(header_bytes=2000)) as served:
            client = await served.connect()
            pieces = (request_head[start : start + piece] for start in range(0, len(request_head), piece))
            reply = await client.trickle(pieces)
            assert (reply.status, reply.body, reply.closes) == (431, b"the request's headers are too large\n", True)

    run(scenario())


def test_an_endless_header_is_not_kept() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(header_bytes=2000)) as served:
            client = await served.connect_health()
            await client.send(b"GET / HTTP/1.1\r\nfiller: ")
            assert (await client.trickle(repeat(b"y" * 500), pause=0.001)).status == 431

    run(scenario())


def test_what_is_not_http_gets_a_sentence() -> None:
    async def scenario() -> None:
        async with serving() as served:
            client = await served.connect()
            reply = await client.ask(b"\x16\x03\x01 nonsense\r\n\r\n")
            assert (reply.status, reply.closes) == (400, True)
            journal = served.service.admission.journal
            assert [line["message"] for line in lines_of(journal)] == ["Invalid HTTP request received."]

    run(scenario())


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_client_that_sends_too_much_still_gets_to_read_why(announced: bool) -> None:
    body = b"x" * 3_000_000
    whole = a_request(body=body)
    if not announced:
        head = whole[: -len(body)].replace(b"content-length: 3000000", b"transfer-encoding: chunked")
        whole = head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    async def scenario() -> None:
        async with serving(with_bounds(body_bytes=1_000_000)) as served:
            client = await served.connect()
            reply = await client.ask(whole)
            assert (reply.status, reply.body) == (413, b"a body may have at most 1000000 bytes\n")
            assert await client.rest() == b""

    run(scenario())


def test_a_handshake_that_stalls_is_ended() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(handshake_seconds=0.1)) as served:
            client = Client(*await asyncio.open_connection(*served.address))
            assert await client.rest() == b""
            client.close()

    run(scenario())


def test_an_idle_connection_outlasts_a_request_and_then_ends() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(keep_alive_seconds=0.25, request_seconds=0.1)) as served:
            started = asyncio.get_running_loop().time()
            used = await served.connect()
            assert (await used.ask(a_request())).status == 200
            unused = await served.connect()
            assert [await unused.rest(), await used.rest()] == [b"", b""]
            assert asyncio.get_running_loop().time() - started >= 0.25

    run(scenario())


def test_a_client_that_takes_no_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        lost = asyncio.Event()
        connection_lost = BoundedProtocol.connection_lost

        def told(protocol: BoundedProtocol, exc: Exception | None) -> None:
            connection_lost(protocol, exc)
            lost.set()

        monkeypatch.setattr(BoundedProtocol, "connection_lost", told)
        large = an_admission(lambda _endpoint, _body, _snapshot: Answer(200, b"x" * 10_000_000))
        async with serving(with_bounds(request_seconds=0.1), large) as served:
            client = await served.connect()
            client.writer.transport.pause_reading()
            await client.send(a_request() + a_request())
            await lost.wait()
            client.writer.transport.resume_reading()
            assert len(await client.rest()) < 10_000_000

    run(scenario())


def test_connections_beyond_the_cap_wait_for_room() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(connections=2)) as served:
            first, second = await served.connect_health(), await served.connect_health()
            assert [(await client.ask(GET)).status for client in (first, second)] == [200, 200]
            third = await served.connect_health()
            await third.send(GET)
            answer = asyncio.create_task(third.receive())
            await first.ask(GET)
            assert not answer.done()
            first.close()
            assert (await answer).status == 200

    run(scenario())


def test_a_failed_accept_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.server.ACCEPT_AGAIN_SECONDS", 0.01)
    failures = iter([OSError(24, "Too many open files")] * 2)
    accept = socket.socket.accept

    def failing(listener: socket.socket) -> tuple[socket.socket, object]:
        for failure in failures:
            raise failure
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", failing)

    async def scenario() -> None:
        async with serving() as served:
            assert (await served.get("/healthz")).status == 200
        assert next(failures, None) is None

    run(scenario())


# TLS


def test_tls_12_and_later_are_served_and_no_less() -> None:
    async def scenario() -> None:
        async with serving() as served:
            versions = {}
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = trusting()
                context.minimum_version = context.maximum_version = version
                client = await served.connect(context)
                tls = client.writer.get_extra_info("ssl_object")
                versions[tls.version()] = (await client.ask(a_request())).status
            assert versions == {"TLSv1.2": 200, "TLSv1.3": 200}
            old = trusting()
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                old.minimum_version = ssl.TLSVersion.TLSv1_1
            with pytest.warns(DeprecationWarning, match="TLSv1_1"):
                old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await served.connect(old)

    run(scenario())


@pytest.mark.parametrize("name", ["localhost", None], ids=["SNI", "no SNI"])
def test_another_pair_is_offered_from_the_next_handshake_on(name: str | None) -> None:
    async def scenario() -> None:
        async with serving() as served:
            before = await served.connect()
            pair = self_signed(LOOPBACK, datetime.now(UTC), 1)
            served.service.offer.replace(pair)
            context = trusting(pair)
            context.check_hostname = name is not None
            after = Client(*await asyncio.open_connection(*served.address, ssl=context, server_hostname=name or ""))
            assert [(await client.ask(a_request())).status for client in (before, after)] == [200, 200]
            with pytest.raises(ssl.SSLCertVerificationError):
                await served.connect()
            after.close()

    run(scenario())


# Ready, and leaving


def test_a_snapshot_makes_it_ready() -> None:
    async def scenario() -> None:
        async with serving(admission=an_admission(snapshot=None)) as served:
            client = await served.connect()
            assert (await client.ask(a_request())).status == 503
            assert (await served.get("/readyz")).status == 503
            served.service.admission.current.snapshot = Snapshot()
            assert (await client.ask(a_request())).status == 200
            assert (await served.get("/readyz")).status == 200

    run(scenario())


async def load(served: Served, replies: list[Reply], lost: list[Exception]) -> None:
    """Send one request after the other as an API server does, until nobody listens any more."""
    client: Client | None = None
    while True:
        try:
            client = client or await served.connect()
        except ConnectionError:
            return
        try:
            replies.append(await client.ask(a_request(body=b"x" * 5000)))
        except Exception as error:  # noqa: BLE001
            lost.append(error)
            return
        if replies[-1].closes:
            client = None


def test_a_drain_under_load_loses_nothing() -> None:
    async def scenario() -> None:
        replies: list[Reply] = []
        lost: list[Exception] = []
        async with serving() as served:
            address = served.address
            senders = [asyncio.create_task(load(served, replies, lost)) for _ in range(8)]
            await until(lambda: len(replies) > 100)
            served.leaving.ask()
            asked = len(replies)
            assert (await served.get("/readyz")).status == 503
            await served.done
            await asyncio.wait(senders)
            assert {reply.status for reply in replies} == {200}
            assert all(reply.closes for reply in replies[asked + 8 :])
            assert len(replies) > asked
            assert lost == []
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)

    run(scenario())


def test_leaving_waits_for_what_is_in_flight_and_closes_what_is_idle() -> None:
    async def scenario() -> None:
        go_on = threading.Event()

        def slow(endpoint: str, body: bytes, _snapshot: Snapshot) -> Answer:
            if endpoint == "validate-policy":
                go_on.wait(5)
            return Answer(200, body)

        async with serving(admission=an_admission(slow)) as served:
            idle, busy, half = await served.connect(), await served.connect(), await served.connect()
            await idle.ask(a_request())
            await busy.send(a_request("/validate-policy"))
            await half.send(a_request()[:-1])
            served.leaving.ask()
            assert await idle.rest() == b""
            assert not served.done.done()
            go_on.set()
            reply, late = await busy.receive(), await half.ask(b"}")
            assert (reply.status, reply.closes) == (200, True)
            assert (late.status, late.closes) == (200, True)
            await served.done

    run(scenario())


def test_what_does_not_end_is_cut_off() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(stop_seconds=0.1)) as served:
            stalled = await served.connect()
            await stalled.send(a_request()[:-1])
            shaking = Client(*await asyncio.open_connection(*served.address))
            await served.get("/healthz")
            served.leaving.ask()
            await served.done
            assert [await stalled.rest(), await shaking.rest()] == [b"", b""]
            shaking.close()

    run(scenario())


def test_a_second_signal_hurries() -> None:
    async def scenario() -> None:
        async with serving(with_bounds(drain_seconds=60, stop_seconds=60)) as served:
            stalled = await served.connect()
            await stalled.send(a_request()[:-1])
            served.leaving.ask()
            served.leaving.ask()
            await served.done

    run(scenario())


# What else happens


class Source:
    """Polls with these results, then with None."""

    def __init__(self, *results: object) -> None:
        self.results = list(results)
        self.polls = 0

    def poll(self) -> object:
        self.polls += 1
        result = self.results.pop(0) if self.results else None
        if isinstance(result, Exception):
            raise result
        return result


def test_a_fault_of_the_source_is_told_and_the_next_look_goes_on() -> None:
    async def scenario() -> None:
        source = Source(KeyError("a secret"))
        async with serving(with_bounds(poll_seconds=0.01), source=source) as served:
            await until(lambda: source.polls > 1)
            line = lines_of(served.service.admission.journal)[0]
            assert (line["event"], line["error"]) == ("fault", "KeyError")
            assert "secret" not in str(line)

    run(scenario())


def test_a_bug_costs_one_request_and_tells_no_contents() -> None:
    def buggy(_endpoint: str, body: bytes, _snapshot: Snapshot) -> Answer:
        raise KeyError(body)

    async def scenario() -> None:
        async with serving(admission=an_admission(buggy)) as served:
            for path in ("/validate", "/validate-policy"):
                client = await served.connect()
                reply = await client.ask(a_request(path, b"a secret"))
                assert (reply.status, reply.body) == (500, b"the webhook failed; its log says where\n")
            journal = served.service.admission.journal
            await until(lambda: len(lines_of(journal)) == 2)
            for line in lines_of(journal):
                assert (line["event"], line["error"]) == ("fault", "KeyError")
                assert line["places"][-1].startswith("test_server.py:")
                assert "secret" not in str(line)

    run(scenario())


def test_what_the_event_loop_cannot_give_to_anybody_is_told() -> None:
    async def scenario() -> None:
        async with serving() as served:
            await served.get("/healthz")
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": "odd"})
            loop.call_exception_handler({"message": "worse", "exception": ValueError("a secret")})
            lines = lines_of(served.service.admission.journal)
            assert [(line["message"], line.get("error")) for line in lines] == [("odd", None), ("worse", "ValueError")]
            assert "secret" not in str(lines)

    run(scenario())


# Listening


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:"), ("::", "http://[::]:"), ("localhost", "http://")],
)
def test_listen_takes_addresses_and_names(host: str, url: str) -> None:
    try:
        listener = listen(host, 0)
    except ListenError:
        pytest.skip("no IPv6 here")
    with listener:
        assert url_of("http", listener).startswith(url)


def test_a_port_in_use_is_a_sentence() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ListenError) as raised:
            listen("127.0.0.1", port)
    assert str(raised.value) == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_host_that_is_none_is_a_sentence() -> None:
    with pytest.raises(ListenError, match=r"^cannot listen on a+:0: not a host name$"):
        listen("a" * 100, 0)
