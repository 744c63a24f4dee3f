"""AdmissionReview bytes <-> Review: the only reader of requests, the only builder of answers.

The protocol: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/ and the API
docs of `admission.k8s.io/v1`. Only the fields that a decision needs are decoded.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec

from policies.kinds import GROUP, POLICY_KINDS, VERSION
from workloads.locate import metadata_of, text_of

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"

CREATE, UPDATE = "CREATE", "UPDATE"
FORBIDDEN = 403


class NotAReviewError(ValueError):
    """Bytes that are no AdmissionReview of ours, in a sentence for the caller."""


class WorkloadFields(TypedDict, total=False):
    """The fields of a workload that a decision reads; the bytes of the rest are passed over."""

    metadata: dict[str, Any] | None
    spec: Any
    masterSpec: Any


class KindFields(msgspec.Struct):
    """`request.kind`."""

    kind: str
    group: str = ""
    version: str = ""


class RequestFields(msgspec.Struct):
    """`request`."""

    uid: str
    kind: KindFields
    operation: str
    namespace: str | None = None
    name: str | None = None
    object: msgspec.Raw = msgspec.Raw(b"null")
    oldObject: msgspec.Raw = msgspec.Raw(b"null")  # noqa: N815 - the API's name


class ReviewFields(msgspec.Struct):
    """The whole body."""

    apiVersion: str  # noqa: N815 - the API's name
    kind: str
    request: RequestFields


@dataclass(frozen=True, slots=True)
class Review:
    """A request as the API server sent it; `new` is None on DELETE, `old` on CREATE."""

    uid: str
    kind: str
    operation: str
    namespace: str
    name: str
    new: Mapping[str, Any] | None
    old: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Status:
    """Why a request is refused: `causes` are (reason, message, field), `kind` and `name` the refused object's."""

    kind: str
    name: str
    message: str
    causes: Sequence[tuple[str, str, str]]


DECODER = msgspec.json.Decoder(ReviewFields)
WORKLOAD_DECODER = msgspec.json.Decoder(WorkloadFields | None)
POLICY_DECODER = msgspec.json.Decoder(dict[str, Any] | None)
ENCODER = msgspec.json.Encoder()


def parse_review(body: bytes) -> Review:
    """The request in a body. NotAReviewError if it is no AdmissionReview v1 of our group and version."""
    try:
        fields = DECODER.decode(body)
        decoder = POLICY_DECODER if fields.request.kind.kind in POLICY_KINDS else WORKLOAD_DECODER
        new, old = (decoder.decode(raw) for raw in (fields.request.object, fields.request.oldObject))
    except (ValueError, RecursionError) as error:
        raise NotAReviewError(f"the body is not an AdmissionReview: {error}") from None
    if (fields.apiVersion, fields.kind) != (API_VERSION, KIND):
        raise NotAReviewError(f"expected {KIND} of {API_VERSION}, got another kind or version")
    request = fields.request
    if (request.kind.group, request.kind.version) != (GROUP, VERSION):
        raise NotAReviewError(f"expected an object of {GROUP}/{VERSION}, got another group or version")
    if request.operation in (CREATE, UPDATE) and new is None:
        raise NotAReviewError(f"request.object: expected an object on {request.operation}, got null")
    return Review(
        request.uid,
        request.kind.kind,
        request.operation,
        request.namespace or "",
        request.name or text_of(metadata_of(new or {}), "name"),
        new,
        old,
    )


def answer_allowed(
    uid: str,
    *,
    patch: Sequence[Mapping[str, Any]] = (),
    warnings: Sequence[str] = (),
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    """An AdmissionReview that admits; `patch` and its type are there together or not at all."""
    response: dict[str, Any] = {"uid": uid, "allowed": True}
    if patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(encode(patch)).decode()
    return envelope(response, warnings, annotations)


def answer_refused(
    uid: str, status: Status, *, warnings: Sequence[str] = (), annotations: Mapping[str, str] | None = None
) -> bytes:
    """An AdmissionReview that refuses: 403 Forbidden, never 422 Invalid (semantics.md, section 5)."""
    causes = [{"reason": reason, "message": line, "field": field} for reason, line, field in status.causes]
    details = {"group": GROUP, "kind": status.kind, "name": status.name, "causes": causes}
    response = {
        "uid": uid,
        "allowed": False,
        "status": {
            "status": "Failure",
            "code": FORBIDDEN,
            "reason": "Forbidden",
            "message": status.message,
            "details": details,
        },
    }
    return envelope(response, warnings, annotations)


def envelope(response: dict[str, Any], warnings: Sequence[str], annotations: Mapping[str, str] | None) -> bytes:
    """The response in its AdmissionReview."""
    if warnings:
        response["warnings"] = list(warnings)
    if annotations:
        response["auditAnnotations"] = dict(annotations)
    return encode({"apiVersion": API_VERSION, "kind": KIND, "response": response})


def encode(message: Any) -> bytes:
    """JSON bytes; a text that is no UTF-8 (a lone surrogate of a file) is escaped."""
    try:
        return ENCODER.encode(message)
    except UnicodeEncodeError:
        return json.dumps(message, separators=(",", ":")).encode()
