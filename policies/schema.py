"""A policy's JSON -> Policy, with every problem and its path (semantics.md, section 7).

A policy with problems is read all the same: what can be read governs, a rule that cannot be read refuses whatever
sets its value, a default that cannot be read is not filled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.intrinsic import bound_faults
from policies.kinds import MASTER_SPEC, SPEC, Kind
from policies.printing import print_few
from policies.rules import (
    Bound,
    MapRules,
    ValueRules,
    uncheckable,
)
from policies.schema_maps import parse_map
from policies.schema_values import Layer, Object, Report, as_object, formula_field, parse_single, report_unknown
from policies.values import Type, Value, policy_values
from policies.workload import Raw

ENFORCE, WARN, AUDIT = "Enforce", "Warn", "Audit"
ENFORCEMENTS = (ENFORCE, WARN, AUDIT)
LONGEST_MESSAGE = 256
ROOT_FIELDS = ("apiVersion", "kind", "metadata", "status")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a policy could never work, and where."""

    path: str
    problem: str

    @property
    def message(self) -> str:
        """The whole line, as administrators read it."""
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True, slots=True)
class BlockRules:
    """What a policy says of one block: single values and maps by name, in catalogue order.

    `bounds` holds what cannot be read of the block as a whole.
    """

    values: Mapping[str, ValueRules] = field(default_factory=dict)
    maps: Mapping[str, MapRules] = field(default_factory=dict)
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it governs. `created` is its creationTimestamp, `masterSpec` absent from `blocks` if it has none."""

    kind: Kind
    namespace: str
    name: str
    created: str
    enforcement: str
    message: str | None
    blocks: Mapping[str, BlockRules]
    problems: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """`runai-team-a/interactive-policy1`."""
        return f"{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """`InteractivePolicy runai-team-a/interactive-policy1`."""
        return f"{self.kind.policy_name} {self.key}"


def parse_policy(raw: Object, kind: Kind, namespace: str, name: str, created: str = "") -> Policy:
    """The policy in `raw` (a whole object: spec, masterSpec), which is of the policy kind of `kind`."""
    problems: list[Problem] = []

    def report(path: str, problem: str) -> None:
        problems.append(Problem(path, problem))

    spec = raw.get(SPEC)
    top = spec if type(spec) is dict else {}
    enforcement, message = parse_enforcement(top, report), parse_message(top, report)
    blocks = {SPEC: parse_block(spec, kind, SPEC, report)}
    if MASTER_SPEC in kind.blocks and raw.get(MASTER_SPEC) is not None:
        blocks[MASTER_SPEC] = parse_block(raw[MASTER_SPEC], kind, MASTER_SPEC, report)
    report_unknown(raw, (*ROOT_FIELDS, *kind.blocks), "", report)
    return Policy(kind, namespace, name, created, enforcement, message, blocks, tuple(problems))


def parse_enforcement(spec: Object, report: Report) -> str:
    """The mode of a policy; one that cannot be read counts as Enforce."""
    mode = spec.get("enforcement")
    if mode is None or mode in ENFORCEMENTS:
        return mode or ENFORCE
    report("spec.enforcement", f"must be one of: {print_few(ENFORCEMENTS)}")
    return ENFORCE


def parse_message(spec: Object, report: Report) -> str | None:
    """The administrator's word; one that cannot be read counts as none."""
    message = spec.get("message")
    if message is None:
        return None
    if type(message) is str and 1 <= len(message) <= LONGEST_MESSAGE and message.isprintable():
        return message
    report("spec.message", f"must be one line of 1 to {LONGEST_MESSAGE} printable characters")
    return None


# Blocks


def parse_block(raw: Raw, kind: Kind, block: str, report: Report) -> BlockRules:
    """The rules and defaults of one block."""
    if raw is None:
        return BlockRules()
    if type(raw) is not dict:
        report(block, "must be an object")
        return BlockRules(bounds=(uncheckable(block, "not an object"),))
    values = policy_values(kind, block)
    report_rivals(raw, values, block, report)
    formulas = {name: formula_field(as_object(raw.get(name)).get("rules")) for name in values}
    singles: dict[str, ValueRules] = {}
    maps: dict[str, MapRules] = {}
    for name, value in values.items():
        if raw.get(name) is None:
            continue
        if value.type is Type.MAP:
            maps[name] = parse_map(value, raw[name], f"{block}.{name}", report)
        else:
            layer = Layer(f"{block}.{name}", values, formulas, report)
            singles[name] = parse_single(value, raw[name], layer)
            given = {name: rules.given.reading for name, rules in singles.items() if rules.given}
            for found in bound_faults(name, given):
                report(f"{block}.{name}.value", found.problem)
    known = (*(("enforcement", "message") if block == SPEC else ()), *values)
    report_unknown(raw, known, block, report)
    return BlockRules(singles, maps)


def report_rivals(raw: Object, values: Mapping[str, Value], block: str, report: Report) -> None:
    """Two defaults of one group: each workload would get both."""
    for name, value in values.items():
        if as_object(raw.get(name)).get("value") is None:
            continue
        earlier = (rival for rival in value.rivals if rival in values and values[rival].order < value.order)
        first = next((rival for rival in earlier if as_object(raw.get(rival)).get("value") is not None), None)
        if first:
            report(block, f"{first} and {name} cannot both have a value")
