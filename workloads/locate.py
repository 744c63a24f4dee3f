"""Raw objects of the cluster -> Workload and StoredPolicy. The raw object stays untouched."""

import json
from collections.abc import Iterable, Mapping

from policies.kinds import API_VERSION, POLICY_KINDS, WORKLOAD_KINDS, Kind
from policies.lookup import DEFAULT_GLOBAL_NAMESPACE, Snapshot, StoredPolicy, build_snapshot
from policies.workload import Misshapen, Raw, Workload

Object = Mapping[str, Raw]
DEFAULT_NAMESPACE = "default"


def metadata_of(raw: Object) -> Object:
    """The object's metadata; empty if it has none that can be read."""
    metadata = raw.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def text_of(metadata: Object, name: str) -> str:
    """A text of the metadata; empty if it is absent or no text."""
    text = metadata.get(name)
    return text if isinstance(text, str) else ""


def namespace_of(raw: Object) -> str:
    """The object's namespace, `default` where it names none."""
    return text_of(metadata_of(raw), "namespace") or DEFAULT_NAMESPACE


def locate_workload(raw: Object, kind: Kind, namespace: str | None = None, name: str | None = None) -> Workload:
    """The workload in a raw object; `namespace` and `name` are those of the request where there is one."""
    metadata = metadata_of(raw)
    blocks = {
        block: raw[block] if type(raw[block]) is dict else Misshapen(raw[block])
        for block in kind.blocks
        if raw.get(block) is not None
    }
    return Workload(
        kind,
        namespace or namespace_of(raw),
        name or text_of(metadata, "name"),
        blocks,
        deleting=metadata.get("deletionTimestamp") is not None,
    )


def locate_policy(raw: Object, kind: Kind, namespace: str | None = None, name: str | None = None) -> StoredPolicy:
    """The policy in a raw object of the policy kind of `kind`."""
    metadata = metadata_of(raw)
    rules = {key: node for key, node in raw.items() if key not in ("metadata", "status")}
    return StoredPolicy(
        kind,
        namespace or namespace_of(raw),
        name or text_of(metadata, "name"),
        text_of(metadata, "creationTimestamp"),
        json.dumps(rules, separators=(",", ":")).encode(),
    )


def workload_kind(raw: Object) -> Kind | None:
    """The kind of a raw workload; None if it is none."""
    return kind_in(WORKLOAD_KINDS, raw)


def policy_kind(raw: Object) -> Kind | None:
    """The kind that a raw policy governs; None if it is no policy."""
    return kind_in(POLICY_KINDS, raw)


def kind_in(kinds: Mapping[str, Kind], raw: Object) -> Kind | None:
    """The kind of a raw object of our group and version."""
    name = raw.get("kind")
    ours = raw.get("apiVersion") == API_VERSION and isinstance(name, str)
    return kinds.get(str(name)) if ours else None


def snapshot_of(objects: Iterable[Object], global_namespace: str = DEFAULT_GLOBAL_NAMESPACE) -> Snapshot:
    """A Snapshot of the policies and workloads among raw objects; other kinds are passed over."""
    policies, workloads = [], []
    for raw in objects:
        if kind := policy_kind(raw):
            policies.append(locate_policy(raw, kind))
        elif kind := workload_kind(raw):
            workloads.append(locate_workload(raw, kind))
    return build_snapshot(policies, workloads, global_namespace)
