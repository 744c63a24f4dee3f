from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from certs.issue import LOOPBACK, issue_leaf, new_authority, self_signed

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


# An authority and its leaves

LIFE = timedelta(days=30)
CA = new_authority(NOW, LIFE)
CERTIFICATE = x509.load_pem_x509_certificate(CA.cert_pem)


def test_an_authority_signs_and_does_nothing_else() -> None:
    CERTIFICATE.verify_directly_issued_by(CERTIFICATE)
    constraints = CERTIFICATE.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = CERTIFICATE.extensions.get_extension_for_class(x509.KeyUsage)
    assert (constraints.critical, constraints.value) == (True, x509.BasicConstraints(ca=True, path_length=0))
    assert (usage.critical, usage.value.key_cert_sign, usage.value.crl_sign) == (True, True, True)
    assert not usage.value.digital_signature
    assert CERTIFICATE.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert CERTIFICATE.not_valid_after_utc == NOW + LIFE


def test_the_name_of_an_authority_says_which_it_is() -> None:
    other = x509.load_pem_x509_certificate(new_authority(NOW, LIFE).cert_pem)
    assert CERTIFICATE.subject.rfc4514_string() == f"CN=workload-policy-ca-{CERTIFICATE.serial_number:x}"
    assert CERTIFICATE.subject != other.subject


def test_a_leaf_is_found_by_its_authority() -> None:
    leaf = x509.load_pem_x509_certificate(issue_leaf(CA, LOOPBACK, NOW, LIFE / 2).cert_pem)
    leaf.verify_directly_issued_by(CERTIFICATE)
    signer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    own = CERTIFICATE.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert signer.key_identifier == own.digest
    assert leaf.not_valid_after_utc == NOW + LIFE / 2
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_leaf_does_not_outlive_its_authority() -> None:
    leaf = x509.load_pem_x509_certificate(issue_leaf(CA, LOOPBACK, NOW + LIFE / 2, LIFE).cert_pem)
    assert leaf.not_valid_after_utc == NOW + LIFE


def test_keys_are_not_shown() -> None:
    assert "PRIVATE" not in repr(CA)
