"""Policies, and the workloads that others name as base, from a directory that is looked at again and again.

Looking (stat signatures) instead of being told (inotify) is the same code on every file system, and sees the swap of
a mounted ConfigMap, whose files are links to `..data/file` and whose `..data` is a link that is replaced.
"""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from policies.lookup import Snapshot
from workloads.locate import Object, metadata_of, namespace_of, policy_kind, text_of, workload_kind

Identity = tuple[str, str, str]  # kind, namespace, name
Signature = tuple[int, ...] | str  # of a file's present version; why there is none to read
Listing = Mapping[str, Signature]  # by path below the directory, in code-point order

SUFFIXES = (".yaml", ".yml", ".json")
DIRECTORY = "a directory"
MOST_WAITS = 2
LARGEST_FILE = 64 * 1024 * 1024


class SourceError(ValueError):
    """Policies that cannot be read at start: a line for each file and place."""


class Position(Protocol):
    """Where a document starts, both from 1."""

    @property
    def line(self) -> int: ...  # noqa: D102
    @property
    def column(self) -> int: ...  # noqa: D102


class Document(Protocol):
    """One document of a file."""

    @property
    def position(self) -> Position: ...  # noqa: D102
    @property
    def value(self) -> Any: ...  # noqa: D102


class Reading(Protocol):
    """What a file holds; with an error nothing of it counts."""

    @property
    def documents(self) -> Sequence[Document]: ...  # noqa: D102
    @property
    def errors(self) -> Sequence[object]: ...  # noqa: D102
    @property
    def warnings(self) -> Sequence[object]: ...  # noqa: D102


Reader = Callable[[str, bytes], Reading]
Builder = Callable[[Iterable[Object]], Snapshot]


@dataclass(frozen=True, slots=True)
class File:
    """A file as last seen: the objects of its last good version, and what is wrong with the present one.

    `digest` is of the bytes last read, good or not.
    """

    signature: Signature
    objects: tuple[Object, ...] = ()
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class Change:
    """A new Snapshot and what is to be said of it.

    policies    how many of each kind
    said        what was not said before, a sentence each
    failures    files that became unreadable, or unreadable in another way; unreadable: all that are now
    """

    snapshot: Snapshot
    policies: Mapping[str, int]
    said: tuple[str, ...]
    failures: int
    unreadable: int


class DirectorySource:
    """The directory. `start` reads it; each `poll` looks whether it changed and, once that has settled, reads again.

    A change counts when two looks in a row see the same: an editor's or `cp`'s half-written file is not read, nor a
    file missed that is just being replaced. A directory that never rests is read after MOST_WAITS looks.
    """

    def __init__(self, directory: Path, read: Reader, build: Builder) -> None:
        self.directory = directory
        self.read = read
        self.build = build
        self.taken: Listing = {}
        self.seen: Listing = {}
        self.waits = 0
        self.files: Mapping[str, File] = {}
        self.problems: frozenset[str] = frozenset()
        self.policies: Mapping[str, int] = {}

    def start(self) -> Change:
        """The first Snapshot. Raises SourceError where a file, or the directory, cannot be read."""
        listing = list_files(self.directory)
        files = self.files_of(listing)
        if problems := [problem for file in files.values() for problem in file.problems]:
            raise SourceError("\n".join(problems))
        return self.take(listing, files)

    def poll(self) -> Change | None:
        """A Change if the directory differs from what was taken, and has settled."""
        listing = list_files(self.directory)
        if listing == self.taken:
            self.waits = 0
        elif listing == self.seen or self.waits == MOST_WAITS:
            files = self.files_of(listing)
            if self.waits == MOST_WAITS or list_files(self.directory) == listing:
                return self.take(listing, files)
        else:
            self.waits += 1
        self.seen = listing
        return None

    def take(self, listing: Listing, files: Mapping[str, File]) -> Change:
        """Make these files the ones that count."""
        objects, problems = merge_files(self.directory, files)
        snapshot = self.build(objects)
        problems = (*problems, *snapshot.conflicts)
        said = tuple(problem for problem in problems if problem not in self.problems)
        unreadable = {path: file.problems for path, file in files.items() if file.problems}
        failures = sum(problems != self.problems_of(path) for path, problems in unreadable.items())
        self.taken, self.seen, self.waits = listing, listing, 0
        self.files, self.problems = files, frozenset(problems)
        self.policies = Counter(raw["kind"] for raw in objects if policy_kind(raw))
        return Change(snapshot, self.policies, said, failures, len(unreadable))

    def problems_of(self, path: str) -> tuple[str, ...]:
        """What was wrong with a file before."""
        return self.files[path].problems if path in self.files else ()

    def files_of(self, listing: Listing) -> Mapping[str, File]:
        """Every file listed, and those that were there before below a directory that cannot be read now."""
        closed = tuple(path for path in listing if is_directory(path))
        lost = {path: file for path, file in self.files.items() if path.startswith(closed)}
        return lost | {path: self.file_at(path, signature) for path, signature in listing.items()}

    def file_at(self, path: str, signature: Signature) -> File:
        """A file, read again if it changed; the last good version stays while the present one cannot be read."""
        known = self.files.get(path, File(""))
        if signature == known.signature:
            return known
        shown = str(self.directory / path)
        if isinstance(signature, str):
            return replace(known, signature=signature, problems=(f"{shown}: {signature}",), digest=b"")
        try:
            data = Path(shown).read_bytes()
        except OSError as error:
            return replace(known, signature="", problems=(f"{shown}: {reason_of(error)}",), digest=b"")
        return self.file_with(replace(known, signature=signature), shown, data)

    def file_with(self, known: File, shown: str, data: bytes) -> File:
        """A file with the bytes that were read of it."""
        digest = sha256(data).digest()
        if digest == known.digest:
            return known
        reading = self.read(shown, data)
        ours = [document for document in reading.documents if is_ours(document.value)]
        misplaced = (line for document in ours for line in misplacements(shown, document))
        problems = (*map(str, reading.errors), *misplaced)
        if problems:
            return replace(known, problems=problems, digest=digest)
        objects = tuple(document.value for document in ours)
        return File(known.signature, objects, (), tuple(map(str, reading.warnings)), digest)


# The directory


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory to look into: its path below the top (`sub/`), and what identifies the directories above it."""

    directory: Path
    prefix: str = ""
    above: frozenset[tuple[int, int]] = frozenset()


def list_files(directory: Path) -> Listing:
    """The signature of every file to be read, and of every directory that cannot be (`sub/`; `` is the top)."""
    found: dict[str, Signature] = {}
    pending = [Folder(directory)]
    while pending:
        for path, entry in look_into(pending.pop()):
            if isinstance(entry, Folder):
                pending.append(entry)
            else:
                found[path] = entry
    return dict(sorted(found.items()))


def is_directory(path: str) -> bool:
    """Whether an entry of a listing is a directory that cannot be looked into."""
    return not path or path.endswith("/")


def look_into(folder: Folder) -> Iterator[tuple[str, Signature | Folder]]:
    """What a directory holds. Links are followed, but not back up."""
    try:
        status = folder.directory.stat()
        with os.scandir(folder.directory) as listing:
            entries = list(listing)
    except OSError as error:
        yield folder.prefix, reason_of(error)
        return
    here = (status.st_dev, status.st_ino)
    for entry in entries if here not in folder.above else ():
        path = folder.prefix + entry.name
        if not entry.name.startswith("..") and (found := look_at(entry)):
            yield path, Folder(Path(entry.path), f"{path}/", folder.above | {here}) if found == DIRECTORY else found


def look_at(entry: os.DirEntry[str]) -> Signature | None:
    """A file's signature, DIRECTORY, or None for what is of no interest."""
    wanted = entry.name.lower().endswith(SUFFIXES)
    try:
        status = entry.stat()
    except OSError as error:
        return reason_of(error) if wanted else None
    if stat.S_ISDIR(status.st_mode):
        return DIRECTORY
    return signature_of(status) if wanted else None


def reason_of(error: OSError) -> str:
    """`No such file or directory`."""
    return error.strerror or str(error)


def signature_of(status: os.stat_result) -> Signature:
    """What changes whenever a file does."""
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > LARGEST_FILE:
        return f"larger than {LARGEST_FILE} bytes"
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


# The objects


def is_ours(raw: Any) -> bool:
    """Whether a document counts: a policy, or a workload that can be named as a base. Other kinds are ignored."""
    if not isinstance(raw, Mapping):
        return False
    return bool(policy_kind(raw) or (workload_kind(raw) and not flaws(raw)))


def flaws(raw: Object) -> tuple[str, ...]:
    """Why an object has no place among others: the API server would not store it either."""
    metadata = metadata_of(raw)
    nameless = not text_of(metadata, "name")
    misplaced = not isinstance(metadata.get("namespace") or "", str)
    found = {"metadata.name: is required": nameless, "metadata.namespace: must be text": misplaced}
    return tuple(problem for problem, is_so in found.items() if is_so)


def misplacements(file: str, document: Document) -> Iterator[str]:
    """The flaws of a document as lines that name its place."""
    place = document.position
    return (f"{file}:{place.line}:{place.column}: {flaw}" for flaw in flaws(document.value))


def identity_of(raw: Object) -> Identity:
    """What the API server tells objects apart by."""
    return raw["kind"], namespace_of(raw), text_of(metadata_of(raw), "name")


def merge_files(directory: Path, files: Mapping[str, File]) -> tuple[list[Object], tuple[str, ...]]:
    """The objects of all files, of two with one identity the first by path; and what there is to say."""
    first: dict[Identity, tuple[str, Object]] = {}
    said: list[str] = []
    for path, file in sorted(files.items()):
        said += [*(f"{problem} ({consequence(path, file)})" for problem in file.problems), *file.remarks]
        for raw in file.objects:
            holder, counted = first.setdefault(identity_of(raw), (path, raw))
            if counted is not raw:
                said.append(repetition(directory, path, holder, raw))
    return [raw for _path, raw in first.values()], tuple(said)


def consequence(path: str, file: File) -> str:
    """What becomes of a file, or directory, that cannot be read."""
    if is_directory(path):
        return "what was read there stays in force"
    return "its last good version stays in force" if file.objects else "nothing of it is in force"


def repetition(directory: Path, path: str, holder: str, raw: Object) -> str:
    """That a document does not count, since another came first."""
    kind, namespace, name = identity_of(raw)
    return f"{directory / path}: {kind} {namespace}/{name} is ignored: {directory / holder} has it already"
