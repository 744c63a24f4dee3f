"""Whether a stored pair is as it should be, and if not, why: what is wrong stands before what is only due."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from certs.issue import CLOCK_SKEW, Pair, alternative_name, read_key

Extension = TypeVar("Extension", bound=x509.ExtensionType)

WORN = 2 / 3  # of its life: a third is left for whatever keeps the next one from being made


class Reason(StrEnum):
    """Why a pair must be replaced; to be read after its name."""

    MISSING = "is missing"
    UNREADABLE = "is no certificate with an EC key"
    MISMATCHED = "has the key of another certificate"
    POWERLESS = "may not sign"
    FOREIGN = "is not signed by the authority"
    EARLY = "is not valid yet"
    EXPIRED = "has expired"
    NAMELESS = "lacks a name"
    DUE = "is past two thirds of its life"


UNREADABLE = (
    *(ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
FIT = frozenset({None, Reason.NAMELESS, Reason.DUE})  # to be replaced perhaps, but until then it may serve, or sign


def authority_reason(pair: Pair, now: datetime) -> Reason | None:
    """Why an authority must be replaced."""
    certificate = read_certificate(pair.cert_pem)
    if certificate is None or pair_reason(pair):
        return pair_reason(pair)
    return renewal_reason(certificate, now) if may_sign(certificate) else Reason.POWERLESS


def leaf_reason(leaf: Pair, authority_pem: bytes, names: Iterable[str], now: datetime) -> Reason | None:
    """Why the serving pair must be replaced. Of the authority only the certificate counts: its key may be lost."""
    certificate, authority = read_certificate(leaf.cert_pem), read_certificate(authority_pem)
    if certificate is None or pair_reason(leaf):
        return pair_reason(leaf)
    if authority is None or not has_signed(authority, certificate):
        return Reason.FOREIGN
    reason = renewal_reason(certificate, now)
    return Reason.NAMELESS if reason in FIT and lacks_name(certificate, names) else reason


def pair_reason(pair: Pair) -> Reason | None:
    """Why a certificate and its key are no pair."""
    if not (pair.cert_pem and pair.key_pem):
        return Reason.MISSING
    certificate = read_certificate(pair.cert_pem)
    try:
        belongs = certificate and certificate.public_key() == read_key(pair.key_pem).public_key()
    except UNREADABLE:
        belongs = None
    if belongs is None:
        return Reason.UNREADABLE
    return None if belongs else Reason.MISMATCHED


def renewal_reason(certificate: x509.Certificate, now: datetime) -> Reason | None:
    """Why a certificate must be replaced on account of its age, counted from when it was made: CLOCK_SKEW later."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < start:
        return Reason.EARLY
    if now > end:
        return Reason.EXPIRED
    made = start + CLOCK_SKEW
    return Reason.DUE if now >= made + WORN * (end - made) else None


def may_sign(certificate: x509.Certificate) -> bool:
    """Whether it is one of an authority."""
    constraints = extension_of(certificate, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def has_signed(authority: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether a certificate is signed by an authority."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, *UNREADABLE):
        return False
    return True


def lacks_name(certificate: x509.Certificate, names: Iterable[str]) -> bool:
    """Whether it does not stand for one of the names. More than those do no harm."""
    stated = extension_of(certificate, x509.SubjectAlternativeName) or ()
    return not {alternative_name(name) for name in names} <= set(stated)


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names and addresses that it stands for."""
    stated = extension_of(certificate, x509.SubjectAlternativeName)
    if stated is None:
        return ()
    addresses = map(str, stated.get_values_for_type(x509.IPAddress))
    return (*stated.get_values_for_type(x509.DNSName), *addresses)


# Reading


def read_certificate(pem: bytes) -> x509.Certificate | None:
    """The first certificate, which is the one that a chain is for."""
    return next(iter(read_certificates(pem)), None)


def read_certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates; none of them if one cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except UNREADABLE:
        return ()


def extension_of(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    """An extension's value, if it is there and can be read."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except UNREADABLE:
        return None
