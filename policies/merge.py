"""Policy defaults <- base workload <- workload: what the merge of the layers adds to the workload's own block.

Single values are replaced whole, maps merge by label, a layer that sets one of a group drops the others of earlier
layers; then DEFAULTS and defaultFrom fill (semantics.md, section 3).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.compile import CompiledBlock
from policies.fill import fill_members
from policies.place import Place
from policies.rules import MapRules
from policies.schema import BlockRules
from policies.values import Type, Value
from policies.workload import Block, Misshapen, Raw, is_deleted, raw_items, unwrap

NO_RULES = BlockRules()


class Origin(StrEnum):
    """The layer that a value comes from."""

    OWN = "workload"
    BASE = "base"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Addition:
    """A value, item or member that the merge has and the workload lacks; `raw` is its wrapper's content.

    Of an item `raw` is the whole item, marker or wrapper included.
    """

    place: Place
    raw: Raw
    origin: Origin


@dataclass(frozen=True, slots=True)
class Layers:
    """One block in its three layers, and the values that it may hold."""

    block: str
    values: Mapping[str, Value]
    own: Block
    base: Block
    compiled: CompiledBlock | None

    @property
    def rules(self) -> BlockRules:
        """The rules whose defaults are a layer here."""
        return self.compiled.rules if self.compiled and self.compiled.fills else NO_RULES

    def own_raw(self, name: str) -> Raw:
        """The workload's own JSON of a single value; None if absent."""
        return single_raw(self.own, self.values.get(name))

    def base_raw(self, name: str) -> Raw:
        """The base's JSON of a single value that is inherited."""
        value = self.values.get(name)
        inherited = value is not None and value.inherit
        raw = single_raw(self.base, value) if inherited else None
        return None if isinstance(raw, Misshapen) else raw

    def given_raw(self, name: str) -> Raw:
        """The policy's default of a single value."""
        rules = self.rules.values.get(name)
        return rules.given.raw if rules and rules.given else None

    def stated(self, name: str) -> tuple[Raw, Origin]:
        """What the layers set for a single value, before anything is computed."""
        if (raw := self.own_raw(name)) is not None:
            return raw, Origin.OWN
        rivals = self.values[name].rivals if name in self.values else ()
        if any(self.own_raw(rival) is not None for rival in rivals):
            return None, Origin.OWN
        if (raw := self.base_raw(name)) is not None:
            return raw, Origin.BASE
        if any(self.base_raw(rival) is not None for rival in rivals):
            return None, Origin.BASE
        return self.given_raw(name), Origin.POLICY

    def stated_raw(self, name: str) -> Raw:
        """The same without its origin; what is misshapen counts as set, and is no number."""
        return self.stated(name)[0]


def single_raw(block: Block, value: Value | None) -> Raw:
    """The JSON that a block sets for a single value; Misshapen if its wrapper is no object."""
    if value is None:
        return None
    raw = block.get(value.name)
    return raw if value.bare else unwrap(raw, "value")


def merge_block(layers: Layers) -> Iterator[Addition]:
    """All that the merge adds to the block, in catalogue order, labels in code-point order."""
    fillable: Iterable[Value] = layers.compiled.fillable if layers.compiled else ()
    if layers.base:
        named = {value.name: value for value in fillable}
        named |= {name: layers.values[name] for name in layers.base if name in layers.values}
        fillable = sorted(named.values(), key=lambda value: value.order)
    for value in fillable:
        if value.type is Type.MAP:
            yield from merge_map(layers, value)
        else:
            yield from merge_single(layers, value)


def merge_single(layers: Layers, value: Value) -> Iterator[Addition]:
    """The value that an earlier layer states, or that is computed."""
    if layers.own_raw(value.name) is not None:
        return
    raw, origin = layers.stated(value.name)
    if raw is None and layers.rules is not NO_RULES and layers.compiled:
        raw, origin = layers.compiled.formulas.missing(value.name, layers.stated_raw), Origin.POLICY
    if raw is not None:
        yield Addition(Place(layers.block, value), raw, origin)


def merge_map(layers: Layers, value: Value) -> Iterator[Addition]:
    """The items that earlier layers bring, and the members that complete live ones."""
    own = raw_items(layers.own.get(value.name))
    base = raw_items(layers.base.get(value.name))
    if isinstance(own, Misshapen):
        return
    rules = layers.rules.maps.get(value.name) or MapRules(value)
    inherited = {} if isinstance(base, Misshapen) else base
    given = {label: item.filled.raw for label, item in rules.items.items() if item.filled}
    for label in sorted({*own, *inherited, *given}):
        place = Place(layers.block, value, label)
        if label in own:
            yield from complete_item(rules, place, own[label])
        elif label in inherited:
            if type(inherited[label]) is dict:
                yield Addition(place, inherit_item(rules, inherited[label]), Origin.BASE)
        else:
            yield Addition(place, {"value": given[label]}, Origin.POLICY)


def complete_item(rules: MapRules, place: Place, item: Raw) -> Iterator[Addition]:
    """The members that DEFAULTS and defaultFrom add to the workload's own live item."""
    content = unwrap(item, "value")
    if is_deleted(item) or type(content if content is not None else {}) is not dict:
        return
    for name, raw in in_order(rules.value, fill_members(rules, content or {})).items():
        member = Place(place.block, rules.value, place.label, rules.value.members[name])
        yield Addition(member, raw, Origin.POLICY)


def inherit_item(rules: MapRules, item: Mapping[str, Raw]) -> dict[str, Raw]:
    """A base's item as it is stored, completed like the workload's own; of a deleted one the marker."""
    if is_deleted(item):
        return {"deleted": True}
    content = item.get("value")
    if rules.value.item is not None or type(content if content is not None else {}) is not dict:
        return {} if content is None else {"value": content}
    members = {name: raw for name, raw in (content or {}).items() if raw is not None}
    return {"value": members | in_order(rules.value, fill_members(rules, members))}


def in_order(value: Value, members: Mapping[str, Raw]) -> dict[str, Raw]:
    """Members in catalogue order."""
    return {name: members[name] for name in value.members if name in members}
