"""What the command line was given to read: manifests sorted into workloads, policies and the rest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from policies.kinds import API_VERSION, GROUP, POLICY_KINDS, WORKLOAD_KINDS, Kind
from policies.workload import Raw
from workload_policy.manifests import Document, read_manifests
from workload_policy.names import nearest
from workload_policy.report import Streams, say, warn
from workloads.locate import DEFAULT_NAMESPACE, Object, metadata_of, text_of

DEEPEST = 100  # levels of nesting: Python's own copy and json recurse and stand a few hundred
OUR_KINDS: Mapping[str, Kind] = {**WORKLOAD_KINDS, **POLICY_KINDS}

Key = tuple[str, str, str]  # kind, namespace, name


@dataclass(frozen=True, slots=True)
class Entry:
    """A workload, or a policy for workloads, of a kind; `namespace` is the manifest's, else the command line's."""

    document: Document
    kind: Kind
    namespace: str
    name: str

    @property
    def raw(self) -> Object:
        """The object as written."""
        raw: Object = self.document.value
        return raw

    @property
    def kind_name(self) -> str:
        """The kind that the manifest names."""
        return str(self.raw["kind"])

    @property
    def key(self) -> Key:
        """What an API server tells objects apart by."""
        return self.kind_name, self.namespace, self.name

    @property
    def title(self) -> str:
        """`TrainingWorkload runai-a/job-1`; of one that is yet to be named the beginning of its name."""
        return f"{self.kind_name} {self.namespace}/{self.shown_name}"

    @property
    def shown_name(self) -> str:
        """Its name, or the beginning that it gives for one."""
        return self.name or text_of(metadata_of(self.raw), "generateName")

    @property
    def where(self) -> str:
        """`jobs.yaml:12`."""
        return f"{self.document.file}:{self.document.position.line}"

    @property
    def is_policy(self) -> bool:
        """Whether it is a policy."""
        return self.kind_name in POLICY_KINDS

    @property
    def is_served(self) -> bool:
        """Whether its version is one that a cluster serves."""
        return bool(self.raw.get("apiVersion") == API_VERSION)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that was read; `skipped` counts the objects of other kinds. Not `complete`: something was unreadable."""

    workloads: tuple[Entry, ...] = ()
    policies: tuple[Entry, ...] = ()
    skipped: int = 0
    complete: bool = True


def read_inputs(paths: Sequence[str], namespace: str | None, streams: Streams) -> Inputs:
    """Read files, directories and `-`. What cannot be read is said, and the rest is read all the same."""
    reading = read_manifests(paths, streams.stdin)
    for warning in reading.warnings:
        warn(streams, warning)
    for error in reading.errors:
        say(streams, str(error))
    for hint in hints_on_kinds(reading.documents):
        warn(streams, hint)
    located = (entry_of(document, namespace or DEFAULT_NAMESPACE) for document in reading.documents)
    entries = [entry for entry in located if entry]
    sound = [entry for entry in entries if not is_too_deep(entry.raw)]
    if len(sound) < len(entries):
        say_too_deep(entries, streams)
    return Inputs(
        tuple(entry for entry in sound if not entry.is_policy),
        tuple(entry for entry in sound if entry.is_policy),
        len(reading.documents) - len(entries),
        complete=not reading.errors and len(sound) == len(entries),
    )


def say_too_deep(entries: Iterable[Entry], streams: Streams) -> None:
    """A sentence on each object that is too deep to be judged."""
    for entry in entries:
        if is_too_deep(entry.raw):
            say(streams, f"{entry.where}: nested more than {DEEPEST} levels deep")


def is_too_deep(raw: Raw) -> bool:
    """Whether code that recurses could fail on it."""
    level = [raw]
    for _ in range(DEEPEST):
        level = [child for node in level for child in children(node)]
        if not level:
            return False
    return True


def children(node: Raw) -> Iterable[Raw]:
    """What stands directly below a node."""
    if type(node) is dict:
        return node.values()
    return node if type(node) is list else ()


def entry_of(document: Document, namespace: str) -> Entry | None:
    """The document as one of our objects; None if it is another's. A version that is not served is ours too."""
    raw = document.value
    kind = OUR_KINDS.get(kind_of(raw))
    if kind is None or group_of(raw) not in (GROUP, ""):
        return None
    metadata = metadata_of(raw)
    return Entry(document, kind, text_of(metadata, "namespace") or namespace, text_of(metadata, "name"))


def kind_of(raw: Raw) -> str:
    """The kind that a document names; empty if it names none."""
    kind = raw.get("kind") if type(raw) is dict else None
    return kind if isinstance(kind, str) else ""


def group_of(raw: Object) -> str:
    """The API group that an object names; empty if it names none."""
    version = raw.get("apiVersion")
    return version.rpartition("/")[0] if isinstance(version, str) else ""


def hints_on_kinds(documents: Iterable[Document]) -> Iterator[str]:
    """A sentence on each document of our group whose kind nobody knows."""
    for document in documents:
        name = kind_of(document.value)
        if name in OUR_KINDS or not name or group_of(document.value) != GROUP:
            continue
        if meant := nearest(name, OUR_KINDS):
            where = f"{document.file}:{document.position.line}"
            yield f'{where}: kind "{name}" is skipped, did you mean {meant}?'
