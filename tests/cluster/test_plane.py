"""The control plane of these tests itself: what the other tests take for granted."""

import json
import time

from daemons import wait_until
from objects import said
from plane import ControlPlane

OLDEST_MINOR = 30  # of Kubernetes 1, what the chart supports


def test_a_service_account_has_its_rights_and_no_more(plane: ControlPlane, project: str) -> None:
    said(plane.kubectl("create", "serviceaccount", "reader", "--namespace", project))
    subject = f"--serviceaccount={project}:reader"
    said(plane.kubectl("create", "rolebinding", "reader", "--clusterrole=view", subject, "--namespace", project))
    kubeconfig = plane.kubeconfig_for(plane.token_for("reader", project))
    read = ("get", "configmaps", "--namespace", project, "--output=name")
    listed = wait_until(
        lambda: plane.kubectl(*read, kubeconfig=kubeconfig).stdout,
        "the controllers have published the root certificate",
    )
    assert listed == "configmap/kube-root-ca.crt\n"
    denied = plane.kubectl("get", "secrets", "--namespace", project, kubeconfig=kubeconfig)
    assert denied.stderr == (
        f'Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:{project}:reader" '
        f'cannot list resource "secrets" in API group "" in the namespace "{project}"\n'
    )


def test_kubectl_fits_the_api_server(plane: ControlPlane) -> None:
    versions = json.loads(said(plane.kubectl("version", "--output=json")))
    client, server = versions["clientVersion"], versions["serverVersion"]
    assert (client["major"], client["minor"]) == (server["major"], server["minor"])
    assert int(server["minor"]) >= OLDEST_MINOR


def test_the_api_server_restarts(plane: ControlPlane, project: str) -> None:
    said(plane.kubectl("create", "configmap", "kept", "--namespace", project))
    plane.restart_api_server()
    assert (
        said(plane.kubectl("get", "configmap", "kept", "--namespace", project, "--output=name")) == "configmap/kept\n"
    )


def test_etcd_stalls_for_a_while(plane: ControlPlane, project: str) -> None:
    path = f"/api/v1/namespaces/{project}"

    def is_there(asked: str) -> bool:
        try:
            return plane.api("GET", asked).status == 200
        except ConnectionError:  # how some requests end that run out of time
            return False

    with plane.etcd_stalled():
        started = time.monotonic()
        assert not is_there(f"{path}?timeout=1s")
        assert time.monotonic() - started < 5
    wait_until(lambda: is_there(path), "etcd answers again")
