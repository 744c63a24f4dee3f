"""Policy -> CompiledPolicy: rules bound to the blocks of a workload, ready to ask and to inject."""

from collections.abc import Mapping
from dataclasses import dataclass

from policies.fill import Formulas
from policies.kinds import MASTER_SPEC, SPEC
from policies.rules import ValueRules
from policies.schema import BlockRules, Policy
from policies.values import Value, workload_values

TOTAL_GPU = "totalGpu"


@dataclass(frozen=True, slots=True)
class CompiledBlock:
    """The rules of one block of a workload.

    `total`: the rules of totalGpu, which is no value of the workload. `fills`: its defaults are injected, and what
    is missing is asked for; not so in a masterSpec under the rules of spec.
    """

    rules: BlockRules
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
    formulas = Formulas(values, known)
    return CompiledBlock(BlockRules(known, maps, rules.bounds), formulas, rules.values.get(TOTAL_GPU), fills)
