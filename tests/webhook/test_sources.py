import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from policies.lookup import Snapshot
from webhook.sources import Change, DirectorySource, SourceError
from workloads.locate import Object, namespace_of, snapshot_of


@dataclass(frozen=True, slots=True)
class Position:
    """Where a document starts."""

    line: int
    column: int = 1


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file."""

    position: Position
    value: Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file holds."""

    documents: tuple[Document, ...] = ()
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read(name: str, data: bytes) -> Reading:
    """Stands for the reader of manifests: a JSON document a line; one that is `"odd"` is worth a warning."""
    try:
        values = [json.loads(line) for line in data.splitlines()]
    except ValueError:
        return Reading(errors=(f"{name}:1: not JSON",))
    warnings = (f"{name}: odd",) if "odd" in values else ()
    return Reading(tuple(Document(Position(line), value) for line, value in enumerate(values, 1)), (), warnings)


def a_policy(limit: str = "1", name: str | None = "p", namespace: str | None = "runai-a", **changes: object) -> str:
    metadata = {"name": name, "namespace": namespace}
    raw: dict[str, object] = {
        "apiVersion": "run.ai/v2alpha1",
        "kind": "TrainingPolicy",
        "metadata": {key: value for key, value in metadata.items() if value is not None},
        "spec": {"gpu": {"rules": {"max": limit}}},
    }
    return json.dumps(raw | changes)


def a_workload(name: str | None = "w") -> str:
    return a_policy(name=name, kind="TrainingWorkload", spec={"usage": "Template"})


class Watched:
    """A directory and its source; remembers what is in force."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.source = DirectorySource(directory, read, self.build)
        self.objects: list[Object] = []

    def build(self, objects: Iterable[Object]) -> Snapshot:
        self.objects = list(objects)
        return snapshot_of(self.objects)

    def write(self, path: str, *documents: str) -> None:
        file = self.directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(documents))

    def settle(self) -> Change | None:
        """Look until a change is taken, or twice."""
        return self.source.poll() or self.source.poll()

    @property
    def limits(self) -> dict[str, str]:
        """The limit in force in each namespace."""
        policies = [raw for raw in self.objects if raw["kind"] == "TrainingPolicy"]
        return {namespace_of(raw): raw["spec"]["gpu"]["rules"]["max"] for raw in policies}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    (tmp_path / "policies").mkdir()
    return Watched(tmp_path / "policies")


# The start


def test_every_document_below_the_directory_counts(watched: Watched) -> None:
    watched.write("a.yaml", a_policy("1"), a_policy("2", namespace="runai-b"), a_workload())
    watched.write("b.yml", a_policy("3", namespace=None))
    watched.write("deep/er/c.JSON", a_policy("4", namespace="runai-d"))
    watched.write("deep/README.md", "not read")
    watched.write(".hidden/e.yaml", a_policy("5", namespace="runai-e"))
    change = watched.source.start()
    assert watched.limits == {"runai-a": "1", "runai-b": "2", "default": "3", "runai-d": "4", "runai-e": "5"}
    assert change.policies == {"TrainingPolicy": 5}
    assert list(change.snapshot.workloads) == [("TrainingWorkload", "runai-a", "w")]
    assert (change.said, change.failures, change.unreadable) == ((), 0, 0)


def test_other_kinds_are_ignored(watched: Watched) -> None:
    others = [
        '{"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "p"}}',
        a_policy(apiVersion="other/v1"),
        a_policy(kind=["TrainingPolicy"]),
        a_workload(name=None),
        "null",
        "[1]",
    ]
    watched.write("a.yaml", *others)
    assert watched.source.start().policies == {}
    assert watched.source.start().snapshot.workloads == {}


def test_an_empty_directory_is_fine(watched: Watched) -> None:
    assert watched.source.start().snapshot == snapshot_of([])


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (lambda it: it.write("a.yaml", "{"), "DIR/a.yaml:1: not JSON"),
        (lambda it: it.write("a.yaml", a_policy(name=None)), "DIR/a.yaml:1:1: metadata.name: is required"),
        (lambda it: it.write("a.yaml", a_policy(metadata=[])), "DIR/a.yaml:1:1: metadata.name: is required"),
        (
            lambda it: it.write("a.yaml", "null", a_policy(metadata={"name": "p", "namespace": 1})),
            "DIR/a.yaml:2:1: metadata.namespace: must be text",
        ),
        (lambda it: (it.directory / "a.yaml").symlink_to("gone"), "DIR/a.yaml: No such file or directory"),
        (
            lambda it: os.truncate(it.write("a.yaml") or it.directory / "a.yaml", 2**27),
            "DIR/a.yaml: larger than 67108864 bytes",
        ),
        (lambda it: os.mkfifo(it.directory / "a.yaml"), "DIR/a.yaml: not a regular file"),
        (lambda it: it.directory.rmdir(), "DIR: No such file or directory"),
        (lambda it: (it.directory.rmdir(), it.directory.touch()), "DIR: Not a directory"),
    ],
    ids=["malformed", "nameless", "no metadata", "no namespace", "dangling", "huge", "pipe", "missing", "file"],
)
def test_it_does_not_start_with_what_it_cannot_read(
    watched: Watched, prepare: Callable[[Watched], object], problem: str
) -> None:
    prepare(watched)
    with pytest.raises(SourceError) as raised:
        watched.source.start()
    assert str(raised.value) == problem.replace("DIR", str(watched.directory))


def test_all_that_cannot_be_read_is_named(watched: Watched) -> None:
    watched.write("a.yaml", "{")
    watched.write("b.yaml", "{")
    with pytest.raises(SourceError) as raised:
        watched.source.start()
    assert [line.rpartition("/")[2] for line in str(raised.value).splitlines()] == [
        "a.yaml:1: not JSON",
        "b.yaml:1: not JSON",
    ]


def test_a_link_that_leads_back_up_is_followed_once(watched: Watched) -> None:
    watched.write("deep/a.yaml", a_policy())
    (watched.directory / "deep" / "loop").symlink_to(watched.directory)
    (watched.directory / "other").symlink_to(watched.directory / "gone")
    change = watched.source.start()
    assert (change.policies, change.said) == ({"TrainingPolicy": 1}, ())


def test_no_depth_is_too_deep(watched: Watched) -> None:
    deep = "d/" * 400
    os.makedirs(watched.directory / deep)  # noqa: PTH103 - Path.mkdir does not go so deep
    watched.write(f"{deep}a.yaml", a_policy())
    assert watched.source.start().policies == {"TrainingPolicy": 1}


# Changes


def test_nothing_happens_while_nothing_changes(watched: Watched) -> None:
    watched.write("a.yaml", a_policy())
    watched.source.start()
    assert [watched.source.poll() for _ in range(5)] == [None] * 5


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        (lambda it: it.write("a.yaml", a_policy("2")), {"runai-a": "2"}),
        (lambda it: it.write("b.yaml", a_policy("3", namespace="runai-b")), {"runai-a": "1", "runai-b": "3"}),
        (lambda it: (it.directory / "a.yaml").unlink(), {}),
        (lambda it: it.write("a.yaml"), {}),
        (lambda it: (it.directory / "a.yaml").rename(it.directory / "z.yaml"), {"runai-a": "1"}),
    ],
    ids=["edited", "added", "removed", "emptied", "renamed"],
)
def test_a_change_counts_when_it_has_settled(
    watched: Watched, change: Callable[[Watched], object], limits: dict[str, str]
) -> None:
    watched.write("a.yaml", a_policy("1"))
    watched.source.start()
    change(watched)
    assert watched.source.poll() is None
    assert watched.limits == {"runai-a": "1"}
    assert watched.source.poll()
    assert watched.limits == limits
    assert watched.source.poll() is None


def test_a_half_written_file_is_not_read(watched: Watched) -> None:
    watched.write("a.yaml", a_policy("1"))
    watched.source.start()
    watched.write("a.yaml", "{")
    assert watched.source.poll() is None
    watched.write("a.yaml", a_policy("2"))
    assert watched.source.poll() is None
    assert watched.source.poll()
    assert watched.limits == {"runai-a": "2"}


def test_a_directory_that_never_rests_is_read_all_the_same(watched: Watched) -> None:
    watched.source.start()
    changes = []
    for turn in range(6):
        watched.write("a.yaml", a_policy(str(turn) * (turn + 1)))
        changes.append(bool(watched.source.poll()))
    assert changes == [False, False, True] * 2
    assert watched.limits == {"runai-a": "555555"}


def test_a_change_while_reading_is_waited_for(watched: Watched) -> None:
    watched.write("a.yaml", a_policy("1"))
    watched.source.start()
    inner, moves = watched.source.read, iter([True])

    def moving(name: str, data: bytes) -> Reading:
        if next(moves, False):  # the object moves from b.yaml, read later, to a.yaml, read already
            watched.write("a.yaml", a_policy("2"))
            (watched.directory / "b.yaml").unlink()
        return inner(name, data)

    watched.write("a.yaml")
    watched.write("b.yaml", a_policy("2"))
    watched.source.read = moving
    seen: list[object] = []
    for _ in range(4):
        watched.source.poll()
        seen.append(watched.limits.get("runai-a"))
    assert seen == ["1", "1", "1", "2"]


def test_a_touched_file_is_not_parsed_again(watched: Watched) -> None:
    watched.write("a.yaml", a_policy())
    watched.source.start()
    watched.source.read = lambda name, _data: pytest.fail(f"{name} was parsed again")
    os.utime(watched.directory / "a.yaml", (1, 1))
    change = watched.settle()
    assert change is not None
    assert change.policies == {"TrainingPolicy": 1}


def test_only_what_changed_is_parsed_again(watched: Watched) -> None:
    watched.write("a.yaml", a_policy())
    watched.source.start()
    parsed: list[str] = []
    watched.source.read = lambda name, data: parsed.append(name) or read(name, data)
    watched.write("b.yaml", a_policy(namespace="runai-b"))
    watched.settle()
    assert parsed == [str(watched.directory / "b.yaml")]


def test_the_swap_of_a_mounted_config_map(watched: Watched) -> None:
    directory = watched.directory

    def version(name: str, *documents: str) -> None:
        (directory / name).mkdir()
        (directory / name / "policy.yaml").write_text("\n".join(documents))
        (directory / "..data_tmp").symlink_to(name)
        (directory / "..data_tmp").rename(directory / "..data")

    version("..2026_01", a_policy("1"))
    (directory / "policy.yaml").symlink_to("..data/policy.yaml")
    assert watched.source.start().policies == {"TrainingPolicy": 1}
    version("..2026_02", a_policy("2"))
    change = watched.settle()
    assert change is not None
    assert (watched.limits, change.said) == ({"runai-a": "2"}, ())


# Unreadable files


@pytest.fixture
def spoiled(watched: Watched) -> Iterator[Watched]:
    """Two files in force, one of them then spoiled."""
    watched.write("a.yaml", a_policy("1"))
    watched.write("b.yaml", a_policy("2", namespace="runai-b"))
    watched.source.start()
    watched.write("a.yaml", "{")
    watched.write("b.yaml", a_policy("3", namespace="runai-b"))
    return watched


def test_an_unreadable_file_keeps_its_last_good_version_and_says_so_once(spoiled: Watched) -> None:
    change = spoiled.settle()
    assert change is not None
    assert spoiled.limits == {"runai-a": "1", "runai-b": "3"}
    path = spoiled.directory / "a.yaml"
    assert change.said == (f"{path}:1: not JSON (its last good version stays in force)",)
    assert (change.failures, change.unreadable) == (1, 1)
    spoiled.write("b.yaml", a_policy("4", namespace="runai-b"))
    change = spoiled.settle()
    assert change is not None
    assert spoiled.limits == {"runai-a": "1", "runai-b": "4"}
    assert (change.said, change.failures, change.unreadable) == ((), 0, 1)


def test_it_counts_again_once_it_can_be_read(spoiled: Watched) -> None:
    spoiled.settle()
    spoiled.write("a.yaml", a_policy("5"))
    change = spoiled.settle()
    assert change is not None
    assert (spoiled.limits["runai-a"], change.said, change.unreadable) == ("5", (), 0)
    spoiled.write("a.yaml", "{")
    change = spoiled.settle()
    assert change is not None
    assert (len(change.said), change.failures) == (1, 1)


def test_the_same_good_bytes_heal_it(spoiled: Watched) -> None:
    spoiled.settle()
    spoiled.write("a.yaml", a_policy("1"))
    change = spoiled.settle()
    assert change is not None
    assert (spoiled.limits["runai-a"], change.unreadable) == ("1", 0)


def test_removing_it_removes_its_objects(spoiled: Watched) -> None:
    spoiled.settle()
    (spoiled.directory / "a.yaml").unlink()
    change = spoiled.settle()
    assert change is not None
    assert (spoiled.limits, change.unreadable) == ({"runai-b": "3"}, 0)


def test_a_new_file_that_never_was_good(watched: Watched) -> None:
    watched.source.start()
    watched.write("a.yaml", "{")
    change = watched.settle()
    assert change is not None
    assert change.said == (f"{watched.directory / 'a.yaml'}:1: not JSON (nothing of it is in force)",)


def test_a_file_that_cannot_be_opened(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.write("a.yaml", a_policy("1"))
    watched.source.start()
    watched.write("a.yaml", a_policy("22"))
    with monkeypatch.context() as patched:

        def denied(_path: Path) -> bytes:
            raise PermissionError(13, "Permission denied")

        patched.setattr(Path, "read_bytes", denied)
        change = watched.settle()
    assert change is not None
    path = watched.directory / "a.yaml"
    assert change.said == (f"{path}: Permission denied (its last good version stays in force)",)
    assert watched.limits == {"runai-a": "1"}
    watched.write("b.yaml")
    watched.settle()
    assert watched.limits == {"runai-a": "22"}


@pytest.mark.parametrize("lost", ["deep", ""], ids=["below", "itself"])
def test_a_directory_that_cannot_be_looked_into_keeps_its_files(
    watched: Watched, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.write("deep/a.yaml", a_policy("1"))
    watched.source.start()
    scandir = os.scandir

    def denied(path: Path) -> object:
        if path == watched.directory / lost:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", denied)
        change = watched.settle()
        assert change is not None
        sentence = f"{watched.directory / lost}: Permission denied (what was read there stays in force)"
        assert (change.said, change.unreadable, watched.limits) == ((sentence,), 1, {"runai-a": "1"})
    watched.write("deep/a.yaml", a_policy("2"))
    change = watched.settle()
    assert change is not None
    assert (change.unreadable, watched.limits) == (0, {"runai-a": "2"})


# Two of one


def test_of_two_documents_with_one_name_the_first_by_path_counts(watched: Watched) -> None:
    watched.write("a/z.yaml", a_policy("3"))
    watched.write("a.yaml", a_policy("1"), a_policy("2"))
    change = watched.source.start()
    top = watched.directory
    assert watched.limits == {"runai-a": "1"}
    assert change.said == (
        f"{top}/a.yaml: TrainingPolicy runai-a/p is ignored: {top}/a.yaml has it already",
        f"{top}/a/z.yaml: TrainingPolicy runai-a/p is ignored: {top}/a.yaml has it already",
    )
    watched.write("b.yaml")
    again = watched.settle()
    assert again is not None
    assert again.said == ()
    (top / "a.yaml").unlink()
    watched.settle()
    assert watched.limits == {"runai-a": "3"}


def test_two_policies_of_a_kind_in_a_namespace_are_told_once(watched: Watched) -> None:
    watched.write("a.yaml", a_policy("1", name="one"), a_policy("2", name="two"))
    change = watched.source.start()
    assert change.said == change.snapshot.conflicts
    assert len(change.said) == 1


def test_what_the_reader_warns_of_is_said_once(watched: Watched) -> None:
    watched.write("a.yaml", '"odd"')
    path = watched.directory / "a.yaml"
    assert watched.source.start().said == (f"{path}: odd",)
    watched.write("b.yaml")
    change = watched.settle()
    assert change is not None
    assert change.said == ()
