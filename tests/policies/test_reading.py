"""What raw JSON means, per type."""

from fractions import Fraction
from typing import Any

import pytest

from policies.reading import (
    DELETED,
    EXPECTED,
    BlockReading,
    Item,
    Malformed,
    is_live,
    malformed,
    read_block,
    read_item,
    read_value,
    same_item,
    show_value,
    spell_value,
)
from policies.values import CATALOGUE, Type, Value
from policies.workload import Misshapen

VALUES = {value.name: value for value in CATALOGUE}
PORTS, LABELS, MPI_JOB, URLS = (VALUES[name] for name in ("ports", "labels", "mpiJob", "exposedUrls"))

READINGS: list[tuple[str, Any, Any]] = [
    ("image", "a", "a"),
    ("image", "", ""),
    ("imagePullPolicy", "ALWAYS", "always"),
    ("nodePools", " b  a ", ("b", "a")),
    ("nodePools", "", ()),
    ("supplementalGroups", "1;2;", ("1", "2")),
    ("hostIpc", False, False),
    ("runAsUid", 0, 0),
    ("runAsUid", 10**40, 10**40),
    ("cpu", 1, 1),
    ("cpu", "1.0", 1),
    ("cpu", ".5", Fraction(1, 2)),
    ("cpu", -(10**30), -(10**30)),
    ("memory", "1024Mi", 2**30),
    ("memory", 0, 0),
    ("ttlAfterFinish", "1h", 3600),
    ("ttlAfterFinish", "0", 0),
    ("capabilities", [], ()),
    ("capabilities", ["b", "a"], ("b", "a")),
    ("mpiJob", {}, {}),
    ("mpiJob", {"slotsPerWorker": 1, "launcherCreationPolicy": None, "other": 5}, {"slotsPerWorker": 1}),
    ("mpiJob", {"slotsPerWorker": "x"}, {"slotsPerWorker": Malformed("a whole number", '"x"')}),
]
MALFORMED: dict[str, list[Any]] = {
    "image": [5, True, ["a"], {}],
    "nodePools": [5, ["a"]],
    "hostIpc": [0, 1, "true", [], {}],
    "runAsUid": ["1", 1.0, 0.5, True, [], {}],
    "cpu": [0.5, 1.0, True, "", "x", "1e25", "1" * 33, 10**32, -(10**31), [], {}],
    "memory": [0.5, True, "1 Gi", "1gb", [1]],
    "ttlAfterFinish": [5, 0, "5", "1m1h", "12345678901s", ""],
    "capabilities": ["a", ["a", 5], [None], {}],
    "mpiJob": ["x", [], 5, True],
}


@pytest.mark.parametrize(("name", "raw", "reading"), READINGS, ids=[f"{name}-{raw}" for name, raw, _ in READINGS])
def test_a_reading(name: str, raw: Any, reading: Any) -> None:
    assert read_value(VALUES[name], raw) == reading
    assert type(read_value(VALUES[name], raw)) is type(reading)


@pytest.mark.parametrize(
    ("name", "raw"), [pytest.param(name, raw, id=f"{name}-{raw}") for name, raws in MALFORMED.items() for raw in raws]
)
def test_no_reading(name: str, raw: Any) -> None:
    assert read_value(VALUES[name], raw) == malformed(EXPECTED[VALUES[name].type], raw)


def test_absent_is_none() -> None:
    assert {read_value(value, None) for value in CATALOGUE if value.type is not Type.MAP} == {None}


def test_a_wrapper_that_is_no_object_is_told_as_one() -> None:
    assert read_value(VALUES["gpu"], Misshapen(5)) == Malformed("an object", "5")


def test_what_cannot_be_read_equals_only_the_same_json() -> None:
    assert malformed("x", {"a": 1, "b": 2}) == malformed("x", {"b": 2, "a": 1})
    assert malformed("x", True) != malformed("x", 1)
    assert malformed("x", 1.0) != malformed("x", 1)


ITEMS: dict[str, tuple[Value, Any, Item]] = {
    "live": (PORTS, {"value": {"container": 1}}, Item({"container": 1})),
    "unknown members": (PORTS, {"value": {"container": 1, "x": 1, "external": None}}, Item({"container": 1})),
    "deleted": (PORTS, {"deleted": True}, DELETED),
    "deleted beside a value": (PORTS, {"deleted": True, "value": {"container": 1}}, DELETED),
    "not deleted": (PORTS, {"deleted": False, "value": {}}, Item()),
    "neither": (PORTS, {}, Item()),
    "null value": (PORTS, {"value": None, "deleted": None}, Item()),
    "no object": (PORTS, 5, Item(shape=malformed("an object", 5))),
    "a value that is no object": (PORTS, {"value": 5}, Item(shape=malformed("an object", 5))),
    "a marker that is none": (PORTS, {"deleted": "x"}, Item(marker=malformed("true or false", "x"))),
    "a marker of 1": (PORTS, {"deleted": 1, "value": {}}, Item(marker=malformed("true or false", 1))),
    "both wrong": (
        PORTS,
        {"deleted": 0, "value": []},
        Item(shape=malformed("an object", []), marker=malformed("true or false", 0)),
    ),
    "plain": (LABELS, {"value": "x"}, Item({"value": "x"})),
    "plain of the wrong type": (LABELS, {"value": {"a": 1}}, Item({"value": malformed("text", {"a": 1})})),
    "plain without a value": (LABELS, {}, Item()),
}


@pytest.mark.parametrize(("value", "raw", "item"), ITEMS.values(), ids=ITEMS)
def test_an_item(value: Value, raw: Any, item: Item) -> None:
    assert read_item(value, raw) == item


BLOCKS: dict[str, tuple[dict[str, Any], BlockReading]] = {
    "nothing": ({}, BlockReading({}, {})),
    "what is absent": (
        {"gpu": None, "cpu": {}, "memory": {"value": None}, "usage": None, "ports": None},
        BlockReading({}, {}),
    ),
    "what the catalogue does not know": ({"x": 5, "metadata": {}}, BlockReading({}, {})),
    "bare and wrapped": ({"usage": "Template", "gpu": {"value": 1}}, BlockReading({"usage": "Template", "gpu": 1}, {})),
    "a wrapper that is no object": ({"gpu": 5}, BlockReading({"gpu": malformed("an object", 5)}, {})),
    "empty maps": ({"ports": {}, "labels": {"items": None}}, BlockReading({}, {"ports": {}, "labels": {}})),
    "null items": ({"ports": {"items": {"a": None}}}, BlockReading({}, {"ports": {}})),
    "maps of the wrong shape": (
        {"ports": 5, "labels": {"items": 5}},
        BlockReading({"ports": malformed("an object", 5), "labels": malformed("an object", 5)}, {}),
    ),
    "items": ({"labels": {"items": {"a": {"value": "x"}}}}, BlockReading({}, {"labels": {"a": Item({"value": "x"})}})),
}


@pytest.mark.parametrize(("block", "reading"), BLOCKS.values(), ids=BLOCKS)
def test_a_block(block: dict[str, Any], reading: BlockReading) -> None:
    assert read_block(block, VALUES) == reading


def test_items_of_an_absent_map() -> None:
    assert BlockReading({}, {}).items("ports") == {}


def url(**members: Any) -> Item:
    return read_item(URLS, {"value": members})


SAME: list[tuple[Item | None, Item | None, bool]] = [
    (None, None, True),
    (None, Item(), False),
    (Item(), None, False),
    (Item(), Item(), True),
    (Item(), DELETED, False),
    (DELETED, DELETED, True),
    (url(container=1), url(container=1), True),
    (url(container=1), url(containerPort=1), True),
    (url(container=1), url(containerPort=2), False),
    (url(container=1), url(container=1, url="x"), False),
    (read_item(URLS, 5), read_item(URLS, 5), True),
    (read_item(URLS, 5), read_item(URLS, 6), False),
    (read_item(URLS, {"deleted": 1}), Item(), False),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME, ids=range(len(SAME)))
def test_items_are_equal_in_meaning(*, one: Item | None, other: Item | None, same: bool) -> None:
    assert same_item(URLS, one, other) is same


def test_live_items() -> None:
    assert [is_live(item) for item in (None, DELETED, Item(), read_item(PORTS, 5))] == [False, False, True, True]


SHOWN: list[tuple[Value, Any, str]] = [
    (VALUES["gpu"], "1.0", "1.0"),
    (VALUES["gpu"], 1, "1"),
    (VALUES["memory"], "1Gi", "1Gi"),
    (VALUES["ttlAfterFinish"], "60m", "60m"),
    (VALUES["hostIpc"], True, "true"),
    (VALUES["hostIpc"], False, "false"),
    (VALUES["image"], "a b", '"a b"'),
    (VALUES["capabilities"], [], "[]"),
    (VALUES["capabilities"], ["KILL", "a b"], '[KILL, "a b"]'),
    (VALUES["capabilities"], ["A"] * 12, "[A, A, A, A, A, A, A, A, A, A and 2 more]"),
    (MPI_JOB, {}, "{}"),
    (
        MPI_JOB,
        {"launcherCreationPolicy": "AtStartup", "slotsPerWorker": 2, "x": 1},
        "{slotsPerWorker: 2, launcherCreationPolicy: AtStartup}",
    ),
    (VALUES["notebookToken"], "x", "***"),
    (VALUES["gitSync"].members["password"], "x", "***"),
]


@pytest.mark.parametrize(("value", "raw", "shown"), SHOWN, ids=[f"{value.name}-{raw}" for value, raw, _ in SHOWN])
def test_what_a_message_prints(value: Value, raw: Any, shown: str) -> None:
    assert show_value(value, raw) == shown


SPELLED: list[tuple[str, Any, Any]] = [
    ("gpu", 1, "1"),
    ("gpu", "1.0", "1.0"),
    ("memory", 5, "5"),
    ("memory", "2Gi", "2Gi"),
    ("runAsUid", 5, 5),
    ("ttlAfterFinish", "1h", "1h"),
    ("capabilities", ["a"], ["a"]),
    (
        "mpiJob",
        {"sshAuthMountPath": "/a", "slotsPerWorker": 1, "x": 2},
        {"slotsPerWorker": 1, "sshAuthMountPath": "/a"},
    ),
]


@pytest.mark.parametrize(("name", "raw", "spelled"), SPELLED, ids=[f"{name}-{raw}" for name, raw, _ in SPELLED])
def test_what_is_injected(name: str, raw: Any, spelled: Any) -> None:
    injected = spell_value(VALUES[name], raw)
    assert (injected, type(injected)) == (spelled, type(spelled))
