"""The pods: what they may do, when they are asked, how they leave, and what they are told."""

from typing import Any

import pytest
from rendering import API_SERVER, DIGEST, NO_CRDS, Object, Values, find, render

from webhook.settings import Bounds

COMMAND = [
    "serve",
    "--policies-from-cluster",
    "--namespace=workload-policy",
    "--global-namespace=runai",
    "--lease=workload-policy",
]
OWN_CERTIFICATE = [
    "--cert-secret=workload-policy-cert",
    "--cert-host=workload-policy.workload-policy.svc",
]
REGISTER = ["--webhook-configuration=workload-policy"]
MOUNTED_CERTIFICATE = ["--cert=/etc/workload-policy/tls/tls.crt", "--key=/etc/workload-policy/tls/tls.key"]
LISTEN = ["--host=0.0.0.0", "--port=8443", "--health-port=8080"]
COMMANDS: dict[str, tuple[Values, list[str]]] = {
    "default": ({}, [*COMMAND, *OWN_CERTIFICATE, *REGISTER, *LISTEN]),
    "by URL": (
        {"webhook": {"url": "https://policy.example.com:8443"}},
        [*COMMAND, *OWN_CERTIFICATE, "--cert-host=policy.example.com", *REGISTER, *LISTEN],
    ),
    "cert-manager": ({"certManager": {"enabled": True}}, [*COMMAND, *MOUNTED_CERTIFICATE, *LISTEN]),
    "mutual TLS": (
        {"clientCA": {"configMap": "api-server-ca"}},
        [*COMMAND, *OWN_CERTIFICATE, *REGISTER, "--client-ca=/etc/workload-policy/client-ca/ca.crt", *LISTEN],
    ),
    "IPv6": ({"host": "::"}, [*COMMAND, *OWN_CERTIFICATE, *REGISTER, "--host=::", *LISTEN[1:]]),
}
IMAGES = {
    "default": ({}, "workload-policy:0.1.0"),
    "registry": ({"registry": "images.example.com", "tag": "1.2"}, "images.example.com/workload-policy:1.2"),
    "digest": ({"repository": "team/workload-policy", "digest": DIGEST}, f"team/workload-policy@{DIGEST}"),
}


def deployment(values: Values | None = None) -> Object:
    """The spec of the Deployment with these values."""
    spec: Object = find(render(NO_CRDS | API_SERVER | (values or {})), "Deployment")["spec"]
    return spec


def container(values: Values | None = None) -> Object:
    """The one container."""
    [only] = deployment(values)["template"]["spec"]["containers"]
    return dict(only)


def pods(objects: list[Object]) -> dict[str, Object]:
    """The specs of all pods, by the name of what makes them."""
    found = {it["metadata"]["name"]: it["spec"] for it in objects if it["kind"] in {"Deployment", "Job", "Pod"}}
    return {name: spec.get("template", {"spec": spec})["spec"] for name, spec in found.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_command(name: str) -> None:
    values, command = COMMANDS[name]
    assert container(values)["args"] == command


@pytest.mark.parametrize("name", IMAGES)
def test_image(name: str) -> None:
    values, image = IMAGES[name]
    assert container({"image": values})["image"] == image


def test_every_pod_has_no_more_rights_than_it_needs(rendered: dict[str, list[Object]]) -> None:
    found = pods(rendered["everything"])
    assert found.keys() == {"workload-policy", "workload-policy-unregister", "workload-policy-test"}
    for pod in found.values():
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        [only] = pod["containers"]
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers"}
        assert "memory" in only["resources"]["limits"]
        assert "cpu" not in only["resources"]["limits"]


def test_tokens_are_mounted_where_they_are_used(rendered: dict[str, list[Object]]) -> None:
    objects = rendered["everything"]
    accounts = [it for it in objects if it["kind"] == "ServiceAccount"]
    assert [it["automountServiceAccountToken"] for it in accounts] == [False] * 3
    assert [pod["automountServiceAccountToken"] for pod in pods(objects).values()] == [True] * 3


def test_services_of_the_namespace_do_not_become_settings(default: list[Object]) -> None:
    assert [pod["enableServiceLinks"] for pod in pods(default).values()] == [False] * 3


def test_two_replicas_on_different_nodes_and_one_leaves_at_a_time(default: list[Object]) -> None:
    spec = find(default, "Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"] == {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert [(it["topologyKey"], it["maxSkew"], it["whenUnsatisfiable"]) for it in spread] == [
        ("kubernetes.io/hostname", 1, "ScheduleAnyway"),
        ("topology.kubernetes.io/zone", 1, "ScheduleAnyway"),
    ]
    budget = find(default, "PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_probes_ask_the_health_port(default: list[Object]) -> None:
    [only] = pods(default)["workload-policy"]["containers"]
    asked = {name: only[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert asked == {
        "startup": {"path": "/healthz", "port": "health"},
        "readiness": {"path": "/readyz", "port": "health"},
        "liveness": {"path": "/healthz", "port": "health"},
    }
    assert only["ports"] == [
        {"name": "admission", "containerPort": 8443},
        {"name": "health", "containerPort": 8080},
    ]
    assert find(default, "Service")["spec"]["ports"] == [{"name": "admission", "port": 443, "targetPort": "admission"}]


def test_a_pod_has_the_time_to_drain(default: list[Object]) -> None:
    pod = pods(default)["workload-policy"]
    [only] = pod["containers"]
    assert only["lifecycle"] == {"preStop": {"sleep": {"seconds": 5}}}
    assert 5 + Bounds().drain_seconds + Bounds().stop_seconds < pod["terminationGracePeriodSeconds"]


def test_the_root_is_read_only_and_keys_are_written_to_memory(default: list[Object]) -> None:
    pod = pods(default)["workload-policy"]
    assert pod["volumes"] == [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108


def test_bounds_become_variables() -> None:
    given = container({"bounds": {"drainSeconds": 0.5, "keepAliveSeconds": 200}})["env"]
    assert given == [
        {"name": "WORKLOAD_POLICY_DRAIN_SECONDS", "value": "0.5"},
        {"name": "WORKLOAD_POLICY_KEEP_ALIVE_SECONDS", "value": "200"},
    ]
    assert "env" not in container()


def test_mounted_certificates_are_read_only() -> None:
    [*volumes] = deployment({"certManager": {"enabled": True}, "clientCA": {"configMap": "api-server-ca"}})["template"][
        "spec"
    ]["volumes"]
    mounts: list[Any] = container({"certManager": {"enabled": True}, "clientCA": {"configMap": "api-server-ca"}})[
        "volumeMounts"
    ]
    assert volumes[1:] == [
        {"name": "tls", "secret": {"secretName": "workload-policy-tls", "defaultMode": 0o440}},
        {"name": "client-ca", "configMap": {"name": "api-server-ca"}},
    ]
    assert [mount.get("readOnly") for mount in mounts] == [None, True, True]


def test_nothing_runs_in_the_cluster_when_the_webhook_runs_outside(rendered: dict[str, list[Object]]) -> None:
    kinds = {it["kind"] for it in rendered["outside"]}
    assert kinds == {
        *("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"),
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
    }


def test_the_scheduler_is_told_what_the_administrator_says(rendered: dict[str, list[Object]]) -> None:
    pod = pods(rendered["everything"])["workload-policy"]
    told = {name: pod[name] for name in ("priorityClassName", "nodeSelector", "tolerations", "imagePullSecrets")}
    assert told == {
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "control-plane", "operator": "Exists"}],
        "imagePullSecrets": [{"name": "pull"}],
    }
