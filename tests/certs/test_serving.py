import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from certs.issue import LOOPBACK, Pair, self_signed
from certs.serving import Offer, PairError, fresh_context, read_pair

PAIR = self_signed(LOOPBACK, datetime.now(UTC), 1)
OTHER = self_signed(LOOPBACK, datetime.now(UTC), 1)


def locked(pem: bytes) -> bytes:
    """The key with a password."""
    key = load_pem_private_key(pem, password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))


UNUSABLE = [
    (Pair(PAIR.cert_pem, OTHER.key_pem), "the key does not belong to the certificate"),
    (Pair(b"", b""), "they are not a PEM certificate and an unencrypted PEM key"),
    (Pair(PAIR.cert_pem, b"nonsense"), "they are not a PEM certificate and an unencrypted PEM key"),
    (Pair(PAIR.key_pem, PAIR.cert_pem), "they are not a PEM certificate and an unencrypted PEM key"),
    (Pair(PAIR.cert_pem, locked(PAIR.key_pem)), "they are not a PEM certificate and an unencrypted PEM key"),
]


@pytest.mark.parametrize(("pair", "problem"), UNUSABLE, ids=["mismatch", "empty", "nonsense", "swapped", "password"])
def test_a_pair_that_cannot_serve_is_a_sentence(pair: Pair, problem: str) -> None:
    with pytest.raises(PairError) as raised:
        fresh_context(pair)
    assert str(raised.value) == f"the certificate and the key cannot serve: {problem}"


@pytest.mark.parametrize("pair", [pair for pair, _problem in UNUSABLE])
def test_a_bad_pair_never_replaces_the_good_one(pair: Pair) -> None:
    offer = Offer(PAIR)
    good = offer.current
    with pytest.raises(PairError):
        offer.replace(pair)
    assert offer.current is good


def test_a_context_is_fit_for_api_servers() -> None:
    context = fresh_context(PAIR)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.num_tickets == 0


def test_a_pair_is_read_from_files(tmp_path: Path) -> None:
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    cert.write_bytes(PAIR.cert_pem)
    with pytest.raises(PairError) as raised:
        read_pair(cert, key)
    assert str(raised.value) == f"{key}: No such file or directory"
    key.write_bytes(PAIR.key_pem)
    assert read_pair(cert, key) == PAIR
