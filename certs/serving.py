"""The TLS side of a server: a context for each pair, and the one context that offers the current one."""

import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from certs.issue import Pair


class PairError(ValueError):
    """A certificate and key that cannot serve, in one sentence."""


def read_pair(cert: Path, key: Path) -> Pair:
    """The two files of a pair. Whether they fit together is found by `fresh_context`."""
    return Pair(read_pem(cert), read_pem(key))


def read_pem(path: Path) -> bytes:
    """A file's bytes, or a PairError that names it."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PairError(f"{path}: {error.strerror}") from error


def fresh_context(pair: Pair) -> ssl.SSLContext:
    """A context with this pair and no other: loading a mismatched pair into a live one breaks that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0  # API servers do not resume sessions
    context.set_alpn_protocols(["http/1.1"])
    try:
        load_pair(context, pair)
    except ssl.SSLError as error:
        raise PairError(f"the certificate and the key cannot serve: {pair_problem(error)}") from error
    return context


def load_pair(context: ssl.SSLContext, pair: Pair) -> None:
    """Load PEM that is in memory; the ssl module reads only files."""
    with TemporaryDirectory(prefix="workload-policy-") as directory:
        cert, key = Path(directory, "tls.crt"), Path(directory, "tls.key")
        cert.write_bytes(pair.cert_pem)
        key.touch(mode=0o600)
        key.write_bytes(pair.key_pem)
        # Without a password of ours OpenSSL would ask for one on the terminal.
        context.load_cert_chain(cert, key, password="")


def pair_problem(error: ssl.SSLError) -> str:
    """What is wrong with a pair, as far as OpenSSL says."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    return "they are not a PEM certificate and an unencrypted PEM key"


class Offer:
    """The TLS context to listen with. Every handshake gets the context of the pair that is current at that time."""

    def __init__(self, pair: Pair) -> None:
        self.context = fresh_context(pair)
        self.context.sni_callback = self.choose  # called without SNI too
        self.current = fresh_context(pair)

    def replace(self, pair: Pair) -> None:
        """Offer another pair from now on; one that cannot serve raises PairError and changes nothing."""
        self.current = fresh_context(pair)

    def choose(self, handshake: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _listening: ssl.SSLContext) -> None:
        """Let a handshake go on with the current pair."""
        handshake.context = self.current
