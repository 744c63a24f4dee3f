"""Computed defaults, chained, and what completes an item."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest

from policies.fill import Formulas, fill_members
from policies.rules import Derived, Given, MapRules, ValueRules
from policies.values import CATALOGUE

VALUES = {value.name: value for value in CATALOGUE}
URLS = VALUES["exposedUrls"]


def formulas(**fields: Any) -> Formulas:
    """`cpu=("gpu", 4)`: cpu is 4 x gpu."""
    derived = {name: Derived(field, factor, binary=False) for name, (field, factor) in fields.items()}
    return Formulas(VALUES, {name: ValueRules(VALUES[name], derived=formula) for name, formula in derived.items()})


COMPUTED: dict[str, tuple[Formulas, Mapping[str, Any], Any]] = {
    "a number": (formulas(cpu=("gpu", 4)), {"gpu": "0.5"}, "2"),
    "a number in thousandths": (formulas(cpu=("gpu", Fraction(1, 3))), {"gpu": 1}, "0.334"),
    "no rule": (formulas(), {"gpu": 1}, None),
    "an absent field": (formulas(cpu=("gpu", 4)), {}, None),
    "a field that cannot be read": (formulas(cpu=("gpu", 4)), {"gpu": "x"}, None),
    "the field's other spelling": (formulas(cpu=("gpu", 4)), {"gpuDevices": 3}, "12"),
    "a chain": (formulas(cpu=("memory", 1), memory=("gpu", 2)), {"gpu": 3}, "6"),
    "a chain through the other spelling": (formulas(cpu=("gpu", 4), gpuDevices=("runAsUid", 1)), {"runAsUid": 2}, "8"),
    "a chain that a group cuts": (formulas(cpu=("gpu", 4), gpu=("runAsUid", 1)), {"runAsUid": 2, "gpuMemory": 1}, None),
    "a cycle": (formulas(cpu=("memory", 1), memory=("cpu", 2)), {}, None),
    "itself": (formulas(cpu=("cpu", 2)), {}, None),
    "a cycle with a value in it": (formulas(cpu=("memory", 1), memory=("cpu", 2)), {"memory": 3}, "3"),
}


@pytest.mark.parametrize(("table", "raws", "computed"), COMPUTED.values(), ids=COMPUTED)
def test_a_computed_default(table: Formulas, raws: Mapping[str, Any], computed: Any) -> None:
    assert table.compute("cpu", raws.get) == computed


def test_an_integer_is_rounded_up() -> None:
    assert formulas(runAsUid=("cpu", Fraction(1, 2))).compute("runAsUid", {"cpu": 3}.get) == 2


def test_a_quantity_is_binary_if_its_field_is() -> None:
    table = formulas(memoryLimit=("memory", 2))
    computed = [table.compute("memoryLimit", {"memory": raw}.get) for raw in ("1Gi", "1G", 1024)]
    assert computed == ["2Gi", "2G", "2048"]


def test_of_a_group_the_first_is_filled() -> None:
    table = formulas(gpu=("cpu", 1), gpuMemory=("cpu", 1))
    assert [table.missing(name, {"cpu": 1}.get) for name in ("gpu", "gpuMemory")] == ["1", None]
    assert table.missing("gpu", {"cpu": 1, "migProfile": "x"}.get) is None


def test_the_fields_behind_a_default() -> None:
    assert formulas(cpu=("memory", 1), memory=("gpu", 2)).fields_behind("cpu") == ("memory", "gpu")
    assert formulas(cpu=("memory", 1), memory=("cpu", 2)).fields_behind("cpu") == ("memory", "cpu")
    assert formulas().fields_behind("cpu") == ()


def given(raw: Any) -> Given:
    return Given(raw, raw, str(raw))


FILLED: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "what is left out": ({}, {"container": 80, "authorizedUsers": ["a"], "toolName": "t"}),
    "null is left out": ({"toolName": None, "container": 1}, {"authorizedUsers": ["a"], "toolName": "t"}),
    "not what is there": ({"container": 1, "authorizedUsers": [], "toolName": ""}, {}),
    "not beside another of its group": (
        {"containerPort": 1, "authorizedGroups": ["g"]},
        {"toolName": "t"},
    ),
}


@pytest.mark.parametrize(("members", "added"), FILLED.values(), ids=FILLED)
def test_defaults_fill_members(members: Mapping[str, Any], added: Mapping[str, Any]) -> None:
    defaults = {"container": given(80), "authorizedUsers": given(["a"]), "toolName": given("t")}
    assert fill_members(MapRules(URLS, defaults=defaults), members) == added


def test_formulas_come_after_defaults() -> None:
    ports = VALUES["ports"]
    rules = {"external": ValueRules(ports.members["external"], derived=Derived("container", 100, binary=False))}
    table = MapRules(ports, members=rules, defaults={"container": given(80)})
    assert fill_members(table, {}) == {"container": 80, "external": 8000}
    assert fill_members(table, {"external": 1}) == {"container": 80}
