"""Clusters and requests as Hypothesis draws them: half sensible, half not, about the same few values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from policies.kinds import API_VERSION, KINDS, SPEC, Kind
from policies.values import CATALOGUE, Type, Value, policy_values, workload_values

Object = dict[str, Any]

NUMERIC = (Type.NUMBER, Type.INTEGER, Type.QUANTITY)
WILD = (None, 5, -1, "x", "", [], {}, True, 0.5, "1e3", [5], {"value": 1}, 10**40, "9" * 40)
GOOD: Mapping[Type, tuple[Any, ...]] = {
    Type.STRING: ("a", "b", "b c", "a;b", "", "1g.5gb", "SECRET:a,b", "SECRET:x", "c\x1bd\n"),
    Type.BOOLEAN: (True, False),
    Type.INTEGER: (0, 1, 2, 3, 80, 70000),
    Type.NUMBER: (0, 1, "1", "1.0", 2, "0.5", "500m", "3", "-1"),
    Type.QUANTITY: (0, 1, "1Gi", "1024Mi", "1G", "500m", "2Gi", "-1"),
    Type.DURATION: ("60m", "1h", "5s", "0", "1h30m"),
    Type.LIST: ([], ["KILL"], ["KILL", "CHOWN"], ["a"]),
}
LABELS = ("a", "b", "DEFAULTS", "c/d~e", "é\n\x7f\x85")
OFTEN = (
    "gpu",
    "gpuDevices",
    "gpuMemory",
    "cpu",
    "cpuLimit",
    "memory",
    "ports",
    "exposedUrls",
    "labels",
    "pvcs",
    "image",
)
BASES = ("base", "go\tne", "tpl")


def some_of(optional: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[Object]:
    """An object with any of these members."""
    return st.fixed_dictionaries({}, optional=dict(optional))


def pool_of(value: Value, *, wild: bool = True) -> tuple[Any, ...]:
    """JSON for a leaf, mostly of its type."""
    good = (*value.enum, *GOOD[value.type])
    return (*good, *good, *WILD) if wild else good


def content_of(value: Value) -> SearchStrategy[Any]:
    """What stands under `value`."""
    if value.item is not None:
        return content_of(value.item)
    if value.members:
        return st.sampled_from([5, None, []]) | some_of({n: content_of(m) for n, m in value.members.items()})
    return st.sampled_from(BASES if value.name == "baseWorkload" else pool_of(value))


def written(value: Value) -> SearchStrategy[Any]:
    """A value as workloads write it."""
    content = content_of(value)
    if value.bare:
        return content
    odd = st.sampled_from([None, 5, {}, {"value": None}, {"items": 5}, {"items": None}])
    if value.type is not Type.MAP:
        return st.one_of(odd, *[st.fixed_dictionaries({"value": content})] * 4)
    item = some_of({"value": content, "deleted": st.sampled_from([True, True, False, "x"])}) | st.sampled_from(
        [None, 5]
    )
    items = st.dictionaries(st.sampled_from(LABELS), item, max_size=3)
    return st.one_of(odd, *[st.fixed_dictionaries({"items": items})] * 4)


# Policies

FLAG = st.sampled_from([True, False, False, None, "x"])


def rule_operands(value: Value, fields: tuple[str, ...]) -> Mapping[str, SearchStrategy[Any]]:
    """Every rule that a value may have, and some that it may not."""
    operands: dict[str, SearchStrategy[Any]] = dict.fromkeys(("required", "canEdit", "blocked"), FLAG)
    leaf = value.type not in (Type.OBJECT, Type.MAP)
    pool = st.sampled_from(pool_of(value) if leaf else WILD)
    if value.type in (*NUMERIC, Type.DURATION):
        operands |= {"min": pool, "max": pool}
    if value.type in NUMERIC:
        formula = some_of({"field": st.sampled_from((*fields, "x")), "factor": st.sampled_from([1, "0.5", "1Gi", 0])})
        operands |= {"step": pool, "defaultFrom": formula}
    if value.type in (*NUMERIC, Type.STRING, Type.LIST):
        one = st.sampled_from([*pool_of(value), "KILL", "a"])
        operands |= {"options": st.lists(st.fixed_dictionaries({"value": one}), max_size=3)}
    if value.type in (Type.STRING, Type.LIST):
        operands |= {"matches": st.lists(st.sampled_from(["a*", "*", "K*L", "b", 5]), max_size=2)}
    return operands | {"canAdd": FLAG} if value.order % 7 == 0 else operands


def governed(value: Value, fields: tuple[str, ...]) -> SearchStrategy[Any]:
    """A value as policies write it."""
    odd = st.sampled_from([None, 5, {}, {"rules": 5}, {"items": 5}, {"itemRules": 5}, {"valu\n": 1}])
    if value.type is not Type.MAP:
        entry = some_of({"rules": some_of(rule_operands(value, fields)), "value": content_of(value)})
        return st.one_of(odd, *[entry] * 4)
    members = value.members or {"value": value.item}
    names = tuple(name for name, member in members.items() if member and member.type in NUMERIC)
    item_rules = {n: some_of(rule_operands(member, names)) for n, member in members.items() if member}
    item = some_of({"value": content_of(value), "rules": some_of({"canEdit": FLAG, "canRemove": FLAG})})
    entry = some_of(
        {
            "rules": some_of({"required": FLAG, "canAdd": FLAG}),
            "itemRules": some_of(item_rules),
            "items": st.dictionaries(st.sampled_from(LABELS), item, max_size=3),
        }
    )
    return st.one_of(odd, *[entry] * 4)


FIELDS = tuple(value.name for value in CATALOGUE if value.type in NUMERIC)
WRITTEN = {value.name: written(value) for value in CATALOGUE if value.workload}
GOVERNED = {value.name: governed(value, FIELDS) for value in CATALOGUE if value.policy}


# Requests


@dataclass(frozen=True, slots=True)
class Request:
    """A workload to store, what is stored of it, and the policy and the bases that there are."""

    new: Object
    old: Object | None
    there: tuple[Object, ...]


def named_object(kind: str, name: str, blocks: Object, namespace: str = "runai-a") -> Object:
    """An object of our group."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **blocks}


@st.composite
def some_names(draw: DrawFn, kind: Kind) -> tuple[str, ...]:
    """A few values of a kind, those oftener that have to do with one another."""
    names = sorted({*workload_values(kind, SPEC), *policy_values(kind, SPEC)})
    return tuple(draw(st.lists(st.sampled_from([*names, *OFTEN * 4]), max_size=6, unique=True)))


def workload_blocks(kind: Kind, names: tuple[str, ...]) -> SearchStrategy[Object]:
    """The blocks of a workload that sets some of the values, whatever its kind makes of them."""
    members = {name: WRITTEN[name] for name in names if name in WRITTEN}
    spec = st.one_of(st.sampled_from([5, None]), *[some_of(members | {"name": WRITTEN["name"]})] * 9)
    master = some_of(members) | st.sampled_from([5, None])
    return st.fixed_dictionaries({"spec": spec}, optional={"masterSpec": master} if len(kind.blocks) > 1 else {})


def policy_blocks(names: tuple[str, ...]) -> SearchStrategy[Object]:
    """The blocks of a policy that names some of the values."""
    members = {name: GOVERNED[name] for name in names if name in GOVERNED}
    settings = {
        "enforcement": st.sampled_from(["Enforce", "Warn", "Audit", "x", 5]),
        "message": st.sampled_from(["Ask us", "", "a\nb", 5]),
    }
    spec = st.one_of(st.sampled_from([5, None]), *[some_of(members | settings)] * 9)
    return st.fixed_dictionaries({"spec": spec}, optional={"masterSpec": some_of(members) | st.sampled_from([5, None])})


@st.composite
def some_policies(draw: DrawFn) -> tuple[Kind, Object]:
    """A policy of some kind."""
    kind = draw(st.sampled_from(KINDS))
    blocks = draw(policy_blocks(draw(some_names(kind))))
    return kind, named_object(kind.policy_name, "p", blocks)


@st.composite
def some_requests(draw: DrawFn) -> Request:
    """A CREATE or UPDATE under a policy, with bases to stand on."""
    kind = draw(st.sampled_from(KINDS))
    names = draw(some_names(kind))
    blocks = workload_blocks(kind, (*names, "usage", "baseWorkload"))
    new = named_object(kind.name, "w", draw(blocks))
    old = named_object(kind.name, "w", draw(blocks)) if draw(st.booleans()) else None
    base = named_object(kind.name, "base", draw(workload_blocks(kind, names)))
    shared = draw(workload_blocks(kind, names))
    spec = shared["spec"]
    shared["spec"] = {**spec, "usage": "Template"} if type(spec) is dict else spec
    policy = named_object(kind.policy_name, "p", draw(policy_blocks(names)))
    return Request(new, old, (policy, base, named_object(kind.name, "tpl", shared, "runai")))
