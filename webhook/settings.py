"""Flags and environment -> one frozen Settings. Nothing else in the program looks at the environment."""

import math
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

PREFIX = "WORKLOAD_POLICY_"


class SettingsError(ValueError):
    """Flags or environment variables that make no sense, in one sentence."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large anything may get. Each can be set by a variable: `WORKLOAD_POLICY_DRAIN_SECONDS`.

    request_seconds     from a request's first byte to its answer
    header_bytes        of a request's first line and headers, trailers included
    body_bytes          of a request's body: two objects of 3 MiB and the rest
    handshake_seconds   from a connection to the end of its TLS handshake
    close_seconds       for the other side to take the last bytes of a connection that ends
    connections         at once, handshakes included; further ones wait in the kernel's queue
    keep_alive_seconds  an idle connection is kept; an API server drops it first, after 90 s, or loses a POST
    drain_seconds       after a signal new connections are accepted and every answer says `Connection: close`
    quiet_seconds       an idle connection must have been so before it is closed in the end
    stop_seconds        after the drain for what is still in flight; then it is aborted
    poll_seconds        between two looks at the directory of policies
    """

    request_seconds: float = 10
    header_bytes: int = 32 * 1024
    body_bytes: int = 8 * 1024 * 1024
    handshake_seconds: float = 10
    close_seconds: float = 2
    connections: int = 1000
    keep_alive_seconds: int = 150
    drain_seconds: float = 3
    quiet_seconds: float = 1
    stop_seconds: float = 11
    poll_seconds: float = 0.5


@dataclass(frozen=True, slots=True)
class Settings:
    """What `workload-policy serve` was asked to do."""

    policies: Path
    host: str = "127.0.0.1"
    port: int = 8443
    health_port: int = 8080
    cert: Path | None = None
    key: Path | None = None
    global_namespace: str = "runai"
    bounds: Bounds = Bounds()


def settings_from(args: Namespace, environ: Mapping[str, str]) -> Settings:
    """The flags as argparse read them, and the bounds that the environment changes."""
    if (args.cert is None) != (args.key is None):
        raise SettingsError("--cert and --key go together: give both or neither")
    return Settings(
        policies=Path(args.policies),
        host=args.host,
        port=args.port,
        health_port=args.health_port,
        cert=args.cert and Path(args.cert),
        key=args.key and Path(args.key),
        global_namespace=args.global_namespace,
        bounds=bounds_from(environ),
    )


def bounds_from(environ: Mapping[str, str]) -> Bounds:
    """The defaults, each replaced where its variable is set."""
    variables = {field: PREFIX + field.name.upper() for field in fields(Bounds)}
    given: dict[str, Any] = {
        field.name: read_bound(variable, environ[variable], whole=field.type is int)
        for field, variable in variables.items()
        if variable in environ
    }
    return Bounds(**given)


def read_bound(variable: str, text: str, *, whole: bool) -> float:
    """A number above 0, a whole one where parts make no sense."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf or (whole and value % 1):
        expected = "a whole number" if whole else "a number"
        raise SettingsError(f"{variable}: expected {expected} above 0, got {text!r}")
    return int(value) if whole else value
