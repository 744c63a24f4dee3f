"""Snapshot: an immutable index of policies and workloads; which policy governs, which workload is a base."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from policies.compile import CompiledPolicy, compile_policy
from policies.kinds import Kind
from policies.printing import print_text
from policies.schema import parse_policy
from policies.workload import Workload

DEFAULT_GLOBAL_NAMESPACE = "runai"


@dataclass(frozen=True)  # no slots: cached_property keeps its result in __dict__
class StoredPolicy:
    """A policy as the cluster holds it: who it is, and `document`, the JSON bytes of all but its metadata and status.

    Compiled when a request first asks for it: of thousands of projects most are silent.
    """

    kind: Kind
    namespace: str
    name: str
    created: str
    document: bytes

    @cached_property
    def compiled(self) -> CompiledPolicy:
        """The policy, ready to be asked."""
        return compile_policy(
            parse_policy(json.loads(self.document), self.kind, self.namespace, self.name, self.created)
        )

    @property
    def title(self) -> str:
        """`InteractivePolicy runai-team-a/interactive-policy1`."""
        return f"{self.kind.policy_name} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known of the cluster at one moment.

    policies    the governing policy of each (workload kind name, namespace)
    shadowed    the others of a kind in a namespace: they do not govern, and are reported
    workloads   by (kind name, namespace, name)
    """

    policies: Mapping[tuple[str, str], StoredPolicy] = field(default_factory=dict)
    shadowed: Mapping[tuple[str, str], tuple[StoredPolicy, ...]] = field(default_factory=dict)
    workloads: Mapping[tuple[str, str, str], Workload] = field(default_factory=dict)
    global_namespace: str = DEFAULT_GLOBAL_NAMESPACE

    def find(self, kind: Kind, namespace: str) -> CompiledPolicy | None:
        """The project's policy of the kind, else the global one (semantics.md, section 1)."""
        own = self.policies.get((kind.name, namespace))
        governing = own or self.policies.get((kind.name, self.global_namespace))
        return governing.compiled if governing else None

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

    @property
    def conflicts(self) -> tuple[str, ...]:
        """A sentence for each namespace with two policies of a kind."""
        return tuple(conflict(self.policies[key], others) for key, others in sorted(self.shadowed.items()))


def conflict(governing: StoredPolicy, others: Iterable[StoredPolicy]) -> str:
    """`InteractivePolicy runai-a/one governs; in the same namespace not in force: two`."""
    names = ", ".join(print_text(other.name) for other in others)
    return f"{governing.title} governs; in the same namespace not in force: {names}"


def build_snapshot(
    policies: Iterable[StoredPolicy],
    workloads: Iterable[Workload],
    global_namespace: str = DEFAULT_GLOBAL_NAMESPACE,
) -> Snapshot:
    """Index policies and workloads. Of two policies of a kind in a namespace the oldest governs, then by name."""
    grouped: dict[tuple[str, str], list[StoredPolicy]] = {}
    for policy in policies:
        grouped.setdefault((policy.kind.name, policy.namespace), []).append(policy)
    ranked = {key: sorted(group, key=seniority) for key, group in grouped.items()}
    return Snapshot(
        {key: group[0] for key, group in ranked.items()},
        {key: tuple(group[1:]) for key, group in ranked.items() if len(group) > 1},
        {(workload.kind.name, workload.namespace, workload.name): workload for workload in workloads},
        global_namespace,
    )


def seniority(policy: StoredPolicy) -> tuple[bool, str, str]:
    """Oldest first; one without a creationTimestamp is not created yet."""
    return not policy.created, policy.created, policy.name
