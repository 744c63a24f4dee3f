"""Policy, base and workload: what a workload gets from the layers below it, and how its author takes that away."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from objects import a_policy, a_workload, change, refusal_in, said, send, stored
from plane import ControlPlane

Enforce = Callable[..., None]
Object = dict[str, Any]

PORTS = {"items": {"ssh": {"value": {"container": 22}}, "web": {"value": {"container": 8080}}}}
BOTH_WAYS = pytest.mark.parametrize("command", ["apply", "apply --server-side"])


@pytest.mark.parametrize("usage", ["Template", "Submit"])
def test_a_base_in_the_project(plane: ControlPlane, enforce: Enforce, project: str, usage: str) -> None:
    enforce(a_policy(project, cpu={"value": "2"}), a_workload(project, "base", usage=usage, gpu=2, image="a/b:1"))
    based = a_workload(project, baseWorkload="base", image="a/b:2")
    said(send(plane, "apply", based))
    assert stored(plane, based)["spec"] == {
        "baseWorkload": "base",
        "name": {"value": "job"},
        "image": {"value": "a/b:2"},
        "cpu": {"value": "2"},
        "gpu": {"value": 2},
    }


def test_of_the_global_namespace_only_a_template_is_a_base(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    enforce(a_workload("runai", "shared", usage="Template", gpu=2), a_workload("runai", "theirs", gpu=2))
    based = a_workload(project, baseWorkload="shared")
    said(send(plane, "apply", based))
    assert stored(plane, based)["spec"]["gpu"] == {"value": 2}
    refused = send(plane, "apply", a_workload(project, "other", baseWorkload="theirs"))
    assert refusal_in(refused) == f"baseWorkload: no TrainingWorkload named theirs in {project} or runai"


def test_a_base_that_is_gone(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    """What is stored stays, and can be changed; only a new mention of it is refused."""
    enforce(a_workload(project, "base", usage="Template", gpu=2))
    based = a_workload(project, baseWorkload="base")
    said(send(plane, "apply", based))
    spec = stored(plane, based)["spec"]
    enforce()
    said(change(plane, based, "label", "a=b"))
    assert said(send(plane, "apply", based)) == "trainingworkload.run.ai/job unchanged\n"
    assert stored(plane, based)["spec"] == spec
    line = f"baseWorkload: no TrainingWorkload named base in {project} or runai"
    assert refusal_in(send(plane, "apply", a_workload(project, "next", baseWorkload="base"))) == line
    other = a_workload(project, baseWorkload="other")
    assert refusal_in(send(plane, "apply", other)) == line.replace("base in", "other in")


@BOTH_WAYS
def test_a_marker_takes_away_what_was_filled_in(
    plane: ControlPlane, enforce: Enforce, project: str, command: str
) -> None:
    """The injected value stays beside the marker; the marker counts, and nothing is filled in again."""
    enforce(a_policy(project, ports={"rules": {"canAdd": False}, **PORTS}))
    said(send(plane, command, a_workload(project)))
    assert stored(plane, a_workload(project))["spec"]["ports"] == PORTS
    marked = a_workload(project, ports={"items": {"web": {"deleted": True}}})
    said(send(plane, command, marked))
    items = stored(plane, marked)["spec"]["ports"]["items"]
    assert items == {"ssh": {"value": {"container": 22}}, "web": {"deleted": True, "value": {"container": 8080}}}
    said(change(plane, marked, "label", "a=b"))
    said(send(plane, command, marked))
    assert stored(plane, marked)["spec"]["ports"]["items"] == items


@BOTH_WAYS
def test_a_marker_that_the_policy_does_not_want(
    plane: ControlPlane, enforce: Enforce, project: str, command: str
) -> None:
    web = {"rules": {"canRemove": False}, "value": {"container": 8080}}
    enforce(a_policy(project, ports={"items": {"web": web}}))
    said(send(plane, command, a_workload(project)))
    before = stored(plane, a_workload(project))
    marked = a_workload(project, ports={"items": {"web": {"deleted": True}}})
    line = "ports.web: cannot be removed: the policy requires it"
    assert refusal_in(send(plane, command, marked)) == f"{line}\n(TrainingPolicy {project}/policy)"
    assert stored(plane, marked) == before


@BOTH_WAYS
def test_a_marker_from_the_start(plane: ControlPlane, enforce: Enforce, project: str, command: str) -> None:
    enforce(a_policy(project, ports=PORTS))
    marked = a_workload(project, ports={"items": {"web": {"deleted": True}}})
    said(send(plane, command, marked))
    items = stored(plane, marked)["spec"]["ports"]["items"]
    assert items == {"ssh": {"value": {"container": 22}}, "web": {"deleted": True}}


@BOTH_WAYS
def test_an_item_of_ones_own_is_taken_back(plane: ControlPlane, enforce: Enforce, project: str, command: str) -> None:
    """Left out of the next apply it is gone: it was the author's. What the policy defines under a label returns."""
    enforce(a_policy(project, ports=PORTS))
    own = {"web": {"value": {"container": 9090}}, "mine": {"value": {"container": 7070}}}
    said(send(plane, command, a_workload(project, ports={"items": own})))
    assert stored(plane, a_workload(project))["spec"]["ports"]["items"] == PORTS["items"] | own
    said(send(plane, command, a_workload(project)))
    assert stored(plane, a_workload(project))["spec"]["ports"] == PORTS


def test_a_template_becomes_a_workload(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    """Nothing is filled in or asked for until it is submitted; then all of it."""
    enforce(a_policy(project, gpu={"value": "1"}, image={"rules": {"required": True}}))
    template = a_workload(project, usage="Template", cpu=2)
    said(send(plane, "apply", template))
    assert stored(plane, template)["spec"] == {"usage": "Template", "cpu": {"value": 2}}
    patch = "patch --type=merge"
    refused = change(plane, template, patch, '--patch={"spec": {"usage": "Submit"}}')
    assert refusal_in(refused) == (
        f"image: is required\nname: exactly one of name and namePrefix is required\n(TrainingPolicy {project}/policy)"
    )
    submitted = {"usage": None, "name": {"value": "x"}, "image": {"value": "a/b:1"}}
    said(change(plane, template, patch, f"--patch={json.dumps({'spec': submitted})}"))
    spec = {"name": {"value": "x"}, "cpu": {"value": 2}, "gpu": {"value": "1"}, "image": {"value": "a/b:1"}}
    assert stored(plane, template)["spec"] == spec
