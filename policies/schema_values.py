"""The rules and the default of one value, read from a policy's JSON; every problem is reported with its path."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from policies.intrinsic import member_findings, single_faults
from policies.printing import label_step, print_text
from policies.quantity import is_binary
from policies.reading import (
    EXPECTED,
    Malformed,
    read_value,
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
    ValueRules,
    broken_rules,
    uncheckable,
)
from policies.values import Type, Value
from policies.workload import Raw

ARTICLES = {kind: f"{'an' if kind.value[0] in 'aeiou' else 'a'} {kind.value}" for kind in Type}
VALUE_FLAGS = {"blocked": False, "canEdit": True, "required": False}
MAP_FLAGS = {"required": False, "canAdd": True}
ITEM_FLAGS = {"canEdit": True, "canRemove": True}
RULES = (*VALUE_FLAGS, *BOUND_RULES, "defaultFrom")
ALL_RULES = frozenset({*RULES, *MAP_FLAGS, *ITEM_FLAGS})

Report = Callable[[str, str], None]  # (path, problem)
Object = Mapping[str, Raw]


def report_unknown(raw: Object, known: Collection[str], path: str, report: Report) -> None:
    """Fields that nothing reads, with the nearest that would be."""
    for name in sorted(name for name in raw if name not in known):
        close = get_close_matches(name, known, n=1, cutoff=0.7)
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
