"""Makes certificates: ECDSA P-256, the cheapest handshake that every API server speaks."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

COMMON_NAME = "workload-policy"
CLOCK_SKEW = timedelta(minutes=5)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate (with its chain) and its private key, both PEM; the key is never shown."""

    cert_pem: bytes
    key_pem: bytes = field(repr=False)


def self_signed(names: Iterable[str], now: datetime, days: int) -> Pair:
    """A serving pair for names and addresses that vouches for itself: clients trust this very certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    draft = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days))
    )
    for extension, critical in serving_extensions(names, key.public_key()):
        draft = draft.add_extension(extension, critical=critical)
    return to_pair(draft.sign(key, hashes.SHA256()), key)


def serving_extensions(
    names: Iterable[str], key: ec.EllipticCurvePublicKey
) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """What makes a certificate one of a server, each with whether it is critical."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key)
    return (
        (x509.SubjectAlternativeName([alternative_name(name) for name in dict.fromkeys(names)]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (signing_only(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    )


def signing_only() -> x509.KeyUsage:
    """The one usage that a TLS server's EC key needs."""
    unused = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    authority = ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(digital_signature=True, **dict.fromkeys(unused + authority, False))


def alternative_name(name: str) -> x509.GeneralName:
    """An address as an address, anything else as a DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def to_pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    """Both as PEM, the key as PKCS #8 without a password."""
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM), key_pem)
