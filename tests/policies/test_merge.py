"""What the merge of policy, base and workload adds, and where it comes from."""

from typing import Any

import pytest

from policies.compile import CompiledBlock, compile_policy
from policies.kinds import DISTRIBUTED, SPEC
from policies.merge import Layers, Origin, merge_block
from policies.schema import parse_policy
from policies.values import workload_values

Block = dict[str, Any]
VALUES = workload_values(DISTRIBUTED, SPEC)


def compiled(spec: Block) -> CompiledBlock:
    return compile_policy(parse_policy({"spec": spec}, DISTRIBUTED, "runai-a", "p")).blocks[SPEC]


def added(policy: Block | None, base: Block, own: Block) -> list[tuple[str, Any, Origin]]:
    layers = Layers(SPEC, VALUES, own, base, None if policy is None else compiled(policy))
    return [(addition.place.shown, addition.raw, addition.origin) for addition in merge_block(layers)]


def value(raw: Any) -> Block:
    return {"value": raw}


def items(**labelled: Any) -> Block:
    return {"items": labelled}


POLICY, BASE = Origin.POLICY, Origin.BASE
ONE, TWO = value("1"), value("2")
WEB = {"container": 80}
MERGED: dict[str, tuple[Block | None, Block, Block, list[tuple[str, Any, Origin]]]] = {
    "no layer": (None, {}, {}, []),
    "the policy's": ({"gpu": ONE}, {}, {}, [("gpu", "1", POLICY)]),
    "the base's": ({"gpu": ONE}, {"gpu": TWO}, {}, [("gpu", "2", BASE)]),
    "the base's without a policy": (None, {"gpu": TWO}, {}, [("gpu", "2", BASE)]),
    "the workload's own": ({"gpu": ONE}, {"gpu": TWO}, {"gpu": value(3)}, []),
    "an own wrapper that is no object counts": ({"gpu": ONE}, {"gpu": TWO}, {"gpu": 5}, []),
    "a base's wrapper that is no object does not": ({"gpu": ONE}, {"gpu": 5}, {}, [("gpu", "1", POLICY)]),
    "the base's group drops the policy's": ({"gpu": ONE}, {"gpuMemory": value("1G")}, {}, [("gpuMemory", "1G", BASE)]),
    "the own group drops both": ({"gpu": ONE}, {"gpuMemory": value("1G")}, {"migProfile": value("x")}, []),
    "what is never inherited": (None, {"name": value("a"), "usage": "Template", "active": value(True)}, {}, []),
    "what the kind does not know": (None, {"parallelism": ONE, "x": 5}, {}, []),
    "catalogue order": (
        {"workingDir": value("/a"), "cpu": ONE},
        {"image": value("b"), "gpu": TWO},
        {},
        [("cpu", "1", POLICY), ("gpu", "2", BASE), ("image", "b", BASE), ("workingDir", "/a", POLICY)],
    ),
    "computed from what is stated": (
        {"cpu": {"rules": {"defaultFrom": {"field": "gpu", "factor": 4}}}},
        {"gpu": TWO},
        {},
        [("cpu", "8", POLICY), ("gpu", "2", BASE)],
    ),
    "computed from what the group dropped": (
        {"gpu": ONE, "cpu": {"rules": {"defaultFrom": {"field": "gpu"}}}},
        {"gpuMemory": value("1G")},
        {},
        [("gpuMemory", "1G", BASE)],
    ),
    "computed from what is misshapen": (
        {"cpu": {"rules": {"defaultFrom": {"field": "gpu"}}}},
        {},
        {"gpu": 5},
        [],
    ),
    "items by label": (
        {"ports": items(b=value(WEB), a=value(WEB))},
        {"ports": items(c=value(WEB), b=value({"container": 81}))},
        {"ports": items(a={"deleted": True})},
        [("ports.b", value({"container": 81}), BASE), ("ports.c", value(WEB), BASE)],
    ),
    "a base's marker": (
        {"ports": items(a=value(WEB))},
        {"ports": items(a={"deleted": True, "value": WEB})},
        {},
        [("ports.a", {"deleted": True}, BASE)],
    ),
    "a base's item that is no object": (
        {"labels": items(a=value("x"))},
        {"labels": items(a=5, b=value("y"), c={}, d=None)},
        {},
        [("labels.b", value("y"), BASE), ("labels.c", {}, BASE)],
    ),
    "a base's map that is no object": (
        {"labels": items(a=value("x"))},
        {"labels": 5},
        {},
        [("labels.a", value("x"), POLICY)],
    ),
    "an own map that is no object": ({"labels": items(a=value("x"))}, {}, {"labels": {"items": 5}}, []),
    "DEFAULTS completes own and inherited items": (
        {"ports": items(DEFAULTS=value({"toolName": "t"}))},
        {"ports": items(b=value({"container": 1, "external": None}))},
        {"ports": items(a=value(WEB), c={"deleted": True}, d=5, e={"value": 5}, f={})},
        [
            ("ports.a.toolName", "t", POLICY),
            ("ports.b", value({"container": 1, "toolName": "t"}), BASE),
            ("ports.f.toolName", "t", POLICY),
        ],
    ),
    "a base's item whose value is no object": (
        {"ports": items(DEFAULTS=value({"toolName": "t"}))},
        {"ports": items(a={"value": 5}, b={"value": None})},
        {},
        [("ports.a", {"value": 5}, BASE), ("ports.b", value({"toolName": "t"}), BASE)],
    ),
}


@pytest.mark.parametrize(("policy", "base", "own", "merged"), MERGED.values(), ids=MERGED)
def test_merge(policy: Block | None, base: Block, own: Block, merged: list[tuple[str, Any, Origin]]) -> None:
    assert added(policy, base, own) == merged


def test_a_value_that_the_block_does_not_know_is_stated_by_nobody() -> None:
    layers = Layers(SPEC, VALUES, {"x": value(1)}, {"x": value(2)}, compiled({}))
    assert layers.stated("x") == (None, Origin.POLICY)


def test_a_rival_in_the_base_leaves_nothing_stated() -> None:
    layers = Layers(SPEC, VALUES, {}, {"gpuMemory": value("1G")}, compiled({"gpu": ONE}))
    assert layers.stated("gpu") == (None, Origin.BASE)
    assert layers.stated("gpuMemory") == ("1G", Origin.BASE)
