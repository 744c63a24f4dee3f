"""DEFAULTS and defaultFrom: what completes a block or an item (semantics.md, section 3)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain

from policies.quantity import is_binary, print_number, print_quantity
from policies.reading import Malformed, members_of, read_value
from policies.rules import MapRules, ValueRules
from policies.values import Type, Value
from policies.workload import Raw

RawOf = Callable[[str], Raw]  # the JSON that is set for a name; None if it is absent


@dataclass(frozen=True, slots=True)
class Formulas:
    """The computed defaults of one block or of one map's items."""

    values: Mapping[str, Value]
    rules: Mapping[str, ValueRules]

    def compute(self, name: str, raw_of: RawOf, visited: tuple[str, ...] = ()) -> Raw:
        """Factor x field, rounded up and spelled for the value's type; None if there is no default.

        Chains are followed; `visited` holds the names that led here, so that a stored cycle ends.
        """
        rules = self.rules.get(name)
        if rules is None or rules.derived is None or name in visited:
            return None
        source = self.source(rules.derived.field, raw_of, (*visited, name))
        amount = read_value(self.values[rules.derived.field], source)
        if amount is None or isinstance(amount, Malformed):
            return None
        product = amount * rules.derived.factor
        if rules.value.type is Type.INTEGER:
            return math.ceil(product)
        if rules.value.type is Type.NUMBER:
            return print_number(product)
        return print_quantity(product, binary=rules.derived.binary or is_binary(str(source)))

    def fields_behind(self, name: str) -> tuple[str, ...]:
        """The fields that a computed default stands on, in turn, under either spelling."""
        fields: list[str] = []
        rules = self.rules.get(name)
        while rules and rules.derived and rules.derived.field not in fields:
            fields.append(rules.derived.field)
            rules = self.rules.get(fields[-1])
        return tuple(fields)

    def source(self, field: str, raw_of: RawOf, visited: tuple[str, ...]) -> Raw:
        """What a formula stands on: the field or its other spelling, where set; else the default of either."""
        spellings = dict.fromkeys((field, *self.values[field].spellings))
        stated = (raw_of(name) for name in spellings)
        computed = (self.missing(name, raw_of, visited) for name in spellings)
        return next((raw for raw in chain(stated, computed) if raw is not None), None)

    def missing(self, name: str, raw_of: RawOf, visited: tuple[str, ...] = ()) -> Raw:
        """The computed default of an absent value, unless another of its group is set or comes first."""
        value = self.values[name]
        if any(raw_of(rival) is not None for rival in value.rivals):
            return None
        rivals = (self.values[rival] for rival in value.rivals if rival in self.values)
        earlier = (rival.name for rival in rivals if rival.order < value.order)
        if any(self.compute(rival, raw_of, (*visited, name)) is not None for rival in earlier):
            return None
        return self.compute(name, raw_of, visited)


def fill_members(rules: MapRules, members: Mapping[str, Raw]) -> dict[str, Raw]:
    """The members that DEFAULTS and then defaultFrom add to a live item."""
    values = members_of(rules.value)
    full = {name: raw for name, raw in members.items() if raw is not None}
    added: dict[str, Raw] = {}
    for name, given in rules.defaults.items():
        if not any(taken in full for taken in (name, *values[name].rivals)):
            added[name] = full[name] = given.raw
    formulas = Formulas(values, rules.members)
    for name in rules.members:
        if name not in full and (raw := formulas.missing(name, full.get)) is not None:
            added[name] = full[name] = raw
    return added
