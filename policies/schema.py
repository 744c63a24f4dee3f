"""A policy's JSON -> Policy, with every problem and its path (semantics.md, section 7).

A policy with problems is read all the same: what can be read governs, a rule that cannot be read refuses whatever
sets its value, a default that cannot be read is not filled.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from policies.change import Change
from policies.fill import fill_members
from policies.intrinsic import RESERVED_LABEL, item_violations, member_findings, single_faults
from policies.kinds import MASTER_SPEC, SPEC, Kind
from policies.place import Place
from policies.printing import label_step, print_few, print_text
from policies.quantity import is_binary
from policies.reading import (
    EXPECTED,
    BlockReading,
    Item,
    Malformed,
    Reading,
    members_of,
    read_members,
    read_value,
    show_members,
    show_value,
    spell_value,
)
from policies.rules import (
    BOUND_RULES,
    NOT_A,
    NUMERIC,
    Bound,
    Derived,
    Given,
    ItemRules,
    MapRules,
    ValueRules,
    Violation,
    broken_rules,
    subjects,
    uncheckable,
)
from policies.values import Type, Value, policy_values
from policies.workload import Raw

ENFORCE, WARN, AUDIT = "Enforce", "Warn", "Audit"
ENFORCEMENTS = (ENFORCE, WARN, AUDIT)
LONGEST_MESSAGE = 256
ROOT_FIELDS = ("apiVersion", "kind", "metadata", "status")

ARTICLES = {kind: f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}" for kind in Type}
VALUE_FLAGS = {"blocked": False, "canEdit": True, "required": False}
MAP_FLAGS = {"required": False, "canAdd": True}
ITEM_FLAGS = {"canEdit": True, "canRemove": True}
RULES = (*VALUE_FLAGS, *BOUND_RULES, "defaultFrom")
ALL_RULES = frozenset({*RULES, *MAP_FLAGS, *ITEM_FLAGS})

Report = Callable[[str, str], None]  # (path, problem)
Object = Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a policy could never work, and where."""

    path: str
    problem: str

    @property
    def message(self) -> str:
        """The whole line, as administrators read it."""
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True, slots=True)
class BlockRules:
    """What a policy says of one block: single values and maps by name, in catalogue order.

    `bounds` holds what cannot be read of the block as a whole.
    """

    values: Mapping[str, ValueRules] = field(default_factory=dict)
    maps: Mapping[str, MapRules] = field(default_factory=dict)
    bounds: tuple[Bound, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as it governs. `created` is its creationTimestamp, `masterSpec` absent from `blocks` if it has none."""

    kind: Kind
    namespace: str
    name: str
    created: str
    enforcement: str
    message: str | None
    blocks: Mapping[str, BlockRules]
    problems: tuple[Problem, ...]

    @property
    def key(self) -> str:
        """`runai-team-a/interactive-policy1`."""
        return f"{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """`InteractivePolicy runai-team-a/interactive-policy1`."""
        return f"{self.kind.policy_name} {self.key}"


def parse_policy(raw: Object, kind: Kind, namespace: str, name: str, created: str = "") -> Policy:
    """The policy in `raw` (a whole object: spec, masterSpec), which is of the policy kind of `kind`."""
    problems: list[Problem] = []

    def report(path: str, problem: str) -> None:
        problems.append(Problem(path, problem))

    spec = raw.get(SPEC)
    top = spec if type(spec) is dict else {}
    enforcement, message = parse_enforcement(top, report), parse_message(top, report)
    blocks = {SPEC: parse_block(spec, kind, SPEC, report)}
    if MASTER_SPEC in kind.blocks and raw.get(MASTER_SPEC) is not None:
        blocks[MASTER_SPEC] = parse_block(raw[MASTER_SPEC], kind, MASTER_SPEC, report)
    report_unknown(raw, (*ROOT_FIELDS, *kind.blocks), "", report)
    return Policy(kind, namespace, name, created, enforcement, message, blocks, tuple(problems))


def parse_enforcement(spec: Object, report: Report) -> str:
    """The mode of a policy; one that cannot be read counts as Enforce."""
    mode = spec.get("enforcement")
    if mode is None or mode in ENFORCEMENTS:
        return mode or ENFORCE
    report("spec.enforcement", f"must be one of: {print_few(ENFORCEMENTS)}")
    return ENFORCE


def parse_message(spec: Object, report: Report) -> str | None:
    """The administrator's word; one that cannot be read counts as none."""
    message = spec.get("message")
    if message is None:
        return None
    if type(message) is str and 1 <= len(message) <= LONGEST_MESSAGE and message.isprintable():
        return message
    report("spec.message", f"must be one line of 1 to {LONGEST_MESSAGE} printable characters")
    return None


# Blocks


def parse_block(raw: Raw, kind: Kind, block: str, report: Report) -> BlockRules:
    """The rules and defaults of one block."""
    if raw is None:
        return BlockRules()
    if type(raw) is not dict:
        report(block, "must be an object")
        return BlockRules(bounds=(uncheckable(block, "not an object"),))
    values = policy_values(kind, block)
    report_rivals(raw, values, block, report)
    formulas = {name: formula_field(as_object(raw.get(name)).get("rules")) for name in values}
    singles: dict[str, ValueRules] = {}
    maps: dict[str, MapRules] = {}
    for name, value in values.items():
        if raw.get(name) is None:
            continue
        if value.type is Type.MAP:
            maps[name] = parse_map(value, raw[name], f"{block}.{name}", report)
        else:
            layer = Layer(f"{block}.{name}", values, formulas, report)
            singles[name] = parse_single(value, raw[name], layer)
    known = (*(("enforcement", "message") if block == SPEC else ()), *values)
    report_unknown(raw, known, block, report)
    return BlockRules(singles, maps)


def report_rivals(raw: Object, values: Mapping[str, Value], block: str, report: Report) -> None:
    """Two defaults of one group: each workload would get both."""
    for name, value in values.items():
        if as_object(raw.get(name)).get("value") is None:
            continue
        earlier = (rival for rival in value.rivals if rival in values and values[rival].order < value.order)
        first = next((rival for rival in earlier if as_object(raw.get(rival)).get("value") is not None), None)
        if first:
            report(block, f"{first} and {name} cannot both have a value")


def report_unknown(raw: Object, known: Collection[str], path: str, report: Report) -> None:
    """Fields that nothing reads, with the nearest that would be."""
    for name in sorted(name for name in raw if name not in known):
        close = get_close_matches(name, known, n=1)
        hint = f", did you mean {close[0]}?" if close else ""
        report(f"{path}{label_step(name)}".removeprefix("."), f"unknown field{hint}")


def as_object(raw: Raw) -> Object:
    """The object, or an empty one where it is none."""
    return raw if type(raw) is dict else {}


@dataclass(frozen=True, slots=True)
class Layer:
    """Where a value's rules stand: its path, the values beside it, and which field each one's default is of."""

    path: str
    values: Mapping[str, Value]
    formulas: Mapping[str, Raw]
    report: Report

    def at(self, step: str) -> "Layer":
        """The same, one step deeper."""
        return replace(self, path=f"{self.path}{step}")


# A single value


def parse_single(value: Value, raw: Raw, layer: Layer) -> ValueRules:
    """`gpu: {rules: {...}, value: "1"}`."""
    path, report = layer.path, layer.report
    if type(raw) is not dict:
        report(path, "must be an object")
        return ValueRules(value, bounds=(uncheckable(value.name, "not an object"),))
    if not value.workload and raw.get("value") is not None:
        report(f"{path}.value", f"{value.name} has no value")
        raw = {**raw, "value": None}
    rules = parse_rules(value, raw.get("rules"), layer.at(".rules"))
    given, broken = parse_given(value, raw.get("value"), f"{path}.value", report)
    bounds = (*rules.bounds, *((unknown_default(value),) if broken and not rules.editable else ()))
    rules = replace(rules, given=given, bounds=bounds, editable=rules.editable or broken)
    report_contradictions(rules, path, report, has_value=given is not None or broken)
    if given and not rules.blocked:
        for problem in default_problems(rules, given):
            report(f"{path}.value{problem[0]}", problem[1])
    report_unknown(raw, ("rules", "value"), path, report)
    return rules


def unknown_default(value: Value) -> Bound:
    """`canEdit: false` whose default cannot be read."""
    return replace(uncheckable("canEdit", ""), problem=f"cannot be checked: the policy's value is {NOT_A[value.type]}")


def parse_given(value: Value, raw: Raw, path: str, report: Report) -> tuple[Given | None, bool]:
    """A default, and whether it is there but cannot be read."""
    if raw is None:
        return None, False
    reading = read_value(value, raw)
    if isinstance(reading, Malformed):
        report(path, f"must be {reading.expected}")
        return None, True
    if value.type is Type.OBJECT:
        report_unknown(raw, value.members, path, report)
        wrong = {name: part for name, part in reading.items() if isinstance(part, Malformed)}
        for name, part in wrong.items():
            report(f"{path}.{name}", f"must be {part.expected}")
        if wrong:
            return None, True
    return Given(spell_value(value, raw), reading, show_value(value, raw)), False


def report_contradictions(rules: ValueRules, path: str, report: Report, *, has_value: bool) -> None:
    """Rules of one value that no workload could meet together."""
    if rules.required and rules.blocked:
        report(f"{path}.rules", "required and blocked exclude each other")
    if rules.required and not rules.editable and not has_value and not rules.derived:
        report(f"{path}.rules", "required with canEdit false needs a value")
    if rules.blocked and (has_value or rules.derived):
        report(path, "blocked allows no value")
    if has_value and rules.derived:
        report(path, "value and defaultFrom exclude each other")


def default_problems(rules: ValueRules, given: Given) -> Iterator[tuple[str, str]]:
    """What a workload would be told of the default, with the step below `value` where it is a member."""
    broken = list(broken_rules(replace(rules, editable=True), given.reading, None, presence=True))
    yield from (("", one.problem) for one in broken)
    said = {one.rule for one in broken}
    if "required" not in said:
        faults = single_faults(rules.value, given.reading)
        yield from (("", one.problem) for one in faults if one.akin not in said)
    if rules.value.type is Type.OBJECT:
        findings = member_findings(rules.value, given.reading, presence=True)
        yield from ((f".{name}", found.problem) for name, _, found in findings)


# Rules


def parse_rules(value: Value, raw: Raw, layer: Layer) -> ValueRules:
    """The rules of a single value or of a member."""
    path, report = layer.path, layer.report
    if raw is None:
        return ValueRules(value)
    if type(raw) is not dict:
        report(path, "must be an object")
        return ValueRules(value, bounds=(uncheckable("rules", "not an object"),))
    allowed = allowed_rules(value)
    flags, bounds = parse_flags(
        raw, {name: flag for name, flag in VALUE_FLAGS.items() if name in allowed}, path, report
    )
    bounds += parse_bounds(value, raw, path, report)
    derived = parse_formula(value, raw, layer.at(".defaultFrom")) if "defaultFrom" in allowed else None
    report_foreign(raw, allowed, ARTICLES[value.type] if not value.rules else value.name, path, report)
    return ValueRules(
        value,
        required=flags.get("required", False),
        blocked=flags.get("blocked", False),
        editable=flags.get("canEdit", True),
        bounds=tuple(bounds),
        derived=derived,
    )


def allowed_rules(value: Value) -> tuple[str, ...]:
    """The rules that a value of this type may have, in the order of messages."""
    if value.rules:
        return value.rules
    bounds = (name for name, rule in BOUND_RULES.items() if value.type in rule.types)
    return (*VALUE_FLAGS, *bounds, *(("defaultFrom",) if value.type in NUMERIC else ()))


def report_foreign(raw: Object, allowed: Collection[str], owner: str, path: str, report: Report) -> None:
    """Rules that the type cannot have, and names that are no rule."""
    for name in sorted(name for name in raw if name in ALL_RULES and name not in allowed):
        report(f"{path}.{name}", f"{owner} has no {name}")
    report_unknown({name: raw[name] for name in raw if name not in ALL_RULES}, allowed, path, report)


def parse_flags(
    raw: Object, defaults: Mapping[str, bool], path: str, report: Report
) -> tuple[dict[str, bool], list[Bound]]:
    """The rules that are true or false; one that cannot be read becomes a Bound that refuses."""
    flags, bounds = dict(defaults), []
    for name in defaults:
        flag = raw.get(name)
        if type(flag) is bool:
            flags[name] = flag
        elif flag is not None:
            report(f"{path}.{name}", f"must be {EXPECTED[Type.BOOLEAN]}")
            bounds.append(uncheckable(name, NOT_A[Type.BOOLEAN]))
    return flags, bounds


def parse_bounds(value: Value, raw: Object, path: str, report: Report) -> list[Bound]:
    """The rules with an operand."""
    bounds = []
    for name in allowed_rules(value):
        if name in BOUND_RULES and raw.get(name) is not None:
            bound, complaints = BOUND_RULES[name].read(value, raw[name], raw)
            bounds.append(bound)
            for step, problem in complaints:
                report(f"{path}.{name}{step}", problem)
    low, high = read_value(value, raw.get("min")), read_value(value, raw.get("max"))
    if not isinstance(low, Malformed | None) and not isinstance(high, Malformed | None) and low > high:
        report(path, f"min {show_value(value, raw['min'])} is above max {show_value(value, raw['max'])}")
    return bounds


# Computed defaults


def formula_field(rules: Raw) -> Raw:
    """The field that a value's default is computed from, as written."""
    return as_object(as_object(rules).get("defaultFrom")).get("field")


def parse_formula(value: Value, rules: Object, layer: Layer) -> Derived | None:
    """`defaultFrom: {field: cpu, factor: 2}`; None if it cannot be read."""
    path, report, raw = layer.path, layer.report, rules.get("defaultFrom")
    if raw is None:
        return None
    if type(raw) is not dict:
        report(path, "must be an object")
        return None
    source = parse_source(value, raw.get("field"), layer)
    factor = parse_factor(raw.get("factor"), f"{path}.factor", report)
    report_unknown(raw, ("field", "factor"), path, report)
    if source is None or factor is None:
        return None
    return Derived(source, factor.reading, is_binary(str(factor.raw)))


def parse_source(value: Value, name: Raw, layer: Layer) -> str | None:
    """The other number of the same layer that a default stands on."""
    path, report = f"{layer.path}.field", layer.report
    if name is None:
        report(path, "is required")
    elif type(name) is not str:
        report(path, f"must be {EXPECTED[Type.STRING]}")
    elif name not in layer.values or layer.values[name].type not in NUMERIC or not layer.values[name].workload:
        report(path, f"no number named {print_text(name)}")
    else:
        if cycle := cycle_through(value.name, layer.formulas):
            report(path, f"is part of a cycle: {', '.join(cycle)}")
        return name
    return None


def cycle_through(name: str, formulas: Mapping[str, Raw]) -> tuple[str, ...]:
    """The names from a value back to itself; empty if its formula does not lead there."""
    path = [name]
    while True:
        following = formulas.get(path[-1])
        if following == name:
            return (*path, name)
        if type(following) is not str or following in path:
            return ()
        path.append(following)


FACTOR = Value("factor", Type.NUMBER)
ONE = Given("1", 1, "1")


def parse_factor(raw: Raw, path: str, report: Report) -> Given | None:
    """A number or quantity above 0; 1 if it is absent."""
    if raw is None:
        return ONE
    given, _ = parse_given(FACTOR, raw, path, report)
    if given and given.reading <= 0:
        report(path, "must be greater than 0")
        return None
    return given


# Maps


def parse_map(value: Value, raw: Raw, path: str, report: Report) -> MapRules:
    """`ports: {rules: {...}, itemRules: {...}, items: {...}}`."""
    if type(raw) is not dict:
        report(path, "must be an object")
        return MapRules(value, bounds=(uncheckable(value.name, "not an object"),))
    flags, bounds = parse_map_flags(raw.get("rules"), MAP_FLAGS, "a map", f"{path}.rules", report)
    item_rules, items = raw.get("itemRules"), raw.get("items")
    for name, part in (("itemRules", item_rules), ("items", items)):
        if part is not None and type(part) is not dict:
            report(f"{path}.{name}", "must be an object")
            bounds.append(uncheckable(name, "not an object"))
    members = parse_members(value, as_object(item_rules), f"{path}.itemRules", report)
    rules = MapRules(value, flags["required"], flags["canAdd"], tuple(bounds), members=members)
    entries = {label: item for label, item in as_object(items).items() if item is not None}
    if value.item is None and RESERVED_LABEL in entries:
        defaults_path = f"{path}.items[{RESERVED_LABEL}]"
        rules = replace(rules, defaults=parse_defaults(rules, entries.pop(RESERVED_LABEL), defaults_path, report))
        report_defaults(rules, defaults_path, report)
    parsed = {
        label: parse_item(rules, label, entries[label], f"{path}.items[{print_text(label)}]", report)
        for label in sorted(entries)
    }
    rules = replace(rules, items=parsed)
    if rules.required and not rules.can_add and not parsed:
        report(f"{path}.rules", "required with canAdd false needs an item")
    report_members(rules, f"{path}.itemRules", report)
    report_unknown(raw, ("rules", "itemRules", "items"), path, report)
    return rules


def parse_map_flags(
    raw: Raw, defaults: Mapping[str, bool], owner: str, path: str, report: Report
) -> tuple[dict[str, bool], list[Bound]]:
    """The rules of a map or of an item, all of them true or false."""
    if raw is not None and type(raw) is not dict:
        report(path, "must be an object")
        return dict(defaults), [uncheckable("rules", "not an object")]
    flags, bounds = parse_flags(as_object(raw), defaults, path, report)
    report_foreign(as_object(raw), defaults, owner, path, report)
    return flags, bounds


def parse_members(value: Value, raw: Object, path: str, report: Report) -> dict[str, ValueRules]:
    """itemRules: the rules of each member, for every item."""
    values = members_of(value)
    formulas = {name: formula_field(raw.get(name)) for name in values}
    members = {}
    for name, member in values.items():
        if raw.get(name) is not None:
            layer = Layer(f"{path}.{name}", values, formulas, report)
            members[name] = parse_rules(member, raw[name], layer)
    report_unknown(raw, values, path, report)
    return members


def parse_defaults(rules: MapRules, raw: Raw, path: str, report: Report) -> Mapping[str, Given]:
    """The reserved item DEFAULTS: members that fill every item."""
    if type(raw) is not dict:
        report(path, "must be an object")
        return {}
    if raw.get("rules") is not None:
        report(f"{path}.rules", "cannot be set")
    given, _ = parse_content(rules.value, raw.get("value"), f"{path}.value", report)
    report_unknown(raw, ("rules", "value"), path, report)
    return given or {}


def parse_item(rules: MapRules, label: str, raw: Raw, path: str, report: Report) -> ItemRules:
    """`http: {rules: {...}, value: {...}}`, completed by DEFAULTS and defaultFrom."""
    if type(raw) is not dict:
        report(path, "must be an object")
        return ItemRules(bounds=(uncheckable("item", "not an object"),))
    flags, bounds = parse_map_flags(raw.get("rules"), ITEM_FLAGS, "an item", f"{path}.rules", report)
    own, broken = parse_content(rules.value, raw.get("value"), f"{path}.value", report)
    if broken and not flags["canEdit"]:
        bounds.append(unknown_default(rules.value.item or rules.value))
    filled = None if own is None else fill_item(rules, own)
    editable = flags["canEdit"] or broken
    if filled and not broken:
        report_content(rules, label, filled.reading, path, report)
    report_unknown(raw, ("rules", "value"), path, report)
    return ItemRules(own, editable, flags["canRemove"], tuple(bounds), filled)


def parse_content(value: Value, raw: Raw, path: str, report: Report) -> tuple[dict[str, Given] | None, bool]:
    """The members of an item (None: it brings no value), and whether any of it cannot be read."""
    if raw is None:
        return None, False
    if value.item is not None:
        given, broken = parse_given(value.item, raw, path, report)
        return ({value.item.name: given} if given else None), broken
    if type(raw) is not dict:
        report(path, "must be an object")
        return None, True
    members = {}
    any_broken = False
    for name, member in value.members.items():
        given, broken = parse_given(member, raw.get(name), f"{path}.{name}", report)
        any_broken = any_broken or broken
        if given:
            members[name] = given
    report_unknown(raw, value.members, path, report)
    return members, any_broken


def fill_item(rules: MapRules, own: Mapping[str, Given]) -> Given:
    """A policy's item as a workload gets it: its wrapper's value, its readings, its print."""
    value = rules.value
    if value.item is not None:
        (given,) = own.values()
        return Given(given.raw, {value.item.name: given.reading}, given.shown)
    members = {name: given.raw for name, given in own.items()}
    members |= fill_members(rules, members)
    raw = {name: members[name] for name in value.members if name in members}
    return Given(raw, read_members(value.members, raw), show_members(value.members, raw))


def report_content(rules: MapRules, label: str, readings: Mapping[str, Reading], path: str, report: Report) -> None:
    """What a workload would be told of a policy's own item, once it is filled."""
    value = rules.value
    alone = BlockReading({}, {value.name: {label: Item(readings)}})
    faults = list(item_violations(Change(SPEC, {value.name: value}, alone, None, presence=True), value, label))
    whole = [line for line in faults if line.place.member is None]
    if whole:
        report(f"{path}.value", whole[0].broken.problem)
        return
    for name, member in members_of(value).items():
        found = [line for line in faults if line.place.member is member]
        for problem in member_problems(rules, name, readings, found):
            report(f"{path}.value" if value.item else f"{path}.value.{name}", problem)


def member_problems(
    rules: MapRules, name: str, readings: Mapping[str, Reading], faults: Sequence[Violation]
) -> Iterator[str]:
    """The lines on one member of a policy's item: its rules, then section 6."""
    said = set()
    for asked in members_asked(rules, name, readings):
        for broken in broken_rules(replace(asked, editable=True), readings.get(name), None, presence=True):
            said.add(broken.rule)
            yield broken.problem
    if not said & {"blocked", "required"}:
        yield from (line.broken.problem for line in faults if line.akin not in said)


def members_asked(rules: MapRules, name: str, readings: Mapping[str, Reading]) -> Iterator[ValueRules]:
    """The rules that are asked of a member, under either spelling."""
    for member in rules.members.values():
        if name in subjects(member.value, readings, rules.members):
            yield member


def report_defaults(rules: MapRules, path: str, report: Report) -> None:
    """What a workload would be told of the members that DEFAULTS brings, each by itself."""
    readings = {name: given.reading for name, given in rules.defaults.items()}
    found = list(member_findings(rules.value, readings, presence=False))
    for name in readings:
        faults = [
            Violation(Place(SPEC, rules.value), one, of_policy=False, akin=one.akin)
            for blamed, _, one in found
            if blamed == name
        ]
        for problem in member_problems(rules, name, readings, faults):
            report(f"{path}.value.{name}", problem)


def report_members(rules: MapRules, path: str, report: Report) -> None:
    """Rules of a member that no item could meet together."""
    for name, member in rules.members.items():
        has_value = name in rules.defaults or any(name in (item.own or ()) for item in rules.items.values())
        step = f"{path}.{name}"
        if member.required and member.blocked:
            report(step, "required and blocked exclude each other")
        if member.required and not member.editable and not has_value and not member.derived:
            report(step, "required with canEdit false needs a value")
        if member.blocked and member.derived:
            report(step, "blocked allows no value")
