"""Which workloads a policy would refuse, were they created under it (semantics.md, section 7)."""

from collections.abc import Callable, Iterator

from policies.compile import CompiledPolicy
from policies.decide import Case, apply_filling, fill_workload, judge_workload
from policies.lookup import Snapshot
from policies.schema import ENFORCE
from policies.verdict import first_lines
from policies.workload import Workload

MOST_TRIED = 2000
MOST_SECONDS = 1.0
MOST_NAMED = 10


def refusals_in_reach(snapshot: Snapshot, compiled: CompiledPolicy, clock: Callable[[], float]) -> tuple[str, ...]:
    """A line for each workload that the policy would refuse, at most 10; `clock` tells seconds."""
    if compiled.policy.enforcement != ENFORCE:
        return ()
    deadline = clock() + MOST_SECONDS
    lines: list[str] = []
    for key in keys_in_reach(snapshot, compiled)[:MOST_TRIED]:
        if clock() > deadline:
            break
        lines += first_refusal(snapshot, compiled, snapshot.workloads[key])
    return tuple(first_lines(lines, MOST_NAMED))


def keys_in_reach(snapshot: Snapshot, compiled: CompiledPolicy) -> list[tuple[str, str, str]]:
    """The keys of the workloads that the policy would govern, by namespace and name."""
    policy = compiled.policy
    kind, own = policy.kind.name, policy.namespace
    governing = snapshot.policies.get((kind, own))
    if governing and governing.name != policy.name:
        return []
    is_global = own == snapshot.global_namespace
    return sorted(
        key
        for key in snapshot.workloads
        if key[0] == kind and (key[1] == own or (is_global and (kind, key[1]) not in snapshot.policies))
    )


def first_refusal(snapshot: Snapshot, compiled: CompiledPolicy, workload: Workload) -> Iterator[str]:
    """The first line that the policy has on a workload, if it has one."""
    if workload.deleting:
        return
    case = Case(workload, None, snapshot.find_base(workload), compiled, snapshot.global_namespace)
    stored = apply_filling(workload, fill_workload(case))
    verdict = judge_workload(Case(stored, None, case.base, compiled, snapshot.global_namespace))
    line = next((line.message for line in verdict.violations if line.of_policy), None)
    if line:
        yield f"would refuse {workload.namespace}/{workload.name}: {line}"
