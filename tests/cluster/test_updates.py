"""A policy became stricter after a workload was stored: what still goes through, and what does not."""

from collections.abc import Callable
from typing import Any

import pytest
from daemons import wait_until
from objects import a_policy, a_workload, change, look_up, path_of, refusal_in, said, send, stored
from plane import ControlPlane

Enforce = Callable[..., None]
Object = dict[str, Any]

OURS = "example.com/ours"
OWNER = '{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}'


@pytest.fixture
def outdated(plane: ControlPlane, enforce: Enforce, project: str) -> Object:
    """A stored workload of 8 GPUs and a foreign port, and a policy of now that would not let it in."""
    enforce(a_policy(project, gpu={"rules": {"max": "8"}}))
    raw = a_workload(project, gpu=8, ports={"items": {"web": {"value": {"container": 80}}}})
    raw["metadata"]["finalizers"] = [OURS]
    said(send(plane, "create", raw))
    enforce(
        a_policy(
            project,
            gpu={"rules": {"max": "4"}},
            image={"rules": {"required": True}},
            ports={"rules": {"canAdd": False}, "items": {"ssh": {"value": {"container": 22}}}},
        )
    )
    return stored(plane, raw)


def patch(plane: ControlPlane, raw: Object, merged: str, *flags: str) -> Any:
    """`kubectl patch --type=merge`."""
    return change(plane, raw, "patch --type=merge", f"--patch={merged}", *flags)


HARMLESS = {
    "a label": '{"metadata": {"labels": {"team": "a"}}}',
    "an annotation": '{"metadata": {"annotations": {"note": "x"}}}',
    "a finalizer": f'{{"metadata": {{"finalizers": ["{OURS}", "example.com/more"]}}}}',
    "an owner": f'{{"metadata": {{"ownerReferences": [{OWNER}]}}}}',
}


@pytest.mark.parametrize("merged", HARMLESS.values(), ids=HARMLESS)
def test_what_is_no_value_goes_through(plane: ControlPlane, outdated: Object, merged: str) -> None:
    assert said(patch(plane, outdated, merged)) == "trainingworkload.run.ai/job patched\n"
    assert stored(plane, outdated)["spec"] == outdated["spec"]


@pytest.mark.parametrize(
    ("merged", "values"),
    [
        ('{"spec": {"active": {"value": false}}}', {"active": {"value": False}}),
        ('{"spec": {"gpu": {"value": 4}}}', {"gpu": {"value": 4}}),
        ('{"spec": {"gpu": {"value": "8.0"}}}', {"gpu": {"value": "8.0"}}),
        ('{"spec": {"cpu": {"value": 2}}}', {"cpu": {"value": 2}}),
        (
            '{"spec": {"ports": {"items": {"web": {"value": {"container": 81}}}}}}',
            {"ports": {"items": {"web": {"value": {"container": 81}}}}},
        ),
    ],
    ids=["suspended", "brought into line", "the same in other words", "another value", "a member of an old label"],
)
def test_what_changes_exactly_that(plane: ControlPlane, outdated: Object, merged: str, values: Object) -> None:
    assert said(patch(plane, outdated, merged)) == "trainingworkload.run.ai/job patched\n"
    assert stored(plane, outdated)["spec"] == outdated["spec"] | values


@pytest.mark.parametrize(
    ("merged", "line"),
    [
        ('{"spec": {"gpu": {"value": 7}}}', "gpu: must be no greater than 4"),
        ('{"spec": {"gpu": null, "gpuDevices": {"value": 6}}}', "gpuDevices: must be no greater than 4"),
        (
            '{"spec": {"ports": {"items": {"tls": {"value": {"container": 443}}}}}}',
            "ports.tls: cannot be added: the policy allows only ssh",
        ),
        ('{"spec": {"image": {"value": ""}}}', "image: is required"),
    ],
    ids=["a value", "its other spelling", "a new label", "what was missing"],
)
def test_what_touches_a_rule_is_judged(plane: ControlPlane, outdated: Object, merged: str, line: str) -> None:
    policy = f"(TrainingPolicy {outdated['metadata']['namespace']}/policy)"
    assert refusal_in(patch(plane, outdated, merged)) == f"{line}\n{policy}"
    assert stored(plane, outdated) == outdated


def test_the_status_is_not_ours(plane: ControlPlane, outdated: Object) -> None:
    said(patch(plane, outdated, '{"status": {"phase": "Running"}}', "--subresource=status"))
    found = stored(plane, outdated)
    assert (found["status"], found["spec"]) == ({"phase": "Running"}, outdated["spec"])


def test_deleted_in_the_foreground(plane: ControlPlane, outdated: Object) -> None:
    """The garbage collector and a controller of one's own take their finalizers away."""
    said(change(plane, outdated, "delete --cascade=foreground --wait=false"))
    wait_until(
        lambda: stored(plane, outdated)["metadata"]["finalizers"] == [OURS], "the garbage collector is done with it"
    )
    said(patch(plane, outdated, '{"metadata": {"finalizers": null}}'))
    assert look_up(plane, outdated).status == 404


def test_a_finalizer_is_no_way_around_the_policy(plane: ControlPlane, outdated: Object) -> None:
    """An object that is being deleted is judged like any other, and nothing is filled in any more."""
    said(change(plane, outdated, "delete --wait=false"))
    policy = f"(TrainingPolicy {outdated['metadata']['namespace']}/policy)"
    refused = patch(plane, outdated, '{"spec": {"gpu": {"value": 16}}}')
    assert refusal_in(refused) == f"gpu: must be no greater than 4\n{policy}"
    removed = [{"op": "remove", "path": "/metadata/finalizers"}]
    reply = plane.api("PATCH", path_of(outdated), removed, content_type="application/json-patch+json")
    assert reply.status == 200
    assert look_up(plane, outdated).status == 404
