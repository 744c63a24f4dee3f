"""Raw objects of the cluster, however odd."""

import copy
import json
from typing import Any

import pytest

from policies.kinds import API_VERSION, DISTRIBUTED, INTERACTIVE, Kind
from policies.workload import Misshapen, Workload
from workloads.locate import (
    locate_policy,
    locate_workload,
    metadata_of,
    policy_kind,
    snapshot_of,
    text_of,
    workload_kind,
)

Raw = dict[str, Any]
META = {"name": "w", "namespace": "runai-a"}

LOCATED: dict[str, tuple[Raw, Kind, Workload]] = {
    "whole": (
        {"metadata": META, "spec": {"gpu": 1}},
        INTERACTIVE,
        Workload(INTERACTIVE, "runai-a", "w", {"spec": {"gpu": 1}}),
    ),
    "empty": ({}, INTERACTIVE, Workload(INTERACTIVE, "default", "", {})),
    "null": ({"metadata": None, "spec": None}, INTERACTIVE, Workload(INTERACTIVE, "default", "", {})),
    "without a namespace": ({"metadata": {"name": "w"}}, INTERACTIVE, Workload(INTERACTIVE, "default", "w", {})),
    "metadata that is no object": ({"metadata": 5}, INTERACTIVE, Workload(INTERACTIVE, "default", "", {})),
    "names that are no text": (
        {"metadata": {"name": 5, "namespace": []}},
        INTERACTIVE,
        Workload(INTERACTIVE, "default", "", {}),
    ),
    "a spec that is no object": (
        {"metadata": META, "spec": [1]},
        INTERACTIVE,
        Workload(INTERACTIVE, "runai-a", "w", {"spec": Misshapen([1])}),
    ),
    "two blocks": (
        {"metadata": META, "spec": {}, "masterSpec": 5},
        DISTRIBUTED,
        Workload(DISTRIBUTED, "runai-a", "w", {"spec": {}, "masterSpec": Misshapen(5)}),
    ),
    "another kind's block": (
        {"metadata": META, "spec": {}, "masterSpec": {}},
        INTERACTIVE,
        Workload(INTERACTIVE, "runai-a", "w", {"spec": {}}),
    ),
    "being deleted": (
        {"metadata": {**META, "deletionTimestamp": "2026-01-01T00:00:00Z"}},
        INTERACTIVE,
        Workload(INTERACTIVE, "runai-a", "w", {}, deleting=True),
    ),
    "not being deleted": (
        {"metadata": {**META, "deletionTimestamp": None}},
        INTERACTIVE,
        Workload(INTERACTIVE, "runai-a", "w", {}),
    ),
}


@pytest.mark.parametrize(("raw", "kind", "workload"), LOCATED.values(), ids=LOCATED)
def test_a_workload(raw: Raw, kind: Kind, workload: Workload) -> None:
    before = copy.deepcopy(raw)
    assert locate_workload(raw, kind) == workload
    assert raw == before


def test_the_request_knows_better() -> None:
    workload = locate_workload({"metadata": META}, INTERACTIVE, "runai-b", "x")
    assert (workload.namespace, workload.name) == ("runai-b", "x")
    policy = locate_policy({"metadata": META}, INTERACTIVE, "runai-b", "x")
    assert (policy.namespace, policy.name) == ("runai-b", "x")


READ: dict[str, tuple[Raw, bool, str | None]] = {
    "a Submit": ({"spec": {"usage": "Submit"}}, False, None),
    "a Template": ({"spec": {"usage": "Template"}}, True, None),
    "an unknown usage": ({"spec": {"usage": "template"}}, False, None),
    "a base": ({"spec": {"baseWorkload": "b"}}, False, "b"),
    "a base that is no text": ({"spec": {"baseWorkload": 5}}, False, None),
    "no object": ({"spec": 5}, False, None),
}


@pytest.mark.parametrize(("raw", "template", "base"), READ.values(), ids=READ)
def test_what_it_is(*, raw: Raw, template: bool, base: str | None) -> None:
    workload = locate_workload(raw, INTERACTIVE)
    assert (workload.is_template, workload.base_name) == (template, base)


def test_a_policy() -> None:
    rules = {"apiVersion": API_VERSION, "spec": {"gpu": {"value": "1"}}, "x": 1}
    raw = {**rules, "metadata": {**META, "creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"y": 1}}
    policy = locate_policy(raw, INTERACTIVE)
    assert (policy.kind, policy.namespace, policy.name, policy.created) == (
        INTERACTIVE,
        "runai-a",
        "w",
        "2026-01-01T00:00:00Z",
    )
    assert json.loads(policy.document) == rules
    assert policy.title == "InteractivePolicy runai-a/w"


KINDS: dict[str, tuple[Raw, Kind | None, Kind | None]] = {
    "a workload": ({"apiVersion": API_VERSION, "kind": "InteractiveWorkload"}, INTERACTIVE, None),
    "a policy": ({"apiVersion": API_VERSION, "kind": "DistributedPolicy"}, None, DISTRIBUTED),
    "another version": ({"apiVersion": "run.ai/v1", "kind": "InteractiveWorkload"}, None, None),
    "another group": ({"apiVersion": "v2alpha1", "kind": "InteractiveWorkload"}, None, None),
    "another kind": ({"apiVersion": API_VERSION, "kind": "Project"}, None, None),
    "no kind": ({"apiVersion": API_VERSION}, None, None),
    "a kind that is no text": ({"apiVersion": API_VERSION, "kind": ["InteractiveWorkload"]}, None, None),
    "nothing": ({}, None, None),
}


@pytest.mark.parametrize(("raw", "workload", "policy"), KINDS.values(), ids=KINDS)
def test_kinds(raw: Raw, workload: Kind | None, policy: Kind | None) -> None:
    assert (workload_kind(raw), policy_kind(raw)) == (workload, policy)


def test_a_snapshot_passes_over_other_kinds() -> None:
    whole = [
        {"apiVersion": API_VERSION, "kind": "InteractiveWorkload", "metadata": META, "spec": {}},
        {"apiVersion": API_VERSION, "kind": "InteractivePolicy", "metadata": META, "spec": {}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": META},
        {},
    ]
    snapshot = snapshot_of(whole, "shared")
    assert list(snapshot.policies) == [("InteractiveWorkload", "runai-a")]
    assert list(snapshot.workloads) == [("InteractiveWorkload", "runai-a", "w")]
    assert snapshot.global_namespace == "shared"


def test_metadata() -> None:
    assert [metadata_of({"metadata": raw}) for raw in (None, 5, {"a": 1})] == [{}, {}, {"a": 1}]
    assert [text_of({"a": raw}, "a") for raw in (None, 5, "", "x")] == ["", "", "", "x"]
