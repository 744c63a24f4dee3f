"""Raw objects -> the AdmissionReviews in which an API server sends them to a webhook.

Field for field what kube-apiserver sends for a `kubectl create`, in its order:
https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/
"""

from typing import Any

from policies.kinds import GROUP, POLICY_KINDS, VERSION, WORKLOAD_KINDS
from workloads.locate import Object, metadata_of, namespace_of

USER = {
    "username": "jane@example.com",
    "uid": "5b8f0f4e-3c8e-4a55-9c54-1f2f6a1f6f0a",
    "groups": ["researchers", "system:authenticated"],
}
CREATE_OPTIONS = {
    "kind": "CreateOptions",
    "apiVersion": "meta.k8s.io/v1",
    "fieldManager": "kubectl-create",
    "fieldValidation": "Strict",
}


def create_review(raw: Object, uid: str, *, dry_run: bool = False) -> dict[str, Any]:
    """The review of a workload's or policy's creation. `uid` tells this request from every other."""
    kind = {"group": GROUP, "version": VERSION, "kind": raw["kind"]}
    resource = {"group": GROUP, "version": VERSION, "resource": plural_of(raw["kind"])}
    request = {
        "uid": uid,
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": metadata_of(raw)["name"],
        "namespace": namespace_of(raw),
        "operation": "CREATE",
        "userInfo": USER,
        "object": raw,
        "oldObject": None,
        "dryRun": dry_run,
        "options": CREATE_OPTIONS,
    }
    return {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": request}


def plural_of(name: str) -> str:
    """The resource of a kind, as in the API's paths: `interactiveworkloads`."""
    return WORKLOAD_KINDS[name].plural if name in WORKLOAD_KINDS else POLICY_KINDS[name].policy_plural
