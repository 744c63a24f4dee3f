from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from certs.issue import LOOPBACK, Pair, issue_leaf, new_authority, read_key, self_signed
from certs.judge import Reason, authority_reason, leaf_reason, names_of, read_certificate, read_certificates

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
CA = new_authority(NOW, 300 * DAY)
OTHER_CA = new_authority(NOW, 300 * DAY)
LEAF = issue_leaf(CA, LOOPBACK, NOW, 90 * DAY)
PKCS8 = PrivateFormat.PKCS8


def cert(pair: Pair) -> x509.Certificate:
    certificate = read_certificate(pair.cert_pem)
    assert certificate
    return certificate


def key_as(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PKCS8, NoEncryption())


LOCKED = read_key(CA.key_pem).private_bytes(Encoding.PEM, PKCS8, BestAvailableEncryption(b"x"))
BROKEN = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
UNPAIRED: dict[str, tuple[Callable[[Pair], Pair], Reason]] = {
    "nothing": (lambda _it: Pair(b"", b""), Reason.MISSING),
    "no certificate": (lambda it: Pair(b"", it.key_pem), Reason.MISSING),
    "no key": (lambda it: Pair(it.cert_pem, b""), Reason.MISSING),
    "no PEM": (lambda it: Pair(b"nonsense", it.key_pem), Reason.UNREADABLE),
    "no DER": (lambda it: Pair(BROKEN, it.key_pem), Reason.UNREADABLE),
    "cut": (lambda it: Pair(it.cert_pem[:-40], it.key_pem), Reason.UNREADABLE),
    "a broken chain": (lambda it: Pair(it.cert_pem + BROKEN, it.key_pem), Reason.UNREADABLE),
    "a cut key": (lambda it: Pair(it.cert_pem, it.key_pem[:-40]), Reason.UNREADABLE),
    "swapped": (lambda it: Pair(it.key_pem, it.cert_pem), Reason.UNREADABLE),
    "a locked key": (lambda it: Pair(it.cert_pem, LOCKED), Reason.UNREADABLE),
    "an RSA key": (
        lambda it: Pair(it.cert_pem, key_as(rsa.generate_private_key(65537, 1024))),  # noqa: S505 - quick to make, never trusted
        Reason.UNREADABLE,
    ),
    "an Ed25519 key": (
        lambda it: Pair(it.cert_pem, key_as(ed25519.Ed25519PrivateKey.generate())),
        Reason.UNREADABLE,
    ),
    "another's key": (lambda it: Pair(it.cert_pem, OTHER_CA.key_pem), Reason.MISMATCHED),
}


@pytest.mark.parametrize(("change", "reason"), UNPAIRED.values(), ids=UNPAIRED)
def test_what_is_no_pair_is_neither_authority_nor_leaf(change: Callable[[Pair], Pair], reason: Reason) -> None:
    assert authority_reason(change(CA), NOW) is reason
    assert leaf_reason(change(LEAF), CA.cert_pem, LOOPBACK, NOW) is reason


SECOND = timedelta(seconds=1)
AGES: dict[str, tuple[timedelta, Reason | None]] = {  # as parts of a life of 90 days
    "a clock behind by a little": (-timedelta(minutes=5), None),
    "a clock behind": (-timedelta(minutes=5, seconds=1), Reason.EARLY),
    "new": (timedelta(0), None),
    "before two thirds": (60 * DAY - SECOND, None),
    "two thirds": (60 * DAY, Reason.DUE),
    "the last moment": (90 * DAY, Reason.DUE),
    "over": (90 * DAY + SECOND, Reason.EXPIRED),
}


@pytest.mark.parametrize(("age", "reason"), AGES.values(), ids=AGES)
def test_age(age: timedelta, reason: Reason | None) -> None:
    assert authority_reason(new_authority(NOW, 90 * DAY), NOW + age) is reason
    assert leaf_reason(LEAF, CA.cert_pem, LOOPBACK, NOW + age) is reason


def test_the_shortest_life_is_not_due_at_once() -> None:
    brief = issue_leaf(CA, LOOPBACK, NOW, 30 * SECOND)
    assert leaf_reason(brief, CA.cert_pem, LOOPBACK, NOW + 19 * SECOND) is None
    assert leaf_reason(brief, CA.cert_pem, LOOPBACK, NOW + 20 * SECOND) is Reason.DUE


SIGNERS: dict[str, tuple[bytes, Reason | None]] = {
    "its authority": (CA.cert_pem, None),
    "its authority of several": (CA.cert_pem + OTHER_CA.cert_pem, None),
    "another authority": (OTHER_CA.cert_pem, Reason.FOREIGN),
    "itself": (LEAF.cert_pem, Reason.FOREIGN),
    "none": (b"", Reason.FOREIGN),
    "garbage": (b"garbage", Reason.FOREIGN),
}


@pytest.mark.parametrize(("authority", "reason"), SIGNERS.values(), ids=SIGNERS)
def test_a_leaf_has_one_signer(authority: bytes, reason: Reason | None) -> None:
    assert leaf_reason(LEAF, authority, LOOPBACK, NOW) is reason


def test_the_name_of_an_authority_is_not_enough() -> None:
    certificate = cert(CA)
    forger = read_key(OTHER_CA.key_pem)
    forged = x509.CertificateBuilder(
        certificate.subject,
        certificate.subject,
        forger.public_key(),
        certificate.serial_number,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        list(certificate.extensions),
    ).sign(forger, certificate.signature_hash_algorithm)
    leaf = issue_leaf(Pair(forged.public_bytes(Encoding.PEM), OTHER_CA.key_pem), LOOPBACK, NOW, DAY)
    assert leaf_reason(leaf, CA.cert_pem, LOOPBACK, NOW) is Reason.FOREIGN


def test_only_an_authority_may_sign() -> None:
    assert authority_reason(LEAF, NOW) is Reason.POWERLESS
    assert authority_reason(self_signed(LOOPBACK, NOW, 1), NOW) is Reason.POWERLESS


NAMES: dict[str, tuple[tuple[str, ...], Reason | None]] = {
    "all": (LOOPBACK, None),
    "fewer": (("::1",), None),
    "an address written otherwise": (("0:0::1",), None),
    "another name": (("localhost", "webhook.runai.svc"), Reason.NAMELESS),
    "another address": (("10.0.0.1",), Reason.NAMELESS),
}


@pytest.mark.parametrize(("names", "reason"), NAMES.values(), ids=NAMES)
def test_names(names: tuple[str, ...], reason: Reason | None) -> None:
    assert leaf_reason(LEAF, CA.cert_pem, names, NOW) is reason


def test_what_is_wrong_comes_before_what_is_due() -> None:
    def judged(age: timedelta) -> Reason | None:
        return leaf_reason(LEAF, CA.cert_pem, ["other"], NOW + age)

    assert [judged(age * DAY) for age in (-1, 0, 61, 91)] == [
        Reason.EARLY,
        Reason.NAMELESS,
        Reason.NAMELESS,
        Reason.EXPIRED,
    ]


def test_the_names_of_a_certificate() -> None:
    assert names_of(cert(LEAF)) == LOOPBACK
    assert names_of(cert(CA)) == ()


def test_a_reason_is_read_after_the_name_of_a_pair() -> None:
    assert f"the leaf {Reason.DUE}" == "the leaf is past two thirds of its life"


def test_a_bundle_is_read_whole_or_not_at_all() -> None:
    both = CA.cert_pem + OTHER_CA.cert_pem
    assert read_certificates(both) == (cert(CA), cert(OTHER_CA))
    assert read_certificates(both + BROKEN) == ()
