"""Values grown node by node, each with its line and column: what YAML and JSON are read into."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Raw = Any  # what JSON decodes to

DEEPEST = 1_000
TOO_DEEP = f"nested more than {DEEPEST:,} levels deep"
MOST_NODES = 1_000_000
TOO_MANY = f"more than {MOST_NODES:,} values in one file, aliases expanded"
MERGE = object()  # the key << whose objects its mapping takes over


class PlacedError(ValueError):
    """What is wrong with a text and where; line and column count from 1, 0 is unknown."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem, line, column)
        self.problem = problem
        self.line = line
        self.column = column


class Place(NamedTuple):
    """Where a node stands (what a mapping holds: its key), and the places of what it holds itself."""

    line: int
    column: int
    inner: Any = None  # dict[str | int, Place] | None: by key, or by number in a list

    def at(self, path: Iterable[str | int]) -> "Place":
        """The place at the end of a path, else the last one on the way that exists."""
        place = self
        for step in path:
            further = (place.inner or {}).get(step)
            if further is None:
                break
            place = further
        return place


class Node(NamedTuple):
    """A value and its place; `size` and `height` count its nodes and levels, aliases expanded."""

    value: Raw
    place: Place
    size: int = 1
    height: int = 0
    is_alias: bool = False


class Remark(NamedTuple):
    """What the author should know although it is no error."""

    text: str
    line: int
    column: int


@dataclass(slots=True)
class OpenList:
    """A list that still grows."""

    start: Place
    before: int  # nodes counted before it
    height: int = 1
    value: list[Raw] = field(default_factory=list)
    inner: dict[int, Place] = field(default_factory=dict)
    awaits_key: bool = False

    def take(self, node: Node) -> None:
        """The next element."""
        self.inner[len(self.value)] = node.place
        self.value.append(node.value)


@dataclass(slots=True)
class OpenMapping:
    """A mapping that still grows, by a key and what belongs to it in turn."""

    start: Place
    before: int
    remarks: list[Remark]
    height: int = 1
    value: dict[str, Raw] = field(default_factory=dict)
    inner: dict[str, Place] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)  # the keys that no merge brought
    key: Node | None = None

    @property
    def awaits_key(self) -> bool:
        """Whether the next node is a key."""
        return self.key is None

    def take(self, node: Node) -> None:
        """A key, or what belongs to the one before."""
        key, self.key = self.key, node
        if key is None:
            return
        self.key = None
        if key.value is MERGE:
            self._merge(key.place, node)
        else:
            line, column, _ = key.place
            inner = node.place.inner
            place = Place(line, column, inner) if inner else key.place
            self._put(key.value, node.value, place, key.place)
            self.own.add(key.value)

    def _merge(self, at: Place, node: Node) -> None:
        for source, places in merge_sources(node):
            for key, value in source.items():
                self._put(key, value, places[key], at)

    def _put(self, key: str, value: Raw, place: Place, at: Place) -> None:
        """One entry. The last counts; in go-yaml v2 that is a merge, too, where it stands after the same key."""
        if key in self.own:
            text = f"key {quoted(key)} is already set at line {self.inner[key].line}: the last one counts"
            self.remarks.append(Remark(text, at.line, at.column))
        self.value[key] = value
        self.inner[key] = place


def quoted(key: str) -> str:
    """A key as a JSON string of ASCII, cut after 64 characters."""
    return json.dumps(key[:64]) if len(key) <= 64 else json.dumps(key[:64])[:-1] + '..."'


Open = OpenList | OpenMapping


def merge_sources(node: Node) -> Iterable[tuple[Mapping[str, Raw], Mapping[str, Place]]]:
    """The objects under a merge key with their places, first those that the others override."""
    value, place = node.value, node.place
    if type(value) is dict:
        return [(value, place.inner)]
    if type(value) is list and not node.is_alias and all(type(element) is dict for element in value):
        return [(value[number], place.inner[number].inner) for number in reversed(range(len(value)))]
    raise PlacedError("expected an object, or a list of objects, to merge", place.line, place.column)


@dataclass(slots=True)
class Tree:
    """One document that grows from a flat run of nodes; its stack is its own, not Python's."""

    room: int = MOST_NODES  # nodes that it may count
    count: int = 0
    root: Node | None = None
    remarks: list[Remark] = field(default_factory=list)
    stack: list[Open] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        """Whether the next node is the key of a mapping."""
        return bool(self.stack) and self.stack[-1].awaits_key

    def add(self, value: Raw, place: Place) -> Node:
        """A scalar."""
        self._make_room(1, place)
        return self._take(Node(value, place))

    def add_alias(self, node: Node, place: Place) -> None:
        """A finished node once more. Its value is shared: nobody writes to what was read."""
        self._make_room(node.size, place)
        self._check_level(node.height, place)
        self._take(node._replace(place=place._replace(inner=node.place.inner), is_alias=True))

    def open_list(self, place: Place) -> Open:
        """A list; it takes the nodes that follow, until it is closed."""
        return self._open(OpenList(place, self.count))

    def open_mapping(self, place: Place) -> Open:
        """A mapping; it takes the nodes that follow, until it is closed."""
        return self._open(OpenMapping(place, self.count, self.remarks))

    def close(self) -> tuple[Open, Node]:
        """What was opened last, and the node that it became."""
        done = self.stack.pop()
        place = done.start._replace(inner=done.inner)
        return done, self._take(Node(done.value, place, self.count - done.before, done.height))

    def _open(self, child: Open) -> Open:
        if self.awaits_key:
            raise PlacedError("expected text as a key, got an object or a list", *child.start[:2])
        self._make_room(1, child.start)
        self._check_level(1, child.start)
        self.stack.append(child)
        return child

    def _take(self, node: Node) -> Node:
        if not self.stack:
            self.root = node
            return node
        parent = self.stack[-1]
        if node.height >= parent.height:
            parent.height = node.height + 1
        parent.take(node)
        return node

    def _make_room(self, nodes: int, place: Place) -> None:
        self.count += nodes
        if self.count > self.room:
            raise PlacedError(TOO_MANY, *place[:2])

    def _check_level(self, levels: int, place: Place) -> None:
        if len(self.stack) + levels > DEEPEST:
            raise PlacedError(TOO_DEEP, *place[:2])
