"""What was filled in stays as it is: no drift, no owner, whichever way the next write comes."""

from collections.abc import Callable
from typing import Any

import pytest
from objects import a_policy, a_workload, change, look_up, path_of, refusal_in, said, send, stored
from plane import ControlPlane

Enforce = Callable[..., None]
Object = dict[str, Any]

FILLED = {
    "name": {"value": "job"},
    "gpu": {"value": "1"},
    "ports": {"items": {"jupyter": {"value": {"container": 8888}}, "web": {"value": {"container": 8080}}}},
}


@pytest.fixture
def manifest(enforce: Enforce, project: str) -> Object:
    """A workload with a port of its own; its policy fills in a GPU and a port."""
    ports = {"items": {"jupyter": {"value": {"container": 8888}}}}
    enforce(a_policy(project, gpu={"rules": {"max": "5"}, "value": "1"}, ports=ports))
    return a_workload(project, ports={"items": {"web": {"value": {"container": 8080}}}})


def too_much(raw: Object) -> str:
    """The refusal of more than five GPUs."""
    return f"gpu: must be no greater than 5\n(TrainingPolicy {raw['metadata']['namespace']}/policy)"


def fields_owned(raw: Object) -> Object:
    """The fields below spec that a manager owns, of all managers."""
    owned: Object = {}
    for entry in raw["metadata"]["managedFields"]:
        owned |= entry["fieldsV1"].get("f:spec", {})
    return owned


@pytest.mark.parametrize(
    ("flags", "again"),
    [("", "unchanged"), ("--server-side", "serverside-applied")],
    ids=["client-side", "server-side"],
)
def test_applied_twice(plane: ControlPlane, manifest: Object, flags: str, again: str) -> None:
    said(send(plane, f"apply {flags}", manifest))
    first = stored(plane, manifest)
    assert (first["spec"], first["metadata"]["generation"]) == (FILLED, 1)
    assert said(send(plane, f"diff {flags}", manifest)) == ""
    dry = said(send(plane, f"apply {flags} --dry-run=server", manifest))
    assert dry == f"trainingworkload.run.ai/job {again} (server dry run)\n"
    second = said(send(plane, f"apply {flags}", manifest))
    assert second == f"trainingworkload.run.ai/job {again}\n"
    assert stored(plane, manifest) == first


def test_a_dry_run_shows_what_would_be_filled_in(plane: ControlPlane, manifest: Object) -> None:
    shown = send(plane, "create --dry-run=server -o jsonpath={.spec.gpu}", manifest)
    assert said(shown) == '{"value":"1"}'
    assert look_up(plane, manifest).status == 404
    diff = send(plane, "diff", manifest)
    assert diff.returncode == 1
    assert '+  gpu:\n+    value: "1"\n' in diff.stdout


@pytest.mark.parametrize("flags", ["", "--server-side"], ids=["client-side", "server-side"])
def test_what_was_filled_in_belongs_to_nobody(plane: ControlPlane, manifest: Object, flags: str) -> None:
    said(send(plane, f"apply {flags}", manifest))
    owned = fields_owned(stored(plane, manifest))
    assert "f:gpu" not in owned
    assert {label for label in owned["f:ports"]["f:items"] if label != "."} == {"f:web"}
    other = manifest | {"spec": {"gpu": {"value": 2}}}
    # without --force-conflicts; by kubectl it would migrate what client-side apply left behind, another story
    applied = plane.api(
        "PATCH", f"{path_of(manifest)}?fieldManager=other", other, content_type="application/apply-patch+yaml"
    )
    assert (applied.status, applied.body["spec"]) == (200, FILLED | {"gpu": {"value": 2}})


PATCHES = {
    "json": ('[{"op": "add", "path": "/spec/cpu", "value": {"value": 2}}]', '[{"op": "remove", "path": "/spec/gpu"}]'),
    "merge": ('{"spec": {"cpu": {"value": 2}}}', '{"spec": {"gpu": null}}'),
}
TOO_MUCH = {
    "json": '[{"op": "replace", "path": "/spec/gpu/value", "value": 6}]',
    "merge": '{"spec": {"gpu": {"value": 6}}}',
}


@pytest.mark.parametrize("kind", PATCHES)
def test_patches(plane: ControlPlane, manifest: Object, kind: str) -> None:
    """One that changes something else changes nothing else; one that takes a default away gets it back."""
    said(send(plane, "apply", manifest))
    patch = f"patch --type={kind}"
    elsewhere, away = PATCHES[kind]
    assert said(change(plane, manifest, patch, f"--patch={elsewhere}")) == "trainingworkload.run.ai/job patched\n"
    found = stored(plane, manifest)
    assert (found["spec"], found["metadata"]["generation"]) == (FILLED | {"cpu": {"value": 2}}, 2)
    assert (
        said(change(plane, manifest, patch, f"--patch={away}")) == "trainingworkload.run.ai/job patched (no change)\n"
    )
    assert stored(plane, manifest) == found
    assert refusal_in(change(plane, manifest, patch, f"--patch={TOO_MUCH[kind]}")) == too_much(manifest)


def test_a_strategic_patch_is_not_for_kinds_like_ours(plane: ControlPlane, manifest: Object) -> None:
    said(send(plane, "apply", manifest))
    result = change(plane, manifest, "patch --type=strategic", '--patch={"spec": {"gpu": {"value": 2}}}')
    assert result.returncode == 1
    assert "application/strategic-merge-patch+json is not supported by run.ai/v2alpha1" in result.stderr


def test_replaced_by_its_manifest(plane: ControlPlane, manifest: Object) -> None:
    said(send(plane, "create", manifest))
    first = stored(plane, manifest)
    assert said(send(plane, "replace", manifest)) == "trainingworkload.run.ai/job replaced\n"
    second = stored(plane, manifest)
    assert second["spec"] == FILLED
    assert second["metadata"]["generation"] == first["metadata"]["generation"] == 1
    wrong = a_workload(manifest["metadata"]["namespace"], gpu=6)
    refused = send(plane, "replace", wrong)
    assert refusal_in(refused) == too_much(manifest)
    assert stored(plane, manifest) == second


def test_edited(plane: ControlPlane, manifest: Object) -> None:
    said(send(plane, "create", manifest))
    refused = change(plane, manifest, "edit", KUBE_EDITOR="sed -i 's/value: \"1\"/value: 6/'")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        'error: trainingworkloads.run.ai "job" could not be patched: '
        'admission webhook "validate.workload-policy.run.ai" denied the request: '
        f"{too_much(manifest)}\nYou can run `kubectl replace -f "
    )
    edited = change(plane, manifest, "edit", KUBE_EDITOR="sed -i 's/value: \"1\"/value: 5/'")
    assert said(edited) == "trainingworkload.run.ai/job edited\n"
    assert stored(plane, manifest)["spec"] == FILLED | {"gpu": {"value": 5}}
