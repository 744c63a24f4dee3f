"""Which policy governs, and which workload is a base."""

import json

import pytest

from policies.kinds import INTERACTIVE, TRAINING, Kind
from policies.lookup import Snapshot, StoredPolicy, build_snapshot, conflict
from policies.workload import Workload


def a_policy(name: str, namespace: str = "runai-a", created: str = "", kind: Kind = INTERACTIVE) -> StoredPolicy:
    return StoredPolicy(kind, namespace, name, created, json.dumps({"spec": {}}).encode())


def a_workload(name: str, namespace: str = "runai-a", base: object = None, usage: str = "Submit") -> Workload:
    return Workload(INTERACTIVE, namespace, name, {"spec": {"usage": usage, "baseWorkload": base}})


OLD, NEW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
GOVERNING: dict[str, tuple[list[StoredPolicy], str | None]] = {
    "none": ([], None),
    "the project's": ([a_policy("g", "runai"), a_policy("p")], "runai-a/p"),
    "the global one": ([a_policy("g", "runai"), a_policy("p", "runai-b")], "runai/g"),
    "not another kind's": ([a_policy("p", kind=TRAINING)], None),
    "the oldest": ([a_policy("a", created=NEW), a_policy("b", created=OLD)], "runai-a/b"),
    "of one age the first by name": ([a_policy("b", created=OLD), a_policy("a", created=OLD)], "runai-a/a"),
    "one that is created before one that is not": ([a_policy("a"), a_policy("b", created=NEW)], "runai-a/b"),
}


@pytest.mark.parametrize(("policies", "key"), GOVERNING.values(), ids=GOVERNING)
def test_one_policy_governs(policies: list[StoredPolicy], key: str | None) -> None:
    found = build_snapshot(policies, []).find(INTERACTIVE, "runai-a")
    assert (found.policy.key if found else None) == key


def test_the_global_namespace_is_configurable() -> None:
    policies = [a_policy("g", "shared"), a_policy("old", "runai")]
    found = build_snapshot(policies, [], "shared").find(INTERACTIVE, "runai-a")
    assert found is not None
    assert found.policy.title == "InteractivePolicy shared/g"


def test_a_policy_is_compiled_once() -> None:
    policy = a_policy("p")
    assert policy.compiled is policy.compiled


def test_conflicts_are_told() -> None:
    others = [a_policy(name, created=NEW) for name in ("c", "b")]
    snapshot = build_snapshot([*others, a_policy("a", created=OLD), a_policy("x", "runai-b")], [])
    sentence = "InteractivePolicy runai-a/a governs; in the same namespace not in force: b, c"
    assert snapshot.conflicts == (sentence,)
    assert Snapshot().conflicts == ()
    assert conflict(a_policy("a b"), [a_policy("c d")]).endswith('not in force: "c d"')


BASES: dict[str, tuple[Workload, list[Workload], str | None]] = {
    "none is named": (a_workload("w"), [a_workload("b")], None),
    "it is not there": (a_workload("w", base="b"), [], None),
    "no text": (a_workload("w", base=5), [a_workload("5")], None),
    "a Submit of the namespace": (a_workload("w", base="b"), [a_workload("b")], "runai-a"),
    "a Template of the namespace": (a_workload("w", base="b"), [a_workload("b", usage="Template")], "runai-a"),
    "the namespace's own first": (
        a_workload("w", base="b"),
        [a_workload("b", "runai", usage="Template"), a_workload("b")],
        "runai-a",
    ),
    "a global Template": (a_workload("w", base="b"), [a_workload("b", "runai", usage="Template")], "runai"),
    "not a global Submit": (a_workload("w", base="b"), [a_workload("b", "runai")], None),
    "not another namespace's": (a_workload("w", base="b"), [a_workload("b", "runai-b", usage="Template")], None),
    "not itself": (a_workload("w", base="w"), [a_workload("w")], None),
    "a global Template of its name": (
        a_workload("w", base="w"),
        [a_workload("w"), a_workload("w", "runai", usage="Template")],
        "runai",
    ),
    "not itself in the global namespace": (
        a_workload("w", "runai", base="w"),
        [a_workload("w", "runai", usage="Template")],
        None,
    ),
    "a Submit in the global namespace for its own": (
        a_workload("w", "runai", base="b"),
        [a_workload("b", "runai")],
        "runai",
    ),
}


@pytest.mark.parametrize(("workload", "there", "namespace"), BASES.values(), ids=BASES)
def test_the_base(workload: Workload, there: list[Workload], namespace: str | None) -> None:
    found = build_snapshot([], there).find_base(workload)
    assert (found.namespace if found else None) == namespace
