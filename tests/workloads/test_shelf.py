import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.kinds import INTERACTIVE, TRAINING
from policies.lookup import StoredPolicy, build_snapshot
from policies.workload import Misshapen
from workloads.locate import locate_workload
from workloads.shelf import Shelf, Stock

NUMBERS = (0, 1, 2, 256, 257, 512)  # some of one shard
KEYS = st.sampled_from(NUMBERS)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.integers(0, 3)), max_size=20)


@given(CHANGES)
def test_a_shelf_is_a_map_and_its_old_versions_stay(changes: list[tuple[int, int | None]]) -> None:
    shelf, plain = Shelf[int, int](), dict[int, int]()
    versions = [(shelf, plain)]
    for key, item in changes:
        shelf = shelf.without(key) if item is None else shelf.with_item(key, item)
        plain = {other: held for other, held in plain.items() if other != key} | ({} if item is None else {key: item})
        versions.append((shelf, plain))
    for shelf, plain in versions:
        assert dict(shelf) == plain
        assert len(shelf) == len(plain)
        assert [shelf.get(key) for key in NUMBERS] == [plain.get(key) for key in NUMBERS]


def test_a_change_copies_one_shard() -> None:
    shelf = Shelf[int, int]()
    for key in range(10_000):
        shelf = shelf.with_item(key, key)
    changed, less = shelf.with_item(77, 0), shelf.without(77)
    assert sum(one is not other for one, other in zip(shelf.shards, changed.shards, strict=True)) == 1
    assert sum(one is not other for one, other in zip(shelf.shards, less.shards, strict=True)) == 1
    assert shelf.without(-1) is shelf


def a_policy(name: str, namespace: str, created: str = "", rules: bytes = b"{}") -> StoredPolicy:
    return StoredPolicy(TRAINING, namespace, name, created, rules)


POLICIES = st.builds(a_policy, st.sampled_from("xyz"), st.sampled_from("ab"), st.sampled_from(["", "1", "2"]))


@given(st.lists(st.tuples(POLICIES, st.booleans()), max_size=20))
def test_policies_change_as_if_the_snapshot_were_built_anew(changes: list[tuple[StoredPolicy, bool]]) -> None:
    stock, known = Stock(), dict[tuple[str, str], StoredPolicy]()
    for policy, stays in changes:
        if stays:
            stock = stock.with_policy(policy)
            known[policy.namespace, policy.name] = policy
        else:
            stock = stock.without_policy((TRAINING.name, policy.namespace, policy.name))
            known.pop((policy.namespace, policy.name), None)
        snapshot, built = stock.snapshot(), build_snapshot(known.values(), ())
        assert dict(snapshot.policies) == built.policies
        assert dict(snapshot.shadowed) == built.shadowed
        assert snapshot.conflicts == built.conflicts


def test_what_says_the_same_changes_nothing() -> None:
    stock = Stock().with_policy(a_policy("x", "a", "1")).with_policy(a_policy("y", "a", "2"))
    assert stock.with_policy(a_policy("x", "a", "1")) is stock
    assert stock.with_policy(a_policy("y", "a", "2")) is stock
    assert stock.with_policy(a_policy("y", "a", "2", b'{"spec":{}}')) is not stock
    stock = stock.with_workload((TRAINING.name, "a", "w"), b'{"metadata":{},"spec":{}}')
    assert stock.with_workload((TRAINING.name, "a", "w"), b'{"metadata":{},"spec":{}}') is stock


RAW: dict[str, dict[str, Any]] = {
    "plain": {"metadata": {}, "spec": {"gpu": {"value": "1"}}},
    "deleting": {"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}, "spec": {}},
    "misshapen": {"metadata": {}, "spec": [1]},
    "null": {"metadata": {}, "spec": None},
    "empty": {"metadata": {}},
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_a_workload_comes_out_as_it_went_in(raw: dict[str, Any]) -> None:
    key = (INTERACTIVE.name, "a", "w")
    workloads = Stock().with_workload(key, json.dumps(raw).encode()).snapshot().workloads
    assert workloads[key] == locate_workload(raw, INTERACTIVE, "a", "w")
    assert isinstance(workloads[key].blocks.get("spec"), Misshapen) is (raw.get("spec") == [1])


def test_workloads_are_a_map() -> None:
    keys = [(TRAINING.name, "a", "w1"), (TRAINING.name, "b", "w2")]
    stock = Stock()
    for key in keys:
        stock = stock.with_workload(key, b'{"metadata":{},"spec":{}}')
    workloads = stock.snapshot().workloads
    assert (sorted(workloads), len(workloads), keys[0] in workloads) == (keys, 2, True)
    assert list(stock.without_workload(keys[0]).snapshot().workloads) == keys[1:]
    assert workloads.get((TRAINING.name, "a", "w2")) is None
    assert (TRAINING.name, "a", "w2") not in workloads
