"""Makes certificates: ECDSA P-256, the cheapest handshake that every API server speaks."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

COMMON_NAME = "workload-policy"
CLOCK_SKEW = timedelta(minutes=5)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)

Extensions = Iterable[tuple[x509.ExtensionType, bool]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (with its chain) and its private key, both PEM; the key is never shown."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a certificate is for, or who signs it."""

    name: x509.Name
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    @property
    def identifier(self) -> x509.SubjectKeyIdentifier:
        """What a chain is found by."""
        return x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a certificate is valid, but for CLOCK_SKEW, and its serial number."""

    start: datetime
    end: datetime
    serial: int = field(default_factory=x509.random_serial_number)


# The certificates


def self_signed(names: Iterable[str], now: datetime, days: int) -> Pair:
    """A serving pair for names and addresses that vouches for itself: clients trust this very certificate."""
    own = Party(called(COMMON_NAME), fresh_key())
    return certify(own, own, Span(now, now + timedelta(days=days)), serving_extensions(names, own, own))


def new_authority(now: datetime, life: timedelta) -> Pair:
    """An authority that signs leaves and no other authorities. No two have the same name: a bundle may hold several."""
    span = Span(now, now + life)
    own = Party(called(f"{COMMON_NAME}-ca-{span.serial:x}"), fresh_key())
    return certify(own, own, span, authority_extensions(own))


def issue_leaf(authority: Pair, names: Iterable[str], now: datetime, life: timedelta) -> Pair:
    """A serving pair for names and addresses, signed by an authority and never valid for longer than that."""
    certificate = x509.load_pem_x509_certificate(authority.cert_pem)
    issuer = Party(certificate.subject, read_key(authority.key_pem))
    own = Party(called(COMMON_NAME), fresh_key())
    span = Span(now, min(now + life, certificate.not_valid_after_utc))
    return certify(own, issuer, span, serving_extensions(names, own, issuer))


def certify(subject: Party, issuer: Party, span: Span, extensions: Extensions) -> Pair:
    """A pair for the subject, signed by the issuer."""
    draft = (
        x509.CertificateBuilder()
        .subject_name(subject.name)
        .issuer_name(issuer.name)
        .public_key(subject.key.public_key())
        .serial_number(span.serial)
        .not_valid_before(span.start - CLOCK_SKEW)
        .not_valid_after(span.end)
    )
    for extension, critical in extensions:
        draft = draft.add_extension(extension, critical=critical)
    return to_pair(draft.sign(issuer.key, hashes.SHA256()), subject.key)


# Their parts


def serving_extensions(names: Iterable[str], own: Party, issuer: Party) -> Extensions:
    """What makes a certificate one of a server, each with whether it is critical."""
    return (
        (x509.SubjectAlternativeName([alternative_name(name) for name in dict.fromkeys(names)]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("digital_signature"), True),  # the one that a TLS server's EC key needs
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (own.identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer.identifier), False),
    )


def authority_extensions(own: Party) -> Extensions:
    """What makes a certificate one of an authority, each with whether it is critical."""
    return (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (key_usage("key_cert_sign", "crl_sign"), True),
        (own.identifier, False),
    )


def key_usage(*usages: str) -> x509.KeyUsage:
    """These usages and no others."""
    return x509.KeyUsage(**{usage: usage in usages for usage in USAGES})


def alternative_name(name: str) -> x509.GeneralName:
    """An address as an address, anything else as a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def called(name: str) -> x509.Name:
    """A common name and nothing else."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


# Keys


def fresh_key() -> ec.EllipticCurvePrivateKey:
    """A new key."""
    return ec.generate_private_key(ec.SECP256R1())


def read_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """A key from PEM without a password. ValueError if it is something else."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("a key with a password, or of an unknown kind") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("not an EC key")  # noqa: TRY004 - what the reader of PEM raises too
    return key


def to_pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    """Both as PEM, the key as PKCS #8 without a password."""
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), key_pem)
