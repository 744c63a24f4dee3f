"""The policy's rules, asked of one block: of every value, item and member that the request touches."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from policies.change import Change
from policies.compile import CompiledBlock
from policies.fill import Formulas, RawOf
from policies.kinds import MASTER_SPEC, SPEC
from policies.merge import single_raw
from policies.place import Place
from policies.quantity import Exact
from policies.reading import (
    Malformed,
    Reading,
    is_live,
    members_of,
    read_value,
    same_members,
    show_value,
    spelled,
)
from policies.rules import (
    MISSING,
    REMOVED,
    Broken,
    Given,
    MapRules,
    ValueRules,
    Violation,
    broken_rules,
    locked,
    not_allowed,
)
from policies.values import Value
from policies.workload import Block, Misshapen, Raw, unwrap


@dataclass(frozen=True, slots=True)
class Question:
    """A block, what a request changes in it, and the rules to ask."""

    change: Change
    compiled: CompiledBlock
    raw: Block

    @property
    def presence(self) -> bool:
        """Whether what is missing is asked for."""
        return self.change.presence and self.compiled.fills

    def raw_of(self, name: str) -> Raw:
        """The block's JSON of a single value; None where it is absent or misshapen."""
        raw = single_raw(self.raw, self.change.values.get(name))
        return None if isinstance(raw, Misshapen) else raw

    def line(self, broken: Broken, value: Value | None = None, label: str | None = None) -> Violation:
        """A line of the policy on a value, or on an item as a whole."""
        return Violation(Place(self.change.block, value, label), broken, of_policy=True)


def policy_violations(question: Question) -> Iterator[Violation]:
    """Every line of the policy on one block."""
    change, rules = question.change, question.compiled.rules
    if rules.bounds and change.touches_anything():
        yield from (question.line(bound) for bound in rules.bounds)
    for name, value_rules in question.compiled.table.asked(change.new.values):
        yield from value_violations(question, name, value_rules)
    for map_rules in rules.maps.values():
        if map_rules.value.name not in change.new.values:
            yield from map_violations(question, map_rules)


# Single values


def value_violations(question: Question, name: str, rules: ValueRules) -> Iterator[Violation]:
    """The lines on a single value, under the spelling that the workload uses."""
    change, formulas = question.change, question.compiled.formulas
    looks_at = () if rules.editable or rules.given else formulas.fields_behind(rules.value.name)
    if not change.touches(name, *looks_at):
        return
    default = rules.given if rules.editable or rules.given else computed_default(rules, formulas, question.raw_of)
    for broken in broken_rules(rules, change.new.values.get(name), default, presence=question.presence):
        yield question.line(broken, change.values[name])


def computed_default(rules: ValueRules, formulas: Formulas, raw_of: RawOf) -> Given | None:
    """The default that a formula gives in the object as it will be stored."""
    raw = formulas.compute(rules.value.name, raw_of)
    return None if raw is None else Given(raw, read_value(rules.value, raw), show_value(rules.value, raw))


# Maps


def map_violations(question: Question, rules: MapRules) -> Iterator[Violation]:
    """The lines on a map, on its items and on their members."""
    change, value = question.change, rules.value
    items = change.new.items(value.name)
    stored = change.old.items(value.name) if change.old else {}
    live = any(is_live(item) for item in items.values())
    if live and rules.bounds and any(change.touches_item(value, label) for label in items):
        yield from (question.line(bound, value) for bound in rules.bounds)
    had_live = change.old is None or any(is_live(item) for item in stored.values())
    if rules.required and question.presence and not live and had_live:
        yield question.line(MISSING, value)
    for label in {**items, **rules.items}:
        whole = list(item_lines(question, rules, label))
        yield from (question.line(broken, value, label) for broken in whole)
        if not whole and is_live(items.get(label)) and rules.members:
            yield from member_violations(question, rules, label)


def item_lines(question: Question, rules: MapRules, label: str) -> Iterator[Broken]:
    """The rules that an item as a whole breaks."""
    change, value = question.change, rules.value
    item, item_rules = change.new.items(value.name).get(label), rules.items.get(label)
    if not is_live(item):
        asked = question.presence or item is not None
        if item_rules and not item_rules.removable and asked and change.touches_item(value, label):
            yield REMOVED
    elif item_rules is None:
        if not rules.can_add and change.brings_item(value.name, label):
            yield not_allowed(rules.items)
    elif change.touches_item(value, label):
        yield from (bound for bound in item_rules.bounds)
        if not item_rules.editable and not is_as_given(question, rules, label):
            yield locked(item_rules.filled)


def is_as_given(question: Question, rules: MapRules, label: str) -> bool:
    """Whether a live item is the policy's own; where presence is not asked, as far as it goes."""
    filled, members = rules.items[label].filled, members_of(rules.value)
    item = question.change.new.items(rules.value.name)[label]
    if filled is None:
        return False
    if question.presence:
        return same_members(members, item.members, filled.reading)
    return all(spelled(members[name], item.members) == spelled(members[name], filled.reading) for name in item.members)


def member_violations(question: Question, rules: MapRules, label: str) -> Iterator[Violation]:
    """The lines on the members of a live item."""
    change, value = question.change, rules.value
    readings = change.new.items(value.name)[label].members
    for name, asked in question.compiled.members[value.name].asked(readings):
        chain = () if asked.editable else Formulas(members_of(value), rules.members).fields_behind(asked.value.name)
        if not change.touches_members(value, label, name, *chain):
            continue
        default = None if asked.editable else member_default(question, rules, label, asked)
        for broken in broken_rules(asked, readings.get(name), default, presence=question.presence):
            yield Violation(Place(change.block, value, label, members_of(value)[name]), broken, of_policy=True)


def member_default(question: Question, rules: MapRules, label: str, asked: ValueRules) -> Given | None:
    """The policy's default of a member: that of its item with this label, else of DEFAULTS, else computed."""
    own = rules.items[label].own if label in rules.items else None
    given = (own or {}).get(asked.value.name) or rules.defaults.get(asked.value.name)
    formulas = Formulas(members_of(rules.value), rules.members)
    return given or computed_default(asked, formulas, content_of(question, rules.value, label).get)


def content_of(question: Question, value: Value, label: str) -> Mapping[str, Raw]:
    """The raw members of a live item."""
    items = unwrap(question.raw.get(value.name), "items")
    content = unwrap(items[label], "value")
    return content if type(content) is dict else {}


# What the whole workload asks

FACTORS = ("parallelism", "maxScale", "workers")
GPUS = ("gpu", "gpuDevices")


def total_violations(compiled: CompiledBlock, changes: Mapping[str, Change]) -> Iterator[Violation]:
    """The lines on totalGpu: it looks at all that it is the product of."""
    rules, spec = compiled.total, changes[SPEC]
    master = changes.get(MASTER_SPEC)
    touched = spec.touches(*GPUS, *FACTORS, "mpi", "processes") or (master is not None and master.touches(*GPUS))
    if rules is None or not touched:
        return
    own, others = spec.new.values, master.new.values if master else {}
    total = total_gpu(own, others)
    if total is None:
        return
    sets_gpu = any(name in layer for layer in (own, others) for name in GPUS)
    spelling = "gpuDevices" if "gpu" not in own and "gpuDevices" in own else "gpu"
    points_at = Place(SPEC, spec.values[spelling])
    for bound in rules.bounds:
        asked = sets_gpu or (bound.readable and spec.presence)
        if asked and not bound.admits(total):
            yield Violation(Place(SPEC, rules.value), bound, of_policy=True, points_at=points_at)


def total_gpu(own: Mapping[str, Reading], master: Mapping[str, Reading]) -> Exact | None:
    """The GPUs of the whole workload; None if a part of it cannot be read."""
    gpus, mpi = pod_gpu(own), own.get("mpi")
    factors = [own.get(name, 1) for name in FACTORS]
    factors += [own.get("processes", 1)] if mpi is True else []
    parts = (gpus, pod_gpu(master), mpi, *factors)
    if any(isinstance(part, Malformed) for part in parts):
        return None
    total: Exact = gpus
    for factor in factors:
        total *= factor
    total += pod_gpu(master)
    return total


def pod_gpu(readings: Mapping[str, Reading]) -> Reading:
    """What one pod asks, in either spelling; 0 if it asks none."""
    return next((readings[name] for name in GPUS if name in readings), 0)
