"""Which workloads a policy is tried on; what is told of them is in test_section7.py."""

from typing import Any

import pytest

from policies.compile import CompiledPolicy, compile_policy
from policies.kinds import INTERACTIVE, TRAINING
from policies.lookup import Snapshot, StoredPolicy, build_snapshot
from policies.reach import first_refusal, keys_in_reach, refusals_in_reach
from policies.schema import parse_policy
from policies.workload import Workload


def compiled(namespace: str = "runai-a", name: str = "p", **spec: Any) -> CompiledPolicy:
    return compile_policy(parse_policy({"spec": spec}, INTERACTIVE, namespace, name))


def stored(name: str, namespace: str) -> StoredPolicy:
    return StoredPolicy(INTERACTIVE, namespace, name, "", b"{}")


def a_workload(name: str, namespace: str = "runai-a", *, deleting: bool = False, **spec: Any) -> Workload:
    return Workload(INTERACTIVE, namespace, name, {"spec": {"name": {"value": "x"}, **spec}}, deleting=deleting)


THERE = [
    Workload(TRAINING, "runai-a", "t", {"spec": {}}),
    *(a_workload(name, namespace) for namespace in ("runai-b", "runai-a", "runai") for name in "ba"),
]
REACHED: dict[str, tuple[str, list[StoredPolicy], list[str]]] = {
    "a project": ("runai-a", [], ["runai-a/a", "runai-a/b"]),
    "a project whose policy it is": ("runai-a", [stored("p", "runai-a")], ["runai-a/a", "runai-a/b"]),
    "a project that another governs": ("runai-a", [stored("q", "runai-a")], []),
    "the whole cluster": ("runai", [], ["runai/a", "runai/b", "runai-a/a", "runai-a/b", "runai-b/a", "runai-b/b"]),
    "where there is no other": ("runai", [stored("q", "runai-a")], ["runai/a", "runai/b", "runai-b/a", "runai-b/b"]),
}


@pytest.mark.parametrize(("namespace", "policies", "reached"), REACHED.values(), ids=REACHED)
def test_the_reach(namespace: str, policies: list[StoredPolicy], reached: list[str]) -> None:
    keys = keys_in_reach(build_snapshot(policies, THERE), compiled(namespace))
    assert [f"{where}/{name}" for _, where, name in keys] == reached


MAX4: Any = {"gpu": {"rules": {"max": "4"}}}


@pytest.mark.parametrize(
    ("workload", "lines"),
    [
        (a_workload("w", gpu={"value": 5}), ["would refuse runai-a/w: gpu: must be no greater than 4"]),
        (a_workload("w", gpu={"value": 4}), []),
        (a_workload("w", gpu={"value": 5}, deleting=True), []),
    ],
    ids=["refused", "admitted", "being deleted"],
)
def test_the_first_line(workload: Workload, lines: list[str]) -> None:
    assert list(first_refusal(Snapshot(), compiled(**MAX4), workload)) == lines


def test_the_clock_is_looked_at_before_each() -> None:
    snapshot = build_snapshot([], [a_workload(name, gpu={"value": 5}) for name in "abc"])
    times = iter([0.0, 0.9, 1.0, 1.1])
    assert refusals_in_reach(snapshot, compiled(**MAX4), lambda: next(times)) == (
        "would refuse runai-a/a: gpu: must be no greater than 4",
        "would refuse runai-a/b: gpu: must be no greater than 4",
    )


def test_who_does_not_enforce_is_not_tried() -> None:
    snapshot = build_snapshot([], [a_workload("a", gpu={"value": 5})])
    assert refusals_in_reach(snapshot, compiled(enforcement="Warn", **MAX4), lambda: pytest.fail("asked")) == ()
