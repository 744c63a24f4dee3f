"""Manifests from files, directories and stdin, read as kubectl reads them, each node with its line and column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from workload_policy.documents import LARGEST_FILE, decode_text, objects_in, read_documents
from workload_policy.tree import Place, PlacedError

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Position:
    """A line and a column of a file, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """An object that a file holds: a document of its own, or an item of a List.

    `file` is the path as given ("-" for stdin); `index` counts the documents of the file that are not empty, from
    0. `position` is where the object starts, `value` is plain JSON; aliases share what they repeat.
    """

    file: str
    index: int
    position: Position
    value: Any
    places: Place | None = field(default=None, repr=False, compare=False)

    def locate(self, path: tuple[str | int, ...]) -> Position:
        """Where the node at a path stands (in an object: its key), else its nearest parent that exists."""
        if self.places is None:
            return self.position
        return position(self.places.at(path))


class UnreadableError(ValueError):
    """Why a file, or the rest of one, could not be read; line and column are 0 where they are unknown."""

    def __init__(self, file: str, line: int, column: int, problem: str) -> None:
        super().__init__(file, line, column, problem)
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem

    def __str__(self) -> str:
        """As editors and terminals link it."""
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.problem}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, what could not be, and what its authors should know."""

    documents: tuple[Document, ...] = ()
    errors: tuple[UnreadableError, ...] = ()
    warnings: tuple[str, ...] = ()


def read_manifests(paths: Sequence[str], stdin: BinaryIO) -> Reading:
    """All that the paths hold: files, directories with all that is below them, "-" for stdin."""
    readings = [reading for path in paths for reading in read_path(path, stdin)]
    return Reading(
        tuple(document for reading in readings for document in reading.documents),
        tuple(error for reading in readings for error in reading.errors),
        tuple(warning for reading in readings for warning in reading.warnings),
    )


def read_path(path: str, stdin: BinaryIO) -> Iterator[Reading]:
    """One path's readings, a file each."""
    try:
        if path == STDIN:
            yield read_file(STDIN, stdin.read(LARGEST_FILE + 1))
        elif path and Path(path).is_dir():
            yield from read_directory(Path(path))
        else:
            yield read_named_file(path)
    except OSError as error:
        yield no_reading(path, error)


def read_directory(root: Path) -> Iterator[Reading]:
    """The manifests below a directory, in the order of their names; symbolic links to directories are not followed."""
    pending, found = [root], False
    while pending:
        path = pending.pop()
        try:
            if path.is_dir():
                pending += subentries(path) if path is root or not path.is_symlink() else ()
            elif path.suffix in SUFFIXES:
                found = True
                yield read_named_file(str(path))
        except OSError as error:
            yield no_reading(str(path), error)
    if not found:
        yield Reading(warnings=(f"{root}: no file in it ends in .yaml, .yml or .json",))


def subentries(directory: Path) -> list[Path]:
    """What a directory holds, last name first, without `..data` and its like: a mounted ConfigMap links to these."""
    return sorted((path for path in directory.iterdir() if not path.name.startswith("..")), reverse=True)


def read_named_file(path: str) -> Reading:
    """The file at a path."""
    with Path(path).open("rb") as file:
        return read_file(path, file.read(LARGEST_FILE + 1))


def no_reading(file: str, error: OSError) -> Reading:
    """The reading of a file that the system does not let us read."""
    reason = error.strerror or "unknown reason"
    return Reading(errors=(UnreadableError(file, 0, 0, f"cannot be read: {reason[0].lower()}{reason[1:]}"),))


def read_file(name: str, data: bytes) -> Reading:
    """One file's bytes. What is broken ends the reading: what stands before it counts."""
    documents: list[Document] = []
    errors: list[PlacedError] = []
    warnings: list[str] = []
    index = 0
    try:
        for tree in read_documents(decode_text(data)):
            warnings += [f"{name}:{line}:{column}: {text}" for text, line, column in tree.remarks]
            if tree.root is None or tree.root.value is None:
                continue
            objects = objects_in(tree.root, errors)
            documents += [Document(name, index, position(at), value, at) for value, at, *_ in objects]
            index += 1
    except PlacedError as error:
        errors.append(error)
    unreadable = [UnreadableError(name, error.line, error.column, error.problem) for error in errors]
    return Reading(tuple(documents), tuple(unreadable), tuple(warnings))


def position(place: Place) -> Position:
    """A place without those below it."""
    return Position(place.line, place.column)
