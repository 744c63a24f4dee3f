"""The checks that need no policy (semantics.md, section 6): types, ranges, and what belongs together."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from policies.change import Change
from policies.place import DELETED_MARKER, Place
from policies.printing import print_few, print_text
from policies.quantity import Exact
from policies.reading import Malformed, Reading, members_of
from policies.rules import FORBIDDEN, INVALID, NOT_SUPPORTED, REQUIRED, Broken, Violation, parts
from policies.values import Type, Value
from policies.workload import TEMPLATE

RESERVED_LABEL = "DEFAULTS"

DNS_LABEL = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
DNS_LABEL_START = re.compile(r"[a-z][-a-z0-9]{0,56}", re.ASCII)
DNS_SUBDOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
DATA_KEY = re.compile(r"[-._A-Za-z0-9]{1,253}", re.ASCII)

SECRET = "SECRET:"  # noqa: S105 - the prefix of a reference, not a secret


@dataclass(frozen=True, slots=True)
class Fault(Broken):
    """A broken intrinsic rule; `akin` names the policy rule that would say the same kind of thing."""

    akin: str = ""


def fault(problem: str, reason: str = INVALID, akin: str = "") -> Fault:
    """A line of section 6."""
    return Fault("intrinsic", reason, problem, akin)


def wrong_type(reading: Malformed) -> Fault:
    """The line on a value that is not what its type expects."""
    return Fault("type", INVALID, f"must be {reading.expected}")


def at_least(low: object) -> Fault:
    """The line on a value below a bound, or below another value."""
    return fault(f"must be no less than {low}", akin="min")


def at_most(high: object) -> Fault:
    """The line on a value above a bound, or above another value."""
    return fault(f"must be no greater than {high}", akin="max")


MISSING = fault("is required", REQUIRED, "required")


# One value by itself


def wrong_gpu(amount: Exact) -> Fault | None:
    """A pod gets whole GPUs, or a fraction of one."""
    whole = isinstance(amount, int) and amount >= 0
    return None if whole or 0 < amount < 1 else fault("must be a whole number or a fraction between 0 and 1")


def not_above_zero(amount: Exact) -> Fault | None:
    """Memory of nothing is none."""
    return None if amount > 0 else fault("must be greater than 0", akin="min")


def below_zero(amount: Exact) -> Fault | None:
    """A request of CPU may be nothing, but not less."""
    return None if amount >= 0 else at_least(0)


def wrong_name(text: str) -> Fault | None:
    """The name of the created objects, one of them a Service: RFC 1035."""
    if DNS_LABEL.fullmatch(text):
        return None
    return fault("must be a DNS label (lower-case letters, digits and -, a letter first, at most 63)")


def wrong_prefix(text: str) -> Fault | None:
    """A name's beginning, with room for `-<index>`."""
    if DNS_LABEL_START.fullmatch(text):
        return None
    return fault("must begin a DNS label (lower-case letters, digits and -, a letter first, at most 57)")


def wrong_secret(text: str) -> Fault | None:
    """`SECRET:<name>,<key>` names a key of a Secret; any other text is itself."""
    if not text.startswith(SECRET):
        return None
    name, comma, key = text.removeprefix(SECRET).partition(",")
    named = len(name) <= 253 and DNS_SUBDOMAIN.fullmatch(name)
    keyed = DATA_KEY.fullmatch(key) and key not in {".", ".."}
    return None if comma and named and keyed else fault("must be SECRET:<name>,<key>")


SINGLE_CHECKS: Mapping[str, Callable[[Reading], Fault | None]] = {
    "gpu": wrong_gpu,
    "memory": not_above_zero,
    "memoryLimit": not_above_zero,
    "gpuMemory": not_above_zero,
    "cpu": below_zero,
    "cpuLimit": below_zero,
    "name": wrong_name,
    "namePrefix": wrong_prefix,
}
ITEM_VALUE_CHECKS: Mapping[str, Callable[[Reading], Fault | None]] = {"environment": wrong_secret}


@lru_cache(maxsize=64)
def compiled(pattern: str) -> re.Pattern[str]:
    """The catalogue's patterns, each compiled once."""
    return re.compile(pattern, re.ASCII)


def catalogue_faults(value: Value, reading: Reading) -> Iterator[Fault]:
    """What the catalogue says of a value or member: type, enum, minimum, maximum, pattern."""
    if isinstance(reading, Malformed):
        yield wrong_type(reading)
        return
    if value.enum and not all(part in folded_enum(value) for part in parts(reading)):
        choices = print_few([print_text(choice) for choice in value.enum])
        yield fault(f"must be one of: {choices}", NOT_SUPPORTED, "options")
    if value.minimum is not None and reading < value.minimum:
        yield at_least(value.minimum)
    if value.maximum is not None and reading > value.maximum:
        yield at_most(value.maximum)
    if value.pattern and not all(compiled(value.pattern).fullmatch(part) for part in parts(reading)):
        yield fault(f"must look like {value.looks_like}")


def folded_enum(value: Value) -> tuple[str, ...]:
    """The closed list as readings are: folded where case does not count."""
    return tuple(choice.lower() for choice in value.enum) if value.any_case else value.enum


def single_faults(value: Value, reading: Reading) -> Iterator[Fault]:
    """All that section 6 says of one value by itself."""
    yield from catalogue_faults(value, reading)
    check = SINGLE_CHECKS.get(value.name)
    if check and not isinstance(reading, Malformed) and (found := check(reading)):
        yield found


# Several values of a block


@dataclass(frozen=True, slots=True)
class Relation:
    """A rule over several values: whom it blames, what else it looks at, and its line if it is broken.

    `broken` gets the blamed one's reading and those of the others, None where absent, and whether presence counts.
    """

    blamed: str
    others: tuple[str, ...]
    broken: Callable[["Relation", Reading, Sequence[Reading], bool], Fault | None]


def is_known(reading: Reading) -> bool:
    """Whether a value is set and well-formed."""
    return reading is not None and not isinstance(reading, Malformed)


def below_other(relation: Relation, blamed: Reading, others: Sequence[Reading], _presence: bool) -> Fault | None:
    """A limit reaches its request."""
    below = is_known(blamed) and is_known(others[0]) and blamed < others[0]
    return at_least(relation.others[0]) if below else None


def above_other(relation: Relation, blamed: Reading, others: Sequence[Reading], _presence: bool) -> Fault | None:
    """A lower end stays within the upper one."""
    above = is_known(blamed) and is_known(others[0]) and blamed > others[0]
    return at_most(relation.others[0]) if above else None


def beside_other(relation: Relation, _blamed: Reading, others: Sequence[Reading], _presence: bool) -> Fault | None:
    """Of a group at most one is set: told of each later one against the first."""
    taken = (name for name, other in zip(relation.others, others, strict=True) if other is not None)
    first = next(taken, None)
    return fault(f"cannot be set together with {first}", FORBIDDEN) if first else None


def without_other(wanted: Reading) -> Callable[[Relation, Reading, Sequence[Reading], bool], Fault | None]:
    """A value that means something only beside another; a Template may leave the other to its workloads."""

    def broken(relation: Relation, _blamed: Reading, others: Sequence[Reading], presence: bool) -> Fault | None:
        (other,) = others
        if other == wanted or isinstance(other, Malformed) or (other is None and not presence):
            return None
        return fault(f"needs {relation.others[0]} {'true' if wanted is True else wanted}")

    return broken


RELATIONS = (
    Relation("cpuLimit", ("cpu",), below_other),
    Relation("memoryLimit", ("memory",), below_other),
    Relation("gpuDevices", ("gpu",), beside_other),
    Relation("gpuMemory", ("gpu", "gpuDevices"), beside_other),
    Relation("migProfile", ("gpu", "gpuDevices", "gpuMemory"), beside_other),
    Relation("parallelism", ("completions",), above_other),
    Relation("minScale", ("maxScale",), above_other),
    Relation("podAffinitySchedulingRule", ("podAffinity",), without_other(True)),
    Relation("podAffinityTopology", ("podAffinity",), without_other(True)),
)
MEMBER_RELATIONS: Mapping[str, Sequence[Relation]] = {
    "exposedUrls": (
        Relation("containerPort", ("container",), beside_other),
        Relation("authorizedGroups", ("authorizedUsers",), beside_other),
    ),
    "tolerations": (
        Relation("value", ("operator",), lambda _relation, _blamed, others, _presence: exists_only(others[0])),
        Relation("seconds", ("effect",), without_other("NoExecute")),
    ),
}


def exists_only(operator: Reading) -> Fault | None:
    """A toleration that asks only for the key has no value to compare."""
    return fault("cannot be set with operator Exists", FORBIDDEN) if operator == "Exists" else None


def relation_fault(relation: Relation, readings: Mapping[str, Reading], presence: bool) -> Fault | None:
    """The line on the blamed value, if it is set and the relation is broken."""
    blamed = readings.get(relation.blamed)
    if blamed is None:
        return None
    return relation.broken(relation, blamed, [readings.get(name) for name in relation.others], presence)


def bound_faults(name: str, readings: Mapping[str, Reading]) -> Iterator[Fault]:
    """The lines on a value that is out of order with another: a limit below its request."""
    for relation in RELATIONS:
        if relation.blamed == name and relation.broken in (below_other, above_other):
            found = relation_fault(relation, readings, presence=False)
            yield from () if found is None else (found,)


def block_faults(change: Change) -> Iterator[tuple[str, Fault]]:
    """The lines over several single values of a block, each with the name that it blames."""
    for relation in RELATIONS:
        found = relation_fault(relation, change.new.values, change.presence)
        if found and change.touches(relation.blamed, *relation.others):
            yield relation.blamed, found
    new = change.new.values
    unnamed = "name" in change.values and ("name" in new) == ("namePrefix" in new)
    if unnamed and change.presence and change.touches("name", "namePrefix"):
        yield "name", fault("exactly one of name and namePrefix is required")
    stands_on_base = "baseWorkload" in new and new.get("usage") == TEMPLATE
    if stands_on_base and change.touches("baseWorkload", "usage"):
        yield "baseWorkload", fault("cannot be set on a Template", FORBIDDEN)


# Items

CLAIMED_ELSEWHERE = {"nvidia.com/gpu": "gpu", "cpu": "cpu", "memory": "memory"}


Finding = tuple[str, tuple[str, ...], Fault]  # the member blamed, all members looked at, the line


def item_fault(change: Change, value: Value, label: str) -> Fault | None:
    """The line on a live item as a whole; after it nothing more is said of the item."""
    item = change.new.items(value.name)[label]
    if value.item is None and label == RESERVED_LABEL and change.brings_item(value.name, label):
        return fault("is a reserved label")
    if not change.touches_item(value, label):
        return None
    if item.shape:
        return wrong_type(item.shape)
    if value.name == "extendedResources" and label in CLAIMED_ELSEWHERE:
        return fault(f"cannot be set here: use {CLAIMED_ELSEWHERE[label]}", FORBIDDEN)
    return missing_content(change, value, label) if change.presence else None


def missing_content(change: Change, value: Value, label: str) -> Fault | None:
    """The line on an item that is there, but says nothing that it could be made from."""
    members = change.new.items(value.name)[label].members
    if value.item is not None and not members:
        return fault("has no value")
    unclaimed = value.name == "pvcs" and is_unclaimed(members)
    if unclaimed and change.touches_members(value, label, "claimName", "existingPvc", "size"):
        return fault("needs size or claimName")
    return None


def is_unclaimed(members: Mapping[str, Reading]) -> bool:
    """Whether a volume neither names a claim nor says how large a new one is."""
    return members.get("existingPvc") is not True and not members.keys() & {"size", "claimName"}


def member_findings(value: Value, members: Mapping[str, Reading], *, presence: bool) -> Iterator[Finding]:
    """What section 6 says of the members of an item, or of an object."""
    check = ITEM_VALUE_CHECKS.get(value.name)
    for name, member in members_of(value).items():
        reading = members.get(name)
        if reading is None:
            continue
        yield from ((name, (name,), found) for found in catalogue_faults(member, reading))
        if check and not isinstance(reading, Malformed) and (found := check(reading)):
            yield name, (name,), found
    yield from missing_members(value, members) if presence else ()
    for relation in MEMBER_RELATIONS.get(value.name, ()):
        if found := relation_fault(relation, members, presence):
            yield relation.blamed, (relation.blamed, *relation.others), found


def missing_members(value: Value, members: Mapping[str, Reading]) -> Iterator[Finding]:
    """The mandatory members that an item lacks; the other spelling of one will do."""
    for name, member in value.members.items():
        if member.mandatory and not any(spelling in members for spelling in member.spellings):
            yield name, (name,), MISSING
    if value.name == "pvcs" and members.get("existingPvc") is True and "claimName" not in members:
        yield "claimName", ("claimName", "existingPvc"), MISSING


# The whole block


def intrinsic_violations(change: Change) -> Iterator[Violation]:
    """Every line of section 6 on one block, in no particular order between values."""
    for name, reading in change.new.values.items():
        value = change.values[name]
        if change.touches(name):
            yield from lines_on(Place(change.block, value), single_faults(value, reading))
            if value.type is Type.OBJECT and not isinstance(reading, Malformed):
                yield from object_violations(change, value, reading)
    for name, found in block_faults(change):
        yield from lines_on(Place(change.block, change.values[name]), [found])
    for name, items in change.new.maps.items():
        for label, item in items.items():
            if not item.deleted:
                yield from item_violations(change, change.values[name], label)


def lines_on(place: Place, found: Iterable[Fault]) -> Iterator[Violation]:
    """Faults as lines at a place."""
    return (Violation(place, one, of_policy=False, akin=one.akin) for one in found)


def object_violations(change: Change, value: Value, members: Mapping[str, Reading]) -> Iterator[Violation]:
    """The lines on the members of an object that change."""
    stored = change.old.values.get(value.name) if change.old else None
    was = stored if isinstance(stored, dict) else {}
    for name, _, found in member_findings(value, members, presence=change.presence):
        if change.old is None or members.get(name) != was.get(name):
            yield from lines_on(Place(change.block, value, member=value.members[name]), [found])


def item_violations(change: Change, value: Value, label: str) -> Iterator[Violation]:
    """The lines on a live item: on the whole of it, else on its members."""
    item = change.new.items(value.name)[label]
    if item.marker and change.touches_item(value, label):
        yield from lines_on(Place(change.block, value, label, DELETED_MARKER), [wrong_type(item.marker)])
    if found := item_fault(change, value, label):
        yield from lines_on(Place(change.block, value, label), [found])
    elif not item.shape:
        yield from member_violations(change, value, label)


def member_violations(change: Change, value: Value, label: str) -> Iterator[Violation]:
    """The lines on the members of a live item that change."""
    members, readings = members_of(value), change.new.items(value.name)[label].members
    for name, looked_at, found in member_findings(value, readings, presence=change.presence):
        if change.touches_members(value, label, *looked_at):
            yield from lines_on(Place(change.block, value, label, members[name]), [found])
