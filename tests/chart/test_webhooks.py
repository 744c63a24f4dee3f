"""What the API server asks about, whom it asks, and what it does without an answer."""

from typing import Any

import pytest
from rendering import API_SERVER, NO_CRDS, Object, Values, find, render

from policies.kinds import API_VERSION, KINDS

GROUP, VERSION = API_VERSION.split("/")
WORKLOADS = [kind.plural for kind in KINDS]
POLICIES = [kind.policy_plural for kind in KINDS]
COMMON = {
    "admissionReviewVersions": ["v1"],
    "sideEffects": "None",
    "matchPolicy": "Equivalent",
    "failurePolicy": "Fail",
    "timeoutSeconds": 5,
}
CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def expected(name: str, path: str, resources: list[str], **more: Any) -> Object:
    """A webhook of the default chart, whole: it has no caBundle, selector or condition."""
    rule = {
        "apiGroups": [GROUP],
        "apiVersions": [VERSION],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
        "scope": "Namespaced",
    }
    service = {"name": "workload-policy", "namespace": "workload-policy", "port": 443, "path": path}
    return (
        {"name": f"{name}.workload-policy.run.ai", "clientConfig": {"service": service}, "rules": [rule]}
        | COMMON
        | more
    )


def webhooks(objects: list[Object]) -> dict[str, Object]:
    """The webhooks of both configurations, by the first word of their names."""
    found = [it for kind in CONFIGURATIONS for it in find(objects, kind)["webhooks"]]
    return {it["name"].partition(".")[0]: it for it in found}


def test_workloads_are_mutated_and_validated_and_policies_validated(default: list[Object]) -> None:
    assert find(default, CONFIGURATIONS[0])["webhooks"] == [
        expected("mutate", "/mutate", WORKLOADS, reinvocationPolicy="IfNeeded"),
    ]
    assert find(default, CONFIGURATIONS[1])["webhooks"] == [
        expected("validate", "/validate", WORKLOADS),
        expected("validate-policy", "/validate-policy", POLICIES),
    ]


def test_no_values_bring_a_wildcard_a_subresource_or_a_ca(rendered: dict[str, list[Object]]) -> None:
    for objects in rendered.values():
        for webhook in webhooks(objects).values():
            [rule] = webhook["rules"]
            assert rule["operations"] == ["CREATE", "UPDATE"]
            assert rule["resources"] in (WORKLOADS, POLICIES)
            assert (rule["apiGroups"], rule["apiVersions"]) == ([GROUP], [VERSION])
            assert "caBundle" not in webhook["clientConfig"]
            assert not webhook.keys() & {"objectSelector", "matchConditions"}


def changed(values: Values) -> dict[str, Object]:
    """The webhooks with these values."""
    return webhooks(render(NO_CRDS | API_SERVER | values))


def test_exempt_namespaces_are_matched_by_the_name_that_the_api_server_sets() -> None:
    found = changed({"exemptNamespaces": ["kube-system", "sandbox"]})
    key = "kubernetes.io/metadata.name"
    exempt = {"matchExpressions": [{"key": key, "operator": "NotIn", "values": ["kube-system", "sandbox"]}]}
    selectors = {name: webhook.get("namespaceSelector") for name, webhook in found.items()}
    assert selectors == {"mutate": exempt, "validate": exempt, "validate-policy": None}


@pytest.mark.parametrize("url", ["https://127.0.0.1:8443", "https://127.0.0.1:8443/", "https://[::1]:8443"])
def test_a_url_takes_the_place_of_the_service(url: str) -> None:
    base = url.removesuffix("/")
    asked = {name: webhook["clientConfig"] for name, webhook in changed({"webhook": {"url": url}}).items()}
    assert asked == {name: {"url": f"{base}/{name}"} for name in ("mutate", "validate", "validate-policy")}


def test_the_glass_can_be_broken() -> None:
    found = changed({"webhook": {"failurePolicy": "Ignore", "timeoutSeconds": 3}})
    assert {(it["failurePolicy"], it["timeoutSeconds"]) for it in found.values()} == {("Ignore", 3)}


@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_cert_manager_injects_the_ca(kind: str, rendered: dict[str, list[Object]]) -> None:
    annotations = {name: find(objects, kind)["metadata"].get("annotations") for name, objects in rendered.items()}
    injected = {"cert-manager.io/inject-ca-from": "workload-policy/workload-policy"}
    assert annotations == {"default": None, "outside": None, "cert-manager": injected, "everything": injected}
