"""The rules of a policy: one small builder a rule, the table that names them, and what a broken one says.

A builder turns the policy's JSON into a Bound (a question with its answer's words) once, when the policy is
compiled; asking it costs a comparison. Rules and their words: semantics.md, sections 2 and 5.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from policies.place import Place
from policies.printing import MASK, print_few, print_labels, print_text
from policies.quantity import Exact
from policies.reading import EXPECTED, Malformed, Reading, read_value, show_value
from policies.values import Type, Value
from policies.workload import Raw

INVALID = "FieldValueInvalid"
FORBIDDEN = "FieldValueForbidden"
REQUIRED = "FieldValueRequired"
NOT_SUPPORTED = "FieldValueNotSupported"
NOT_FOUND = "FieldValueNotFound"

# The order in which the lines on one value stand; what section 6 says comes after.
RULE_ORDER = {
    "type": 0,
    "blocked": 1,
    "canEdit": 2,
    "canAdd": 3,
    "canRemove": 4,
    "required": 5,
    "min": 6,
    "max": 7,
    "step": 8,
    "options": 9,
    "matches": 10,
    "base": 11,
    "intrinsic": 12,
}

NUMERIC = frozenset({Type.NUMBER, Type.INTEGER, Type.QUANTITY})
CHOICES = NUMERIC | {Type.STRING, Type.LIST}
TEXTS = frozenset({Type.STRING, Type.LIST})

# What the policy's operand is not, in a line that a workload gets from a rule that cannot be read.
NOT_A = {
    Type.NUMBER: "not a number",
    Type.QUANTITY: "not a quantity",
    Type.INTEGER: "not a whole number",
    Type.DURATION: "not a duration",
    Type.STRING: "not text",
    Type.BOOLEAN: "not true or false",
    Type.LIST: "not a list",
    Type.OBJECT: "not an object",
    Type.MAP: "not an object",
}

Complaint = tuple[str, str]  # where below the rule (`[1].value`), and the problem with it


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a value breaks, in words, with the API's cause."""

    rule: str
    reason: str
    problem: str


@dataclass(frozen=True, slots=True)
class Bound(Broken):
    """A rule on what a value may be: `admits` answers for a reading that is set and well-formed.

    Not `readable`: the policy's operand could not be read, and nothing is admitted.
    """

    admits: Callable[[Reading], bool]
    readable: bool = True


@dataclass(frozen=True, slots=True)
class Violation:
    """A line of a verdict. `akin` names the policy rule that would say the same kind of thing.

    `points_at`: where the object is to be mended, if that is not the place that the line names.
    """

    place: Place
    broken: Broken
    of_policy: bool
    akin: str = ""
    points_at: Place | None = None

    @property
    def message(self) -> str:
        """The whole line, as users read it."""
        return f"{self.place.shown}: {self.broken.problem}"

    @property
    def field(self) -> str:
        """The path of the cause in the API's Status."""
        return (self.points_at or self.place).field

    @property
    def order(self) -> tuple[tuple[bool, int, bool, str, int], int]:
        """Where the line stands among the others."""
        return self.place.order, RULE_ORDER.get(self.broken.rule, RULE_ORDER["required"])


@dataclass(frozen=True, slots=True)
class Given:
    """A value that the policy sets: as it is injected, as it reads, as a message prints it."""

    raw: Raw
    reading: Reading
    shown: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A default computed as factor x field; `binary`: the factor has a binary suffix."""

    field: str
    factor: Exact
    binary: bool


@dataclass(frozen=True, slots=True)
class ValueRules:
    """What a policy says of one value or member."""

    value: Value
    required: bool = False
    blocked: bool = False
    editable: bool = True
    bounds: tuple[Bound, ...] = ()
    given: Given | None = None
    derived: Derived | None = None


@dataclass(frozen=True, slots=True)
class ItemRules:
    """What a policy says of one labelled item: its own members (None: it brings no value) and its rules.

    `filled` is the whole item as DEFAULTS and defaultFrom complete it, ready to inject.
    """

    own: Mapping[str, Given] | None = None
    editable: bool = True
    removable: bool = True
    bounds: tuple[Bound, ...] = ()
    filled: Given | None = None


@dataclass(frozen=True, slots=True)
class MapRules:
    """What a policy says of a map: of itself (`bounds` holds only rules that cannot be read), its labels, members.

    `defaults` are the members of the reserved item DEFAULTS.
    """

    value: Value
    required: bool = False
    can_add: bool = True
    bounds: tuple[Bound, ...] = ()
    items: Mapping[str, ItemRules] = field(default_factory=dict)
    members: Mapping[str, ValueRules] = field(default_factory=dict)
    defaults: Mapping[str, Given] = field(default_factory=dict)


BLOCKED = Broken("blocked", FORBIDDEN, "cannot be set: the policy does not allow it")
MISSING = Broken("required", REQUIRED, "is required")
REMOVED = Broken("canRemove", FORBIDDEN, "cannot be removed: the policy requires it")


def locked(default: Given | None) -> Broken:
    """What `canEdit: false` says of a value that is not the policy's."""
    problem = f"cannot be changed: the policy sets it to {default.shown}" if default else BLOCKED.problem
    return Broken("canEdit", FORBIDDEN, problem)


def not_allowed(labels: Iterable[str]) -> Broken:
    """What `canAdd: false` says of a label that is not the policy's."""
    shown = print_labels(labels)
    allowed = f"only {shown}" if shown else "none"
    return Broken("canAdd", FORBIDDEN, f"cannot be added: the policy allows {allowed}")


def uncheckable(rule: str, what: str) -> Bound:
    """A rule that cannot be read refuses whatever sets its value: what it meant to forbid is not known."""
    problem = f"cannot be checked: the policy's {rule} is {what}"
    return Bound(rule, INVALID, problem, lambda _reading: False, readable=False)


def parts(reading: Reading) -> tuple[Reading, ...]:
    """The elements of a list, the words of a text of words, else the one value."""
    return reading if type(reading) is tuple else (reading,)


def element_of(value: Value) -> Value:
    """One element of a list, one word of a text of words, or the value itself."""
    if value.type is Type.LIST or value.words:
        return replace(value, type=Type.STRING, words="")
    return value


BoundReading = tuple[Bound, Sequence[Complaint]]
NO_COMPLAINT: Sequence[Complaint] = ()


def wrong_type(rule: str, value: Value) -> BoundReading:
    """A rule whose operand is not of the value's type."""
    return uncheckable(rule, NOT_A[value.type]), [("", f"must be {EXPECTED[value.type]}")]


def read_min(value: Value, raw: Raw, _rules: Mapping[str, Raw]) -> BoundReading:
    """`min`, inclusive."""
    least = read_value(value, raw)
    if isinstance(least, Malformed):
        return wrong_type("min", value)
    problem = f"must be no less than {show_value(value, raw)}"
    return Bound("min", INVALID, problem, lambda reading: bool(reading >= least)), NO_COMPLAINT


def read_max(value: Value, raw: Raw, _rules: Mapping[str, Raw]) -> BoundReading:
    """`max`, inclusive."""
    most = read_value(value, raw)
    if isinstance(most, Malformed):
        return wrong_type("max", value)
    problem = f"must be no greater than {show_value(value, raw)}"
    return Bound("max", INVALID, problem, lambda reading: bool(reading <= most)), NO_COMPLAINT


def read_step(value: Value, raw: Raw, rules: Mapping[str, Raw]) -> BoundReading:
    """`step`: value = min + k * step, from 0 without min."""
    step = read_value(value, raw)
    if isinstance(step, Malformed):
        return wrong_type("step", value)
    if step <= 0:
        return uncheckable("step", "not greater than 0"), [("", "must be greater than 0")]
    least = read_value(value, rules.get("min"))
    origin = 0 if least is None or isinstance(least, Malformed) else least
    start = f"{show_value(value, rules['min'])} plus " if origin else ""
    problem = f"must be {start}a multiple of {show_value(value, raw)}"
    return Bound("step", INVALID, problem, lambda reading: bool((reading - origin) % step == 0)), NO_COMPLAINT


def repeated(readings: Sequence[Reading], shown: Sequence[str]) -> Iterator[Complaint]:
    """A complaint for each choice that an earlier one equals in meaning."""
    for index, reading in enumerate(readings):
        if reading in readings[:index]:
            yield "", f"repeats {shown[index]}"


def read_options(value: Value, raw: Raw, _rules: Mapping[str, Raw]) -> BoundReading:
    """`options: [{value, displayed?}]`: of a list or of words, each one."""
    if type(raw) is not list:
        return uncheckable("options", "not a list"), [("", "must be a list of options")]
    element = element_of(value)
    wrong = list(option_complaints(element, raw))
    choices = [read_value(element, option.get("value")) if type(option) is dict else None for option in raw]
    if any(choice is None or isinstance(choice, Malformed) for choice in choices):
        return uncheckable("options", NOT_A[element.type]), wrong
    if not raw:
        return uncheckable("options", "empty"), [("", "is empty")]
    shown = [show_value(element, option["value"]) for option in raw]
    problem = f"must be one of: {print_few(shown)}"
    bound = Bound("options", NOT_SUPPORTED, problem, lambda reading: all(part in choices for part in parts(reading)))
    return bound, [*wrong, *repeated(choices, shown)]


def option_complaints(element: Value, options: Sequence[Raw]) -> Iterator[Complaint]:
    """What is wrong with each option by itself."""
    for index, option in enumerate(options):
        if type(option) is not dict:
            yield f"[{index}]", "must be an object"
            continue
        reading = read_value(element, option.get("value"))
        if reading is None:
            yield f"[{index}].value", "is required"
        elif isinstance(reading, Malformed):
            yield f"[{index}].value", f"must be {reading.expected}"
        if type(option.get("displayed") or "") is not str:
            yield f"[{index}].displayed", "must be text"
        yield from ((f"[{index}].{name}", "unknown field") for name in sorted(option.keys() - {"value", "displayed"}))


def read_matches(value: Value, raw: Raw, _rules: Mapping[str, Raw]) -> BoundReading:
    """`matches: [glob]`: of a list or of words, each one must match one of the globs."""
    if type(raw) is not list:
        return uncheckable("matches", "not a list"), [("", "must be a list of text")]
    wrong = [(f"[{index}]", "must be text") for index, glob in enumerate(raw) if type(glob) is not str]
    if wrong:
        return uncheckable("matches", "not text"), wrong
    if not raw:
        return uncheckable("matches", "empty"), [("", "is empty")]
    globs = [(glob.lower() if value.any_case else glob).split("*") for glob in raw]
    shown = [MASK if value.secret else print_text(glob) for glob in raw]
    problem = f"must match {shown[0]}" if len(raw) == 1 else f"must match one of: {print_few(shown)}"

    def admits(reading: Reading) -> bool:
        return all(any(matches_glob(glob, part) for glob in globs) for part in parts(reading))

    return Bound("matches", NOT_SUPPORTED, problem, admits), list(repeated(raw, shown))


def matches_glob(pieces: Sequence[str], text: str) -> bool:
    """Whether a text is the pieces of a glob with any text between them; linear in the text."""
    head, *middle = pieces
    if not middle:
        return text == head
    tail = middle.pop()
    if len(text) < len(head) + len(tail) or not (text.startswith(head) and text.endswith(tail)):
        return False
    at, end = len(head), len(text) - len(tail)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


@dataclass(frozen=True, slots=True)
class BoundRule:
    """A rule with an operand: the types that may have it, and its builder from (value, operand, all rules)."""

    types: frozenset[Type]
    read: Callable[[Value, Raw, Mapping[str, Raw]], BoundReading]


BOUND_RULES: Mapping[str, BoundRule] = {
    "min": BoundRule(NUMERIC | {Type.DURATION}, read_min),
    "max": BoundRule(NUMERIC | {Type.DURATION}, read_max),
    "step": BoundRule(NUMERIC, read_step),
    "options": BoundRule(CHOICES, read_options),
    "matches": BoundRule(TEXTS, read_matches),
}


@dataclass(frozen=True, slots=True)
class RuleTable:
    """The rules of a block or of a map's members, by each spelling that they are asked of.

    `demanding` are those that have something to say of an absent value.
    """

    by_spelling: Mapping[str, ValueRules]
    demanding: tuple[ValueRules, ...]

    def asked(self, readings: Mapping[str, Reading]) -> Iterator[tuple[str, ValueRules]]:
        """Each name that the rules are asked of, set or missing, with its rules."""
        for name in readings:
            if (rules := self.by_spelling.get(name)) is not None:
                yield name, rules
        for rules in self.demanding:
            if not any(name in readings for name in rules.value.spellings if self.by_spelling.get(name) is rules):
                yield rules.value.name, rules


def rule_table(rules: Mapping[str, ValueRules]) -> RuleTable:
    """Index rules by name. A second spelling that has no rules of its own is asked those of the first."""
    by_spelling = dict(rules)
    for name, value_rules in rules.items():
        if not value_rules.value.alias:
            by_spelling |= {second: value_rules for second in value_rules.value.spellings if second not in rules}
        by_spelling[name] = value_rules
    return RuleTable(by_spelling, tuple(rule for rule in rules.values() if rule.required or not rule.editable))


def is_empty(reading: Reading) -> bool:
    """Whether `required` counts it as nothing: `""`, `[]`, `{}` (false and 0 count)."""
    return reading in ("", (), {})


def broken_rules(rules: ValueRules, reading: Reading, default: Given | None, *, presence: bool) -> Iterator[Broken]:
    """The rules that a value breaks, in order. `reading` is None if it is absent; `presence`: that is asked."""
    if reading is None:
        if presence and not rules.editable and default is not None:
            yield locked(default)
        elif presence and rules.required:
            yield MISSING
    elif rules.blocked:
        yield BLOCKED
    elif not rules.editable and (default is None or default.reading != reading):
        yield locked(default)
    elif rules.required and is_empty(reading):
        yield MISSING
    elif not isinstance(reading, Malformed):
        yield from (bound for bound in rules.bounds if not bound.admits(reading))
