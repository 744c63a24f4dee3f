"""The inputs as a cluster would hold them: which policies govern, which workloads are there to be a base."""

from collections.abc import Iterable, Iterator

from policies.lookup import Snapshot, StoredPolicy, build_snapshot
from policies.workload import Workload
from workload_policy.inputs import Entry, Key
from workload_policy.report import Streams, warn
from workload_policy.structure import check_structure
from workloads.locate import locate_policy, locate_workload

Complaint = tuple[str, str]  # a path in a policy, and the whole line on it


def snapshot_from(
    policies: Iterable[Entry], workloads: Iterable[Entry], global_namespace: str, streams: Streams
) -> Snapshot:
    """What counts of the entries; on stderr what does not count, or counts although it is wrong."""
    governing = [(entry, located_policy(entry)) for entry in counted_once(policies, streams)]
    for entry, stored in governing:
        if lines := [line for _, line in complaints_on(entry, stored)]:
            force = "governs here all the same" if entry.is_served else "does not govern"
            warn(streams, f"{entry.where}: {entry.title} would be refused, and {force}:", *lines)
    snapshot = build_snapshot(
        [stored for entry, stored in governing if entry.is_served],
        [located(entry) for entry in counted_once(workloads, streams) if entry.is_served and entry.name],
        global_namespace,
    )
    for conflict in snapshot.conflicts:
        warn(streams, conflict)
    return snapshot


def located(entry: Entry) -> Workload:
    """The workload of an entry, in the namespace that the command line gives it."""
    return locate_workload(entry.raw, entry.kind, entry.namespace)


def located_policy(entry: Entry) -> StoredPolicy:
    """The policy of an entry, in the namespace that the command line gives it."""
    return locate_policy(entry.raw, entry.kind, entry.namespace)


def counted_once(entries: Iterable[Entry], streams: Streams) -> Iterator[Entry]:
    """The entries without those whose kind, namespace and name an earlier one has."""
    first: dict[Key, Entry] = {}
    for entry in entries:
        holder = first.setdefault(entry.key, entry)
        if holder is entry:
            yield entry
        else:
            warn(streams, f"{entry.where}: {entry.title} is ignored: {holder.where} has it already")


def complaints_on(entry: Entry, stored: StoredPolicy) -> tuple[Complaint, ...]:
    """Why a policy would be refused: for its structure, and for what section 7 says of the rest."""
    flaws = check_structure(entry.raw, entry.kind, policy=True).flaws
    problems = stored.compiled.policy.problems if entry.is_served else ()
    fields = {flaw.field for flaw in flaws}
    others = (problem for problem in problems if problem.path not in fields)
    return (
        *((flaw.field, flaw.line) for flaw in flaws),
        *((problem.path, problem.message) for problem in others),
    )
