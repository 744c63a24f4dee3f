"""The golden cases of tests/cases: read, spelled out as whole objects, and asked of the webhook.

A case is a sentence of the contract and the whole answer to one request. Its shorthands:

kind         Interactive (the default), Training, Distributed or Inference
policy       the spec of the one policy there is; `masterSpec` in it is the policy's masterSpec
policies     several: each {name, namespace, kind, created, spec}
stored       workloads that exist: each {name, namespace, kind, spec}
workload     the spec of the new object, `old` that of the stored one (UPDATE; absent: CREATE)
metadata     of the workload, beside name `w` and namespace `runai-a`
global       the global namespace
mutate       false: the object is stored as it is, as by an API server that did not call /mutate
bare         true: without the `name: {value: job}` that every workload and old object gets

In workloads a value that is no mapping is wrapped (`gpu: 1` is `gpu: {value: 1}`), a key `ports.http` is the item
http (`deleted` its marker), a key `gpu!` or `ports.http!` is taken as it is, and `masterSpec` in it is its masterSpec.

Of the answer `patch` is {path: value}, each an `add` in this order; what is absent is expected to be absent: no
patch, no lines, no warnings, allowed. `message`, `causes` ([reason, field]), `annotations` (of /validate) and
`filled` (`defaults` of /mutate) are compared where a case gives them.
"""

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonpatch
import yaml

from policies.lookup import Snapshot
from webhook.admit import admit
from workloads.locate import snapshot_of

CASES = Path(__file__).parent / "cases"
API_VERSION = "run.ai/v2alpha1"
BARE_VALUES = ("usage", "baseWorkload", "jobType")
OF_A_CASE = {
    *("name", "kind", "policy", "policies", "stored", "workload", "old", "metadata", "global", "mutate", "bare"),
    *("patch", "lines", "allowed", "warnings", "message", "causes", "annotations", "filled"),
}

Object = dict[str, Any]

# libyaml where PyYAML was built with it: 10 times faster
SAFE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the author of a request, the audit log and the object's readers get to see."""

    patch: Object
    lines: list[str]
    allowed: bool
    warnings: list[str]
    message: str | None
    causes: list[list[str]]
    annotations: Object
    filled: list[str]


# Reading


def load_cases() -> Iterator[tuple[str, Object]]:
    """Every case with its id: the file and the name."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.load(path.read_text(), SAFE_LOADER):  # noqa: S506
            unknown = case.keys() - OF_A_CASE
            if unknown:
                raise ValueError(f"{path.name}: {case['name']}: unknown {', '.join(sorted(unknown))}")
            yield f"{path.stem}: {case['name']}", case


def whole_spec(short: Object, *, named: bool) -> Object:
    """A workload's spec or masterSpec without shorthands."""
    spec: Object = {}
    if named and not short.keys() & {"name", "namePrefix"}:
        spec["name"] = {"value": "job"}
    for key, raw in short.items():
        name, point, label = key.removesuffix("!").partition(".")
        if point:
            item = {"deleted": True} if raw == "deleted" else {"value": raw}
            spec.setdefault(name, {"items": {}})["items"][label] = raw if key.endswith("!") else item
        elif key.endswith("!"):
            spec[name] = raw
        else:
            spec[name] = raw if raw is None or type(raw) is dict or name in BARE_VALUES else {"value": raw}
    return spec


def whole_blocks(short: Any, *, named: bool = False) -> Object:
    """`spec` and `masterSpec` of a workload."""
    if type(short) is not dict:
        return {"spec": short}
    blocks = {"spec": whole_spec({k: v for k, v in short.items() if k != "masterSpec"}, named=named)}
    if "masterSpec" in short:
        master = short["masterSpec"]
        blocks["masterSpec"] = whole_spec(master, named=False) if type(master) is dict else master
    return blocks


def workload_in(case: Object, which: str) -> Object:
    """The new or the old object of a case."""
    return {
        "apiVersion": API_VERSION,
        "kind": f"{case.get('kind', 'Interactive')}Workload",
        "metadata": {"name": "w", "namespace": "runai-a", **case.get("metadata", {})},
        **whole_blocks(case.get(which), named=not case.get("bare")),
    }


def policies_in(case: Object) -> Iterator[Object]:
    """The policies of a case as whole objects."""
    listed = [{"spec": case["policy"]}] if "policy" in case else case.get("policies", [])
    for entry in listed:
        metadata = {"name": entry.get("name", "p"), "namespace": entry.get("namespace", "runai-a")}
        if "created" in entry:
            metadata["creationTimestamp"] = entry["created"]
        if "deleting" in entry:
            metadata["deletionTimestamp"] = entry["deleting"]
        spec = entry["spec"]
        blocks = {"spec": spec}
        if type(spec) is dict and "masterSpec" in spec:
            blocks = {
                "spec": {k: v for k, v in spec.items() if k != "masterSpec"},
                "masterSpec": spec["masterSpec"],
            }
        kind = f"{entry.get('kind', case.get('kind', 'Interactive'))}Policy"
        yield {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, **blocks}


def stored_in(case: Object) -> Iterator[Object]:
    """The workloads that exist, as whole objects."""
    for entry in case.get("stored", []):
        kind = f"{entry.get('kind', case.get('kind', 'Interactive'))}Workload"
        metadata = {"name": entry["name"], "namespace": entry.get("namespace", "runai-a")}
        yield {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, **whole_blocks(entry["spec"])}


def snapshot_in(case: Object) -> Snapshot:
    """The cluster of a case."""
    return snapshot_of([*policies_in(case), *stored_in(case)], case.get("global", "runai"))


# Asking


def review_of(new: Object, old: Object | None = None, **request: Any) -> bytes:
    """The AdmissionReview that an API server would send."""
    metadata = new["metadata"]
    fields = {
        "uid": "0001",
        "kind": {"group": "run.ai", "version": "v2alpha1", "kind": new["kind"]},
        "operation": "UPDATE" if old else "CREATE",
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "object": new,
        "oldObject": old,
        **request,
    }
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": fields}
    return json.dumps(review).encode()


def ask(endpoint: str, new: Object, old: Object | None, snapshot: Snapshot) -> Object:
    """The response to a review, its envelope checked."""
    answer = admit(endpoint, review_of(new, old), snapshot)
    assert answer.status == 200, answer.body
    review = json.loads(answer.body)
    response: Object = review.pop("response")
    assert review == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    assert response.pop("uid") == "0001"
    return response


def ask_mutate(new: Object, old: Object | None, snapshot: Snapshot) -> tuple[list[Object], Object]:
    """The operations of the patch, and the audit annotations."""
    response = ask("mutate", new, old, snapshot)
    operations: list[Object] = []
    if "patch" in response:
        operations = json.loads(base64.b64decode(response.pop("patch")))
        assert response.pop("patchType") == "JSONPatch"
        assert operations
    annotations: Object = response.pop("auditAnnotations", {})
    assert response == {"allowed": True}
    return operations, annotations


def answer_to(case: Object) -> Answer:
    """What a case gets from /mutate, then, the patch applied, from /validate."""
    snapshot, new = snapshot_in(case), workload_in(case, "workload")
    old = workload_in(case, "old") if "old" in case else None
    operations: list[Object] = []
    marks: Object = {}
    if case.get("mutate", True):
        operations, marks = ask_mutate(new, old, snapshot)
        new = jsonpatch.apply_patch(copy.deepcopy(new), operations)
        assert ask_mutate(new, old, snapshot)[0] == []
    assert all(operation.keys() == {"op", "path", "value"} for operation in operations)
    assert {operation["op"] for operation in operations} <= {"add"}
    patch = {operation["path"]: operation["value"] for operation in operations}
    assert len(patch) == len(operations)
    response = ask("validate", new, old, snapshot)
    notes = response.get("auditAnnotations", {})
    status = response.get("status", {})
    assert response["allowed"] is not bool(status)
    assert response.keys() <= {"allowed", "status", "warnings", "auditAnnotations"}
    return Answer(
        patch,
        json.loads(notes.get("violations", "[]")),
        response["allowed"],
        response.get("warnings", []),
        status.get("message"),
        causes_in(status, new) if status else [],
        notes,
        json.loads(marks.get("defaults", "[]")),
    )


def causes_in(status: Mapping[str, Any], new: Object) -> list[list[str]]:
    """The reason and field of each cause, the rest of the Status checked."""
    assert (status["status"], status["code"], status["reason"]) == ("Failure", 403, "Forbidden")
    details = status["details"]
    assert (details["group"], details["kind"]) == ("run.ai", new["kind"])
    assert details["name"] == new["metadata"]["name"]
    told = [cause["message"] for cause in details["causes"]]
    assert status["message"].split("\n")[: len(told)] == told
    return [[cause["reason"], cause["field"]] for cause in details["causes"]]


def expected_of(case: Object, answer: Answer) -> Answer:
    """The answer that a case expects; what it leaves open is the given answer's."""
    lines = case.get("lines", [])
    return Answer(
        case.get("patch", {}),
        lines,
        case.get("allowed", not lines),
        case.get("warnings", []),
        case["message"].rstrip("\n") if "message" in case else answer.message,
        case.get("causes", answer.causes),
        case.get("annotations", answer.annotations),
        case.get("filled", answer.filled),
    )


def as_text(answer: Answer) -> str:
    """An answer in which 1, "1", 1.0 and true differ, and the order of the patch shows."""
    return json.dumps({name: getattr(answer, name) for name in Answer.__slots__}, indent=1)
