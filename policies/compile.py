"""Policy -> CompiledPolicy: rules bound to the blocks of a workload, ready to ask and to inject."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.fill import Formulas
from policies.kinds import MASTER_SPEC, SPEC
from policies.rules import MapRules, RuleTable, ValueRules, rule_table
from policies.schema import BlockRules, Policy
from policies.values import Value, workload_values

TOTAL_GPU = "totalGpu"


@dataclass(frozen=True, slots=True)
class CompiledBlock:
    """The rules of one block of a workload.

    table, members   the rules of single values, and of the members of each map's items, as they are asked
    fillable         the values that have defaults to inject, in catalogue order
    formulas         the computed defaults
    total            the rules of totalGpu, which is no value of the workload
    fills            what is missing is filled and asked for; not so in a masterSpec under the rules of spec
    """

    rules: BlockRules
    table: RuleTable
    members: Mapping[str, RuleTable]
    fillable: tuple[Value, ...]
    formulas: Formulas
    total: ValueRules | None = None
    fills: bool = True


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy, ready to be asked."""

    policy: Policy
    blocks: Mapping[str, CompiledBlock]


def compile_policy(policy: Policy) -> CompiledPolicy:
    """Bind the rules of a policy to the blocks of its workload kind."""
    spec = policy.blocks[SPEC]
    blocks = {SPEC: compile_block(spec, workload_values(policy.kind, SPEC))}
    if MASTER_SPEC in policy.kind.blocks:
        own = policy.blocks.get(MASTER_SPEC)
        values = workload_values(policy.kind, MASTER_SPEC)
        blocks[MASTER_SPEC] = compile_block(own or spec, values, fills=own is not None)
    return CompiledPolicy(policy, blocks)


def compile_block(rules: BlockRules, values: Mapping[str, Value], *, fills: bool = True) -> CompiledBlock:
    """The rules that a workload's block knows the values of."""
    known = {name: rule for name, rule in rules.values.items() if name in values}
    maps = {name: rule for name, rule in rules.maps.items() if name in values}
    members = {name: rule_table(rule.members) for name, rule in maps.items()}
    fillable = [rule.value for rule in known.values() if rule.given or rule.derived]
    fillable += [rule.value for rule in maps.values() if brings_defaults(rule)]
    return CompiledBlock(
        BlockRules(known, maps, rules.bounds),
        rule_table(known),
        members,
        tuple(sorted(fillable, key=lambda value: value.order)) if fills else (),
        Formulas(values, known),
        rules.values.get(TOTAL_GPU),
        fills,
    )


def brings_defaults(rules: MapRules) -> bool:
    """Whether a map has items, or members of items, to inject."""
    filled = any(item.filled for item in rules.items.values())
    return filled or bool(rules.defaults) or any(member.derived for member in rules.members.values())
