"""Helm installs, tests, upgrades and uninstalls a release on a real API server; and who may do what there."""

import subprocess
from collections.abc import Callable

import pytest
from daemons import wait_until
from nodes import Nodes
from plane import ControlPlane
from rendering import CHART, NAMESPACE
from webhooks import DirectoryWebhook

from policies.kinds import KINDS

Helm = Callable[..., str]
PLURALS = [plural for kind in KINDS for plural in (kind.plural, kind.policy_plural)]
ADMIN, VIEWER, SUBMITTER, POLICY_ADMIN = "an-admin", "a-viewer", "a-submitter", "a-policy-admin"
# a role of Kubernetes' own or of ours, and what whoever has it in a project may do there
MAY: dict[str, tuple[str, set[str]]] = {
    ADMIN: ("admin", {"get policies"}),
    VIEWER: ("view", {"get policies"}),
    SUBMITTER: ("workload-submitter", {"get policies", "get workloads", "create workloads"}),
    POLICY_ADMIN: ("workload-policy-admin", {"get policies", "create policies"}),
}


@pytest.fixture(scope="module")
def helm(plane: ControlPlane, webhook: DirectoryWebhook, nodes: Nodes) -> Helm:  # noqa: ARG001 - nodes play along
    """Run Helm; what it prints."""

    def run(*args: str) -> str:
        command = [plane.programs["helm"], *args, f"--namespace={NAMESPACE}", f"--kubeconfig={plane.kubeconfig}"]
        ran = subprocess.run(command, env=plane.environ, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    plane.kubectl("create", "namespace", NAMESPACE).check_returncode()
    values = [f"--set=webhook.url={webhook.url}", "--set=networkPolicy.apiServerCIDRs={10.0.0.0/28}"]
    run("install", NAMESPACE, str(CHART), *values)
    wait_until(lambda: None not in bundles(plane), "the CA bundle is published")
    return run


def bundles(plane: ControlPlane) -> set[str | None]:
    """The CA bundles of the validating webhooks."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/workload-policy"
    return {it["clientConfig"].get("caBundle") for it in plane.api("GET", path).body["webhooks"]}


def test_helm_test_sees_that_the_webhook_is_asked(helm: Helm, nodes: Nodes) -> None:
    assert "Succeeded" in helm("test", NAMESPACE)
    assert nodes.ran["workload-policy-test"] == (
        'admission webhook "validate.workload-policy.run.ai" denied the request: '
        "gpu: must be a whole number or a fraction between 0 and 1\n"
    )


def test_an_upgrade_leaves_the_ca_bundle_alone(helm: Helm, plane: ControlPlane) -> None:
    before = bundles(plane)
    helm("upgrade", NAMESPACE, str(CHART), "--reset-then-reuse-values", "--set=webhook.timeoutSeconds=7")
    assert bundles(plane) == before


@pytest.mark.parametrize("user", MAY)
def test_who_may_do_what_in_a_project(user: str, helm: Helm, plane: ControlPlane) -> None:  # noqa: ARG001
    role, rights = MAY[user]
    plane.kubectl("create", "namespace", f"runai-{user}").check_returncode()
    binding = ("create", "rolebinding", "it", f"--clusterrole={role}", f"--user={user}", f"--namespace=runai-{user}")
    plane.kubectl(*binding).check_returncode()

    def may(what: str) -> bool:
        verb, _, kinds = what.partition(" ")
        resource = "trainingpolicies.run.ai" if kinds == "policies" else "trainingworkloads.run.ai"
        return (
            plane.kubectl("auth", "can-i", verb, resource, f"--as={user}", f"--namespace=runai-{user}").stdout
            == "yes\n"
        )

    asked = {f"{verb} {kinds}" for verb in ("get", "create") for kinds in ("policies", "workloads")}
    wait_until(lambda: may("get policies"), "roles are aggregated")
    assert {what for what in asked if may(what)} == rights


def test_uninstall_unregisters_first_and_keeps_the_crds(helm: Helm, plane: ControlPlane, nodes: Nodes) -> None:
    helm("uninstall", NAMESPACE)
    assert nodes.ran["workload-policy-unregister"].count("gone: ") == 2
    left = plane.kubectl("get", "crd", "--output=name").stdout.split()
    assert {f"customresourcedefinition.apiextensions.k8s.io/{plural}.run.ai" for plural in PLURALS} <= set(left)
    kinds = (
        "validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings,"
        "deployments,services,serviceaccounts,roles,rolebindings,jobs,pods,poddisruptionbudgets,networkpolicies"
    )
    found = plane.kubectl("get", kinds, "--all-namespaces", "--output=name").stdout
    assert [name for name in found.split() if "/workload-" in name] == []
