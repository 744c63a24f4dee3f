"""cert-manager: an authority of our own, or an issuer of the administrator's; the names that API servers ask for."""

import pytest
from rendering import API_SERVER, ISSUER, NO_CRDS, Object, Values, find, render

NAMES: dict[str, tuple[str, dict[str, list[str]]]] = {
    "service": ("", {"dnsNames": ["workload-policy.workload-policy.svc"]}),
    "host": ("https://policy.example.com:8443", {"dnsNames": ["policy.example.com"]}),
    "IPv4": ("https://10.0.0.7:8443", {"ipAddresses": ["10.0.0.7"]}),
    "IPv6": ("https://[fd00::7]:8443", {"ipAddresses": ["fd00::7"]}),
}


def managed(values: Values) -> dict[tuple[str, str], Object]:
    """The specs of cert-manager's objects."""
    objects = render(NO_CRDS | API_SERVER | {"certManager": {"enabled": True}} | values)
    ours = [it for it in objects if it["apiVersion"] == "cert-manager.io/v1"]
    return {(it["kind"], it["metadata"]["name"]): it["spec"] for it in ours}


def test_an_authority_of_our_own_outlives_what_it_signs() -> None:
    ecdsa = {"algorithm": "ECDSA", "size": 256}
    assert managed({}) == {
        ("Issuer", "workload-policy-selfsigned"): {"selfSigned": {}},
        ("Certificate", "workload-policy-ca"): {
            "isCA": True,
            "commonName": "workload-policy-ca",
            "secretName": "workload-policy-ca",
            "duration": "87600h",
            "privateKey": ecdsa,
            "issuerRef": {"kind": "Issuer", "name": "workload-policy-selfsigned"},
        },
        ("Issuer", "workload-policy"): {"ca": {"secretName": "workload-policy-ca"}},
        ("Certificate", "workload-policy"): {
            "secretName": "workload-policy-tls",
            "dnsNames": ["workload-policy.workload-policy.svc"],
            "duration": "2160h",
            "renewBefore": "720h",
            "usages": ["server auth", "digital signature"],
            "privateKey": {**ecdsa, "rotationPolicy": "Always"},
            "issuerRef": {"kind": "Issuer", "name": "workload-policy"},
        },
    }


def test_an_issuer_of_the_administrators() -> None:
    found = managed({"certManager": {"enabled": True, "issuerRef": ISSUER}})
    assert found.keys() == {("Certificate", "workload-policy")}
    assert found["Certificate", "workload-policy"]["issuerRef"] == ISSUER


@pytest.mark.parametrize("name", NAMES)
def test_the_certificate_is_for_the_name_that_is_asked_for(name: str) -> None:
    url, names = NAMES[name]
    spec = managed({"webhook": {"url": url}})["Certificate", "workload-policy"]
    assert {key: spec[key] for key in ("dnsNames", "ipAddresses") if key in spec} == names


def test_nothing_of_cert_manager_by_default(default: list[Object]) -> None:
    assert [it for it in default if "cert-manager" in it["apiVersion"]] == []
    assert "cert-manager" not in str(find(default, "ValidatingWebhookConfiguration"))
