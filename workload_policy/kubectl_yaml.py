"""The YAML that kubectl reads: documents split at lines of ---, then the first document of each part, by YAML 1.1.

go.yaml.in/yaml/v2 is a port of libyaml, which PyYAML binds. Of 300,000 mutated documents the two read one in 5,000
differently, none that anybody writes: PyYAML refuses `{a:}`, and tags as in `[! 5, !a, b]` end elsewhere.
What a scalar stands for is decided here.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from workload_policy.scalars import (
    SURROGATE,
    Scalar,
    json_key,
    json_scalar,
    natural_scalar,
    tagged_scalar,
)
from workload_policy.tree import MERGE, TOO_DEEP, Node, Open, Place, PlacedError, Remark, Tree

PARSER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # libyaml is ten times as fast

SEPARATOR = re.compile("^---(.*)\n?", re.MULTILINE)
# A byte order mark that starts a line is refused, too: libyaml skips it, go-yaml makes it a part of the first key.
UNPRINTABLE = re.compile(
    "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|(?<![^\n\r\x85\u2028\u2029])\ufeff"
)
ESCAPED_SLASH = re.compile(r"(?<!\\)(?:\\\\)*\\/")
MERGE_TAG = "tag:yaml.org,2002:merge"
BAD_CODE = "found invalid Unicode character escape code"
BAD_ESCAPE = "found unknown escape character"
PROBLEMS = {"exceeded maximum nesting depth": TOO_DEEP}  # libyaml from 0.2.6 on has the same bound
FLOW_QUESTION = "between brackets kubectl reads a question mark only in quotes"
UNREAD = "kubectl does not read what follows the end of a document: it needs a line of --- before it"


class Chunk(NamedTuple):
    """A part of a file that kubectl reads by itself, and where in the file it starts."""

    text: str
    line: int = 1
    column: int = 1

    def place(self, line: int, column: int) -> Place:
        """A place in the file, from a line and column of the chunk that count from 0."""
        return Place(self.line + line, column + (1 if line else self.column))

    def error(self, mark: Any, problem: str) -> PlacedError:
        """The problem at a mark of PyYAML's."""
        place = self.place(mark.line, mark.column)
        return PlacedError(problem, place.line, place.column)


def split_documents(text: str, place: Place) -> Iterator[Chunk]:
    """The parts between lines of ---, wherever these stand: kubectl looks for them before it looks at the YAML."""
    start, line, column = 0, place.line, place.column
    for separator in SEPARATOR.finditer(text):
        yield Chunk(text[start : separator.start()], line, column)
        line += text.count("\n", start, separator.start())
        rest = separator[1].strip()
        if rest and not rest.startswith("#"):
            raise PlacedError("expected the end of the line or a comment after ---", line, 4)
        start, line, column = separator.end(), line + 1, 1
    yield Chunk(text[start:], line, column)


def read_chunk(chunk: Chunk, room: int) -> Tree:
    """The chunk's first document, of at most `room` nodes; without a root if there is none."""
    chunk = chunk._replace(text=chunk.text.removeprefix("\ufeff"))
    check_printable(chunk)
    reader = YamlReader(chunk, Tree(room))
    events = parse_events(chunk)
    while type(event := next(events)) not in LAST_EVENTS:
        reader.read(event)
    reader.remark_rest(events)
    return reader.tree


def check_printable(chunk: Chunk) -> None:
    """Refuse what YAML does not allow anywhere."""
    unprintable = UNPRINTABLE.search(chunk.text)
    if unprintable:
        before = chunk.text[: unprintable.start()]
        place = chunk.place(before.count("\n"), len(before) - before.rfind("\n") - 1)
        is_mark = unprintable[0] == "\ufeff"
        problem = "a byte order mark does not belong here" if is_mark else "control characters are not allowed"
        raise PlacedError(problem, place.line, place.column)


def parse_events(chunk: Chunk) -> Iterator[Any]:
    """PyYAML's events, its errors as ours."""
    parser = PARSER(chunk.text)
    event: Any = None
    try:
        while event := parser.get_event():
            yield event
    except yaml.MarkedYAMLError as error:
        raise chunk.error(error.problem_mark, PROBLEMS.get(str(error.problem), str(error.problem))) from error
    except (ValueError, OverflowError) as error:  # chr() in PyYAML's parser of pure Python
        raise chunk.error(event.end_mark, BAD_CODE) from error


@dataclass(slots=True)
class YamlReader:
    """Reads the events of one document into a tree."""

    chunk: Chunk
    tree: Tree
    anchors: dict[str, Node | Open] = field(default_factory=dict)
    opened: list[Any] = field(default_factory=list)  # the events of what is open

    def read(self, event: Any) -> None:
        """One event; a problem without a place is one of the node that it stands for."""
        try:
            STEPS[type(event)](self, event)
        except PlacedError:
            raise
        except ValueError as error:
            raise self.chunk.error(event.start_mark, str(error)) from error

    def ignore(self, _event: Any) -> None:
        """The start of the stream or of the document."""

    def scalar(self, event: Any) -> None:
        """Text, and what it stands for."""
        if event.style == '"':
            check_escapes(event, self.chunk.text)
        elif not event.style and "?" in event.value and self.opened and self.opened[-1].flow_style:
            raise ValueError(FLOW_QUESTION)
        value = scalar_value(event)
        in_json = MERGE if self.tree.awaits_key and is_merge(event) else self._in_json(value)
        node = self.tree.add(in_json, self._place(event))
        if event.anchor is not None:
            self.anchors[event.anchor] = node._replace(value=value)

    def alias(self, event: Any) -> None:
        """The node of an anchor once more."""
        if event.anchor not in self.anchors:
            raise ValueError("this alias has no anchor before it")
        node = self.anchors[event.anchor]
        if not isinstance(node, Node):
            raise ValueError("this alias repeats what it is a part of")  # noqa: TRY004
        self.tree.add_alias(node._replace(value=self._in_json(node.value)), self._place(event))

    def open_mapping(self, event: Any) -> None:
        """The start of a mapping."""
        self._open(event, self.tree.open_mapping(self._place(event)))

    def open_list(self, event: Any) -> None:
        """The start of a sequence."""
        self._open(event, self.tree.open_list(self._place(event)))

    def close(self, _event: Any) -> None:
        """The end of a mapping or sequence; from here on aliases may repeat it."""
        anchor = self.opened.pop().anchor
        done, node = self.tree.close()
        if anchor is not None and self.anchors[anchor] is done:
            self.anchors[anchor] = node

    def remark_rest(self, events: Iterator[Any]) -> None:
        """Say so if more follows after the document."""
        try:
            event = next(events, None)
        except PlacedError as error:
            self.tree.remarks.append(Remark(UNREAD, error.line, error.column))
            return
        if type(event) is yaml.DocumentStartEvent:
            self.tree.remarks.append(Remark(UNREAD, *self._place(event)[:2]))

    def _open(self, event: Any, child: Open) -> None:
        self.opened.append(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = child

    def _in_json(self, value: Scalar) -> Scalar:
        return json_key(value) if self.tree.awaits_key else json_scalar(value)

    def _place(self, event: Any) -> Place:
        return self.chunk.place(event.start_mark.line, event.start_mark.column)


def is_merge(event: Any) -> bool:
    """Whether a scalar, as a key, merges objects."""
    return bool(event.value == "<<" and (event.implicit[0] or event.tag == MERGE_TAG))


def scalar_value(event: Any) -> Scalar:
    """What a scalar stands for, by its tag, else by its text if it is plain, else text."""
    if event.tag is not None:
        return tagged_scalar(event.tag, event.value)
    if event.implicit[0] and not event.style:
        return natural_scalar(event.value)
    return event.value


def check_escapes(event: Any, text: str) -> None:
    """Refuse the escapes in a text in double quotes that go-yaml refuses and PyYAML lets pass."""
    if SURROGATE.search(event.value):
        raise ValueError(BAD_CODE)
    if "/" in event.value and ESCAPED_SLASH.search(text, event.start_mark.index, event.end_mark.index):
        raise ValueError(BAD_ESCAPE)


STEPS: dict[type, Callable[[YamlReader, Any], None]] = {
    yaml.StreamStartEvent: YamlReader.ignore,
    yaml.DocumentStartEvent: YamlReader.ignore,
    yaml.ScalarEvent: YamlReader.scalar,
    yaml.AliasEvent: YamlReader.alias,
    yaml.MappingStartEvent: YamlReader.open_mapping,
    yaml.MappingEndEvent: YamlReader.close,
    yaml.SequenceStartEvent: YamlReader.open_list,
    yaml.SequenceEndEvent: YamlReader.close,
}
LAST_EVENTS = frozenset((yaml.DocumentEndEvent, yaml.StreamEndEvent))
