"""Snapshot: an immutable index of policies and workloads; which policy governs, which workload is a base."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policies.compile import CompiledPolicy
from policies.kinds import Kind
from policies.printing import print_text
from policies.workload import Workload

DEFAULT_GLOBAL_NAMESPACE = "runai"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of the cluster at one moment.

    policies    the governing policy of each (workload kind name, namespace)
    shadowed    the others of a kind in a namespace: they do not govern, and are reported
    workloads   by (kind name, namespace, name)
    """

    policies: Mapping[tuple[str, str], CompiledPolicy] = field(default_factory=dict)
    shadowed: Mapping[tuple[str, str], tuple[CompiledPolicy, ...]] = field(default_factory=dict)
    workloads: Mapping[tuple[str, str, str], Workload] = field(default_factory=dict)
    global_namespace: str = DEFAULT_GLOBAL_NAMESPACE

    def find(self, kind: Kind, namespace: str) -> CompiledPolicy | None:
        """The project's policy of the kind, else the global one (semantics.md, section 1)."""
        own = self.policies.get((kind.name, namespace))
        return own or self.policies.get((kind.name, self.global_namespace))

    def find_base(self, workload: Workload) -> Workload | None:
        """The workload that `baseWorkload` names: any other in the namespace, else a global Template."""
        name = workload.base_name
        if name is None:
            return None
        kind, namespace = workload.kind.name, workload.namespace
        own = self.workloads.get((kind, namespace, name)) if name != workload.name else None
        if own:
            return own
        shared = self.workloads.get((kind, self.global_namespace, name))
        is_itself = namespace == self.global_namespace and name == workload.name
        return shared if shared and shared.is_template and not is_itself else None

    def others_in(self, policy: CompiledPolicy) -> tuple[str, ...]:
        """The names of the other policies of this one's kind in its namespace, the governing one first."""
        key = policy.policy.kind.name, policy.policy.namespace
        governing = self.policies.get(key)
        present = (*((governing,) if governing else ()), *self.shadowed.get(key, ()))
        return tuple(other.policy.name for other in present if other.policy.name != policy.policy.name)

    @property
    def conflicts(self) -> tuple[str, ...]:
        """A sentence for each namespace with two policies of a kind."""
        return tuple(conflict(self.policies[key], others) for key, others in sorted(self.shadowed.items()))


def conflict(governing: CompiledPolicy, others: Iterable[CompiledPolicy]) -> str:
    """`InteractivePolicy runai-a/one governs; two in the same namespace is ignored`."""
    names = ", ".join(print_text(other.policy.name) for other in others)
    return f"{governing.policy.title} governs; in the same namespace not in force: {names}"


def build_snapshot(
    policies: Iterable[CompiledPolicy],
    workloads: Iterable[Workload],
    global_namespace: str = DEFAULT_GLOBAL_NAMESPACE,
) -> Snapshot:
    """Index policies and workloads. Of two policies of a kind in a namespace the oldest governs, then by name."""
    grouped: dict[tuple[str, str], list[CompiledPolicy]] = {}
    for compiled in policies:
        grouped.setdefault((compiled.policy.kind.name, compiled.policy.namespace), []).append(compiled)
    ranked = {key: sorted(group, key=seniority) for key, group in grouped.items()}
    return Snapshot(
        {key: group[0] for key, group in ranked.items()},
        {key: tuple(group[1:]) for key, group in ranked.items() if len(group) > 1},
        {(workload.kind.name, workload.namespace, workload.name): workload for workload in workloads},
        global_namespace,
    )


def seniority(compiled: CompiledPolicy) -> tuple[bool, str, str]:
    """Oldest first; one without a creationTimestamp is not created yet."""
    policy = compiled.policy
    return not policy.created, policy.created, policy.name
