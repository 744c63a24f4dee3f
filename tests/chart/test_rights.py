"""RBAC, compared whole with what is meant: of the webhook, of the hooks, of people; and who reaches which port."""

from typing import Any

import pytest
from rendering import PEER, Object, find

from policies.kinds import KINDS

WORKLOADS = [kind.plural for kind in KINDS]
POLICIES = [kind.policy_plural for kind in KINDS]
READ = ["get", "list", "watch"]
WRITE = [*READ, "create", "update", "patch", "delete", "deletecollection"]
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"


def rule(group: str, resources: list[str], verbs: list[str], *names: str) -> Object:
    """One rule of a role."""
    return {"apiGroups": [group], "resources": resources, "verbs": verbs} | (
        {"resourceNames": [*names]} if names else {}
    )


CONFIGURATIONS = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"]
FOLLOW = [
    rule("run.ai", POLICIES, ["list", "watch"]),
    rule("run.ai", WORKLOADS, ["list", "watch"]),
    rule("run.ai", [f"{plural}/status" for plural in POLICIES], ["patch"]),
]
REGISTER = rule("admissionregistration.k8s.io", CONFIGURATIONS, ["get", "patch"], "workload-policy")
LEASE = [
    rule("coordination.k8s.io", ["leases"], ["create"]),
    rule("coordination.k8s.io", ["leases"], ["get", "update"], "workload-policy"),
]
SECRET = [
    rule("", ["secrets"], ["create"]),
    rule("", ["secrets"], ["get", "update", "patch"], "workload-policy-cert"),
]
SUBMIT_IN_A_DRY_RUN = rule("run.ai", ["trainingworkloads"], ["create"])
UNREGISTER = rule("admissionregistration.k8s.io", CONFIGURATIONS, ["delete"], "workload-policy")

RIGHTS: dict[str, dict[tuple[str, str], list[Any]]] = {
    "default": {
        ("ClusterRole", "workload-policy"): [*FOLLOW, REGISTER],
        ("Role", "workload-policy"): [*LEASE, *SECRET],
    },
    "cert-manager": {
        ("ClusterRole", "workload-policy"): FOLLOW,
        ("Role", "workload-policy"): LEASE,
    },
}
HOOKS: dict[tuple[str, str], list[Any]] = {
    ("Role", "workload-policy-test"): [SUBMIT_IN_A_DRY_RUN],
    ("ClusterRole", "workload-policy-unregister"): [UNREGISTER],
}
PEOPLE: dict[tuple[str, str], list[Any]] = {
    ("ClusterRole", "workload-policy-admin"): [rule("run.ai", POLICIES, WRITE)],
    ("ClusterRole", "workload-policy-viewer"): [rule("run.ai", POLICIES, READ)],
    ("ClusterRole", "workload-submitter"): [rule("run.ai", POLICIES, READ), rule("run.ai", WORKLOADS, WRITE)],
}


def roles(objects: list[Object]) -> dict[tuple[str, str], Object]:
    """All roles by kind and name."""
    return {(it["kind"], it["metadata"]["name"]): it for it in objects if it["kind"] in {"Role", "ClusterRole"}}


@pytest.mark.parametrize("name", RIGHTS)
def test_roles_are_exactly_these(name: str, rendered: dict[str, list[Object]]) -> None:
    rules = {role: it["rules"] for role, it in roles(rendered[name]).items()}
    assert rules == RIGHTS[name] | HOOKS | PEOPLE


def test_a_webhook_outside_has_the_same_rights(rendered: dict[str, list[Object]]) -> None:
    rules = {role: it["rules"] for role, it in roles(rendered["outside"]).items()}
    assert rules == RIGHTS["default"] | PEOPLE


def test_only_the_viewer_aggregates(rendered: dict[str, list[Object]]) -> None:
    aggregated = {
        (name, label.removeprefix(AGGREGATE))
        for (_kind, name), role in roles(rendered["everything"]).items()
        for label in role["metadata"]["labels"]
        if label.startswith(AGGREGATE)
    }
    assert aggregated == {("workload-policy-viewer", role) for role in ("view", "edit", "admin")}


def test_only_api_servers_reach_the_admission_port(default: list[Object]) -> None:
    spec = find(default, "NetworkPolicy")["spec"]
    addresses = [{"ipBlock": {"cidr": "10.0.0.0/28"}}, {"ipBlock": {"cidr": "fd00::/64"}}]
    assert (spec["policyTypes"], spec["ingress"]) == (
        ["Ingress"],
        [{"ports": [{"port": "admission"}], "from": addresses}],
    )


def test_who_reads_the_metrics_reaches_the_health_port(rendered: dict[str, list[Object]]) -> None:
    _admission, health = find(rendered["everything"], "NetworkPolicy")["spec"]["ingress"]
    assert health == {"ports": [{"port": "health"}], "from": [PEER]}
