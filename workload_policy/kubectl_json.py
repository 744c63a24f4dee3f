"""The JSON that kubectl reads: objects one after the other, as Go's decoder takes them, each node with its place."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from workload_policy.scalars import json_number, replace_surrogates
from workload_policy.tree import Place, PlacedError, Tree

SPACE = re.compile(r"[ \t\n\r]*+")
TOKEN = re.compile(
    r"([{}\[\]:,])"
    r'|("(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+")'
    r"|(-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)"
    r"|(true|false|null)"
)
KINDS = ("", "mark", "string", "number", "word")
WORDS = {"true": True, "false": False, "null": None}
LONGEST_INTEGER = 20  # characters that a 64-bit integer may need

# What may come next, in the words of a message.
VALUE = "a value"
FIRST_ELEMENT = "a value or ]"
NEXT_ELEMENT = "a comma or ]"
FIRST_KEY = "a key in double quotes or }"
KEY = "a key in double quotes"
COLON = "a colon"
NEXT_KEY = "a comma or }"
NOTHING = "nothing"


Step = Callable[[Tree, str, Place], str]  # what to do with a token, and what may follow it


class NotJsonError(PlacedError):
    """Text that is no JSON; it may be YAML all the same."""


@dataclass(slots=True)
class JsonReader:
    """Reads values one after the other; `position` is behind the last one."""

    text: str
    position: int = 0
    line: int = 1
    line_start: int = 0

    def read_value(self, room: int) -> Tree | None:
        """The next value, of at most `room` nodes; None at the end of the text."""
        self.skip(SPACE)
        if self.position == len(self.text):
            return None
        tree, expected = Tree(room), VALUE
        while expected != NOTHING:
            self.skip(SPACE)
            token = TOKEN.match(self.text, self.position)
            step = STEPS.get((expected, token[1] or KINDS[token.lastindex or 0])) if token else None
            if not token or not step:
                raise self._unexpected(expected)
            expected = step(tree, token[0], self.place())
            self.position = token.end()
        return tree

    def place(self) -> Place:
        """The line and column of the position."""
        return Place(self.line, self.position - self.line_start + 1)

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Move behind what the pattern matches, be it nothing."""
        start = self.position
        match = pattern.match(self.text, start)
        self.position = match.end() if match else start
        lines = self.text.count("\n", start, self.position)
        if lines:
            self.line += lines
            self.line_start = self.text.rindex("\n", start, self.position) + 1

    def _unexpected(self, expected: str) -> NotJsonError:
        problem = f"expected {expected}"
        if self.position == len(self.text):
            problem += ", got the end of the file"
        elif self.text[self.position] == '"' and not TOKEN.match(self.text, self.position):
            problem = "this string does not end on its line, or holds what JSON does not allow"
        return NotJsonError(problem, *self.place()[:2])


def open_mapping(tree: Tree, _token: str, place: Place) -> str:
    """`{`."""
    tree.open_mapping(place)
    return FIRST_KEY


def open_list(tree: Tree, _token: str, place: Place) -> str:
    """`[`."""
    tree.open_list(place)
    return FIRST_ELEMENT


def close(tree: Tree, _token: str, _place: Place) -> str:
    """`}` or `]`."""
    tree.close()
    return after_value(tree)


def add_key(tree: Tree, token: str, place: Place) -> str:
    """A string in front of a colon."""
    tree.add(read_string(token), place)
    return COLON


def add_string(tree: Tree, token: str, place: Place) -> str:
    """A string that is a value."""
    tree.add(read_string(token), place)
    return after_value(tree)


def add_word(tree: Tree, token: str, place: Place) -> str:
    """`true`, `false` or `null`."""
    tree.add(WORDS[token], place)
    return after_value(tree)


def add_number(tree: Tree, token: str, place: Place) -> str:
    """A number: exact if it is an integer of 64 bits, else a float."""
    is_integer = len(token) <= LONGEST_INTEGER and token.lstrip("-").isdecimal()
    try:
        number = json_number(int(token) if is_integer else float(token))
    except ValueError as error:
        raise PlacedError(str(error), place.line, place.column) from error
    tree.add(number, place)
    return after_value(tree)


def then(expected: str) -> Step:
    """A mark between two nodes, which only says what comes next."""
    return lambda _tree, _token, _place: expected


def after_value(tree: Tree) -> str:
    """What may come behind a value, by what holds it."""
    if not tree.stack:
        return NOTHING
    return NEXT_KEY if tree.awaits_key else NEXT_ELEMENT


def read_string(token: str) -> str:
    """What a quoted string says; half a character becomes U+FFFD, as in Go."""
    return replace_surrogates(json.loads(token)) if "\\" in token else token[1:-1]


VALUE_STEPS: dict[str, Step] = {
    "{": open_mapping,
    "[": open_list,
    "string": add_string,
    "number": add_number,
    "word": add_word,
}
STEPS: dict[tuple[str, str], Step] = {
    **{(VALUE, kind): step for kind, step in VALUE_STEPS.items()},
    **{(FIRST_ELEMENT, kind): step for kind, step in VALUE_STEPS.items()},
    (FIRST_ELEMENT, "]"): close,
    (NEXT_ELEMENT, ","): then(VALUE),
    (NEXT_ELEMENT, "]"): close,
    (FIRST_KEY, "string"): add_key,
    (FIRST_KEY, "}"): close,
    (KEY, "string"): add_key,
    (COLON, ":"): then(VALUE),
    (NEXT_KEY, ","): then(KEY),
    (NEXT_KEY, "}"): close,
}
