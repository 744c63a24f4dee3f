"""The part of docs/policy-reference.md that lists every value: written from the catalogue, never by hand."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from policies.kinds import KINDS
from policies.values import CATALOGUE, Type, Value
from workloads.crds import ITEM_RULES, rules_of

MARK = "<!-- From here on written by workload_policy/reference.py: change policies/values.py instead. -->\n"

TYPES: Mapping[Type, str] = {
    Type.STRING: "text",
    Type.BOOLEAN: "true or false",
    Type.INTEGER: "integer",
    Type.NUMBER: "number",
    Type.QUANTITY: "quantity",
    Type.DURATION: "duration",
    Type.LIST: "list of text",
    Type.OBJECT: "object",
    Type.MAP: "map of items",
}


def update_reference(path: Path) -> None:
    """Write the generated part of the reference anew, below what stands there by hand."""
    by_hand = path.read_text(encoding="utf-8").partition(MARK)[0]
    path.write_text(by_hand + render_reference(), encoding="utf-8")


def render_reference() -> str:
    """The generated part: a table of all values, then each of them."""
    overview = render_table(
        ("value", "type", "kinds"),
        ((f"[`{value.name}`](#{value.name.lower()})", type_of(value), kinds_of(value)) for value in CATALOGUE),
    )
    parts = (f"{MARK}## Values\n", HOW_TO_WRITE, overview, *(render_value(value) for value in CATALOGUE))
    return "\n".join(parts)


HOW_TO_WRITE = """\
How amounts are written, in workloads and in policies:

| type | examples | note |
|---|---|---|
| number | `2`, `"0.5"`, `"500m"` | a fraction stands in quotes |
| integer | `8080` | without quotes |
| quantity | `2`, `500m`, `2Gi` | as in Kubernetes |
| duration | `90s`, `2h`, `1h30m`, `0` | hours, minutes, seconds, in this order |

In a workload a value stands in a wrapper, `gpu: {value: 1}`, the items of a map in `ports: {items: {...}}`.
"""


def render_value(value: Value) -> str:
    """One value: what it is for, its facts, what is special about it, and its members."""
    facts = render_table(("type", "kinds", "rules"), [(type_of(value), kinds_of(value), rules_in_words(value))])
    notes = " ".join(note.format(value.name, names(value.rivals)) for note in notes_on(value))
    parts = (f"### {value.name}\n\n{value.description}\n", facts, notes and f"{notes}\n", members_of(value))
    return "\n".join(part for part in parts if part)


def notes_on(value: Value) -> Iterator[str]:
    """What sets it apart from other values; `{0}` is its name, `{1}` those of its rivals."""
    if value.bare:
        yield "It is written without a wrapper: `{0}: ...`."
    if not value.policy:
        yield "Policies cannot name it."
    if value.workload and not value.master:
        yield "In a masterSpec it is ignored."
    if not value.inherit:
        yield "It is not taken from a base workload."
    if value.rivals:
        yield "Setting it sets aside what earlier layers bring of {1}."
    if value.secret:
        yield "Messages show it as `***`."


def members_of(value: Value) -> str:
    """The table of its members, or of the one value that its plain items have."""
    members = (value.item,) if value.item else tuple(value.members.values())
    rows = [(f"`{each.name}`", type_of(each), each.description, names(rules_of(each))) for each in members]
    if value.type is Type.OBJECT:
        return render_table(("member", "type", "description"), [row[:3] for row in rows])
    return render_table(("member", "type", "description", "itemRules"), rows) if rows else ""


def rules_in_words(value: Value) -> str:
    """The rules of the value, for a map those of its items too."""
    if not value.policy:
        return "none"
    own = names(rules_of(value))
    return f"{own}; of an item {names(ITEM_RULES)}" if value.type is Type.MAP else own


def type_of(value: Value) -> str:
    """Its type in words."""
    return f"map of {TYPES[value.item.type]}" if value.item else TYPES[value.type]


def kinds_of(value: Value) -> str:
    """The kinds that have it, without the ending that all share."""
    having = [kind.name.removesuffix("Workload") for kind in KINDS if kind.letter in value.kinds]
    return ", ".join(having) if len(having) < len(KINDS) else "all"


def names(words: Iterable[str]) -> str:
    """A list of names as code."""
    return ", ".join(f"`{word}`" for word in words)


def render_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
