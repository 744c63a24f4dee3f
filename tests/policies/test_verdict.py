"""What is told to whom, and what is left out."""

import pytest

from policies.compile import CompiledPolicy, compile_policy
from policies.kinds import INTERACTIVE, SPEC
from policies.place import Place
from policies.rules import INVALID, Broken, Violation
from policies.schema import parse_policy
from policies.values import CATALOGUE
from policies.verdict import Verdict, first_lines, tidy

VALUES = {value.name: value for value in CATALOGUE}
PORTS = VALUES["ports"]


def a_policy(enforcement: str = "Enforce", message: str | None = None) -> CompiledPolicy:
    spec = {"enforcement": enforcement, "message": message}
    return compile_policy(parse_policy({"spec": spec}, INTERACTIVE, "runai-a", "p"))


def a_line(
    problem: str = "wrong", name: str = "gpu", rule: str = "max", *, policy: bool = True, akin: str = ""
) -> Violation:
    return Violation(Place(SPEC, VALUES[name]), Broken(rule, INVALID, problem), of_policy=policy, akin=akin)


def on_item(rule: str, label: str = "a", member: str | None = None, *, policy: bool = True) -> Violation:
    place = Place(SPEC, PORTS, label, PORTS.members[member] if member else None)
    return Violation(place, Broken(rule, INVALID, rule), of_policy=policy)


OURS, THEIRS = a_line("ours"), a_line("theirs", "cpu", "intrinsic", policy=False)
TITLE = "(InteractivePolicy runai-a/p)"


def test_no_line_admits() -> None:
    verdict = tidy([], a_policy())
    assert (verdict.allowed, verdict.lines, verdict.message, verdict.warnings) == (True, (), "", ())


REFUSALS: dict[str, tuple[list[Violation], CompiledPolicy | None, str]] = {
    "under Enforce": ([OURS, THEIRS], a_policy(message="Ask us"), f"cpu: theirs\ngpu: ours\n{TITLE}\nAsk us"),
    "without the policy's word": ([OURS], a_policy(), f"gpu: ours\n{TITLE}"),
    "of section 6 alone": ([THEIRS], a_policy(message="Ask us"), "cpu: theirs"),
    "without a policy": ([THEIRS], None, "cpu: theirs"),
    "under Warn": ([OURS, THEIRS], a_policy("Warn", "Ask us"), "cpu: theirs"),
    "under Audit": ([OURS, THEIRS], a_policy("Audit", "Ask us"), "cpu: theirs"),
    "under Warn of the policy alone": ([OURS], a_policy("Warn"), ""),
}


@pytest.mark.parametrize(("found", "compiled", "message"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal(found: list[Violation], compiled: CompiledPolicy | None, message: str) -> None:
    verdict = tidy(found, compiled)
    assert (verdict.message, verdict.allowed) == (message, not message)


@pytest.mark.parametrize(
    ("enforcement", "warnings"),
    [("Enforce", ()), ("Warn", ("gpu: ours", TITLE, "Ask us")), ("Audit", ())],
)
def test_warnings(enforcement: str, warnings: tuple[str, ...]) -> None:
    verdict = tidy([OURS, THEIRS], a_policy(enforcement, "Ask us"))
    assert (verdict.warnings, verdict.lines) == (warnings, ("cpu: theirs", "gpu: ours"))
    assert tidy([THEIRS], a_policy(enforcement)).warnings == ()


def test_20_warnings_of_120_characters() -> None:
    lines = tuple(on_item("x" * 200, f"p{number:02}") for number in range(25))
    warnings = Verdict(lines, a_policy("Warn")).warnings
    assert warnings == (*(f"ports.p{number:02}: {'x' * 109}" for number in range(20)), TITLE)


def test_100_lines_of_a_refusal() -> None:
    lines = tuple(on_item("max", f"p{number:03}") for number in range(107))
    told = Verdict(lines, a_policy()).message.split("\n")
    assert (told[99:], len(Verdict(lines, a_policy()).refusals)) == (["ports.p099: max", "and 7 more", TITLE], 107)


def test_the_first_lines() -> None:
    assert first_lines(["a", "b"], 2) == ["a", "b"]
    assert first_lines(["a", "b", "c"], 2) == ["a", "b", "and 1 more"]


def test_nobody_signs_without_a_policy() -> None:
    verdict = Verdict((), None)
    assert (verdict.signature, verdict.warnings, verdict.message, verdict.allowed) == ((), (), "", True)


SAID: dict[str, tuple[list[Violation], str, list[str]]] = {
    **{
        f"after {rule} nothing": ([a_line("min", rule="min"), a_line(rule, rule=rule)], "Enforce", [rule])
        for rule in ("type", "blocked", "canEdit", "required")
    },
    "after min the rest": ([a_line("max"), a_line("min", rule="min")], "Enforce", ["min", "max"]),
    "of another value the rest": (
        [a_line("type", rule="type"), a_line("other", "cpu")],
        "Enforce",
        ["other", "type"],
    ),
    "after an item nothing of its members": (
        [on_item("min", member="container"), on_item("canAdd"), on_item("max", "b")],
        "Enforce",
        ["canAdd", "max"],
    ),
    "of a member the rest": (
        [on_item("type", member="container"), on_item("max", member="external")],
        "Enforce",
        ["type", "max"],
    ),
    "section 6 adds none of the same kind": (
        [a_line("max"), a_line("akin", rule="intrinsic", policy=False, akin="max")],
        "Enforce",
        ["max"],
    ),
    "section 6 adds another kind": (
        [a_line("max"), a_line("akin", rule="intrinsic", policy=False, akin="min")],
        "Enforce",
        ["max", "akin"],
    ),
    "what does not refuse silences none that does": (
        [a_line("blocked", rule="blocked"), a_line("akin", rule="intrinsic", policy=False, akin="max"), a_line("max")],
        "Warn",
        ["blocked", "akin"],
    ),
    "what refuses silences what does not": (
        [a_line("type", rule="type", policy=False), a_line("max")],
        "Warn",
        ["type"],
    ),
    "under Warn both of a kind": (
        [a_line("max"), a_line("akin", rule="intrinsic", policy=False, akin="max")],
        "Warn",
        ["max", "akin"],
    ),
}


@pytest.mark.parametrize(("found", "enforcement", "problems"), SAID.values(), ids=SAID)
def test_what_is_said(found: list[Violation], enforcement: str, problems: list[str]) -> None:
    verdict = tidy(found, a_policy(enforcement))
    assert [line.broken.problem for line in verdict.violations] == problems
