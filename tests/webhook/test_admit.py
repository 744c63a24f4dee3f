"""From the bytes of a review to the bytes of its answer: the three paths, what they refuse, what they record."""

import base64
import json
from typing import Any

import golden
import pytest
from golden import Object

from policies.lookup import Snapshot
from webhook.admit import Answer, Record, admit
from workloads.locate import snapshot_of

EMPTY = Snapshot()
ENDPOINTS = ("mutate", "validate", "validate-policy")
WORKLOAD_KINDS = "InteractiveWorkload, TrainingWorkload, DistributedWorkload, InferenceWorkload"
POLICY_KINDS = "InteractivePolicy, TrainingPolicy, DistributedPolicy, InferencePolicy"


def a_workload(**spec: Any) -> Object:
    return golden.workload_in({"workload": spec}, "workload")


def a_policy(spec: Any, **entry: Any) -> Object:
    return next(golden.policies_in({"policies": [{"spec": spec, **entry}]}))


def an_object(endpoint: str) -> Object:
    return a_policy({"gpuu": {}}) if endpoint == "validate-policy" else a_workload(gpu="x")


def response_in(answer: Answer) -> Object:
    assert answer.status == 200, answer.body
    review = json.loads(answer.body)
    response: Object = review.pop("response")
    assert review == {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}
    return response


def patch_in(answer: Answer) -> Any:
    response = response_in(answer)
    return json.loads(base64.b64decode(response["patch"])) if "patch" in response else []


def lines_in(answer: Answer) -> list[str]:
    message: str = response_in(answer).get("status", {}).get("message", "")
    return message.splitlines()


def changed(body: bytes, **fields: Any) -> bytes:
    """A review with other fields; None takes one out."""
    review = {**json.loads(body), **fields}
    return json.dumps({name: field for name, field in review.items() if field is not None}).encode()


def with_kind(endpoint: str, **kind: Any) -> bytes:
    raw = an_object(endpoint)
    fields = {"group": "run.ai", "version": "v2alpha1", "kind": raw["kind"], **kind}
    return golden.review_of(raw, kind={name: field for name, field in fields.items() if field is not None})


# What is no review


NO_REVIEW: dict[str, tuple[bytes, str]] = {
    "another kind": (
        changed(golden.review_of(a_workload()), kind="Review"),
        "expected AdmissionReview of admission.k8s.io/v1, got another kind or version",
    ),
    "another version": (
        changed(golden.review_of(a_workload()), apiVersion="admission.k8s.io/v1beta1"),
        "expected AdmissionReview of admission.k8s.io/v1, got another kind or version",
    ),
    "another group of the object": (
        with_kind("mutate", group="apps"),
        "expected an object of run.ai/v2alpha1, got another group or version",
    ),
    "another version of the object": (
        with_kind("mutate", version="v1"),
        "expected an object of run.ai/v2alpha1, got another group or version",
    ),
    "no group of the object": (
        with_kind("mutate", group=None),
        "expected an object of run.ai/v2alpha1, got another group or version",
    ),
    "a null object on CREATE": (
        golden.review_of(a_workload(), object=None),
        "request.object: expected an object on CREATE, got null",
    ),
    "a null object on UPDATE": (
        golden.review_of(a_workload(), object=None, operation="UPDATE"),
        "request.object: expected an object on UPDATE, got null",
    ),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("body", "sentence"), NO_REVIEW.values(), ids=NO_REVIEW)
def test_what_is_no_review_of_ours(endpoint: str, body: bytes, sentence: str) -> None:
    assert admit(endpoint, body, EMPTY) == Answer(400, f"{sentence}\n".encode())


UNREADABLE: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{",
    "no object": b"[]",
    "no text": b"\xff",
    "no request": changed(golden.review_of(a_workload()), request=None),
    "no uid": changed(
        golden.review_of(a_workload()), request={"kind": {"kind": "InteractiveWorkload"}, "operation": "CREATE"}
    ),
    "an object that is a list": golden.review_of(a_workload(), object=[]),
    "an old object that is a text": golden.review_of(a_workload(), oldObject="x"),
    "metadata that is a list": golden.review_of(a_workload(), object={"metadata": []}),
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read(body: bytes) -> None:
    answer = admit("validate", body, EMPTY)
    assert (answer.status, answer.record) == (400, None)
    assert answer.body.startswith(b"the body is not an AdmissionReview: ")
    assert answer.body.endswith(b"\n")


@pytest.mark.parametrize(
    ("endpoint", "raw", "sentence"),
    [
        ("mutate", a_policy({}), f"/mutate expected one of {WORKLOAD_KINDS}, got InteractivePolicy"),
        ("validate", a_policy({}), f"/validate expected one of {WORKLOAD_KINDS}, got InteractivePolicy"),
        (
            "validate-policy",
            a_workload(),
            f"/validate-policy expected one of {POLICY_KINDS}, got InteractiveWorkload",
        ),
        (
            "validate",
            {**a_workload(), "kind": "A\nB"},
            f'/validate expected one of {WORKLOAD_KINDS}, got "A\\nB"',
        ),
        (
            "validate",
            {**a_workload(), "kind": "P\u00e9"},
            f'/validate expected one of {WORKLOAD_KINDS}, got "P\\u00e9"',
        ),
    ],
    ids=["a policy to mutate", "a policy to validate", "a workload to validate-policy", "two lines", "not ASCII"],
)
def test_a_kind_that_the_path_does_not_serve(endpoint: str, raw: Object, sentence: str) -> None:
    for operation in ("CREATE", "DELETE"):
        assert admit(endpoint, golden.review_of(raw, operation=operation), EMPTY) == Answer(
            400, f"{sentence}\n".encode()
        )


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_deep_nesting(endpoint: str) -> None:
    body = golden.review_of(an_object(endpoint), object="DEEP")
    deep = b'{"spec":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    answer = admit(endpoint, body.replace(b'"DEEP"', deep), EMPTY)
    assert (answer.status, answer.record) == (400, None)
    assert answer.body.startswith(b"the body is not an AdmissionReview: ")


@pytest.mark.parametrize("depth", [100, 300, 900, 950, 990, 1000, 1100])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nesting_near_the_limit_gets_an_answer(endpoint: str, depth: int) -> None:
    nested: Any = json.loads("[" * 300 + "]" * 300)
    for _ in range(depth - 300):
        nested = [nested]
    body = golden.review_of({**an_object(endpoint), "spec": "DEEP"})
    text = b"[" * depth + b"]" * depth
    answer = admit(endpoint, body.replace(b'"DEEP"', b'{"image": {"value": ' + text + b"}}"), EMPTY)
    assert answer.status in (200, 400)


class Deep(Snapshot):
    """A cluster in which looking a policy up goes too deep."""

    def find(self, *_: Any) -> None:
        raise RecursionError


def test_too_deep_for_the_engine() -> None:
    answer = admit("validate", golden.review_of(a_workload()), Deep())
    assert answer == Answer(400, b"the object is nested too deeply\n")


# What is admitted unseen


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_other_operations_are_admitted(endpoint: str, operation: str) -> None:
    raw = an_object(endpoint)
    answer = admit(endpoint, golden.review_of(raw, operation=operation, object=None, oldObject=raw), EMPTY)
    assert response_in(answer) == {"uid": "0001", "allowed": True}
    name = raw["metadata"]["name"]
    assert answer.record == Record("0001", endpoint, raw["kind"], "runai-a", name, operation, True)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_delete_with_an_object_is_admitted(endpoint: str) -> None:
    answer = admit(endpoint, golden.review_of(an_object(endpoint), operation="DELETE"), EMPTY)
    assert response_in(answer) == {"uid": "0001", "allowed": True}


@pytest.mark.parametrize("uid", ["", "705ab4f5-6393-11e8-b7cc-42010a800002", "\u00fc\n"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_uid_is_echoed(endpoint: str, uid: str) -> None:
    answer = admit(endpoint, golden.review_of(an_object(endpoint), uid=uid), EMPTY)
    assert response_in(answer)["uid"] == uid
    assert answer.record
    assert answer.record.uid == uid


# Mutate

FILLING = snapshot_of([a_policy({"gpu": {"value": "1"}, "labels": {"items": {"a/b": {"value": "x"}}}})])


def test_mutate_fills_and_records() -> None:
    answer = admit("mutate", golden.review_of(a_workload()), FILLING)
    assert response_in(answer).keys() == {"uid", "allowed", "patchType", "patch", "auditAnnotations"}
    assert patch_in(answer) == [
        {"op": "add", "path": "/spec/gpu", "value": {"value": "1"}},
        {"op": "add", "path": "/spec/labels", "value": {"items": {"a/b": {"value": "x"}}}},
    ]
    assert response_in(answer)["auditAnnotations"] == {
        "policy": "runai-a/p",
        "enforcement": "Enforce",
        "defaults": '["gpu", "labels[a/b]"]',
    }
    assert answer.record == Record(
        "0001",
        "mutate",
        "InteractiveWorkload",
        "runai-a",
        "w",
        "CREATE",
        True,
        "runai-a/p",
        "Enforce",
        defaults=("gpu", "labels[a/b]"),
    )


def test_mutate_without_a_policy() -> None:
    answer = admit("mutate", golden.review_of(a_workload()), EMPTY)
    assert response_in(answer) == {"uid": "0001", "allowed": True}
    assert answer.record == Record("0001", "mutate", "InteractiveWorkload", "runai-a", "w", "CREATE", True)


def test_a_dry_run_gets_the_same_bytes() -> None:
    body = golden.review_of(a_workload())
    assert admit("mutate", golden.review_of(a_workload(), dryRun=True), FILLING) == admit("mutate", body, FILLING)


@pytest.mark.parametrize("new", [5, [], "x", {"gpu": 5, "labels": []}, {"labels": {"items": 5}}], ids=str)
def test_mutate_never_refuses(new: Any) -> None:
    answer = admit("mutate", golden.review_of({**a_workload(), "spec": new}), FILLING)
    assert response_in(answer)["allowed"] is True


def test_an_update_without_an_old_object_is_a_create() -> None:
    created = golden.review_of(a_workload(gpu=1.5))
    updated = golden.review_of(a_workload(gpu=1.5), operation="UPDATE")
    for endpoint in ("mutate", "validate"):
        one, other = admit(endpoint, created, FILLING), admit(endpoint, updated, FILLING)
        assert one.body == other.body
        assert other.record
        assert other.record.operation == "UPDATE"
    old = golden.review_of(a_workload(gpu=1.5), a_workload(gpu=1.5))
    assert patch_in(admit("mutate", old, FILLING)) == []
    assert response_in(admit("validate", old, FILLING))["allowed"] is True


def test_an_old_object_on_create_does_not_count() -> None:
    body = golden.review_of(a_workload(gpu="x"), oldObject=a_workload(gpu="x"))
    assert lines_in(admit("validate", body, EMPTY)) == ['gpu: must be a number such as 2 or "0.5"']


def test_an_update_from_an_object_without_spec() -> None:
    body = golden.review_of(a_workload(gpu="x"), {"metadata": {}, "kind": "InteractiveWorkload"}, operation="UPDATE")
    assert lines_in(admit("validate", body, EMPTY)) == ['gpu: must be a number such as 2 or "0.5"']


# Validate


def test_validate_refuses_and_records() -> None:
    snapshot = snapshot_of([a_policy({"gpu": {"rules": {"max": "4"}}, "message": "Ask in #gpu-help"})])
    answer = admit("validate", golden.review_of(a_workload(gpu=5, cpu="-1")), snapshot)
    lines = ["cpu: must be no less than 0", "gpu: must be no greater than 4"]
    notes = {"policy": "runai-a/p", "enforcement": "Enforce", "violations": json.dumps(lines)}
    assert response_in(answer) == {
        "uid": "0001",
        "allowed": False,
        "status": {
            "status": "Failure",
            "code": 403,
            "reason": "Forbidden",
            "message": "\n".join([*lines, "(InteractivePolicy runai-a/p)", "Ask in #gpu-help"]),
            "details": {
                "group": "run.ai",
                "kind": "InteractiveWorkload",
                "name": "w",
                "causes": [
                    {"reason": "FieldValueInvalid", "message": lines[0], "field": "spec.cpu.value"},
                    {"reason": "FieldValueInvalid", "message": lines[1], "field": "spec.gpu.value"},
                ],
            },
        },
        "auditAnnotations": notes,
    }
    assert answer.record == Record(
        "0001",
        "validate",
        "InteractiveWorkload",
        "runai-a",
        "w",
        "CREATE",
        False,
        "runai-a/p",
        "Enforce",
        (("cpu", "intrinsic"), ("gpu", "max")),
        tuple(lines),
    )


MAX4 = {"gpu": {"rules": {"max": "4"}}}


@pytest.mark.parametrize(
    ("mode", "warnings"),
    [
        ("Warn", {"warnings": ["gpu: must be no greater than 4", "(InteractivePolicy runai-a/p)", "Ask"]}),
        ("Audit", {}),
    ],
)
def test_a_policy_that_does_not_enforce(mode: str, warnings: Object) -> None:
    snapshot = snapshot_of([a_policy({**MAX4, "enforcement": mode, "message": "Ask"})])
    answer = admit("validate", golden.review_of(a_workload(gpu=5)), snapshot)
    notes = {"policy": "runai-a/p", "enforcement": mode, "violations": '["gpu: must be no greater than 4"]'}
    assert response_in(answer) == {"uid": "0001", "allowed": True, **warnings, "auditAnnotations": notes}
    assert answer.record
    assert (answer.record.allowed, answer.record.violations) == (True, (("gpu", "max"),))
    refused = response_in(admit("validate", golden.review_of(a_workload(gpu=5, cpu=-1)), snapshot))
    assert (refused["allowed"], refused["status"]["message"]) == (False, "cpu: must be no less than 0")
    assert {name: refused[name] for name in refused if name == "warnings"} == warnings


@pytest.mark.parametrize("count", [100, 101, 107])
def test_at_most_100_lines_are_told(count: int) -> None:
    labels = {f"labels.a{number:03}": number for number in range(count)}
    answer = admit("validate", golden.review_of(a_workload(**labels)), FILLING)
    lines = [f"labels.a{number:03}: must be text" for number in range(count)]
    more = [f"and {count - 100} more"] if count > 100 else []
    response = response_in(answer)
    assert response["status"]["message"].splitlines() == [*lines[:100], *more]
    assert [cause["message"] for cause in response["status"]["details"]["causes"]] == lines[:100]
    assert json.loads(response["auditAnnotations"]["violations"]) == lines
    assert answer.record
    assert answer.record.lines == tuple(lines)


def test_the_policy_is_named_also_where_its_line_is_not_told() -> None:
    labels = {f"labels.a{number:03}": number for number in range(105)}
    snapshot = snapshot_of([a_policy({"workingDir": {"rules": {"required": True}}, "message": "Ask"})])
    lines = lines_in(admit("validate", golden.review_of(a_workload(**labels)), snapshot))
    assert lines[99:] == ["labels.a099: must be text", "and 6 more", "(InteractivePolicy runai-a/p)", "Ask"]


# Names


@pytest.mark.parametrize("name", [None, ""])
def test_a_generated_name_is_not_known_yet(name: str | None) -> None:
    raw = a_workload(gpu="x")
    raw["metadata"] = {"generateName": "w-", "namespace": "runai-a"}
    body = golden.review_of({**raw, "metadata": {**raw["metadata"], "name": ""}}, name=name)
    answer = admit("validate", body, EMPTY)
    assert answer.record
    assert answer.record.name == ""
    assert response_in(answer)["status"]["details"]["name"] == ""


def test_a_generated_name_makes_no_workload_its_own_base() -> None:
    case = {"stored": [{"name": "t", "spec": {"gpu": 2}}], "workload": {"baseWorkload": "t"}}
    raw = golden.workload_in(case, "workload")
    raw["metadata"] = {"generateName": "t-", "namespace": "runai-a", "name": ""}
    answer = admit("mutate", golden.review_of(raw, name=None), golden.snapshot_in(case))
    assert patch_in(answer) == [{"op": "add", "path": "/spec/gpu", "value": {"value": 2}}]


def test_the_name_of_the_object_counts_where_the_request_has_none() -> None:
    answer = admit("validate", golden.review_of(a_workload(gpu="x"), name=None), EMPTY)
    assert answer.record
    assert answer.record.name == "w"


def test_the_namespace_of_the_request_counts() -> None:
    raw = a_workload(gpu=5)
    del raw["metadata"]["namespace"]
    body = golden.review_of({**raw, "metadata": {**raw["metadata"], "namespace": ""}}, namespace="runai-a")
    assert lines_in(admit("validate", body, snapshot_of([a_policy(MAX4)]))) == [
        "gpu: must be no greater than 4",
        "(InteractivePolicy runai-a/p)",
    ]


# Validate a policy; what is refused and warned of is told in tests/policies/test_section7.py


def test_a_refused_policy_is_recorded() -> None:
    answer = admit("validate-policy", golden.review_of(a_policy({"gpuu": {}})), EMPTY)
    line = "spec.gpuu: unknown field, did you mean gpu?"
    assert answer.record == Record(
        "0001",
        "validate-policy",
        "InteractivePolicy",
        "runai-a",
        "p",
        "CREATE",
        False,
        violations=(("spec.gpuu", "policy"),),
        lines=(line,),
    )


def test_an_admitted_policy_is_recorded() -> None:
    answer = admit("validate-policy", golden.review_of(a_policy({})), EMPTY)
    assert answer.record == Record("0001", "validate-policy", "InteractivePolicy", "runai-a", "p", "CREATE", True)


def test_an_update_of_a_policy_without_an_old_object_is_checked() -> None:
    body = golden.review_of(a_policy({"gpuu": {}}), operation="UPDATE")
    assert lines_in(admit("validate-policy", body, EMPTY)) == ["spec.gpuu: unknown field, did you mean gpu?"]


def test_a_second_policy_is_not_refused_on_update() -> None:
    there = snapshot_of([a_policy({}, name="other")])
    body = golden.review_of(a_policy({"gpu": {}}), a_policy({}))
    assert response_in(admit("validate-policy", body, there)) == {"uid": "0001", "allowed": True}


def test_a_policy_with_a_generated_name_is_a_second_one() -> None:
    raw = a_policy({})
    raw["metadata"]["name"] = ""
    body = golden.review_of(raw, name=None)
    line = "metadata.namespace: InteractivePolicy other already governs runai-a"
    assert lines_in(admit("validate-policy", body, snapshot_of([a_policy({}, name="other")]))) == [line]
