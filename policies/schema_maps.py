"""The rules of a map, of its items and of their members, read from a policy's JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from policies.change import Change
from policies.fill import fill_members
from policies.intrinsic import RESERVED_LABEL, item_violations, member_findings
from policies.kinds import SPEC
from policies.place import Place
from policies.printing import print_text
from policies.reading import (
    BlockReading,
    Item,
    Reading,
    members_of,
    read_members,
    show_members,
)
from policies.rules import (
    Bound,
    Given,
    ItemRules,
    MapRules,
    ValueRules,
    Violation,
    broken_rules,
    rule_table,
    uncheckable,
)
from policies.schema_values import (
    ITEM_FLAGS,
    MAP_FLAGS,
    Layer,
    Object,
    Report,
    as_object,
    formula_field,
    parse_flags,
    parse_given,
    parse_rules,
    report_foreign,
    report_unknown,
    unknown_default,
)
from policies.values import Value
from policies.workload import Raw


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
    asked = rule_table(rules.members).asked(readings)
    return (member for spelling, member in asked if spelling == name)


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
