"""The subcommand `serve`: the admission webhook with the policies of a directory. Where its parts are put together."""

import argparse
import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TextIO

import uvloop
from prometheus_client import CollectorRegistry

from certs.issue import LOOPBACK, Pair, self_signed
from certs.serving import Offer, PairError, read_pair
from policies.lookup import DEFAULT_GLOBAL_NAMESPACE
from webhook.app import Admission, Current
from webhook.journal import Journal, libraries_heard
from webhook.metrics import Meters
from webhook.server import Leaving, ListenError, Service, heed_signals, listen, serve, take, url_of
from webhook.settings import Settings, SettingsError, settings_from
from webhook.sources import DirectorySource, SourceError
from workload_policy.manifests import read_file
from workloads.locate import snapshot_of

UNUSABLE = 2
SELF_SIGNED_DAYS = 365
EXAMPLES = """\
examples:
  workload-policy serve --policies examples/
      with a certificate made for the occasion, on https://127.0.0.1:8443
  workload-policy serve --policies /etc/policies --host 0.0.0.0 --cert tls.crt --key tls.key
      as a Deployment would, with a mounted ConfigMap and Secret

The bounds (seconds, bytes, connections) can be changed by variables such as WORKLOAD_POLICY_DRAIN_SECONDS=5.
SIGTERM drains: no request that is in flight is lost. A second signal hurries.
"""


class Streams(Protocol):
    """Where the command writes."""

    @property
    def stderr(self) -> TextIO: ...  # noqa: D102


def add_serve(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand and its arguments."""
    parser = subparsers.add_parser(
        "serve",
        help="run the admission webhook",
        description="Run the admission webhook: HTTPS for the API server, and plain HTTP for health and metrics.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--policies", metavar="DIR", required=True, help="policies, and workloads that others name as base")
    add("--cert", metavar="FILE", help="certificate (PEM, with its chain); without it one is made at start")
    add("--key", metavar="FILE", help="the certificate's private key (PEM, without a password)")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=port_number, default=8443, help="for reviews; 0 takes a free one (default: %(default)s)")
    add(
        "--health-port",
        metavar="PORT",
        type=port_number,
        default=8080,
        help="for /healthz, /readyz and /metrics (default: %(default)s)",
    )
    add(
        "--global-namespace",
        metavar="NAME",
        default=DEFAULT_GLOBAL_NAMESPACE,
        help="its policies apply where a project has none (default: %(default)s)",
    )


def port_number(text: str) -> int:
    """A TCP port, 0 for any free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text!r}")
    return int(text)


def run_serve(args: argparse.Namespace, environ: Mapping[str, str], streams: Streams) -> int:
    """Serve until a signal: 0. What makes that impossible is said in a sentence: 2."""
    journal = Journal(streams.stderr, time.time)
    try:
        settings = settings_from(args, environ)
        service = compose(settings, journal)
    except (SettingsError, SourceError, PairError, ListenError) as error:
        for line in str(error).splitlines():
            print(f"workload-policy: {line}", file=streams.stderr)
        return UNUSABLE
    with libraries_heard(journal), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve_until_signal(service, streams))
    return 0


def compose(settings: Settings, journal: Journal) -> Service:
    """Everything read, checked and bound, so that serving can begin."""
    build = partial(snapshot_of, global_namespace=settings.global_namespace)
    source = DirectorySource(settings.policies, read_file, build)
    admission = Admission(Current(), Meters(CollectorRegistry(), time.time), journal, time.perf_counter)
    change = source.start()
    with ExitStack() as opened:
        listener = opened.enter_context(listen(settings.host, settings.port))
        health_listener = opened.enter_context(listen(settings.host, settings.health_port))
        offer = Offer(serving_pair(settings))
        opened.pop_all()
    take(admission, change)
    return Service(settings, admission, source, offer, listener, health_listener)


def serving_pair(settings: Settings) -> Pair:
    """The pair given, or one made for this host."""
    if settings.cert and settings.key:
        return read_pair(settings.cert, settings.key)
    return self_signed((*LOOPBACK, settings.host), datetime.now(UTC), SELF_SIGNED_DAYS)


async def serve_until_signal(service: Service, streams: Streams) -> None:
    """Say that it is ready, and serve."""
    leaving = Leaving()
    heed_signals(leaving)
    print(ready_line(service), file=streams.stderr, flush=True)
    await serve(service, leaving)


def ready_line(service: Service) -> str:
    """Where it serves what, for people and scripts."""
    here, health = url_of("https", service.listener), url_of("http", service.health_listener)
    count = sum(service.source.policies.values())
    read = f"{count} {'policy' if count == 1 else 'policies'} from {service.settings.policies}"
    return f"workload-policy: ready on {here} (health on {health}), {read}"
