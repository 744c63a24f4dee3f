"""What raw JSON means: per type how it is read, compared, printed and spelled (semantics.md, sections 3 and 5).

A reading compares equal exactly if the values are equal in meaning: `1`, `"1"` and `"1.0"` are one number. Absent
is None. What cannot be read is Malformed, and equal only to the same JSON.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policies.printing import MASK, print_few, print_text
from policies.quantity import LONGEST, Exact, parse_duration, parse_quantity
from policies.values import Type, Value
from policies.workload import Block, Misshapen, Raw, raw_items, unwrap

Reading = Any  # Exact | str | bool | tuple[str, ...] | dict[str, Reading] | Malformed

EXPECTED = {
    Type.NUMBER: 'a number such as 2 or "0.5"',
    Type.QUANTITY: "a quantity such as 500m or 2Gi",
    Type.INTEGER: "a whole number",
    Type.DURATION: "a duration such as 90s or 2h",
    Type.STRING: "text",
    Type.BOOLEAN: "true or false",
    Type.LIST: "a list of text",
    Type.OBJECT: "an object",
    Type.MAP: "an object",
}


@dataclass(frozen=True, slots=True)
class Malformed:
    """JSON that is not what its type expects; `trace` tells one such JSON from another."""

    expected: str
    trace: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a map: deleted, or live with the readings of its members.

    `shape` is set if the item is no object, `marker` if its `deleted` is neither true nor false.
    """

    members: Mapping[str, Reading] = field(default_factory=dict)
    deleted: bool = False
    shape: Malformed | None = None
    marker: Malformed | None = None


DELETED = Item(deleted=True)


@dataclass(frozen=True, slots=True)
class BlockReading:
    """A block read once: single values (and maps of the wrong shape) by name, items by map and label."""

    values: Mapping[str, Reading]
    maps: Mapping[str, Mapping[str, Item]]

    def items(self, name: str) -> Mapping[str, Item]:
        """The items of a map, empty where it is absent."""
        return self.maps.get(name, NO_ITEMS)


NO_ITEMS: Mapping[str, Item] = {}
NO_READING = BlockReading({}, {})


def malformed(expected: str, raw: Raw) -> Malformed:
    """The reading of JSON that is not what was expected."""
    return Malformed(expected, json.dumps(raw, sort_keys=True))


def read_exact(_value: Value, raw: Raw) -> Exact:
    """A number or quantity: a JSON integer or a text of the Kubernetes grammar, at most 32 characters."""
    if type(raw) is str:
        return parse_quantity(raw)
    if type(raw) is int and len(str(raw)) <= LONGEST:
        return raw
    raise ValueError("neither an integer nor a quantity")


def read_as(expected: type) -> Callable[[Value, Raw], Reading]:
    """A reader of the one JSON type that it names."""

    def read_plain(_value: Value, raw: Raw) -> Reading:
        if type(raw) is not expected:
            raise ValueError(f"not of {expected}")
        return raw

    return read_plain


def read_text(value: Value, raw: Raw) -> str | tuple[str, ...]:
    """A text, folded where case does not count, split where it holds several words."""
    if type(raw) is not str:
        raise ValueError("not a text")
    if value.words:
        return tuple(word for word in raw.split(value.words) if word)
    return raw.lower() if value.any_case else raw


def read_list(_value: Value, raw: Raw) -> tuple[str, ...]:
    """A list of text, in order."""
    if type(raw) is not list or any(type(element) is not str for element in raw):
        raise ValueError("not a list of text")
    return tuple(raw)


def read_object(value: Value, raw: Raw) -> Mapping[str, Reading]:
    """The members of an object, absent ones left out."""
    if type(raw) is not dict:
        raise ValueError("not an object")
    return read_members(value.members, raw)


def read_seconds(_value: Value, raw: Raw) -> int:
    """A duration, in seconds."""
    if type(raw) is not str:
        raise ValueError("not a text")
    return parse_duration(raw)


READERS: Mapping[Type, Callable[[Value, Raw], Reading]] = {
    Type.NUMBER: read_exact,
    Type.QUANTITY: read_exact,
    Type.INTEGER: read_as(int),
    Type.DURATION: read_seconds,
    Type.STRING: read_text,
    Type.BOOLEAN: read_as(bool),
    Type.LIST: read_list,
    Type.OBJECT: read_object,
}


def read_value(value: Value, raw: Raw) -> Reading:
    """The reading of a value's JSON; None if it is absent."""
    if raw is None:
        return None
    if isinstance(raw, Misshapen):
        return malformed("an object", raw.raw)
    try:
        return READERS[value.type](value, raw)
    except ValueError:
        return malformed(EXPECTED[value.type], raw)


def read_members(members: Mapping[str, Value], raw: Mapping[str, Raw]) -> dict[str, Reading]:
    """The readings of an object's known members, absent ones left out."""
    known = ((member, raw[name]) for name, member in members.items() if raw.get(name) is not None)
    return {member.name: read_value(member, raw) for member, raw in known}


def read_item(value: Value, raw: Raw) -> Item:
    """An item of a map. A `value` beside the marker does not count."""
    if type(raw) is not dict:
        return Item(shape=malformed("an object", raw))
    mark, content = raw.get("deleted"), raw.get("value")
    if mark is True:
        return DELETED
    marker = None if mark is None or mark is False else malformed(EXPECTED[Type.BOOLEAN], mark)
    if content is None:
        return Item(marker=marker)
    if value.item is not None:
        return Item({value.item.name: read_value(value.item, content)}, marker=marker)
    if type(content) is not dict:
        return Item(shape=malformed("an object", content), marker=marker)
    return Item(read_members(value.members, content), marker=marker)


def read_block(block: Block, values: Mapping[str, Value]) -> BlockReading:
    """Every value of a raw block that the catalogue knows; the rest is not looked at."""
    singles: dict[str, Reading] = {}
    maps: dict[str, Mapping[str, Item]] = {}
    for name, wrapper in block.items():
        value = values.get(name)
        if value is None or wrapper is None:
            continue
        if value.type is Type.MAP:
            items = raw_items(wrapper)
            if isinstance(items, Misshapen):
                singles[name] = malformed("an object", items.raw)
            else:
                maps[name] = {label: read_item(value, item) for label, item in items.items()}
        elif (reading := read_value(value, wrapper if value.bare else unwrap(wrapper, "value"))) is not None:
            singles[name] = reading
    return BlockReading(singles, maps)


def spelled(value: Value, readings: Mapping[str, Reading]) -> tuple[Reading, ...]:
    """What is set under any spelling of a value. The same amount in the other spelling is equal."""
    return tuple(readings[name] for name in value.spellings if name in readings)


def same_members(members: Mapping[str, Value], one: Mapping[str, Reading], other: Mapping[str, Reading]) -> bool:
    """Whether two items' members are equal in meaning."""
    return one == other or all(spelled(member, one) == spelled(member, other) for member in members.values())


def same_item(value: Value, one: Item | None, other: Item | None) -> bool:
    """Whether two items (None: absent) are equal in meaning."""
    if one is None or other is None:
        return one is other
    return (one.deleted, one.shape, one.marker) == (
        other.deleted,
        other.shape,
        other.marker,
    ) and same_members(members_of(value), one.members, other.members)


def members_of(value: Value) -> Mapping[str, Value]:
    """The members of a map's item: of a plain map the one member `value`."""
    return value.members if value.item is None else {value.item.name: value.item}


def is_live(item: Item | None) -> bool:
    """Whether an item is there and not deleted."""
    return item is not None and not item.deleted


def show_value(value: Value, raw: Raw) -> str:
    """The policy's JSON as a message prints it."""
    if value.secret:
        return MASK
    if type(raw) is bool:
        return "true" if raw else "false"
    if value.type is Type.STRING or value.type is Type.MAP:
        return print_text(raw)
    if value.type is Type.LIST:
        return f"[{print_few([print_text(element) for element in raw])}]"
    if value.type is Type.OBJECT:
        return show_members(value.members, raw)
    return str(raw)


def show_members(members: Mapping[str, Value], raw: Mapping[str, Raw]) -> str:
    """`{container: 30100, external: 8080}`, in catalogue order."""
    shown = [f"{name}: {show_value(members[name], raw[name])}" for name in members if raw.get(name) is not None]
    return f"{{{print_few(shown)}}}"


def spell_value(value: Value, raw: Raw) -> Raw:
    """The policy's JSON as it is injected: numbers and quantities as JSON strings, the rest as it is."""
    if value.type in (Type.NUMBER, Type.QUANTITY):
        return str(raw)
    if value.type is Type.OBJECT:
        members = value.members
        return {name: spell_value(members[name], raw[name]) for name in members if raw.get(name) is not None}
    return raw
