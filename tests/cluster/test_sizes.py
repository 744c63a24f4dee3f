"""Objects that are wrong in shape, or large."""

from collections.abc import Callable
from typing import Any

import pytest
from objects import a_policy, a_workload, as_input, change, look_up, refusal_in, said, send, stored
from plane import ControlPlane

Enforce = Callable[..., None]
Object = dict[str, Any]

PORT = "spec.ports.items.a.value.container"

WRONG_TYPES = [
    ({"gpu": {"value": 0.5}}, "spec.gpu.value", "number", "integer,string"),
    ({"gpu": {"value": [1]}}, "spec.gpu.value", "array", "integer,string"),
    ({"image": {"value": 1}}, "spec.image.value", "integer", "string"),
    ({"mpi": {"value": "yes"}}, "spec.mpi.value", "string", "boolean"),
    ({"completions": {"value": "2"}}, "spec.completions.value", "string", "integer"),
    ({"capabilities": {"value": "ALL"}}, "spec.capabilities.value", "string", "array"),
    ({"ports": {"items": []}}, "spec.ports.items", "array", "object"),
    ({"ports": {"items": {"a": {"value": {"container": "80"}}}}}, PORT, "string", "integer"),
]


@pytest.mark.parametrize("case", WRONG_TYPES, ids=lambda case: f"{case[1]} {case[2]}")
def test_wrong_types(plane: ControlPlane, enforce: Enforce, project: str, case: tuple[Object, str, str, str]) -> None:
    """The API server refuses by the schema, after our /mutate has filled in what it could."""
    spec, path, found, wanted = case
    enforce(a_policy(project, gpu={"value": "1"}, ports={"items": {"web": {"value": {"container": 80}}}}))
    result = send(plane, "create", a_workload(project, **spec))
    problem = f'Invalid value: "{found}": {path} in body must be of type {wanted}: "{found}"'
    assert result.stderr == f'The TrainingWorkload "job" is invalid: {path}: {problem}\n'
    assert look_up(plane, a_workload(project)).status == 404


def test_a_block_that_is_no_object(plane: ControlPlane, project: str) -> None:
    for block in ([], "x", 1):
        raw = a_workload(project) | {"spec": block}
        result = send(plane, "create", raw)
        assert result.stderr.startswith('The TrainingWorkload "job" is invalid: spec: Invalid value: ')


NOT_KNOWN = {"gpuu": 1, "ports": {"items": {"a": {"value": {"containr": 80, "container": 80}}}}}


def test_unknown_fields(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    """Refused by default, told of where that was asked, dropped by those who do not want to know."""
    enforce()
    raw = a_workload(project, **NOT_KNOWN)
    strict = send(plane, "create", raw)
    assert strict.stderr == (
        'Error from server (BadRequest): error when creating "STDIN": TrainingWorkload in version "v2alpha1" cannot '
        'be handled as a TrainingWorkload: strict decoding error: unknown field "spec.gpuu", '
        'unknown field "spec.ports.items.a.value.containr"\n'
    )
    warned = send(plane, "create --validate=warn", raw)
    assert (warned.returncode, warned.stderr) == (
        0,
        'Warning: unknown field "spec.gpuu"\nWarning: unknown field "spec.ports.items.a.value.containr"\n',
    )
    said(send(plane, "replace --validate=ignore", raw))
    spec = {"name": {"value": "job"}, "ports": {"items": {"a": {"value": {"container": 80}}}}}
    assert stored(plane, raw)["spec"] == spec


def test_a_mebibyte(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    """By `kubectl create`: client-side apply would need an annotation larger than the API server takes."""
    enforce(a_policy(project, gpu={"rules": {"max": "5"}, "value": "1"}))
    items = {f"V{number}": {"value": "x" * 1000} for number in range(1030)}
    raw = a_workload(project, environment={"items": items})
    assert len(as_input(raw)) > 2**20
    said(send(plane, "create", raw))
    found = stored(plane, raw)
    assert found["spec"] == raw["spec"] | {"gpu": {"value": "1"}}
    said(send(plane, "apply --server-side", raw))
    said(change(plane, raw, "label", "a=b"))
    refused = change(plane, raw, "patch --type=merge", '--patch={"spec": {"gpu": {"value": 6}}}')
    assert refusal_in(refused) == f"gpu: must be no greater than 5\n(TrainingPolicy {project}/policy)"
    assert stored(plane, raw)["spec"] == found["spec"]


def test_two_thousand_items(plane: ControlPlane, enforce: Enforce, project: str) -> None:
    defaults = {"DEFAULTS": {"value": {"serviceType": "NodePort"}}}
    enforce(a_policy(project, ports={"itemRules": {"container": {"min": 30000}}, "items": defaults}))
    good = {f"p{number:04}": {"value": {"container": 30000 + number}} for number in range(2000)}
    said(send(plane, "create", a_workload(project, ports={"items": good})))
    items = stored(plane, a_workload(project))["spec"]["ports"]["items"]
    assert items == {label: {"value": item["value"] | {"serviceType": "NodePort"}} for label, item in good.items()}
    bad = {label: {"value": {"container": item["value"]["container"] - 29999}} for label, item in good.items()}
    refused = send(plane, "create", a_workload(project, "bad", ports={"items": bad}))
    lines = [f"ports.p{number:04}.container: must be no less than 30000" for number in range(100)]
    assert refusal_in(refused).splitlines() == [*lines, "and 1900 more", f"(TrainingPolicy {project}/policy)"]
