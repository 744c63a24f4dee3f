"""The reader of reviews and the builder of answers."""

import base64
import json
from typing import Any

import golden
import pytest

from webhook.review import NotAReviewError, Review, Status, answer_allowed, answer_refused, encode, parse_review

WORKLOAD = golden.workload_in({"workload": {"gpu": 1}}, "workload")
POLICY = next(golden.policies_in({"policy": {"gpu": {}}}))
ENVELOPE = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}


def read(raw: dict[str, Any], **request: Any) -> Review:
    return parse_review(golden.review_of(raw, **request))


def test_a_create() -> None:
    spec = {"name": {"value": "job"}, "gpu": {"value": 1}}
    metadata = {"name": "w", "namespace": "runai-a"}
    assert read(WORKLOAD) == Review(
        "0001", "InteractiveWorkload", "CREATE", "runai-a", "w", {"metadata": metadata, "spec": spec}, None
    )


def test_an_update_has_both_objects() -> None:
    review = read(WORKLOAD, operation="UPDATE", oldObject={"spec": 5, "masterSpec": [], "status": {}})
    assert (review.operation, review.old) == ("UPDATE", {"spec": 5, "masterSpec": []})


def test_a_delete_has_the_old_object() -> None:
    review = read(WORKLOAD, operation="DELETE", object=None, oldObject=WORKLOAD)
    assert (review.new, review.name) == (None, "w")
    assert review.old is not None


def test_of_a_workload_only_what_decides_is_read() -> None:
    new = read({**WORKLOAD, "status": {"x": 1}, "zzz": 1}).new
    assert new is not None
    assert new.keys() == {"metadata", "spec"}


def test_a_policy_is_read_whole() -> None:
    assert read({**POLICY, "zzz": 1}).new == {**POLICY, "zzz": 1}


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT", "PATCH", ""])
def test_other_operations_need_no_object(operation: str) -> None:
    assert read(WORKLOAD, operation=operation, object=None) == Review(
        "0001", "InteractiveWorkload", operation, "runai-a", "w", None, None
    )


@pytest.mark.parametrize(
    ("metadata", "request_fields", "names"),
    [
        ({}, {"namespace": None, "name": None}, ("", "")),
        ({}, {"namespace": "", "name": ""}, ("", "")),
        ({"name": "a", "namespace": "b"}, {"namespace": "c", "name": "d"}, ("c", "d")),
        ({"name": "a", "namespace": "b"}, {"namespace": None, "name": ""}, ("", "a")),
        ({"name": 5}, {"namespace": "c", "name": None}, ("c", "")),
        (None, {"namespace": "c", "name": None}, ("c", "")),
    ],
    ids=["none", "empty", "the request's", "the object's", "no text", "null metadata"],
)
def test_names(metadata: Any, request_fields: dict[str, Any], names: tuple[str, str]) -> None:
    review = read(WORKLOAD, object={"metadata": metadata}, **request_fields)
    assert (review.namespace, review.name) == names


def test_big_numbers_are_exact() -> None:
    review = read(WORKLOAD, object={"spec": {"a": 2**53 + 1, "b": 2**63}})
    assert review.new == {"spec": {"a": 2**53 + 1, "b": 2**63}}


@pytest.mark.parametrize(
    ("request_fields", "sentence"),
    [
        ({"object": None}, "request.object: expected an object on CREATE, got null"),
        (
            {"kind": {"kind": "InteractiveWorkload"}},
            "expected an object of run.ai/v2alpha1, got another group or version",
        ),
        (
            {"object": 5},
            "the body is not an AdmissionReview: Expected `object | null`, got `int`",
        ),
        (
            {"uid": 5},
            "the body is not an AdmissionReview: Expected `str`, got `int` - at `$.request.uid`",
        ),
        (
            {"kind": None},
            "the body is not an AdmissionReview: Expected `object`, got `null` - at `$.request.kind`",
        ),
        ({"kind": {"kind": "InteractivePolicy"}, "object": []}, None),
    ],
    ids=["no object", "no group", "a number", "a uid that is a number", "no kind", "a policy that is a list"],
)
def test_what_is_refused(request_fields: dict[str, Any], sentence: str | None) -> None:
    with pytest.raises(NotAReviewError) as caught:
        read(WORKLOAD, **request_fields)
    assert str(caught.value) == (
        sentence or "the body is not an AdmissionReview: Expected `object | null`, got `array`"
    )


# Answers


def test_allowed() -> None:
    assert json.loads(answer_allowed("u")) == {**ENVELOPE, "response": {"uid": "u", "allowed": True}}


def test_allowed_with_all_there_is() -> None:
    patch = [{"op": "add", "path": "/spec/gpu", "value": {"value": "1"}}]
    response = json.loads(answer_allowed("u", patch=patch, warnings=("a", "b"), annotations={"policy": "p"}))[
        "response"
    ]
    assert json.loads(base64.b64decode(response.pop("patch"))) == patch
    assert response == {
        "uid": "u",
        "allowed": True,
        "patchType": "JSONPatch",
        "warnings": ["a", "b"],
        "auditAnnotations": {"policy": "p"},
    }


def test_refused() -> None:
    status = Status("InteractivePolicy", "p", "a: b", [("FieldValueInvalid", "a: b", "spec.a")])
    assert json.loads(answer_refused("u", status, warnings=["w"], annotations={"policy": "p"})) == {
        **ENVELOPE,
        "response": {
            "uid": "u",
            "allowed": False,
            "status": {
                "status": "Failure",
                "code": 403,
                "reason": "Forbidden",
                "message": "a: b",
                "details": {
                    "group": "run.ai",
                    "kind": "InteractivePolicy",
                    "name": "p",
                    "causes": [{"reason": "FieldValueInvalid", "message": "a: b", "field": "spec.a"}],
                },
            },
            "warnings": ["w"],
            "auditAnnotations": {"policy": "p"},
        },
    }


def test_refused_without_more() -> None:
    response = json.loads(answer_refused("u", Status("k", "n", "m", [])))["response"]
    assert response.keys() == {"uid", "allowed", "status"}
    assert response["status"]["details"]["causes"] == []


@pytest.mark.parametrize(
    ("message", "encoded"),
    [
        ({"a": "\u00e9"}, '{"a":"\u00e9"}'.encode()),
        ({"a": "\ud800"}, b'{"a":"\\ud800"}'),
        ({"\udfff": [1, "x"]}, b'{"\\udfff":[1,"x"]}'),
        ({"a": 2**53 + 1}, b'{"a":9007199254740993}'),
    ],
    ids=["UTF-8", "a lone surrogate", "a lone surrogate in a key", "a big number"],
)
def test_encode(message: Any, encoded: bytes) -> None:
    assert encode(message) == encoded
