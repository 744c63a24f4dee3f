"""What a policy says of each value, as rows: the default, the rules, and where in the policy they stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from policies.place import Place
from policies.printing import MASK, print_labels, print_text
from policies.reading import members_of
from policies.rules import Bound, Given, MapRules, ValueRules
from policies.schema import BlockRules, Policy
from policies.schema_values import ALL_RULES, as_object
from policies.values import Value
from policies.workload import Raw
from workloads.locate import Object

EVERY_LABEL = ".*"


@dataclass(frozen=True, slots=True)
class Row:
    """What a policy says of a value, of an item, or of a member of every item (`ports.*.container`).

    default     what is filled in, as JSON; `shown` is its text
    computed    the formula of a default that depends on another value: `2 x cpu`
    rules       as the policy spells them; `says` is what they come to
    origin      the paths in the policy
    """

    value: str
    origin: tuple[str, ...]
    default: Raw = None
    shown: str = ""
    computed: str | None = None
    rules: Mapping[str, Raw] = field(default_factory=dict)
    says: tuple[str, ...] = ()


def rows_of(policy: Policy, raw: Object) -> Iterator[Row]:
    """All that a policy says, in the order of messages; `raw` is the object that it was read from."""
    for block, rules in policy.blocks.items():
        if rules.bounds:
            yield Row(block, (block,), says=bound_phrases(rules.bounds))
        yield from block_rows(block, rules, as_object(raw.get(block)))


def block_rows(block: str, rules: BlockRules, raw: Object) -> Iterator[Row]:
    """The rows of one block."""
    named: list[ValueRules | MapRules] = [*rules.values.values(), *rules.maps.values()]
    for each in sorted(named, key=lambda rules: rules.value.order):
        node = as_object(raw.get(each.value.name))
        if isinstance(each, MapRules):
            yield from map_rows(block, each, node)
        else:
            given = {f"{block}.{each.value.name}": each.given}
            yield value_row(Place(block, each.value).shown, each, node.get("rules"), given)


def value_row(shown: str, rules: ValueRules, raw: Raw, defaults: Mapping[str, Given | None]) -> Row:
    """The row of a single value or of a member; `defaults` has its default, if any, under where the row comes from."""
    given = next((given for given in defaults.values() if given), None)
    return Row(
        shown,
        tuple(defaults),
        default=masked(rules.value, given.raw) if given else None,
        shown=given.shown if given else "",
        computed=formula(raw) if rules.derived and not given else None,
        rules=spelled_rules(rules.value, raw),
        says=value_phrases(rules, has_default=bool(given or rules.derived)),
    )


def formula(raw: Raw) -> str:
    """`2 x cpu`, as the policy spells it."""
    source = as_object(as_object(raw).get("defaultFrom"))
    factor = source.get("factor")
    return f"{1 if factor is None else factor} x {source.get('field')}"


# Maps


def map_rows(block: str, rules: MapRules, node: Object) -> Iterator[Row]:
    """The rows of a map: of itself, of every item's members, of the policy's own items."""
    path, shown = f"{block}.{rules.value.name}", Place(block, rules.value).shown
    if says := map_phrases(rules):
        yield Row(shown, (f"{path}.rules",), rules=spelled_rules(rules.value, node.get("rules")), says=says)
    yield from member_rows(rules, shown, path, as_object(node.get("itemRules")))
    items = as_object(node.get("items"))
    for label, item in rules.items.items():
        given = item.filled
        yield Row(
            Place(block, rules.value, label).shown,
            (f"{path}.items[{print_text(label)}]",),
            default=masked(rules.value.item or rules.value, given.raw) if given else None,
            shown=given.shown if given else "",
            rules=spelled_rules(rules.value, as_object(items.get(label)).get("rules")),
            says=item_phrases(editable=item.editable, removable=item.removable, bounds=item.bounds),
        )


def member_rows(rules: MapRules, shown: str, path: str, raw: Object) -> Iterator[Row]:
    """The rows of the members that itemRules or DEFAULTS name."""
    for name, member in members_of(rules.value).items():
        default, asked = rules.defaults.get(name), rules.members.get(name)
        origins: dict[str, Given | None] = {f"{path}.itemRules.{name}": None} if asked else {}
        origins |= {f"{path}.items[DEFAULTS].value.{name}": default} if default else {}
        step = "" if rules.value.item else f".{name}"
        if origins:
            yield value_row(f"{shown}{EVERY_LABEL}{step}", asked or ValueRules(member), raw.get(name), origins)


# Words


def value_phrases(rules: ValueRules, *, has_default: bool) -> tuple[str, ...]:
    """What the rules of a single value or member come to."""
    flags = {
        "cannot be set": rules.blocked or not (rules.editable or has_default),
        "cannot be changed": not rules.editable and has_default,
        "required": rules.required,
    }
    return (*(phrase for phrase, holds in flags.items() if holds), *bound_phrases(rules.bounds))


def map_phrases(rules: MapRules) -> tuple[str, ...]:
    """What the rules of a map itself come to."""
    labels = print_labels(rules.items)
    flags = {f"no labels but {labels}" if labels else "no labels": not rules.can_add, "required": rules.required}
    return (*(phrase for phrase, holds in flags.items() if holds), *bound_phrases(rules.bounds))


def item_phrases(*, editable: bool, removable: bool, bounds: tuple[Bound, ...]) -> tuple[str, ...]:
    """What the rules of an item come to."""
    flags = {"cannot be changed": not editable, "cannot be removed": not removable}
    return (*(phrase for phrase, holds in flags.items() if holds), *bound_phrases(bounds))


def bound_phrases(bounds: tuple[Bound, ...]) -> tuple[str, ...]:
    """`no greater than 4`, `one of: a, b`: the lines that a workload would get, without `must be`."""
    return tuple(bound.problem.removeprefix("must ").removeprefix("be ") for bound in bounds)


# Secrets


def masked(value: Value, raw: Raw) -> Raw:
    """A default without what must not be shown."""
    if value.secret:
        return MASK
    if value.members and type(raw) is dict:
        return {name: masked(value.members[name], part) for name, part in raw.items()}
    return raw


def spelled_rules(value: Value, raw: Raw) -> dict[str, Raw]:
    """The rules as the policy spells them, without what must not be shown."""
    rules = as_object(raw)
    shown = {name: rules[name] for name in rules if name in ALL_RULES and rules[name] is not None}
    return {name: masked_rule(rule) if value.secret else rule for name, rule in shown.items()}


def masked_rule(rule: Raw) -> Raw:
    """A rule of a secret value: what it compares with is one, too."""
    if type(rule) is list:
        return [{"value": MASK} if type(choice) is dict else MASK for choice in rule]
    return rule if type(rule) is bool else MASK
