"""Every rule on every type that may have it, at its bounds, on single values and on members."""

from typing import Any

import golden
import pytest

from policies.rules import INVALID, RULE_ORDER, ValueRules, broken_rules, matches_glob, rule_table, uncheckable
from policies.values import CATALOGUE

VALUES = {value.name: value for value in CATALOGUE}
KINDS = {"ttlAfterFinish": "Training", "mpiJob": "Distributed"}


def problem_of(name: str, rules: golden.Object, raw: Any, default: Any = None) -> str | None:
    """What the policy says of a value; None if nothing. `ports.x` names a member."""
    first, point, member = name.partition(".")
    if point:
        policy = {first: {"itemRules": {member: rules}}}
        workload = {
            f"{first}.a": raw if member == "value" else {"container": 1, "path": "/x", "size": "1", member: raw}
        }
        shown = f"{first}.a" if member == "value" else f"{first}.a.{member}"
    else:
        policy = {name: {"rules": rules, "value": default}}
        workload = {f"{name}!": {"value": raw}}
        shown = name
    case = {"kind": KINDS.get(name, "Interactive"), "policy": policy, "workload": workload, "mutate": False}
    lines = golden.answer_to(case).lines
    assert len(lines) <= 1
    return lines[0].removeprefix(f"{shown}: ") if lines else None


LOW = {"number": "2", "quantity": "2Gi", "integer": 2, "duration": "2m"}
NO_LESS = {name: f"must be no less than {low}" for name, low in LOW.items()}
NO_GREATER = {name: f"must be no greater than {low}" for name, low in LOW.items()}
ORDERED = {
    "cpu": "number",
    "memory": "quantity",
    "runAsUid": "integer",
    "ttlAfterFinish": "duration",
    "ports.external": "integer",
    "pvcs.size": "quantity",
    "extendedResources.value": "quantity",
}
BELOW: dict[str, list[Any]] = {
    "number": [1, "1", "1.999999999999999999999999999999", "1999m", "0.01999e2"],
    "quantity": [1, "1Gi", "2G", "2147483647.9", "2097151Ki"],
    "integer": [1],
    "duration": ["119s", "1m59s", "0h1m"],
}
AT: dict[str, list[Any]] = {
    "number": [2, "2", "2.0", "2.", "+2", "2000m", "0.2e1", "2000000000n", "2E0"],
    "quantity": [2147483648, "2Gi", "2048Mi", "2097152Ki", "2147483648", "2147483648000m"],
    "integer": [2],
    "duration": ["2m", "120s", "1m60s", "0h2m0s"],
}
ABOVE: dict[str, list[Any]] = {
    "number": [3, "2.000000000000000000000000000001", "2001m", "2e1", "2k"],
    "quantity": ["3Gi", "2.0001Gi", "2147483648001m", "2.2G", 2147483649],
    "integer": [3],
    "duration": ["121s", "2m1s", "1h", "9999999999h"],
}


def bound_cases() -> list[Any]:
    """Each value below, at and above a bound, and what is said of it."""
    cases = []
    for name, kind in ORDERED.items():
        for rule, wrong, fine in (("min", BELOW, (AT, ABOVE)), ("max", ABOVE, (AT, BELOW))):
            problem = (NO_LESS if rule == "min" else NO_GREATER)[kind]
            said = [(raw, problem) for raw in wrong[kind]] + [(raw, None) for some in fine for raw in some[kind]]
            cases += [pytest.param(name, rule, kind, raw, problem, id=f"{name}-{rule}-{raw}") for raw, problem in said]
    return cases


@pytest.mark.parametrize(("name", "rule", "kind", "raw", "problem"), bound_cases())
def test_min_and_max(name: str, rule: str, kind: str, raw: Any, problem: str | None) -> None:
    assert problem_of(name, {rule: LOW[kind]}, raw) == problem


STEPS: list[tuple[str, golden.Object, Any, str | None]] = [
    ("cpu", {"step": "0.1"}, "0.3", None),
    ("cpu", {"step": "0.1"}, "0.30000000000000000000000000001", "must be a multiple of 0.1"),
    ("cpu", {"step": "0.1", "min": "0.05"}, "0.35", None),
    ("cpu", {"step": "0.1", "min": "0.05"}, "0.3", "must be 0.05 plus a multiple of 0.1"),
    ("cpu", {"step": "100m", "min": "50m"}, ".15", None),
    ("cpu", {"step": 2, "min": 0}, 3, "must be a multiple of 2"),
    ("cpu", {"step": 2, "min": "0.0"}, 4, None),
    ("cpu", {"step": 2, "min": 1}, "3.0", None),
    ("cpu", {"step": "1e-24"}, "3e-24", None),
    ("cpu", {"step": "2e-24"}, "3e-24", "must be a multiple of 2e-24"),
    ("runAsUid", {"step": 5}, 10, None),
    ("runAsUid", {"step": 5, "min": 1}, 10, "must be 1 plus a multiple of 5"),
    ("memory", {"step": "512Mi", "min": "1Gi"}, "1536Mi", None),
    ("memory", {"step": "512Mi", "min": "1Gi"}, "1.6Gi", "must be 1Gi plus a multiple of 512Mi"),
    ("memory", {"step": "1Gi"}, "2G", "must be a multiple of 1Gi"),
    ("ports.external", {"step": 10, "min": 5}, 25, None),
    ("ports.external", {"step": 10, "min": 5}, 20, "must be 5 plus a multiple of 10"),
    ("pvcs.size", {"step": "1Gi"}, "1.5Gi", "must be a multiple of 1Gi"),
    ("extendedResources.value", {"step": 2}, "3", "must be a multiple of 2"),
]


@pytest.mark.parametrize(
    ("name", "rules", "raw", "problem"), STEPS, ids=[f"{name}-{rules}-{raw}" for name, rules, raw, _ in STEPS]
)
def test_step(name: str, rules: golden.Object, raw: Any, problem: str | None) -> None:
    assert problem_of(name, rules, raw) == problem


def options(*values: Any) -> golden.Object:
    return {"options": [{"value": value} for value in values]}


TWELVE = [f"o{number}" for number in range(12)]
CHOICES: list[tuple[str, golden.Object, Any, str | None]] = [
    ("image", options("a", "b"), "a", None),
    ("image", options("a", "b"), "A", "must be one of: a, b"),
    ("image", options("a", "b"), "", "must be one of: a, b"),
    ("image", options(""), "", None),
    ("image", options(*TWELVE), "x", "must be one of: o0, o1, o2, o3, o4, o5, o6, o7, o8, o9 and 2 more"),
    ("image", options(*TWELVE), "o11", None),
    ("cpu", options("0.5", 1), ".5", None),
    ("cpu", options("0.5", 1), "1000m", None),
    ("cpu", options("0.5", 1), 2, "must be one of: 0.5, 1"),
    ("memory", options("1Gi"), "1024Mi", None),
    ("memory", options("1Gi"), "1G", "must be one of: 1Gi"),
    ("runAsUid", options(1, 2), 2, None),
    ("runAsUid", options(1, 2), 3, "must be one of: 1, 2"),
    ("capabilities", options("KILL", "CHOWN"), ["CHOWN", "KILL", "KILL"], None),
    ("capabilities", options("KILL"), ["KILL", "CHOWN"], "must be one of: KILL"),
    ("capabilities", options("KILL"), [], None),
    ("nodePools", options("a", "b"), "b  a", None),
    ("nodePools", options("a", "b"), "a c", "must be one of: a, b"),
    ("nodePools", options("a"), "", None),
    ("supplementalGroups", options("1", "2"), "1;3", "must be one of: 1, 2"),
    ("imagePullPolicy", options("Always"), "ALWAYS", None),
    ("notebookToken", options("a", "b"), "c", "must be one of: ***, ***"),
    ("ports.serviceType", options("NodePort"), "nodeport", None),
    ("ports.serviceType", options("NodePort"), "ClusterIP", "must be one of: NodePort"),
    ("ports.external", options(80, 81), 82, "must be one of: 80, 81"),
    ("environment.value", options("a"), "b", "must be one of: ***"),
    ("labels.value", options("a", "b c"), "c", 'must be one of: a, "b c"'),
    ("extendedResources.value", options("1"), "1.0", None),
    ("exposedUrls.authorizedUsers", options("a"), ["a", "b"], "must be one of: a"),
    ("image", {"matches": ["a*"]}, "b", "must match a*"),
    ("image", {"matches": ["a*", "b*"]}, "c", "must match one of: a*, b*"),
    ("image", {"matches": ["A*"]}, "a", "must match A*"),
    ("imagePullPolicy", {"matches": ["AL*"]}, "always", None),
    ("capabilities", {"matches": ["NET_*", "KILL"]}, ["NET_RAW", "KILL"], None),
    ("capabilities", {"matches": ["NET_*"]}, ["NET_RAW", "KILL"], "must match NET_*"),
    ("capabilities", {"matches": ["NET_*"]}, [], None),
    ("nodePools", {"matches": ["a*"]}, "a1 a2", None),
    ("nodePools", {"matches": ["a*"]}, "a1 b2", "must match a*"),
    ("notebookToken", {"matches": ["a*"]}, "c", "must match ***"),
    ("ports.toolName", {"matches": ["a*"]}, "b", "must match a*"),
    ("labels.value", {"matches": ["a*"]}, "b", "must match a*"),
    ("environment.value", {"matches": ["a", "b"]}, "c", "must match one of: ***, ***"),
]


@pytest.mark.parametrize(
    ("name", "rules", "raw", "problem"), CHOICES, ids=[f"{name}-{rules}-{raw}" for name, rules, raw, _ in CHOICES]
)
def test_options_and_matches(name: str, rules: golden.Object, raw: Any, problem: str | None) -> None:
    assert problem_of(name, rules, raw) == problem


GLOBS: list[tuple[str, str, bool]] = [
    ("", "", True),
    ("", "a", False),
    ("*", "", True),
    ("*", "a\nb/c", True),
    ("**", "a", True),
    ("a", "a", True),
    ("a", "ab", False),
    ("a*", "a", True),
    ("*a", "ba", True),
    ("*a", "ab", False),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("a*b*c", "aXbYc", True),
    ("a*b*c", "abc", True),
    ("a*b*c", "acb", False),
    ("a*b*c", "abXc", True),
    ("ab*bc", "abc", False),
    ("*ab*ab*", "abab", True),
    ("*ab*ab*", "aba", False),
    ("*a*b*", "ba", False),
    ("?", "a", False),
    ("[a]", "a", False),
    ("a.b", "aXb", False),
    ("\\*", "*", False),
    ("a**b", "ab", True),
    ("*" + "a*" * 30 + "b", "a" * 5000, False),
]


@pytest.mark.parametrize(("glob", "text", "matches"), GLOBS, ids=[f"{glob}-{text[:9]}" for glob, text, _ in GLOBS])
def test_a_glob(*, glob: str, text: str, matches: bool) -> None:
    assert matches_glob(glob.split("*"), text) is matches


# A value that is set, one that counts as nothing (None: none does), and how a message prints the first, by type.
OF_EACH_TYPE: dict[str, tuple[Any, Any, str, Any]] = {
    "image": ("a", "", "a", "b"),
    "nodePools": ("a b", " ", '"a b"', "b a"),
    "hostIpc": (True, None, "true", False),
    "runAsUid": (5, None, "5", 0),
    "cpu": ("0.5", None, "0.5", 0),
    "memory": ("1Gi", None, "1Gi", "1G"),
    "ttlAfterFinish": ("1h", None, "1h", "0"),
    "capabilities": (["KILL"], [], "[KILL]", ["CHOWN"]),
    "mpiJob": ({"slotsPerWorker": 1}, {}, "{slotsPerWorker: 1}", {"slotsPerWorker": 2}),
}
FORBIDS = "cannot be set: the policy does not allow it"


@pytest.mark.parametrize(
    ("name", "raw", "empty", "shown", "other"),
    [(name, *of_a_type) for name, of_a_type in OF_EACH_TYPE.items()],
    ids=OF_EACH_TYPE,
)
def test_required_blocked_and_locked(name: str, raw: Any, empty: Any, shown: str, other: Any) -> None:
    required, blocked, locked = {"required": True}, {"blocked": True}, {"canEdit": False}
    to_shown = f"cannot be changed: the policy sets it to {shown}"
    assert [problem_of(name, required, given) for given in (None, raw, other)] == ["is required", None, None]
    assert problem_of(name, required, empty) == "is required"
    assert [problem_of(name, blocked, given) for given in (None, raw, other)] == [None, FORBIDS, FORBIDS]
    assert [problem_of(name, locked, given) for given in (None, raw, other)] == [None, FORBIDS, FORBIDS]
    assert [problem_of(name, locked, given, raw) for given in (None, raw, other)] == [to_shown, None, to_shown]
    assert problem_of(name, {"required": False, "blocked": False, "canEdit": True}, raw) is None


def test_a_locked_value_may_be_spelled_otherwise() -> None:
    assert problem_of("memory", {"canEdit": False}, "1024Mi", "1Gi") is None
    assert problem_of("ttlAfterFinish", {"canEdit": False}, "60m", "1h") is None
    assert problem_of("imagePullPolicy", {"canEdit": False}, "always", "Always") is None
    assert problem_of("nodePools", {"canEdit": False}, " a  b", "a b") is None


def test_a_second_spelling_has_its_own_rules_or_those_of_the_first() -> None:
    gpu, devices = (ValueRules(VALUES[name]) for name in ("gpu", "gpuDevices"))
    assert rule_table({"gpu": gpu}).by_spelling == {"gpu": gpu, "gpuDevices": gpu}
    assert rule_table({"gpuDevices": devices}).by_spelling == {"gpuDevices": devices}
    for rules in ({"gpu": gpu, "gpuDevices": devices}, {"gpuDevices": devices, "gpu": gpu}):
        assert rule_table(rules).by_spelling == {"gpu": gpu, "gpuDevices": devices}


def test_what_cannot_be_checked_admits_nothing() -> None:
    bound = uncheckable("max", "not a number")
    assert (bound.rule, bound.reason, bound.readable, bound.admits(5)) == ("max", INVALID, False, False)
    assert bound.problem == "cannot be checked: the policy's max is not a number"
    rules = ValueRules(VALUES["gpu"], bounds=(bound,))
    assert list(broken_rules(rules, 1, None, presence=True)) == [bound]
    assert list(broken_rules(rules, None, None, presence=True)) == []


def test_the_order_of_lines_is_the_tables() -> None:
    table = "type blocked canEdit canAdd canRemove required min max step options matches base intrinsic"
    assert sorted(RULE_ORDER, key=RULE_ORDER.__getitem__) == table.split()
