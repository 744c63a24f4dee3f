from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.issue import LOOPBACK, self_signed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def issued(*names: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(self_signed(names, NOW, days=30).cert_pem)


def test_the_names_are_those_given_each_once() -> None:
    certificate = issued(*LOOPBACK, "webhook.runai.svc", "localhost", "10.0.0.1")
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "webhook.runai.svc"]
    assert names.get_values_for_type(x509.IPAddress) == [ip_address(ip) for ip in ("127.0.0.1", "::1", "10.0.0.1")]


def test_it_is_valid_for_so_many_days_and_for_clocks_that_are_behind() -> None:
    certificate = issued("localhost")
    assert certificate.not_valid_after_utc == NOW + timedelta(days=30)
    assert certificate.not_valid_before_utc == NOW - timedelta(minutes=5)


def test_it_is_a_server_s_own_and_no_authority() -> None:
    certificate = issued("localhost")
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert list(extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        x509.ExtendedKeyUsageOID.SERVER_AUTH
    ]
    certificate.verify_directly_issued_by(certificate)


def test_the_key_is_p_256_and_never_shown() -> None:
    pair = self_signed(["localhost"], NOW, days=1)
    key = load_pem_private_key(pair.key_pem, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
    assert "PRIVATE" not in repr(pair)


@pytest.mark.parametrize("field", ["cert_pem", "key_pem", "serial"])
def test_no_two_are_alike(field: str) -> None:
    def part() -> object:
        pair = self_signed(["localhost"], NOW, days=1)
        return (
            x509.load_pem_x509_certificate(pair.cert_pem).serial_number if field == "serial" else getattr(pair, field)
        )

    assert part() != part()
