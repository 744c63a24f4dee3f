"""Requests that the golden cases leave out: fillings applied in place, and what an UPDATE changes of broken objects."""

from typing import Any

import golden
import pytest

from policies.decide import Edit, Filling, apply_filling, fold_additions, was_there
from policies.kinds import DISTRIBUTED, INTERACTIVE, SPEC
from policies.merge import Addition, Origin
from policies.place import Place
from policies.values import CATALOGUE
from policies.workload import Misshapen, Workload

VALUES = {value.name: value for value in CATALOGUE}
PORTS, URLS, GPU = VALUES["ports"], VALUES["exposedUrls"], VALUES["gpu"]
CONTAINER, TOOL = URLS.members["container"], URLS.members["toolName"]


def test_a_filling_leaves_the_given_workload_untouched() -> None:
    spec = {"ports": {"items": {"a": {"value": {"container": 1}}}}, "cpu": {"value": 1}}
    workload = Workload(DISTRIBUTED, "runai-a", "w", {"spec": spec})
    edits = (
        Edit(("spec", "ports", "items", "a", "value", "toolName"), "t"),
        Edit(("spec", "ports", "items", "b"), {"value": {"container": 2}}),
        Edit(("masterSpec",), {"cpu": {"value": "1"}}),
    )
    assert apply_filling(workload, Filling(edits)).blocks == {
        "spec": {
            "ports": {"items": {"a": {"value": {"container": 1, "toolName": "t"}}, "b": {"value": {"container": 2}}}},
            "cpu": {"value": 1},
        },
        "masterSpec": {"cpu": {"value": "1"}},
    }
    assert workload.blocks == {"spec": {"ports": {"items": {"a": {"value": {"container": 1}}}}, "cpu": {"value": 1}}}


def added(place: Place, raw: Any) -> Addition:
    return Addition(place, raw, Origin.POLICY)


FOLDED: dict[str, tuple[dict[str, Any], list[Addition], Filling]] = {
    "below a missing block": (
        {},
        [
            added(Place(SPEC, GPU), "1"),
            added(Place(SPEC, PORTS, "a"), {"value": {}}),
            added(Place(SPEC, PORTS, "b"), {}),
        ],
        Filling(
            (
                Edit(
                    ("spec",),
                    {"gpu": {"value": "1"}, "ports": {"items": {"a": {"value": {}}, "b": {}}}},
                ),
            ),
            ("gpu", "ports.a", "ports.b"),
        ),
    ),
    "below a null": (
        {"spec": {"gpu": None}},
        [added(Place(SPEC, GPU), "1")],
        Filling((Edit(("spec", "gpu"), {"value": "1"}),), ("gpu",)),
    ),
    "the value is missing": (
        {"spec": {"gpu": {}}},
        [added(Place(SPEC, GPU), "1")],
        Filling((Edit(("spec", "gpu", "value"), "1"),), ("gpu",)),
    ),
    "below what is no object": (
        {"spec": {"gpu": 5, "ports": {"items": {"a": 5}}}},
        [added(Place(SPEC, GPU), "1"), added(Place(SPEC, PORTS, "a", PORTS.members["container"]), 1)],
        Filling(),
    ),
    "in a block that is no object": ({"spec": Misshapen(5)}, [added(Place(SPEC, GPU), "1")], Filling()),
    "what is there already": ({"spec": {"gpu": {"value": 1}}}, [added(Place(SPEC, GPU), "1")], Filling()),
}


@pytest.mark.parametrize(("blocks", "additions", "filling"), FOLDED.values(), ids=FOLDED)
def test_additions_fold_into_edits(blocks: dict[str, Any], additions: list[Addition], filling: Filling) -> None:
    assert fold_additions(additions, blocks) == filling


THERE: dict[str, tuple[dict[str, Any], Place, bool]] = {
    "a value": ({"gpu": {"value": 1}}, Place(SPEC, GPU), True),
    "a value in the other spelling": ({"gpuDevices": {"value": 1}}, Place(SPEC, GPU), True),
    "a value that is no object": ({"gpu": 5}, Place(SPEC, GPU), True),
    "no value": ({"gpu": {"value": None}}, Place(SPEC, GPU), False),
    "a block": ({"gpu": {"value": 1}}, Place(SPEC), False),
    "an item": ({"exposedUrls": {"items": {"a": {}}}}, Place(SPEC, URLS, "a"), True),
    "a marker": ({"exposedUrls": {"items": {"a": {"deleted": True}}}}, Place(SPEC, URLS, "a"), True),
    "a null item": ({"exposedUrls": {"items": {"a": None}}}, Place(SPEC, URLS, "a"), False),
    "no map": ({}, Place(SPEC, URLS, "a"), False),
    "a map that is no object": ({"exposedUrls": 5}, Place(SPEC, URLS, "a"), False),
    "a member": (
        {"exposedUrls": {"items": {"a": {"value": {"container": 1}}}}},
        Place(SPEC, URLS, "a", CONTAINER),
        True,
    ),
    "a member in the other spelling": (
        {"exposedUrls": {"items": {"a": {"value": {"containerPort": 1}}}}},
        Place(SPEC, URLS, "a", CONTAINER),
        True,
    ),
    "no member": (
        {"exposedUrls": {"items": {"a": {"value": {"toolName": None}}}}},
        Place(SPEC, URLS, "a", TOOL),
        False,
    ),
    "no member of an item that is no object": (
        {"exposedUrls": {"items": {"a": 5}}},
        Place(SPEC, URLS, "a", TOOL),
        False,
    ),
    "every member of an absent item": ({}, Place(SPEC, URLS, "a", TOOL), True),
    "every member of a deleted item": (
        {"exposedUrls": {"items": {"a": {"deleted": True}}}},
        Place(SPEC, URLS, "a", TOOL),
        True,
    ),
}


@pytest.mark.parametrize(("block", "place", "there"), THERE.values(), ids=THERE)
def test_what_was_there(*, block: dict[str, Any], place: Place, there: bool) -> None:
    assert was_there(block, place, VALUES) is there


UPDATES: dict[str, golden.Object] = {
    "an object's wrong member that stays is not told": {
        "kind": "Distributed",
        "old": {"mpiJob!": {"value": {"slotsPerWorker": 0}}},
        "workload": {"mpiJob!": {"value": {"slotsPerWorker": 0, "sshAuthMountPath": "/a"}}},
    },
    "an object's wrong member that changes is told": {
        "kind": "Distributed",
        "old": {"mpiJob!": {"value": {"slotsPerWorker": 0}}},
        "workload": {"mpiJob!": {"value": {"slotsPerWorker": -1}}},
        "lines": ["mpiJob.slotsPerWorker: must be no less than 1"],
    },
    "an object that could not be read is new": {
        "kind": "Distributed",
        "old": {"mpiJob!": {"value": 5}},
        "workload": {"mpiJob!": {"value": {"slotsPerWorker": 0}}},
        "lines": ["mpiJob.slotsPerWorker: must be no less than 1"],
    },
    "an item that is no object and stays is not told": {
        "old": {"ports.a!": 5},
        "workload": {"ports.a!": 5, "ports.b": {"container": 1}},
    },
    "an item that is no object and changes is told": {
        "old": {"ports.a!": 5},
        "workload": {"ports.a!": 6},
        "lines": ["ports.a: must be an object"],
    },
    "a block that is no object and stays is not told": {"bare": True, "old": 5, "workload": 5},
    "a block that is no object and changes is told": {
        "bare": True,
        "old": 5,
        "workload": 6,
        "lines": ["spec: must be an object"],
    },
    "a policy that cannot be read refuses a change": {
        "policy": 5,
        "old": {"gpu": 1},
        "workload": {"gpu": 2},
        "lines": ["spec: cannot be checked: the policy's spec is not an object"],
    },
    "a policy that cannot be read refuses a changed item": {
        "policy": 5,
        "old": {"ports.a": {"container": 1}},
        "workload": {"ports.a": {"container": 2}},
        "lines": ["spec: cannot be checked: the policy's spec is not an object"],
    },
    "a policy that cannot be read refuses no other spelling": {
        "policy": 5,
        "old": {"gpu": 1, "exposedUrls.a": {"container": 1}},
        "workload": {"gpuDevices": 1, "exposedUrls.a": {"containerPort": 1}, "image": None},
    },
    "a base that has come to have a masterSpec gives an existing workload none": {
        "kind": "Distributed",
        "policy": {"masterSpec": {"memory": {"value": "1Gi"}}},
        "stored": [{"name": "base", "spec": {"masterSpec": {"cpu": 1}}}],
        "old": {"baseWorkload": "base"},
        "workload": {"baseWorkload": "base", "image": "a"},
    },
    "a base that the request names gives a masterSpec": {
        "kind": "Distributed",
        "policy": {"masterSpec": {"memory": {"value": "1Gi"}}},
        "stored": [{"name": "base", "spec": {"masterSpec": {"cpu": 1}}}],
        "old": {},
        "workload": {"baseWorkload": "base"},
        "patch": {"/masterSpec": {"cpu": {"value": 1}, "memory": {"value": "1Gi"}}},
    },
}


@pytest.mark.parametrize("case", UPDATES.values(), ids=UPDATES)
def test_updates(case: golden.Object) -> None:
    answer = golden.answer_to(case)
    assert golden.as_text(answer) == golden.as_text(golden.expected_of(case, answer))


def test_a_deleting_workload_is_judged_and_not_filled() -> None:
    case = {
        "policy": {"gpu": {"value": "1", "rules": {"required": True}}},
        "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"},
        "workload": {},
    }
    answer = golden.answer_to(case)
    assert (answer.patch, answer.lines) == ({}, ["gpu: is required"])


def test_the_kinds_have_their_blocks() -> None:
    assert (INTERACTIVE.blocks, DISTRIBUTED.blocks) == (("spec",), ("spec", "masterSpec"))
