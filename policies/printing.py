"""How a message prints what the policy says: short, ASCII, one line, no more than ten of anything."""

import json
import re
from collections.abc import Iterable, Sequence

LONGEST_TEXT = 64
MOST = 10
MASK = "***"

BARE_TEXT = re.compile(r"[A-Za-z0-9._:/@+*-]{1,64}")
BARE_LABEL = re.compile(r"[A-Za-z0-9_-]{1,64}")


def print_text(text: str) -> str:
    """Bare if it is short and plain, else an ASCII JSON string of its first 64 characters."""
    if BARE_TEXT.fullmatch(text):
        return text
    quoted = json.dumps(text[:LONGEST_TEXT])
    return quoted if len(text) <= LONGEST_TEXT else quoted[:-1] + '..."'


def print_few(shown: Sequence[str]) -> str:
    """`a, b, c`; of more than ten the first ten `and 3 more`."""
    listed = ", ".join(shown[:MOST])
    return listed if len(shown) <= MOST else f"{listed} and {len(shown) - MOST} more"


def print_labels(labels: Iterable[str]) -> str:
    """Labels in code-point order, printed as text is."""
    return print_few([print_text(label) for label in sorted(labels)])


def label_step(label: str) -> str:
    """A label as a step of a value's name: `.http`, or `["a b"]` if it is not plain."""
    return f".{label}" if BARE_LABEL.fullmatch(label) else f"[{print_text(label)}]"
