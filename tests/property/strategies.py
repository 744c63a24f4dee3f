"""Clusters and requests as Hypothesis draws them: half sensible, half not, about the same few values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from policies.kinds import API_VERSION, KINDS, SPEC, Kind
from policies.values import Type, Value, policy_values, workload_values

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
# values that have to do with one another
OFTEN = (
    *("gpu", "gpuDevices", "gpuMemory", "totalGpu", "parallelism", "workers", "maxScale", "mpi", "processes"),
    *("cpu", "cpuLimit", "memory", "memoryLimit", "imagePullPolicy", "name", "namePrefix"),
    *("ports", "exposedUrls", "labels", "environment", "extendedResources", "tolerations", "pvcs"),
)
BASES = ("base", "go\tne", "tpl")


@dataclass(frozen=True, slots=True)
class Request:
    """A workload to store, what is stored of it, and the policy and the bases that there are."""

    new: Object
    old: Object | None
    there: tuple[Object, ...]


def named_object(kind: str, name: str, blocks: Object, namespace: str = "runai-a") -> Object:
    """An object of our group."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **blocks}


def good_leaves(value: Value) -> tuple[Any, ...]:
    """JSON of a leaf's type."""
    return (*value.enum, *GOOD[value.type])


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes objects by chance; `wild`: of a hundred nodes so many are anything at all."""

    random: Random
    wild: int

    def often(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, makers: Mapping[str, Callable[[], Any]], percent: int = 50) -> Object:
        """An object with some of these members, in any order."""
        names = [name for name in makers if self.often(percent)]
        self.random.shuffle(names)
        return {name: makers[name]() for name in names}

    def leaf(self, value: Value) -> Any:
        return self.random.choice(WILD if self.often(self.wild) else good_leaves(value))

    def flag(self) -> Any:
        return self.random.choice([None, "x"]) if self.often(self.wild) else self.often(50)

    def content(self, value: Value) -> Any:
        """What stands under `value`."""
        if value.item is not None:
            return self.leaf(value.item)
        if not value.members:
            return self.random.choice(BASES) if value.name == "baseWorkload" else self.leaf(value)
        if self.often(self.wild):
            return self.random.choice(WILD)
        return self.some({name: lambda member=member: self.leaf(member) for name, member in value.members.items()})

    def labelled(self, item: Callable[[], Any]) -> Any:
        """Items by label."""
        return self.some(dict.fromkeys(LABELS, item), 40)

    # Workloads

    def written(self, value: Value) -> Any:
        """A value as workloads write it."""
        if value.bare:
            return self.content(value)
        if self.often(5 + self.wild):
            return self.random.choice([None, {}, {"value": None}, {"items": None}, {"items": {}}, *WILD[: self.wild]])
        if value.type is not Type.MAP:
            return {"value": self.content(value)}
        return {"items": self.labelled(lambda: self.written_item(value))}

    def written_item(self, value: Value) -> Any:
        if self.often(70):
            return {"value": self.content(value)}
        return self.random.choice(
            [{"deleted": True}, {"deleted": True, "value": self.content(value)}, {"deleted": False}, {}, None]
        )

    def workload_blocks(self, kind: Kind, names: tuple[str, ...]) -> Object:
        """The blocks of a workload that sets some of the values."""
        blocks: Object = {}
        for block in kind.blocks:
            values = workload_values(kind, block)
            makers = {name: lambda value=values[name]: self.written(value) for name in names if name in values}
            if block == SPEC or self.often(60):
                blocks[block] = self.random.choice([5, None]) if self.often(self.wild) else self.some(makers, 60)
        return blocks

    # Policies

    def operand(self, value: Value, rule: str, fields: tuple[str, ...]) -> Any:
        if rule == "defaultFrom":
            factor = self.random.choice([1, "0.5", "1Gi", 3] if not self.often(self.wild) else [0, "x", None])
            return {"field": self.random.choice(fields), "factor": factor}
        if rule == "options":
            choices = [self.leaf(value) if value.type is not Type.LIST else "KILL" for _ in range(2)]
            return [{"value": choice} for choice in choices]
        if rule == "matches":
            return self.random.choice([["a*"], ["*", "b"], ["K*L", "b"], [5] if self.wild else ["*b"]])
        return self.leaf(value)

    def rules(self, value: Value, fields: tuple[str, ...]) -> Object:
        """Rules that the type may have, or rarely others."""
        names = ["required", "canEdit", "blocked"] if not value.rules else []
        ordered = value.type in (*NUMERIC, Type.DURATION)
        names += ["min", "max"] if ordered or self.often(self.wild // 4) else []
        names += ["step", "defaultFrom"] if value.type in NUMERIC and fields and not value.rules else []
        if value.type in (*NUMERIC, Type.STRING, Type.LIST) and not value.rules:
            names += ["options"]
        names += ["matches"] if value.type in (Type.STRING, Type.LIST) else []
        flags = {"required", "canEdit", "blocked"}
        if value.members:
            names = [name for name in names if name in flags]
        return self.some(
            {name: self.flag if name in flags else lambda n=name: self.operand(value, n, fields) for name in names}, 25
        )

    def governed(self, value: Value, fields: tuple[str, ...]) -> Any:
        """A value as policies write it."""
        if self.often(self.wild // 2):
            return self.random.choice([None, 5, {}, {"rules": 5}, {"items": 5}, {"itemRules": 5}, {"valu\n": 1}])
        if value.type is not Type.MAP:
            makers: dict[str, Callable[[], Any]] = {"rules": lambda: self.rules(value, fields)}
            makers |= {"value": lambda: self.content(value)} if value.workload or self.often(self.wild) else {}
            return self.some(makers, 60)
        members = value.members or {"value": value.item}
        numbers = tuple(name for name, member in members.items() if member and member.type in NUMERIC)
        return self.some(
            {
                "rules": lambda: self.some({"required": self.flag, "canAdd": self.flag}),
                "itemRules": lambda: self.some(
                    {n: lambda member=member: self.rules(member, numbers) for n, member in members.items() if member},
                    30,
                ),
                "items": lambda: self.labelled(lambda: self.governed_item(value)),
            },
            70,
        )

    def governed_item(self, value: Value) -> Any:
        makers: dict[str, Callable[[], Any]] = {
            "rules": lambda: self.some({"canEdit": self.flag, "canRemove": self.flag})
        }
        return {"value": self.content(value), **self.some(makers)} if self.often(80) else self.some(makers)

    def policy_blocks(self, kind: Kind, names: tuple[str, ...]) -> Object:
        """The blocks of a policy that names some of the values."""
        blocks: Object = {}
        for block in kind.blocks:
            values = policy_values(kind, block)
            fields = tuple(name for name in names if name in values and values[name].type in NUMERIC) or ("cpu",)
            makers: dict[str, Callable[[], Any]] = {
                name: lambda value=values[name], fields=fields: self.governed(value, fields)
                for name in names
                if name in values
            }
            if block == SPEC or self.often(50):
                blocks[block] = self.random.choice([5, 5, None]) if self.often(self.wild) else self.some(makers, 70)
        if type(blocks[SPEC]) is dict:
            blocks[SPEC] |= self.some({"enforcement": lambda: self.random.choice(["Warn", "Audit", "x", 5])}, 20)
            blocks[SPEC] |= self.some({"message": lambda: self.random.choice(["Ask us", "", "a\nb", 5])}, 20)
        return blocks


@st.composite
def some_authors(draw: DrawFn) -> Author:
    """One who makes no mistakes, few, or many."""
    return Author(draw(st.randoms(use_true_random=True)), draw(st.sampled_from([0, 0, 5, 30])))


@st.composite
def some_names(draw: DrawFn, kind: Kind) -> tuple[str, ...]:
    """A few values of a kind, those oftener that have to do with one another."""
    known = {**workload_values(kind, SPEC), **policy_values(kind, SPEC)}
    often = [name for name in OFTEN if name in known]
    return tuple(draw(st.lists(st.sampled_from([*known, *often * 4]), min_size=1, max_size=8, unique=True)))


@st.composite
def some_policies(draw: DrawFn) -> tuple[Kind, Object]:
    """A policy of some kind."""
    kind, author = draw(st.sampled_from(KINDS)), draw(some_authors())
    return kind, named_object(kind.policy_name, "p", author.policy_blocks(kind, draw(some_names(kind))))


@st.composite
def some_requests(draw: DrawFn) -> Request:
    """A CREATE or UPDATE under a policy, with bases to stand on."""
    kind, author = draw(st.sampled_from(KINDS)), draw(some_authors())
    names = draw(some_names(kind))
    own = (*names, *(("usage",) if author.often(20) else ()), *(("baseWorkload",) if author.often(40) else ()))
    new, old, base, shared = (author.workload_blocks(kind, n) for n in (own, own, names, names))
    if author.often(50) and all(type(blocks[SPEC]) is dict for blocks in (new, old)):
        old[SPEC] = {**new[SPEC], **author.some({name: lambda raw=raw: raw for name, raw in old[SPEC].items()}, 40)}
    if type(shared[SPEC]) is dict:
        shared[SPEC]["usage"] = "Template"
    there = (
        named_object(kind.policy_name, "p", author.policy_blocks(kind, names)),
        named_object(kind.name, "base", base),
        named_object(kind.name, "tpl", shared, "runai"),
    )
    stored = named_object(kind.name, "w", old) if draw(st.booleans()) else None
    return Request(named_object(kind.name, "w", new), stored, there)
